"""Databricks inference tables: three schemas, requests of many rows, what was not logged, and Delta's deleted files."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

sys.path.insert(0, str(Path(__file__).parent))
from contract import RECEIVED
from envelopes import PAYLOADS, payload

from connectors import registry
from connectors.base import Raw
from connectors.normalise import Tally, normalise, wanted_of
from connectors.sources.databricks import Databricks, DatabricksOptions
from store.errors import BadInput, Final
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
      person: requester
    """,
    source="loan.yaml",
)
TYPES = (InputType.NUMBER, InputType.CATEGORY)
ASKED = {"dataframe_records": [{"income": 5, "purpose": "car"}]}
ANSWERED = {"predictions": [1]}


def table(folder: Path, *rows: dict[str, Any], schema: pa.Schema = PAYLOADS) -> Path:
    path = folder / "part-0.parquet"
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
    return path


def raw_of(path: Path, **options: Any) -> Raw:
    source = Databricks()
    (file,) = source.walk(path)
    return source.read(file, DatabricksOptions(**options), wanted_of(LOAN, Kind.PREDICTIONS))


def read(path: Path, **options: Any) -> tuple[list[dict[str, Any]], Tally]:
    rows = normalise(raw_of(path, **options), LOAN, kind=Kind.PREDICTIONS, types=TYPES, received_at=RECEIVED)
    return rows.table().to_pylist(), rows.finish()


@pytest.mark.parametrize(
    "request_body",
    [
        {"dataframe_split": {"index": [0, 1], "columns": ["income", "purpose"], "data": [[5, "car"], [7, "home"]]}},
        {"dataframe_records": [{"income": 5, "purpose": "car"}, {"purpose": "home", "income": 7}]},
        {"instances": [{"income": 5, "purpose": "car"}, {"income": 7, "purpose": "home"}]},
        {"instances": [[5, "car"], [7, "home"]]},
        {"inputs": {"income": [5, 7], "purpose": ["car", "home"]}},
        {"inputs": [[5, "car"], [7, "home"]], "params": {"t": 1}},
    ],
)
def test_a_request_of_many_rows_is_unrolled(tmp_path: Path, request_body: Any) -> None:
    answer = {"predictions": [{"approved": 1, "probability": 0.9}, {"approved": 0, "probability": 0.2}]}
    rows, tally = read(table(tmp_path, payload("q", request_body, answer)))
    told = [(r["id"], r["x0"], r["x1"], r["prediction"], r["score"]) for r in rows]
    assert told == [("q_0", 5.0, "car", "1", 0.9), ("q_1", 7.0, "home", "0", 0.2)]
    assert (tally.rejects, rows[0]["event_time"]) == ((), datetime(2026, 2, 1))


def test_who_asked_is_not_read_unless_wanted(tmp_path: Path) -> None:
    path = table(tmp_path, payload("q", ASKED, ANSWERED))
    rows, tally = read(path)
    assert (rows[0]["person"], tally.ignored) == (None, {})
    rows, _ = read(path, requester=True)
    assert len(rows[0]["person"]) == 64
    path = table(tmp_path, payload("q", ASKED, None, response=None))
    assert b"jane" not in read(path)[1].rejects[0][3]


def test_the_callers_id_is_taken_where_wanted_and_given(tmp_path: Path) -> None:
    path = table(tmp_path, payload("q", ASKED, ANSWERED, client_request_id="mine"), payload("r", ASKED, ANSWERED))
    assert [r["id"] for r in read(path)[0]] == ["q", "r"]
    assert [r["id"] for r in read(path, client_id=True)[0]] == ["mine", "r"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status_code": 400}, "status:400"),
        ({"request": None, "logging_error_codes": ["MAX_REQUEST_SIZE_EXCEEDED"]}, "max_request_size_exceeded"),
        ({"response": None, "logging_error_codes": ["MAX_RESPONSE_SIZE_EXCEEDED"]}, "max_response_size_exceeded"),
        ({"response": None}, "no_data"),
        ({"response": "{"}, "json"),
        ({"request": '{"messages": "hello"}', "response": '{"predictions": [1, 2]}'}, "rows_differ"),
        ({"response": '{"predictions": [[1, 2, 3]]}'}, "not_tabular"),
    ],
)
def test_what_was_not_answered_or_logged_is_counted(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    path = table(tmp_path, payload("q", ASKED, ANSWERED, **changes), payload("r", ASKED, ANSWERED))
    rows, tally = read(path)
    assert ([r["id"] for r in rows], tally.reasons) == (["r"], {reason: 1})


def test_a_sample_says_so(tmp_path: Path) -> None:
    _, tally = read(table(tmp_path, payload("q", ASKED, ANSWERED, sampling_fraction=0.25)))
    assert len(tally.notes) == 1 and "sampling_fraction 0.25" in tally.notes[0]
    assert read(table(tmp_path, payload("q", ASKED, ANSWERED)))[1].notes == ()


LEGACY = pa.schema(
    [
        ("databricks_request_id", pa.string()),
        ("client_request_id", pa.string()),
        ("date", pa.date32()),
        ("timestamp_ms", pa.int64()),
        ("status_code", pa.int32()),
        ("sampling_fraction", pa.float64()),
        ("execution_time_ms", pa.int64()),
        ("request", pa.string()),
        ("response", pa.string()),
        ("request_metadata", pa.map_(pa.string(), pa.string())),
    ]
)
NEWEST = pa.schema(
    [
        ("invocation_id", pa.string()),
        ("event_time", pa.timestamp("us")),
        ("status_code", pa.int32()),
        ("latency_ms", pa.int64()),
        ("request", pa.string()),
        ("response", pa.string()),
    ]
)


def test_the_legacy_table_names_its_model_version(tmp_path: Path) -> None:
    one = payload("q", ASKED, ANSWERED, timestamp_ms=1_769_904_000_123, request_metadata=[("model_version", "7")])
    two = payload("r", ASKED, ANSWERED, timestamp_ms=1_769_904_000_123, request_metadata=[("model_version", "8")])
    path = table(tmp_path, one, schema=LEGACY)
    assert read(path)[0][0]["event_time"] == datetime(2026, 2, 1, 0, 0, 0, 123_000)
    assert raw_of(path).version == "7"
    both = raw_of(table(tmp_path, one, two, schema=LEGACY))
    assert both.version is None and "7, 8" in both.notes[0]


def test_the_newest_table(tmp_path: Path) -> None:
    row = payload("", ASKED, ANSWERED, invocation_id="i", event_time=datetime(2026, 2, 1))
    rows, _ = read(table(tmp_path, row, schema=NEWEST))
    assert [(r["id"], r["event_time"]) for r in rows] == [("i", datetime(2026, 2, 1))]


@pytest.mark.parametrize("schema", [PAYLOADS, LEGACY, NEWEST])
def test_each_schema_is_known_by_its_columns(tmp_path: Path, schema: pa.Schema) -> None:
    assert registry.sniff(table(tmp_path, schema=schema)).kind == "databricks"


def test_other_parquet_is_not_an_inference_table(tmp_path: Path) -> None:
    path = table(tmp_path, {"income": 5}, schema=pa.schema([("income", pa.int64())]))
    assert registry.sniff(path).kind == "tabular"
    rows, tally = read(path)
    assert (rows, tally.reasons) == ([], {"file": 1})


def test_a_file_cut_short_is_told(tmp_path: Path) -> None:
    path = table(tmp_path, payload("q", ASKED, ANSWERED))
    path.write_bytes(path.read_bytes()[:-10])
    assert read(path)[1].reasons == {"file": 1}


# -- Delta --------------------------------------------------------------------------------------------------------


def appended(folder: Path, *ids: str, **options: Any) -> Path:
    rows = pa.Table.from_pylist([payload(id_, ASKED, ANSWERED) for id_ in ids], schema=PAYLOADS)
    write_deltalake(str(folder / "payload"), rows, mode="append", **options)
    return folder / "payload"


def ids_of(path: Path, source: Any) -> list[str]:
    found = []
    for file in source.walk(path):
        for chunk in source.read(file, source.options(), wanted_of(LOAN, Kind.PREDICTIONS)).chunks():
            found += (chunk.envelope_id or pa.array(["?"] * len(chunk.n))).to_pylist()
    return sorted(found)


def test_files_that_are_no_longer_the_table_are_left_alone(tmp_path: Path) -> None:
    path = appended(tmp_path, "a", "b", partition_by=["request_date"])
    appended(tmp_path, "c")
    DeltaTable(str(path)).optimize.compact()
    DeltaTable(str(path)).delete("databricks_request_id = 'b'")
    assert len(list(path.rglob("*.parquet"))) > 1
    assert registry.sniff(path).kind == "databricks"
    assert ids_of(path, registry.load_source("databricks")) == ["a", "c"]
    assert len(ids_of(path, registry.load_source("tabular"))) == 2
    assert len(list(registry.load_source("csv").walk(path))) == 0


@pytest.mark.parametrize("name", ["../{}", "{}"])
def test_a_log_that_names_files_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    path = appended(tmp_path, "a")
    (log,) = (path / "_delta_log").glob("*.json")
    (part,) = path.glob("*.parquet")
    elsewhere = part.rename(tmp_path / part.name)
    named = name.format(part.name if ".." in name else elsewhere.as_uri())
    log.write_text(log.read_text().replace(part.name, named))
    with pytest.raises(BadInput, match=r"files elsewhere|cannot be read"):
        ids_of(path, Databricks())


@pytest.mark.parametrize(
    ("configuration", "match"),
    [
        ({"delta.enableDeletionVectors": "true"}, "deletionVectors"),
        ({"delta.columnMapping.mode": "name"}, "columnMapping"),
    ],
)
def test_tables_whose_files_do_not_say_their_rows_are_refused(
    tmp_path: Path, configuration: dict[str, str], match: str
) -> None:
    from connectors.sources.delta import _refuse

    with pytest.raises(BadInput, match=match) as told:
        _refuse(tmp_path, ["deletionVectors", "columnMapping"], configuration)
    assert told.value.advice
    _refuse(tmp_path, ["deletionVectors", "columnMapping"], {})


def test_a_damaged_log_is_one_clear_error(tmp_path: Path) -> None:
    path = appended(tmp_path, "a")
    for log in (path / "_delta_log").glob("*.json"):
        log.write_text("{")
    with pytest.raises(BadInput, match="log of this Delta table cannot be read"):
        list(Databricks().walk(path))


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = appended(tmp_path, "a")
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(Final, match="not installed") as told:
        list(Databricks().walk(path))
    assert "bailiwick[delta]" in told.value.advice
