"""SageMaker Data Capture: the encodings, ids, halves and ground truth, and lines of AWS's own examples."""

from __future__ import annotations

import base64
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import RECEIVED

from connectors import registry
from connectors.normalise import Tally, hints_for, normalise, wanted_of
from connectors.sources.sagemaker import SageMaker, SageMakerOptions
from store.model_file import InputType, ModelFile
from store.model_reader import read_model_file
from store.receipt import Kind

LOAN = read_model_file(
    """
    name: loan
    version: 1
    columns:
      prediction: approved
      score: probability
      outcome: {column: repaid}
      inputs: [{name: income, type: number}, {name: purpose, type: category}]
    """,
    source="loan.yaml",
)
TYPES = (InputType.NUMBER, InputType.CATEGORY)


def half(data: Any, encoding: str = "CSV", kind: str = "text/csv") -> dict[str, Any]:
    return {"observedContentType": kind, "mode": "INPUT", "data": data, "encoding": encoding}


def line(asked: Any = None, answered: Any = None, *, truth: Any = None, **about: Any) -> dict[str, Any]:
    capture = {"endpointInput": asked, "endpointOutput": answered}
    event: dict[str, Any] = {
        "captureData": {name: value for name, value in capture.items() if value is not None},
        "eventMetadata": {"eventId": "e1", "inferenceTime": "2026-02-01T00:00:00Z", **about},
        "eventVersion": "0",
    }
    if truth is not None:
        event["groundTruthData"] = truth
    return {name: value for name, value in event.items() if value != {}}


def log(folder: Path, *events: dict[str, Any] | str) -> Path:
    path = folder / "AllTraffic" / "2026" / "02" / "01" / "00" / "x.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in events))
    return path


def read(
    path: Path, *, kind: Kind = Kind.PREDICTIONS, model: ModelFile = LOAN, types: Any = TYPES, **options: Any
) -> tuple[list[dict[str, Any]], Tally]:
    source = SageMaker()
    (file,) = source.walk(path)
    raw = source.read(file, SageMakerOptions(**options), wanted_of(model, kind))
    rows = normalise(raw, model, kind=kind, types=types, received_at=RECEIVED)
    return rows.table().to_pylist(), rows.finish()


def values(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(r["x0"], r["x1"], r["prediction"], r["score"]) for r in rows]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


TWO = [(5.0, "car", "1", 0.9), (7.0, "home", "0", 0.2)]
JSON = "application/json"
LINES = "application/jsonlines"


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (half("5,car\n7,home\n"), half("1,0.9\n0,0.2")),
        (half("5,car\r\n7,home\r\n"), half("1, 0.9\r\n0, 0.2\r\n", kind="text/csv; charset=utf-8")),
        (half("income,purpose\n5,car\n7,home"), half("approved,probability\n1,0.9\n0,0.2")),
        (half("purpose,income\ncar,5\nhome,7"), half("1,0.9\n0,0.2")),
        (half(b64("5,car\n7,home"), "BASE64"), half(b64("1,0.9\n0,0.2"), "BASE64")),
        (half(b64("5,car\n7,home"), "BASE64", ""), half(b64("[[1, 0.9], [0, 0.2]]"), "BASE64", "")),
        (
            half('{"instances": [[5, "car"], [7, "home"]]}', "JSON", JSON),
            half('{"predictions": [[1, 0.9], [0, 0.2]]}', "JSON", JSON),
        ),
        (
            half('{"instances": [{"features": [5, "car"]}, {"features": [7, "home"]}]}', "JSON", JSON),
            half('{"predictions": [{"probability": 0.9, "approved": 1}, {"approved": 0, "probability": 0.2}]}', "JSON"),
        ),
        (
            half('{"features": [5, "car"]}\n{"features": [7, "home"]}', "JSON", LINES),
            half('{"approved": 1, "probability": 0.9}\n{"approved": 0, "probability": 0.2}\n', "JSON", LINES),
        ),
        (
            half('[{"income": 5, "purpose": "car"}, {"income": 7, "purpose": "home"}]', "JSON", JSON),
            half("1,0.9\n0,0.2"),
        ),
    ],
)
def test_every_encoding_gives_the_same_rows(tmp_path: Path, asked: Any, answered: Any) -> None:
    rows, tally = read(log(tmp_path, line(asked, answered)))
    assert values(rows) == TWO
    assert ([r["id"] for r in rows], [r["part"] for r in rows]) == (["e1_0", "e1_1"], [3, 3])
    assert (tally.rejects, tally.ignored, tally.absent) == ((), {}, ())
    assert rows[0]["event_time"] == datetime(2026, 2, 1)


def test_one_row_keeps_the_id_and_the_callers_own_comes_first(tmp_path: Path) -> None:
    rows, _ = read(
        log(tmp_path, line(half("5,car"), half("1,0.9")), line(half("5,car"), half("1"), inferenceId="mine"))
    )
    assert [(r["id"], r["score"]) for r in rows] == [("e1", 0.9), ("mine", None)]


def test_options_name_the_values(tmp_path: Path) -> None:
    path = log(tmp_path, line(half("x7,car,5"), half("0.9")))
    rows, tally = read(path, inputs=("branch", "purpose", "income"), outputs=("probability",))
    assert values(rows) == [(5.0, "car", None, 0.9)]
    assert tally.ignored == {"branch": 1}
    rows, _ = read(log(tmp_path, line(half('{"x": [5, "car"]}', "JSON", JSON), half("1"))), features="x")
    assert values(rows) == [(5.0, "car", "1", None)]


def test_a_half_alone_is_a_half(tmp_path: Path) -> None:
    rows, _ = read(log(tmp_path, line(half("5,car")), line(answered=half("1,0.9"), eventId="e2")))
    assert [(r["id"], r["part"]) for r in rows] == [("e1", 1), ("e2", 2)]


def test_an_answer_that_repeats_its_inputs_does_not_change_them(tmp_path: Path) -> None:
    answer = half('{"predictions": [{"income": 99, "approved": 1}]}', "JSON", JSON)
    rows, _ = read(log(tmp_path, line(half("5,car"), answer)))
    assert values(rows) == [(5.0, "car", "1", None)]


def test_an_empty_cell_is_missing(tmp_path: Path) -> None:
    rows, tally = read(log(tmp_path, line(half(",car"), half("1,"))))
    assert (values(rows), tally.rejects) == ([(None, "car", "1", None)], ())


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (line(half("5,car\n7,home"), half("1,0.9")), "rows_differ"),
        (line(half("5"), half("1")), "csv"),
        (line(half("5,car,3"), half("1")), "csv"),
        (line(half('5,"car'), half("1")), "csv"),
        (line(half("{", "JSON", JSON), half("1")), "json"),
        (line(half("%%%", "BASE64"), half("1")), "base64"),
        (line(half(base64.b64encode(b"\x89PNG\xff").decode(), "BASE64", "image/png"), half("1")), "binary"),
        (line(half('{"instances": [[5]]}', "JSON", JSON), half("1")), "not_tabular"),
        (line(half("5,car"), half("1"), inferenceTime="soon"), "time"),
        (line(), "no_data"),
        ({}, "no_data"),
        ({"captureData": 5, "eventMetadata": []}, "no_data"),
    ],
)
def test_what_holds_no_rows_costs_its_line_only(tmp_path: Path, event: dict[str, Any], reason: str) -> None:
    rows, tally = read(log(tmp_path, event, line(half("5,car"), half("1"), eventId="e2")))
    assert ([r["id"] for r in rows], tally.reasons, tally.rows) == (["e2"], {reason: 1}, 2)
    assert tally.rejects[0][0] == 1


@pytest.mark.parametrize("text", ["[]", "{", '"x"', "[1]", "\x00"])
def test_lines_that_are_no_events(tmp_path: Path, text: str) -> None:
    rows, tally = read(log(tmp_path, line(half("5,car"), half("1")), text))
    assert (len(rows), tally.rows) == (1, 2)


def test_a_comma_after_the_object_is_forgiven(tmp_path: Path) -> None:
    assert len(read(log(tmp_path, json.dumps(line(half("5,car"), half("1"))) + ","))[0]) == 1


def test_ground_truth_is_labels(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        line(truth=half("1")),
        line(truth=half("1\n0"), eventId="e2"),
        line(truth=half('{"repaid": 0}', "JSON", JSON), inferenceId="mine"),
    )
    rows, tally = read(path, kind=Kind.LABELS)
    assert [(r["id"], r["label"]) for r in rows] == [("e1", "1"), ("e2_0", "1"), ("e2_1", "0"), ("mine", "0")]
    assert tally.rejects == ()


def test_a_merged_file_holds_rows_with_their_label(tmp_path: Path) -> None:
    rows, _ = read(log(tmp_path, line(half("5,car"), half("1,0.9"), truth=half("0"))))
    assert (values(rows), rows[0]["label"]) == ([(5.0, "car", "1", 0.9)], "0")


def test_types_are_found_in_the_text_of_csv(tmp_path: Path) -> None:
    path = log(tmp_path, line(half("5,car"), half("1,0.9")), line(half("6.5,home"), half("1,0.9")))
    source = SageMaker()
    (file,) = source.walk(path)
    raw = source.read(file, SageMakerOptions(), wanted_of(LOAN, Kind.PREDICTIONS))
    assert hints_for(raw, LOAN) == {"income": "double", "purpose": "string"}


def test_it_is_known_by_itself(tmp_path: Path) -> None:
    assert registry.sniff(log(tmp_path, line(half("5,car"), half("1")))).kind == "sagemaker"
    assert registry.sniff(tmp_path).kind == "sagemaker"
    assert registry.sniff(log(tmp_path, line(truth=half("1")))).kind == "sagemaker"


# -- lines of AWS's own examples ----------------------------------------------------------------------------------


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "inputs", "first"),
    [
        ("SageMaker-Monitoring-Feature-Attribution-Drift-for-Endpoint.capture.jsonl", 14, (28.0, "1", 0.98997735977)),
        ("sm-clarify_model_bias_monitor_for_endpoint_json.capture.jsonl", 14, (28.0, "1", 0.98997735977)),
        ("sm-model_monitor_introduction.capture.jsonl", 69, (132.0, None, 0.03639772534)),
    ],
)
def test_the_examples_are_read_whole(real_data: Path, name: str, inputs: int, first: tuple[Any, ...]) -> None:
    text = ", ".join(f"{{name: x{i}, type: number}}" for i in range(inputs))
    told = "" if "introduction" in name else "prediction: predicted_label, "
    model = read_model_file(f"{{name: m, version: 1, columns: {{{told}score: score, inputs: [{text}]}}}}", source="m")
    path = real_data / "logs" / "sagemaker" / name
    assert registry.sniff(path).kind == "sagemaker"
    rows, tally = read(path, model=model, types=(InputType.NUMBER,) * inputs)
    assert (len(rows), tally.rows, tally.ignored, tally.absent) == (3, 3, {}, ())
    assert rows[0]["x0"] == first[0]
    assert rows[0]["prediction"] == first[1]
    assert rows[0]["score"] == pytest.approx(first[2])
