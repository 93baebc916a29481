"""Azure ML collector logs: the traps, and every file that Azure's own tests use."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import RECEIVED, Case, taken

from connectors import registry
from connectors.normalise import Tally, normalise, wanted_of
from connectors.sources.azureml import AzureML
from store.errors import BadInput
from store.model_file import InputType, ModelFile
from store.model_reader import read_model_file
from store.receipt import Kind

IRIS_COLUMNS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
IRIS = read_model_file(
    """
    name: iris
    version: 1
    task: multiclass
    columns:
      prediction: target
      score: sure
      inputs:
        - {name: sepal_length, type: number}
        - {name: sepal_width, type: number}
        - {name: petal_length, type: number}
        - {name: petal_width, type: number}
    """,
    source="iris.yaml",
)
CASE = Case(source=AzureML(), write=lambda folder, rows: folder)
PLAIN = {"sepal_length": 1, "sepal_width": 2, "petal_length": 3, "petal_width": 4}


def event(**changes: Any) -> dict[str, Any]:
    whole = {
        "specversion": "1.0",
        "id": "e1",
        "source": "/subscriptions/x/providers/Microsoft.MachineLearningServices/workspaces/w",
        "type": "azureml.inference.model_inputs",
        "time": "2026-01-01T00:00:00Z",
        "data": [PLAIN],
        "correlationid": "c1",
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not ...}


def log(folder: Path, events: Sequence[dict[str, Any] | str], collection: str = "model_inputs") -> Path:
    path = folder / collection / "2026" / "01" / "01" / "00" / "log.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in events))
    return path


def iris(path: Path, model: ModelFile = IRIS) -> tuple[list[dict[str, Any]], Tally]:
    return taken(CASE, path, model=model)


def test_a_line_may_hold_several_rows_of_one_call(tmp_path: Path) -> None:
    rows, tally = iris(log(tmp_path, [event(data=[PLAIN, PLAIN]), event(correlationid="c2")]))
    assert [r["id"] for r in rows] == ["c1_0", "c1_1", "c2_0"]
    assert [r["n"] for r in rows] == [0, 1, 2]
    assert rows[0]["event_time"] == datetime(2026, 1, 1)
    assert (tally.rows, tally.absent) == (3, ())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"correlationid": ...}, "e1_0"),
        ({"correlationid": ..., "xrequestid": "x"}, "x_0"),
        ({"correlationid": ..., "id": ...}, None),
    ],
)
def test_ids_fall_back_to_the_envelope_and_then_to_the_batch(
    tmp_path: Path, changes: dict[str, Any], expected: str | None
) -> None:
    rows, _ = iris(log(tmp_path, [event(**changes)]))
    assert rows[0]["id"] == expected if expected else rows[0]["id"].endswith("-0")


def test_inputs_and_outputs_of_a_call_meet(tmp_path: Path) -> None:
    inputs = iris(log(tmp_path / "a", [event()]))[0]
    outputs = iris(log(tmp_path / "b", [event(data=[{"target": "setosa"}])], "model_outputs"))[0]
    assert (inputs[0]["id"], inputs[0]["part"], outputs[0]["part"]) == (outputs[0]["id"], 1, 2)


def test_a_payload_beside_the_log_is_read_through_its_reference(tmp_path: Path) -> None:
    path = log(tmp_path, [event(data=..., dataref="azureml://x/model_inputs/2026/01/01/00/files/p%201.json")])
    (path.parent / "files").mkdir()
    (path.parent / "files" / "p 1.json").write_text(json.dumps([PLAIN, PLAIN]))
    rows, tally = iris(path)
    assert ([r["id"] for r in rows], tally.rejects) == (["c1_0", "c1_1"], ())


def test_a_payload_is_part_of_the_batch(tmp_path: Path) -> None:
    path = log(tmp_path, [event(data=..., dataref="p.json")])
    sums = set()
    for value in (1, 2):
        (path.parent / "p.json").write_text(json.dumps([PLAIN] * value))
        sums.add(_read(path).sha256)
    (path.parent / "p.json").unlink()
    sums.add(_read(path).sha256)
    assert len(sums) == 3


@pytest.mark.parametrize(
    "reference",
    [
        "gone.json",
        "",
        "../secret.json",
        "/etc/passwd",
        "https://x.net/etc/passwd",
        "log.jsonl",
        7,
        "a\x00b",
        "x" * 5000,
    ],
)
def test_a_reference_that_leads_nowhere_or_out_is_quarantined(tmp_path: Path, reference: Any) -> None:
    (tmp_path / "model_inputs" / "2026" / "01" / "01").mkdir(parents=True)
    (tmp_path / "model_inputs" / "2026" / "01" / "01" / "secret.json").write_text(json.dumps([PLAIN]))
    rows, tally = iris(log(tmp_path, [event(data=..., dataref=reference), event()]))
    assert (len(rows), tally.reasons) == (1, {"dataref": 1})


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text(json.dumps([PLAIN]))
    path = log(tmp_path / "logs", [event(data=..., dataref="p.json")])
    (path.parent / "p.json").symlink_to(tmp_path / "secret.json")
    assert iris(path)[1].reasons == {"dataref": 1}


def test_a_payload_may_lie_above_the_log_but_within_the_walk(tmp_path: Path) -> None:
    log(tmp_path, [event(data=..., dataref="https://store/container/model_inputs/files/p.json")])
    (tmp_path / "model_inputs" / "files").mkdir()
    (tmp_path / "model_inputs" / "files" / "p.json").write_text(json.dumps([PLAIN]))
    assert iris(tmp_path)[1].accepted == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"datainblob": "true", "data": "https://store/blob"}, "binary"),
        ({"type": "azureml.inference.tracing_spans"}, "not_tabular"),
        ({"data": [{"context": {"trace_id": "t"}, "attributes": {}}]}, "not_tabular"),
        ({"data": "free text"}, "not_tabular"),
        ({"data": ...}, "no_data"),
        ({"data": None}, "no_data"),
        ({"data": [{}]}, "no_columns"),
        ({"data": {}}, "no_columns"),
        ({"data": [[1, 2]]}, "not_tabular"),
        ({"time": "soon"}, "time"),
        ({"time": 1e300}, "time"),
        ({"data": [{"sepal_length": [1]}]}, "type:sepal_length"),
    ],
)
def test_what_holds_no_rows_is_told(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    rows, tally = iris(log(tmp_path, [event(**changes), event(correlationid="c2")]))
    assert [r["id"] for r in rows] == ["c2_0"]
    assert tally.reasons == {reason: 1}
    assert tally.rejects[0][0] == 1


@pytest.mark.parametrize("line", ["{}", "[]", "{", '"x"', "[1]", "{} {", "\x00"])
def test_lines_that_are_no_events(tmp_path: Path, line: str) -> None:
    rows, tally = iris(log(tmp_path, [event(), line, event(correlationid="c2")]))
    assert [r["id"] for r in rows] == ["c1_0", "c2_0"]
    assert tally.rows == 3


def test_a_comma_after_the_object_is_forgiven(tmp_path: Path) -> None:
    rows, tally = iris(log(tmp_path, [json.dumps(event()) + ",", json.dumps(event(correlationid="c2")) + " ,"]))
    assert (len(rows), tally.rejects) == (2, ())


def test_no_time_at_all_is_the_time_of_receipt(tmp_path: Path) -> None:
    assert iris(log(tmp_path, [event(time=...)]))[0][0]["event_time"] == RECEIVED


@pytest.mark.parametrize(
    "data",
    [
        [[1, 2, 3, 4], [5, 6, 7, 8]],
        {"data": [[1, 2, 3, 4], [5, 6, 7, 8]]},
        {"input_data": {"columns": list(IRIS_COLUMNS), "data": [[1, 2, 3, 4], [5, 6, 7, 8]]}},
        {
            "dataframe_split": {
                "columns": list(reversed(IRIS_COLUMNS)),
                "index": [0, 1],
                "data": [[4, 3, 2, 1], [8, 7, 6, 5]],
            }
        },
        {"inputs": [dict(zip(IRIS_COLUMNS, row, strict=True)) for row in ([1, 2, 3, 4], [5, 6, 7, 8])]},
        {name: [at + 1, at + 5] for at, name in enumerate(IRIS_COLUMNS)},
        json.dumps([[1, 2, 3, 4], [5, 6, 7, 8]]),
    ],
)
def test_requests_without_names_take_the_models_order(tmp_path: Path, data: Any) -> None:
    rows, tally = iris(log(tmp_path, [event(type="azureml.inference.request", data=data, path="/score")], "request"))
    assert [[r[f"x{i}"] for i in range(4)] for r in rows] == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert tally.rejects == ()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (["setosa", "virginica"], [("setosa", None), ("virginica", None)]),
        ({"predictions": [["setosa", 0.9], ["virginica", 0.8]]}, [("setosa", 0.9), ("virginica", 0.8)]),
        ({"target": "setosa", "sure": 0.5}, [("setosa", 0.5)]),
        (3, [("3", None)]),
    ],
)
def test_responses(tmp_path: Path, data: Any, expected: list[tuple[str, float | None]]) -> None:
    rows, _ = iris(log(tmp_path, [event(data=data, type="azureml.inference.response")], "response"))
    assert [(r["prediction"], r["score"]) for r in rows] == expected


def test_a_version_that_the_log_names(tmp_path: Path) -> None:
    assert _read(log(tmp_path, [event(modelversion="default")])).version is None
    assert _read(log(tmp_path, [event(modelversion="7"), event(modelversion="default")])).version == "7"
    two = _read(log(tmp_path, [event(modelversion="7"), event(modelversion="8")]))
    assert two.version is None
    assert "7, 8" in two.notes[0]


def _read(path: Path) -> Any:
    (file,) = AzureML().walk(path)
    return AzureML().read(file, AzureML.options(), wanted_of(IRIS, Kind.PREDICTIONS))


def _notes(folder: Path, columns: str, row: dict[str, Any]) -> tuple[str, ...]:
    inputs = "inputs: [{name: sepal_length, type: number}]"
    model = read_model_file(f"{{name: m, version: 1, columns: {{{columns}{inputs}}}}}", source="m")
    return iris(log(folder, [event(data=[row])]), model)[1].notes


def test_outcomes_without_an_id_of_the_callers_own_are_told_with_the_fix(tmp_path: Path) -> None:
    row = {"sepal_length": 1}
    (note,) = _notes(tmp_path / "a", "outcome: kind, ", row)
    assert "names no id column" in note and "collect()" in note
    (note,) = _notes(tmp_path / "b", "id: own, outcome: kind, ", row)
    assert "carries no column own" in note
    assert _notes(tmp_path / "c", "id: own, outcome: kind, ", {**row, "Own": "x"}) == ()
    assert _notes(tmp_path / "d", "outcome: kind, ", {**row, "kind": "x"}) == ()
    assert _notes(tmp_path / "e", "", row) == ()


@pytest.mark.parametrize(("version", "told"), [("default", True), ("7", False), (..., False)])
def test_a_default_version_is_told_with_the_fix(tmp_path: Path, version: Any, told: bool) -> None:
    raw = _read(log(tmp_path, [event(modelversion=version), event(modelversion=version)]))
    assert ("--model M:V" in raw.unversioned) is told
    assert raw.version == ("7" if version == "7" else None)


def test_the_collection_may_be_given_as_an_option(tmp_path: Path) -> None:
    path = log(tmp_path, [event(data=[[1, 2, 3, 4]], type="x")], "elsewhere")
    source = AzureML()
    (file,) = source.walk(path)
    raw = source.read(file, AzureML.options(collection="model_inputs"), wanted_of(IRIS, Kind.PREDICTIONS))
    (chunk,) = raw.chunks()
    assert chunk.table.to_pylist() == [dict(zip(IRIS_COLUMNS, (1, 2, 3, 4), strict=True))]


# -- Azure's own test data ----------------------------------------------------------------------------------------


@pytest.mark.realdata
class TestAzuresOwnLogs:
    @pytest.fixture
    def logs(self, real_data: Path) -> Path:
        return real_data / "logs" / "azureml_mdc"

    @pytest.mark.parametrize(
        ("name", "kept"),
        [
            ("e2e/resources/uri_folder_iris_model_inputs_no_drift/2023/01", 75),
            ("e2e/resources/uri_folder_iris_model_inputs_outputs_no_drift/2023/01", 75),
            ("e2e/resources/uri_folder_iris_model_outputs_no_drift", 75),
            ("e2e/resources/uri_folder_iris_model_inputs_with_drift/2023/01", 20),
            ("unit/raw_mdc_data/2023/10/11", 4),
            ("unit/raw_mdc_data/2023/10/15", 4),
            ("unit/raw_mdc_data/2023/10/16", 4),
            ("unit/raw_mdc_data/2023/11/06", 0),
        ],
    )
    def test_each_tree(self, logs: Path, name: str, kept: int) -> None:
        rows, tally = iris(logs / name)
        assert (len(rows), tally.rows, tally.rejects) == (kept, kept, ())

    def test_both_months_are_the_same_bytes(self, logs: Path) -> None:
        one, two = AzureML().walk(logs / "e2e/resources/uri_folder_iris_model_inputs_with_drift")
        assert _read(one.path).sha256 == _read(two.path).sha256

    def test_samples_of_the_documentation(self, logs: Path) -> None:
        rows, tally = iris(logs / "docs_payload_and_binary_samples.jsonl")
        assert [r["part"] for r in rows] == [2, 2]
        assert tally.reasons == {"binary": 1, "not_tabular": 2}

    @pytest.mark.parametrize("name", ["10/24/22/mdc_chat_history", "10/30/16/mdc_data_chat_history", "11/12/10/JObj"])
    def test_chats_are_another_model(self, logs: Path, name: str) -> None:
        with pytest.raises(BadInput, match="none of the columns that iris declares"):
            iris(logs / f"unit/raw_mdc_data/2023/{name}.jsonl")

    def test_a_line_that_ends_with_a_comma(self, logs: Path) -> None:
        chat = read_model_file(
            "{name: chat, version: 1, columns: {inputs: [{name: question, type: category}]}}", source="chat"
        )
        rows, tally = taken(CASE, logs / "unit/raw_mdc_data/2023/10/30", model=chat)
        assert (len(rows), tally.reasons, tally.ignored) == (4, {}, {"chat_history": 4})

    def test_the_format_is_known_by_itself(self, logs: Path) -> None:
        assert registry.sniff(logs).kind == "azureml"
        assert registry.sniff(logs / "e2e/resources/mltable_iris_baseline/iris_baseline.csv").kind == "tabular"

    def test_the_baseline(self, logs: Path) -> None:
        source = registry.load_source("tabular")
        (file,) = source.walk(logs / "e2e/resources/mltable_iris_baseline/iris_baseline.csv")
        raw = source.read(file, source.options(), wanted_of(IRIS, Kind.REFERENCE))
        rows = normalise(raw, IRIS, kind=Kind.REFERENCE, types=(InputType.NUMBER,) * 4, received_at=RECEIVED)
        assert rows.table().num_rows == 75
        assert rows.finish().absent == ()
