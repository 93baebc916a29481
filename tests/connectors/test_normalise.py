"""From what a file holds to the normalised relation."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import MODEL, RECEIVED, TYPES, Case, read, row, taken

from connectors.normalise import normalise, schema_of, wanted_of
from connectors.sources.tabular import Tabular
from store.errors import BadInput, Retryable
from store.model_file import Columns, Input, InputType, ModelFile, Outcome, Prediction, Task
from store.receipt import Kind
from store.row_shape import shape_of

CASE = Case(source=Tabular(), write=lambda folder, rows: folder)


def parquet(folder: Path, **columns: object) -> Path:
    path = folder / "a.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_typed_numbers_pass_through_untouched(tmp_path: Path) -> None:
    path = parquet(tmp_path, income=[1.5, float("nan"), float("inf")], approved=[1, 0, 1])
    (chunk,) = read(CASE, path).chunks()
    rows = normalise(read(CASE, path), MODEL, kind=Kind.PREDICTIONS, types=TYPES, received_at=RECEIVED).table()
    assert rows["x0"].chunk(0).buffers()[1].equals(chunk.table["income"].chunk(0).buffers()[1])


def test_the_schema_is_that_of_the_stores_tables() -> None:
    schema = schema_of(MODEL, Kind.PREDICTIONS, TYPES)
    columns = shape_of(MODEL, TYPES).columns
    assert [name for name in columns if name != "site"] == [name for name in schema.names if name != "label"]
    arrow = {
        "DOUBLE": pa.float64(),
        "VARCHAR": pa.string(),
        "BIGINT": pa.int64(),
        "TIMESTAMP": pa.timestamp("us"),
        "UTINYINT": pa.uint8(),
    }
    assert all(schema.field(name).type == arrow[columns[name]] for name in schema.names if name != "label")


def test_a_stream_that_duckdb_scans(tmp_path: Path) -> None:
    path = parquet(tmp_path, id=["a", "b"], income=["1", "x"], approved=[1, 0])
    rows = normalise(read(CASE, path), MODEL, kind=Kind.PREDICTIONS, types=TYPES, received_at=RECEIVED)
    connection = duckdb.connect()
    connection.register("arriving", rows.reader())
    assert connection.execute("SELECT id, x0, event_time FROM arriving").fetchall() == [("a", 1.0, RECEIVED)]
    assert rows.finish().reasons == {"type:income": 1}


def test_what_stops_the_reading_is_raised_as_itself(tmp_path: Path) -> None:
    path = parquet(tmp_path, income=[1.0], approved=[1])
    rows = normalise(read(CASE, path), MODEL, kind=Kind.PREDICTIONS, types=TYPES, received_at=RECEIVED)
    path.write_bytes(path.read_bytes() + b"x")
    rows.table()
    with pytest.raises(Retryable):
        rows.finish()


def test_regression_predictions_and_labels_are_numbers(tmp_path: Path) -> None:
    model = ModelFile(
        name="price",
        version="1",
        task=Task.REGRESSION,
        columns=Columns(
            inputs=(Input(name="area", type=InputType.NUMBER),),
            id="id",
            prediction=Prediction(column="price"),
            outcome=Outcome(column="paid"),
        ),
    )
    path = parquet(tmp_path, id=[1, 2], area=[10, 20], price=["1.5", "cheap"], paid=[2.5, None])
    rows, tally = taken(CASE, path, model=model)
    assert [(r["id"], r["prediction"], r["label"]) for r in rows] == [("1", 1.5, 2.5)]
    assert tally.reasons == {"type:price": 1}
    labels, _ = taken(CASE, path, model=model, kind=Kind.LABELS)
    assert [(r["id"], r["label"]) for r in labels] == [("1", 2.5), ("2", None)]


def test_a_label_beside_the_prediction_comes_along(tmp_path: Path) -> None:
    path = parquet(tmp_path, id=["a", "b"], income=[1.0, 2.0], approved=[1, 0], repaid=[True, None])
    rows, tally = taken(CASE, path)
    assert [r["label"] for r in rows] == ["true", None]
    assert "repaid" not in tally.ignored


def test_labels_without_ids_or_outcome_are_refused(tmp_path: Path) -> None:
    rows, tally = taken(CASE, parquet(tmp_path, repaid=[True]), kind=Kind.LABELS)
    assert (rows, tally.reasons) == ([], {"no_id": 1})
    with pytest.raises(BadInput, match="none of the columns"):
        taken(CASE, parquet(tmp_path, id=["a"]), kind=Kind.LABELS)
    without = replace(MODEL, columns=replace(MODEL.columns, outcome=None))
    with pytest.raises(BadInput, match="declares no outcome"):
        wanted_of(without, Kind.LABELS)


def test_ids_and_times_alone_are_nothing_to_count(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="none of the columns that loans declares is there; found id, at"):
        taken(CASE, parquet(tmp_path, id=["a"], at=["2026-01-01"]))


def test_derived_ids_name_the_batch_and_the_place(tmp_path: Path) -> None:
    path = parquet(tmp_path, income=[1.0, 2.0])
    rows, _ = taken(CASE, path)
    start = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    assert [r["id"] for r in rows] == [f"{start}-0", f"{start}-1"]


def test_one_column_may_play_two_roles(tmp_path: Path) -> None:
    model = replace(MODEL, columns=replace(MODEL.columns, segments=("purpose",)))
    rows, _ = taken(CASE, parquet(tmp_path, income=[1.0], purpose=["car"]), model=model)
    assert (rows[0]["x1"], rows[0]["s0"]) == ("car", "car")


def test_exact_names_win_over_others(tmp_path: Path) -> None:
    rows, tally = taken(CASE, parquet(tmp_path, INCOME=[1.0], income=[2.0]))
    assert (rows[0]["x0"], tally.ignored) == (2.0, {"INCOME": 1})


def test_each_row_is_rejected_once_with_times_that_python_cannot_hold(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    times = pa.array([10**17, 0, None, 1_767_225_600_000], pa.timestamp("ms"))
    pq.write_table(pa.table({"id": ["a", None, "c", "d"], "at": times, "income": ["x", "1", "1", "1"]}), path)
    rows, tally = taken(CASE, path)
    assert [r["id"] for r in rows] == ["d"]
    assert tally.reasons == {"no_id": 1, "time": 2}
    assert tally.rows == 4


def test_a_reference_keeps_rows_whose_time_is_odd(tmp_path: Path) -> None:
    rows, tally = taken(
        CASE, parquet(tmp_path, at=["?", "2026-01-01"], income=[1.0, 2.0], approved=[1, 0]), kind=Kind.REFERENCE
    )
    assert [(r["event_time"], r["part"], r["id"]) for r in rows] == [(None, 3, None), (datetime(2026, 1, 1), 3, None)]
    assert tally.rejects == ()


def test_nothing_is_lost_of_a_nasty_table(tmp_path: Path) -> None:
    path = parquet(
        tmp_path,
        income=pa.array([{"a": 1}, None, {"a": 2}]),
        purpose=pa.array([["x"], None, None]),
        sex=pa.array(["F", "M", None]).dictionary_encode(),
        probability=pa.array([1, 2, 3], pa.decimal128(5, 2)),
        approved=pa.array([b"1", b"\xff", b"0"]),
    )
    rows, tally = taken(CASE, path)
    assert [(r["x0"], r["g0"], r["score"], r["prediction"]) for r in rows] == []
    assert tally.reasons == {"type:approved": 1, "type:income": 2}
    assert tally.rows == 3


def test_batches_of_other_kinds_are_not_rows(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="hold no rows"):
        normalise(read(CASE, parquet(tmp_path, income=[1.0])), MODEL, kind=Kind.COST, types=TYPES, received_at=RECEIVED)


def test_row_of_the_contract_is_whole() -> None:
    assert set(row(1)) == set(wanted_of(MODEL, Kind.PREDICTIONS).parts or ()) - {"repaid"}
