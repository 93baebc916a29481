"""Seldon's request logger: both generations, all bodies, feedback as labels, and the traps."""

from __future__ import annotations

import base64
import json
import os
import struct
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import Case, taken
from kserve_files import write_events
from seldon_files import FEEDBACK, RESPONSE, kafka_record, request

from connectors import registry
from connectors.base import Raw
from connectors.normalise import Tally, wanted_of
from connectors.sources.seldon import Seldon, SeldonOptions
from store.model_reader import read_model_file
from store.receipt import Kind

MODEL = read_model_file(
    """
    name: loans
    version: 1
    columns:
      prediction: {column: approved}
      score: proba
      outcome: {column: repaid}
      inputs: [{name: income, type: number}, {name: term, type: number}]
    """,
    source="loans.yaml",
)
CASE = Case(source=Seldon(), write=lambda folder, rows: folder)
ASKED = {"meta": {"puid": "x"}, "data": {"names": ["income", "term"], "ndarray": [[10, 12], [20, 24]]}}
ANSWERED = {"data": {"names": ["proba"], "ndarray": [[0.437], [0.5]]}, "meta": {}}
TIME = datetime(2026, 2, 1, 0, 0, 0, 123456)


def read(path: Path, kind: Kind = Kind.PREDICTIONS) -> tuple[list[dict[str, Any]], Tally]:
    return taken(CASE, path, model=MODEL, kind=kind)


def events(folder: Path, *some: Any) -> tuple[list[dict[str, Any]], Tally]:
    return read(write_events(folder, some))


def raw(path: Path, kind: Kind = Kind.PREDICTIONS, **options: Any) -> Raw:
    (file,) = Seldon().walk(path)
    return Seldon().read(file, SeldonOptions(**options), wanted_of(MODEL, kind))


def test_request_and_response_meet_on_the_request_id(tmp_path: Path) -> None:
    rows, tally = events(tmp_path, request(ASKED), request(ANSWERED, type_=RESPONSE))
    assert tally.rejects == ()
    assert [(r["id"], r["part"], r["x0"], r["score"]) for r in rows] == [
        ("call-1_0", 1, 10.0, None),
        ("call-1_1", 1, 20.0, None),
        ("call-1_0", 2, None, 0.437),
        ("call-1_1", 2, None, 0.5),
    ]
    assert {r["event_time"] for r in rows} == {TIME}


TF = {"dtype": "DT_DOUBLE", "tensorShape": {"dim": [{"size": "2"}, {"size": "2"}]}}


@pytest.mark.parametrize(
    "payload",
    [
        {"data": {"ndarray": [[10, 12], [20, 24]]}},
        {"data": {"names": ["a", "b"], "ndarray": [[10, 12], [20, 24]]}},
        {"data": {"names": ["term", "income"], "ndarray": [[12, 10], [24, 20]]}},
        {"data": {"tensor": {"shape": [2, 2], "values": [10, 12, 20, 24]}}},
        {"data": {"tftensor": {**TF, "doubleVal": [10, 12, 20, 24]}}},
        {"data": {"tftensor": {**TF, "dtype": "DT_INT64", "int64Val": ["10", "12", "20", "24"]}}},
        {"data": {"tftensor": {**TF, "tensorContent": base64.b64encode(struct.pack("<4d", 10, 12, 20, 24)).decode()}}},
        {"jsonData": [{"income": 10, "term": 12}, {"income": 20, "term": 24}]},
        {"jsonData": {"instances": [[10, 12], [20, 24]]}},
        {"instances": [[10, 12], [20, 24]]},
        {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "INT64", "data": [10, 12, 20, 24]}]},
    ],
)
def test_every_body(tmp_path: Path, payload: dict[str, Any]) -> None:
    rows, tally = events(tmp_path, request(payload))
    assert (tally.rejects, [(r["x0"], r["x1"]) for r in rows]) == ((), [(10.0, 12.0), (20.0, 24.0)])


@pytest.mark.parametrize(
    "event",
    [
        request(ASKED),
        {**request(ASKED), "body": json.dumps(ASKED)},
        {"specversion": "0.3", "type": "io.seldon.serving.inference.request", "requestid": "call-1", "data": ASKED}
        | {"id": "other", "time": "2026-02-01T00:00:00.123456Z", "inferenceservicename": "loans"},
        {"headers": {"type": "io.seldon.serving.inference.request", "requestid": "call-1"}, "value": ASKED}
        | {"timestamp": 1_769_904_000_123},
        {
            "headers": ["type", "io.seldon.serving.inference.request", "requestid", "call-1"],
            "payload": json.dumps(ASKED),
        }
        | {"ts": 1_769_904_000_123},
        {"headers": [["Ce-Type", "io.seldon.serving.inference.request"], ["Ce-Requestid", "call-1"]], "body": ASKED}
        | {"timestamp": "2026-02-01T00:00:00.123Z"},
    ],
)
def test_every_way_to_keep_an_event(tmp_path: Path, event: dict[str, Any]) -> None:
    rows, tally = events(tmp_path, event)
    assert (tally.rejects, [r["id"] for r in rows]) == ((), ["call-1_0", "call-1_1"])
    assert rows[0]["event_time"].replace(microsecond=0) == datetime(2026, 2, 1)


# -- Core 2 -------------------------------------------------------------------------------------------------------

INPUTS = {
    "inputs": [
        {"name": "income", "datatype": "FP32", "shape": ["2", "1"], "contents": {"fp32Contents": [10, 20]}},
        {"name": "term", "datatype": "INT64", "shape": ["2", "1"], "contents": {"int64Contents": ["12", "24"]}},
    ]
}
OUTPUTS = {
    "modelName": "loans_1",
    "modelVersion": "1",
    "outputs": [{"name": "predict", "datatype": "INT64", "shape": ["2", "1"]}],
    "rawOutputContents": [base64.b64encode(struct.pack("<2q", 1, 0)).decode()],
}


def check_core2(rows: list[dict[str, Any]], tally: Tally) -> None:
    assert tally.rejects == ()
    assert [(r["id"], r["part"], r["x0"], r["x1"], r["prediction"]) for r in rows] == [
        ("call-1_0", 1, 10.0, 12.0, None),
        ("call-1_1", 1, 20.0, 24.0, None),
        ("call-1_0", 2, None, None, "1"),
        ("call-1_1", 2, None, None, "0"),
    ]


@pytest.mark.parametrize("text", [True, False])
def test_topics_of_core_2(tmp_path: Path, text: bool) -> None:
    values: list[Any] = [json.dumps(value) if text else value for value in (INPUTS, OUTPUTS)]
    path = write_events(tmp_path, [kafka_record(values[0]), kafka_record(values[1], side="outputs")])
    check_core2(*read(path))
    assert raw(path).model == "loans"


def test_what_seldon_pipeline_inspect_prints(tmp_path: Path) -> None:
    topics = [
        {"name": f"seldon.default.model.loans.{side}", "msgs": [{"key": "call-1", "value": value}]}
        for side, value in (("inputs", INPUTS), ("outputs", OUTPUTS))
    ]
    path = tmp_path / "inspect.json"
    path.write_text(json.dumps({"topics": [*topics, {"name": "seldon.default.model.loans.outputs", "msgs": None}]}))
    os.utime(path, (1_770_000_000, 1_770_000_000))
    rows, tally = read(path)
    check_core2(rows, tally)
    assert {r["event_time"] for r in rows} == {datetime(2026, 2, 2, 2, 40)}
    assert raw(path).notes == ("events without a time took the file's modification time",)


# -- feedback -----------------------------------------------------------------------------------------------------


def test_feedback_gives_labels(tmp_path: Path) -> None:
    truth = {"request": ASKED, "response": ANSWERED, "reward": 1, "truth": {"data": {"ndarray": [[1], [0]]}}}
    path = write_events(tmp_path, [request(ASKED), request(ANSWERED, type_=RESPONSE), request(truth, type_=FEEDBACK)])
    rows, tally = read(path, Kind.LABELS)
    assert [(r["id"], r["label"]) for r in rows] == [("call-1_0", "1"), ("call-1_1", "0")]
    assert tally.rows == 2
    assert raw(path, Kind.LABELS).notes == ("2 requests and responses left for --kind predictions",)
    assert len(read(path)[0]) == 4
    assert raw(path).notes == ("1 feedback events left for --kind labels",)


@pytest.mark.parametrize("body", [{"reward": 1}, {"truth": {}}, {"truth": {"data": {"ndarray": [[0, 1, 0]]}}}, []])
def test_feedback_without_a_label_is_told(tmp_path: Path, body: Any) -> None:
    rows, tally = read(write_events(tmp_path, [request(body, type_=FEEDBACK)]), Kind.LABELS)
    assert (rows, tally.reasons) == ([], {"not_tabular": 1})


# -- traps --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (request(ASKED, type_="io.seldon.serving.inference.outlier"), "event_type"),
        ({"a": 1}, "event_type"),
        (request(ASKED, time="soon"), "time"),
        (request("no json"), "json"),
        (request(None), "no_data"),
        (request({"strData": "x"}), "not_tabular"),
        (request({"binData": "x"}), "not_tabular"),
        (request({"data": {}}), "not_tabular"),
        (request({"data": {"tensor": {"shape": [2, 2], "values": [1]}}}), "not_tabular"),
        (request({"data": {"tftensor": {"dtype": "DT_FLOAT"}}}), "not_tabular"),
        (request({"data": {"names": ["income", "term"], "ndarray": [[1, 2, 3]]}}), "not_tabular"),
        (request([1]), "not_tabular"),
        (request(ASKED, inferenceservicename="other"), "other_model"),
        (request(ASKED, modelid="transformer"), "other_model"),
        (7, "json"),
        ("{", "json"),
    ],
)
def test_an_event_that_cannot_be_read_is_told_and_costs_itself_alone(tmp_path: Path, event: Any, reason: str) -> None:
    rows, tally = events(tmp_path, request(ASKED, call="a"), event, request(ASKED, call="b"))
    assert ([r["id"] for r in rows], tally.reasons) == (["a_0", "a_1", "b_0", "b_1"], {reason: 1})
    assert tally.rejects[0][0] == 2


def test_a_graphs_model_may_be_chosen(tmp_path: Path) -> None:
    path = write_events(tmp_path, [request(ASKED), request(ASKED, call="2", modelid="second")])
    found = [chunk.envelope_id for chunk in raw(path, node="second").chunks()]
    assert [ids.to_pylist() for ids in found if ids is not None] == [["2_0", "2_1"]]


def test_it_is_found_by_itself(tmp_path: Path) -> None:
    for at, event in enumerate((request(ASKED), kafka_record(INPUTS))):
        (tmp_path / str(at)).mkdir()
        assert registry.sniff(write_events(tmp_path / str(at), [event])).kind == "seldon"
    assert Seldon().sniff(tmp_path / "a.jsonl", b'{"inputs": 1}') == 0
