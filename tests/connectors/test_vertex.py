"""Vertex AI's logging table: Parquet and JSON Lines, documents and instances, and what holds no rows."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import RECEIVED
from envelopes import LOGGED, logged

from connectors import registry
from connectors.normalise import Tally, normalise, wanted_of
from connectors.sources.vertex import Vertex, VertexOptions
from store.model_file import InputType
from store.model_reader import read_model_file
from store.receipt import Kind

LOAN = read_model_file(
    """
    name: loan
    version: 1
    columns:
      prediction: approved
      score: probability
      inputs: [{name: income, type: number}, {name: purpose, type: category}]
    """,
    source="loan.yaml",
)
TYPES = (InputType.NUMBER, InputType.CATEGORY)
ONE = ([{"income": 5, "purpose": "car"}], [1])


def table(folder: Path, *calls: dict[str, Any]) -> Path:
    path = folder / "000.parquet"
    pq.write_table(pa.Table.from_pylist(list(calls), schema=LOGGED), path)
    return path


def read(path: Path, **options: Any) -> tuple[list[dict[str, Any]], Tally]:
    source = Vertex()
    (file,) = source.walk(path)
    raw = source.read(file, VertexOptions(**options), wanted_of(LOAN, Kind.PREDICTIONS))
    rows = normalise(raw, LOAN, kind=Kind.PREDICTIONS, types=TYPES, received_at=RECEIVED)
    return rows.table().to_pylist(), rows.finish()


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ([{"income": 5, "purpose": "car"}, {"income": 7, "purpose": "home"}], [[1, 0.9], [0, 0.2]]),
        ([[5, "car"], [7, "home"]], [{"approved": 1, "probability": 0.9}, {"approved": 0, "probability": 0.2}]),
        ([{"instances": [[5, "car"], [7, "home"]]}], [{"predictions": [[1, 0.9], [0, 0.2]]}]),
        ([{"instances": [[5, "car"]]}, {"instances": [[7, "home"]]}], [[1, 0.9], [0, 0.2]]),
    ],
)
def test_documents_and_instances_give_the_same_rows(tmp_path: Path, asked: list[Any], answered: list[Any]) -> None:
    rows, tally = read(table(tmp_path, logged(12345678901234567890, asked, answered)))
    told = [(r["id"], r["x0"], r["x1"], r["prediction"], r["score"]) for r in rows]
    own = "12345678901234567890"
    assert told == [(f"{own}_0", 5.0, "car", "1", 0.9), (f"{own}_1", 7.0, "home", "0", 0.2)]
    assert (tally.rejects, rows[0]["event_time"]) == ((), datetime(2026, 2, 1))


@pytest.mark.parametrize("time", ["2026-02-01 00:00:00 UTC", "2026-02-01T00:00:00Z", "2026-02-01 00:00:00.000000 UTC"])
def test_times_as_bigquery_writes_them(tmp_path: Path, time: str) -> None:
    path = tmp_path / "000.json"
    path.write_text(json.dumps(logged(1, *ONE, logging_time=time), default=str) + "\n")
    assert registry.sniff(path).kind == "vertex"
    rows, _ = read(path)
    assert [(r["id"], r["event_time"]) for r in rows] == [("1", datetime(2026, 2, 1))]


def test_outputs_may_be_named(tmp_path: Path) -> None:
    rows, _ = read(table(tmp_path, logged(1, ONE[0], [0.7])), outputs=("probability",))
    assert (rows[0]["prediction"], rows[0]["score"]) == (None, 0.7)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"response_payload": ["1", "0"]}, "rows_differ"),
        ({"request_payload": ["{"]}, "json"),
        ({"request_payload": ["[1, 2, 3]"]}, "not_tabular"),
        ({"request_payload": [], "response_payload": []}, "no_data"),
    ],
)
def test_what_holds_no_rows_costs_its_call_only(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    rows, tally = read(table(tmp_path, logged(1, *ONE, **changes), logged(2, *ONE)))
    assert ([r["id"] for r in rows], tally.reasons) == (["2"], {reason: 1})


def test_half_of_a_call_is_a_half(tmp_path: Path) -> None:
    rows, _ = read(table(tmp_path, logged(1, *ONE, response_payload=None)))
    assert [(r["id"], r["part"]) for r in rows] == [("1", 1)]


def test_it_is_known_by_its_columns(tmp_path: Path) -> None:
    assert registry.sniff(table(tmp_path)).kind == "vertex"
    path = table(tmp_path, logged(1, *ONE))
    path.write_bytes(path.read_bytes()[:-9])
    assert read(path)[1].reasons == {"file": 1}
