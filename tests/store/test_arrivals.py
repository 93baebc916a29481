"""Rows appended as they arrive: hashed as they will be read back, and taken back whole."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import arrivals, rows
from store.batch_rows import batch_digests
from store.row_shape import RowShape

SHAPE = RowShape(
    inputs=("a", "b"), types=("number", "category"), prediction="category", score=True, groups=(), segments=()
)
TABLE = "rows_1_1"
FIRST = datetime(2026, 10, 5)
DAY = timedelta(days=1)
ODD = [0.0, -0.0, float("nan"), float("inf"), float("-inf"), 5e-324, 1e308, 0.1, -1 / 3, 2.0**53 + 2]
ODD.append(float(np.frombuffer(b"\x01\x00\x00\x00\x00\x00\xf8\x7f", "<f8")[0]))  # a NaN with something in it
SCHEMA = pa.schema(
    {"n": pa.int64(), "id": pa.string(), "event_time": pa.timestamp("us"), "part": pa.uint8(), "x0": pa.float64()}
    | {"x1": pa.string(), "prediction": pa.string(), "score": pa.float64(), "person": pa.string()}
)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        made(opened)
        yield opened


def made(connection: duckdb.DuckDBPyConnection) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in SHAPE.columns.items())
    connection.execute(f"CREATE TABLE {TABLE} (seq BIGINT, {columns})")


def batch(numbers: list[int], *, prefix: str = "r", days: int = 0) -> pa.RecordBatch:
    texts = [None, "", "é", "a\0b", "long enough to lie on the heap of a vector"]
    columns = {
        "n": numbers,
        "id": [f"{prefix}{n}" for n in numbers],
        "event_time": [FIRST + timedelta(days=days, seconds=n % 80_000) for n in numbers],
        "part": [3] * len(numbers),
        "x0": [None if n % 13 == 12 else ODD[n % len(ODD)] for n in numbers],
        "x1": [texts[n % 5] for n in numbers],
        "prediction": [str(n % 2) for n in numbers],
        "score": [n / 7 for n in numbers],
        "person": [None] * len(numbers),
    }
    return pa.RecordBatch.from_pydict(columns, schema=SCHEMA)


def append(connection: duckdb.DuckDBPyConnection, *batches: pa.RecordBatch, seq: int = 5) -> list[str] | None:
    reader = pa.RecordBatchReader.from_batches(SCHEMA, batches)
    return arrivals.append(connection, reader, TABLE, SHAPE, seq=seq, site="here")


def new(connection: duckdb.DuckDBPyConnection, *, seq: int = 5, unique: bool = False) -> bool:
    return arrivals.none_known(connection, TABLE, seq=seq, site="here", horizon=DAY, unique=unique)


def test_rows_are_hashed_as_the_file_will_give_them_back(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "hub.duckdb")) as opened:
        made(opened)
        opened.execute("BEGIN")
        digests = append(opened, batch(list(range(200_000))), batch(list(range(200_000, 260_001))))
        opened.execute("COMMIT")
    with duckdb.connect(str(tmp_path / "hub.duckdb")) as opened:
        assert digests and digests == batch_digests(opened, TABLE, 5)
        compressed = opened.execute(f"SELECT DISTINCT compression FROM pragma_storage_info('{TABLE}')").fetchall()
        assert ("ALP",) in compressed or ("ALPRD",) in compressed  # else nothing was held to be exact


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=5))
def test_however_rows_are_cut_the_digests_are_those_read_back(sizes: list[int]) -> None:
    with duckdb.connect() as opened:
        made(opened)
        starts = np.cumsum([0, *sizes]).tolist()
        digests = append(opened, *(batch(list(range(a, b))) for a, b in itertools.pairwise(starts)))
        assert digests == batch_digests(opened, TABLE, 5)


def test_rows_out_of_order_are_to_be_read_back(connection: duckdb.DuckDBPyConnection) -> None:
    assert append(connection, batch([3, 4]), batch([1, 2])) is None
    assert connection.execute("SELECT count(*) FROM arrived").fetchall() == [(4,)]
    ordered = batch_digests(connection, TABLE, 5)
    with duckdb.connect() as other:
        made(other)
        assert append(other, batch([1, 2, 3, 4])) == ordered


@pytest.mark.parametrize(
    ("stored", "arriving", "expected"),
    [
        ([], batch([1, 2]), True),
        ([], batch([]), True),
        ([], batch([1, 1]), False),
        ([batch([3, 4])], batch([1, 2]), True),
        ([batch([2])], batch([1, 2]), False),
        ([batch([2], days=40)], batch([1, 2]), True),
        ([batch([2], days=1)], batch([1, 2]), False),
    ],
)
def test_what_is_known_is_seen(
    connection: duckdb.DuckDBPyConnection, stored: list[pa.RecordBatch], arriving: pa.RecordBatch, expected: bool
) -> None:
    for seq, held in enumerate(stored):
        append(connection, held, seq=seq)
    append(connection, arriving)
    assert new(connection) is expected


def test_the_same_ids_at_another_site_are_others(connection: duckdb.DuckDBPyConnection) -> None:
    append(connection, batch([1, 2]), seq=1)
    connection.execute(f"UPDATE {TABLE} SET site = 'there'")
    append(connection, batch([1, 2]))
    assert new(connection)


def test_what_arrived_is_taken_back_whole(connection: duckdb.DuckDBPyConnection) -> None:
    append(connection, batch([1]), seq=1)
    append(connection, batch([1, 2, 3]))
    labels = pa.table({"n": [2], "label": ["1"]})
    arrivals.withdraw(connection, TABLE, seq=5, labels=labels)
    assert connection.execute(f"SELECT seq, n FROM {TABLE}").fetchall() == [(1, 1)]
    assert connection.execute("SELECT seq, n, site, label FROM staged ORDER BY n").fetchall() == [
        (5, 1, "here", None),
        (5, 2, "here", "1"),
        (5, 3, "here", None),
    ]
    rows.append_staged(connection, TABLE, SHAPE)
    assert connection.execute(f"SELECT seq, n FROM {TABLE} ORDER BY ALL").fetchall() == [(1, 1), (5, 1), (5, 2), (5, 3)]
