"""KServe's logger: halves of calls in every form it leaves them, the traps, and the sample of its own documentation."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import struct
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from contract import Case, taken
from kserve_files import AT, RESPONSE, event, record, write_events, write_records

from connectors import registry
from connectors.base import Raw
from connectors.normalise import Tally, wanted_of
from connectors.sources.captured import NoEvent, moment_of, plain
from connectors.sources.kserve import KServe, KServeOptions, half_of
from connectors.sources.seldon import _half_of_kind, _told
from store.errors import BadInput
from store.model_reader import read_model_file
from store.receipt import Kind

IRIS = read_model_file(
    """
    name: sklearn-iris
    version: 1
    task: multiclass
    columns:
      prediction: species
      score: sure
      inputs:
        - {name: sepal_length, type: number}
        - {name: sepal_width, type: number}
        - {name: petal_length, type: number}
        - {name: petal_width, type: number}
    """,
    source="iris.yaml",
)
CASE = Case(source=KServe(), write=lambda folder, rows: folder)
FLOWERS = [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]
ASKED, ANSWERED = {"instances": FLOWERS}, {"predictions": [1, 2]}
TIME = datetime(2026, 2, 1, 0, 0, 0, 123456)


def iris(path: Path) -> tuple[list[dict[str, Any]], Tally]:
    return taken(CASE, path, model=IRIS)


def raw(path: Path) -> Raw:
    (file,) = KServe().walk(path)
    return KServe().read(file, KServeOptions(), wanted_of(IRIS, Kind.PREDICTIONS))


def events(folder: Path, *some: dict[str, Any] | str) -> tuple[list[dict[str, Any]], Tally]:
    return iris(write_events(folder, some))


def check_both(rows: Sequence[dict[str, Any]], tally: Tally, time: datetime | None = TIME) -> None:
    assert tally.rejects == ()
    assert [(r["id"], r["part"]) for r in rows] == [("call-1_0", 1), ("call-1_1", 1), ("call-1_0", 2), ("call-1_1", 2)]
    assert [r["x3"] for r in rows[:2]] == [1.4, 1.6]
    assert [r["prediction"] for r in rows[2:]] == ["1", "2"]
    if time is not None:
        assert {r["event_time"] for r in rows} == {time}


# -- events -------------------------------------------------------------------------------------------------------


def test_request_and_response_of_a_call_meet(tmp_path: Path) -> None:
    check_both(*events(tmp_path, event(ASKED), event(ANSWERED, type_=RESPONSE)))


def test_the_same_as_tensors(tmp_path: Path) -> None:
    asked = {
        "id": "x",
        "inputs": [
            {"name": "in", "shape": [2, 4], "datatype": "FP64", "data": [value for row in FLOWERS for value in row]}
        ],
    }
    answered = {
        "model_name": "sklearn-iris",
        "model_version": "7",
        "outputs": [{"name": "predict", "shape": [2, 1], "datatype": "INT64", "data": [1, 2]}],
    }
    path = write_events(tmp_path, [event(asked), event(answered, type_=RESPONSE)])
    check_both(*iris(path))
    assert raw(path).version is None, "the server's own count is no version of ours, and requests do not tell it"


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "org.kserve.serving.inference.request"},
        {"type": "inference.request"},
        {"time": "2026-02-01T01:00:00.123456+01:00"},
        {"data": json.dumps(ASKED)},
        {"data": ..., "data_base64": base64.b64encode(json.dumps(ASKED).encode()).decode()},
        {"inferenceservicename": ..., "inferenceservice": '"loans"', "specversion": "0.2", "id": '"call-1"'},
    ],
)
def test_how_else_senders_write_an_event(tmp_path: Path, changes: dict[str, Any]) -> None:
    rows, tally = events(tmp_path, {**event(ASKED, **changes)})
    assert (tally.rejects, [r["id"] for r in rows]) == ((), ["call-1_0", "call-1_1"])
    assert rows[0]["event_time"] == TIME
    assert raw(tmp_path / "events.jsonl").model == "loans"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "org.kubeflow.serving.inference.ping"}, "event_type"),
        ({"type": ...}, "event_type"),
        ({"component": "explainer"}, "not_tabular"),
        ({"data": ...}, "no_data"),
        ({"data": None}, "no_data"),
        ({"data": "no json"}, "json"),
        ({"data": {"explanations": []}}, "not_tabular"),
        ({"data": ..., "data_base64": "%%%"}, "encoding"),
        ({"data": ..., "data_base64": base64.b64encode(b"\xff\xfe").decode()}, "json"),
        ({"time": "soon"}, "time"),
        ({"time": "1970-01-01T00:00:00Z"}, "time"),
        ({"time": "9999-01-01T00:00:00Z"}, "time"),
        ({"time": "2200-01-01T00:00:00Z"}, "time"),
        ({"specversion": ...}, "json"),
        ({"id": "call-2\ud800"}, "encoding"),
        ({"inferenceservicename": "wine"}, "other_model"),
    ],
)
def test_an_event_that_cannot_be_read_is_told_and_costs_itself_alone(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    rows, tally = events(tmp_path, event(ASKED), {**event(ASKED, call="call-2", **changes)}, event(ASKED, call="c3"))
    assert (len(rows), tally.reasons, tally.rows) == (4, {reason: 1}, 5)
    line, _, expected, shown = tally.rejects[0]
    assert line == 2
    assert expected
    assert b"call-2" in shown


def test_a_row_that_does_not_fit_keeps_its_place(tmp_path: Path) -> None:
    rows, tally = events(tmp_path, event({"instances": [FLOWERS[0], [1, 2], FLOWERS[1]]}))
    assert [r["id"] for r in rows] == ["call-1_0", "call-1_2"]
    assert tally.reasons == {"not_tabular": 1}


def test_an_event_without_an_id_still_counts_its_rows(tmp_path: Path) -> None:
    rows, _ = events(tmp_path, event(ASKED, id=...))
    assert len({r["id"] for r in rows}) == 2


@pytest.mark.parametrize("form", ["json", "array", "pretty", "zipped"])
def test_events_in_other_files(tmp_path: Path, form: str) -> None:
    both = [event(ASKED), event(ANSWERED, type_=RESPONSE)]
    path = tmp_path / ("events.jsonl.gz" if form == "zipped" else "events.json")
    text = "\n".join(map(json.dumps, both)) if form in ("json", "zipped") else json.dumps(both, indent=2)
    text = json.dumps(both) if form == "array" else text
    path.write_bytes(gzip.compress(text.encode()) if form == "zipped" else text.encode())
    check_both(*iris(path))


# -- the blob store -----------------------------------------------------------------------------------------------


def test_records_of_the_blob_store_as_json(tmp_path: Path) -> None:
    check_both(*iris(write_records(tmp_path, [record(ASKED), record(ANSWERED, type_=RESPONSE)])))


def test_one_record_is_an_object(tmp_path: Path) -> None:
    assert [r["part"] for r in iris(write_records(tmp_path, [record(ASKED)]))[0]] == [1, 1]


def test_records_as_go_writes_them_without_tags(tmp_path: Path) -> None:
    capital = {name[0].upper() + name[1:]: value for name, value in record(ASKED).items()}
    assert len(iris(write_records(tmp_path / ".", [{**capital, "id": "call-1"}]))[0]) == 2


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_carry_no_time_and_take_the_files_own(tmp_path: Path, form: str) -> None:
    metadata = {"X-Forwarded-For": ['a,"b"']}
    path = write_records(tmp_path, [record(ASKED, metadata=metadata), record(ANSWERED, type_=RESPONSE)], form)
    os.utime(path, (1_770_000_000, 1_770_000_000))
    check_both(*iris(path), time=datetime(2026, 2, 2, 2, 40))
    assert raw(path).notes == ("events without a time took the file's modification time",)


def test_a_time_that_was_never_set_is_none(tmp_path: Path) -> None:
    path = write_records(tmp_path, [record(ASKED, occurrenceTime="0001-01-01T00:00:00Z")])
    os.utime(path, (1_770_000_000, 1_770_000_000))
    assert iris(path)[0][0]["event_time"] == datetime(2026, 2, 2, 2, 40)


def test_the_files_name_tells_the_half_where_the_record_does_not(tmp_path: Path) -> None:
    path = write_records(tmp_path, [record(ANSWERED, type_="predict")])
    answer = path.with_name("call-1-response.json")
    path.rename(answer)
    assert [r["part"] for r in iris(answer)[0]] == [2, 2]


@pytest.mark.parametrize("changes", [{"bytes": ""}, {"bytes": "%"}, {"reqType": "predict", "id": "x"}])
def test_a_record_that_cannot_be_read(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = write_records(tmp_path, [record(ASKED), record(ASKED, call="2", **changes)])
    path = path.rename(path.with_name("records.json"))
    rows, tally = iris(path)
    assert (len(rows), len(tally.rejects)) == (2, 1)


@pytest.mark.parametrize("told", [True, False])
def test_tensors_behind_the_json(tmp_path: Path, told: bool) -> None:
    values = struct.pack("<8f", *(value for row in FLOWERS for value in row))
    tensor = {"name": "in", "shape": [2, 4], "datatype": "FP32", "parameters": {"binary_data_size": len(values)}}
    head = json.dumps({"inputs": [tensor]}).encode()
    metadata = {"Inference-Header-Content-Length": [str(len(head))]} if told else None
    rows, tally = iris(write_records(tmp_path, [record(head + values, metadata=metadata)]))
    assert tally.rejects == ()
    assert [round(r["x0"], 5) for r in rows] == [6.8, 6.0]


# -- finding ------------------------------------------------------------------------------------------------------


def test_a_folder_is_walked_for_what_a_logger_writes(tmp_path: Path) -> None:
    deep = tmp_path / "ns" / "loans" / "predictor"
    deep.mkdir(parents=True)
    write_records(deep, [record(ASKED)])
    write_records(deep, [record(ASKED, call="2")], "csv")
    write_records(deep, [record(ASKED, call="3")], "parquet")
    (deep / "notes.txt").write_text("x")
    (deep / "_SUCCESS.json").write_text("{}")
    names = [file.name for file in KServe().walk(tmp_path)]
    assert names == [
        "ns/loans/predictor/2-request.csv",
        "ns/loans/predictor/3-request.parquet",
        "ns/loans/predictor/call-1-request.json",
    ]
    with pytest.raises(BadInput, match="no such file"):
        list(KServe().walk(tmp_path / "gone"))


@pytest.mark.parametrize("form", ["json", "csv", "parquet", "events"])
def test_it_is_found_by_itself(tmp_path: Path, form: str) -> None:
    path = (
        write_events(tmp_path, [event(ASKED)])
        if form == "events"
        else write_records(tmp_path, [record(ASKED), record(ANSWERED, type_=RESPONSE)], form)
    )
    assert registry.sniff(path).kind == "kserve"


def test_other_files_are_not_its_own(tmp_path: Path) -> None:
    for name, text in (("rows.csv", "url,bytes\n1,2\n"), ("rows.jsonl", '{"id": 1}\n'), ("a.json", '{"inputs": []}')):
        path = tmp_path / name
        path.write_text(text)
        assert KServe().sniff(path, path.read_bytes()) == 0


@pytest.mark.realdata
def test_the_sample_of_kserves_own_documentation(real_data: Path) -> None:
    path = real_data / "logs" / "kserve" / "basic_readme_cloudevents_structured.jsonl"
    assert registry.sniff(path).kind == "kserve"
    rows, tally = iris(path)
    assert (tally.rejects, len(rows), raw(path).model) == ((), 4, "sklearn-iris")
    call = "0009174a-24a8-4603-b098-09c8799950e9"
    assert [r["id"] for r in rows] == [f"{call}_0", f"{call}_1"] * 2
    assert rows[0]["x0"] == 6.8
    assert [r["prediction"] for r in rows] == [None, None, "1", "1"]
    assert rows[0]["event_time"] == datetime(2021, 4, 10, 0, 23, 26, 78952)


@pytest.mark.parametrize("form", ["events", "json", "csv", "parquet"])
def test_a_file_that_is_cut_or_garbled_is_told_and_never_raises(tmp_path: Path, form: str) -> None:
    halves = [(ASKED, {}), (ANSWERED, {"type_": RESPONSE})] * 3
    whole = (
        write_events(tmp_path, [event(payload, **about) for payload, about in halves])
        if form == "events"
        else write_records(tmp_path, [record(payload, **about) for payload, about in halves], form)
    )
    content = whole.read_bytes()
    known = {(r["id"], r["x0"], r["prediction"]) for r in iris(whole)[0]}
    for at in range(0, len(content), max(len(content) // 20, 1)):
        for spoiled in (content[:at], content[:at] + b"\xff\x00" + content[at + 2 :]):
            path = tmp_path / f"spoiled{whole.suffix}"
            path.write_bytes(spoiled)
            rows, tally = iris(path)
            assert tally.rows == len(rows) + len(tally.rejects) <= 13
            assert {(r["id"], r["x0"], r["prediction"]) for r in rows} <= known


@given(
    st.dictionaries(
        st.sampled_from(["specversion", "type", "id", "time", "data", "data_base64", "component", "metadata", "bytes"])
        | st.sampled_from(
            ["reqType", "occurrenceTime", "inferenceService", "inferenceservicename", "topic", "headers"]
        ),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text(max_size=8)
            | st.just(AT)
            # what makes an event one of ours
            | st.sampled_from([RESPONSE, "e30=", "{}", "seldon.ns.model.m.inputs", "io.seldon.serving.feedback"]),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["instances", "inputs", "predictions", "name", "truth"]), inner, max_size=3
                )
            ),
            max_leaves=8,
        ),
        max_size=8,
    )
)
def test_no_event_makes_a_source_raise(found: dict[str, Any]) -> None:
    for read in (partial(half_of, name="x-request.json"), partial(_half_of_kind, truths=True), _told):
        with contextlib.suppress(NoEvent):
            read(found)


# -- small things -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        (AT, TIME),
        (1_769_904_000, datetime(2026, 2, 1)),
        (1_769_904_000_000, datetime(2026, 2, 1)),
        ("1769904000000", datetime(2026, 2, 1)),
    ],
)
def test_times(value: Any, expected: datetime | None) -> None:
    assert moment_of(value) == expected


@pytest.mark.parametrize("value", ["x", [], {}, float("nan"), 1e300, True, "2026-13-01"])
def test_no_times(value: Any) -> None:
    with pytest.raises(NoEvent, match="an event time"):
        moment_of(value)


def test_quotes_of_old_senders_are_taken_off() -> None:
    assert [plain(value) for value in ('"iris"', "iris", '"', "", None, 7)] == ["iris", "iris", '"', None, None, "7"]
