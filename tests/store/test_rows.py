"""Rows by parts: the first write wins, parts meet in any order, labels restate; each batch names what it makes new."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from store import rows
from store.db import Transaction
from store.repeats import drop_repeats, settle
from store.row_shape import RowShape

AT = datetime(2026, 10, 5)
SHAPE = RowShape(inputs=("income",), types=("number",), prediction="category", score=True, groups=("sex",), segments=())
NAMES = ("n", "id", "event_time", "part", "x0", "prediction", "score", "g0")


def writing(connection: duckdb.DuckDBPyConnection, seq: int) -> Transaction:
    return Transaction(connection, seq, AT, "anna")


@pytest.fixture
def table() -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    connection = duckdb.connect(":memory:")
    connection.execute(
        "CREATE TABLE row_table (seq BIGINT, name VARCHAR, role VARCHAR, model VARCHAR, version VARCHAR, "
        "columns VARCHAR)"
    )
    name = rows.ensure_table(writing(connection, 0), number=1, model="loan", version="1", role="rows", shape=SHAPE)
    yield connection, name
    connection.close()


Table = tuple[duckdb.DuckDBPyConnection, str]
Row = tuple[str, int, float | None, str | None]
"""id, part, income, prediction."""


def arrive(table: Table, seq: int, *batch: Row, days: int = 0, site: str = "cloud") -> tuple[int, int]:
    """Takes a batch in; gives the number of repeats and of conflicts."""
    connection, name = table
    held = [
        dict(zip(NAMES, (n, id_, AT + timedelta(days=days), part, x, y, 0.5, "F"), strict=True))
        for n, (id_, part, x, y) in enumerate(batch)
    ]
    types = {"n": pa.int64(), "event_time": pa.timestamp("us"), "part": pa.uint8(), "x0": pa.float64()}
    types["score"] = pa.float64()
    schema = pa.schema([(column, types.get(column, pa.string())) for column in NAMES])
    rows.stage(connection, pa.Table.from_pylist(held, schema=schema), SHAPE, seq=seq, site=site)
    received = {seq: AT - timedelta(days=1)}
    found = settle(connection, name, SHAPE, names={}, horizon=timedelta(days=35), unique=False, received=received) or []
    gone = drop_repeats(connection)
    rows.append_staged(connection, name, SHAPE)
    rows.fresh_complete(connection, name, SHAPE)
    return gone, len(found)


def complete(table: Table) -> list[tuple[Any, ...]]:
    return table[0].execute("SELECT id, prediction, g0 FROM fresh_complete ORDER BY ALL").fetchall()


def test_a_table_for_each_shape_and_the_same_for_the_same(table: Table) -> None:
    connection, name = table
    tx = writing(connection, 1)
    options: dict[str, Any] = {"number": 1, "model": "loan", "version": "1", "role": "rows"}
    assert rows.ensure_table(tx, shape=SHAPE, **options) == name == "rows_1_1"
    other = RowShape(
        inputs=("income", "age"), types=("number", "number"), prediction=None, score=False, groups=(), segments=()
    )
    assert rows.ensure_table(tx, shape=other, **options) == "rows_1_2"
    assert len(tx.written["row_table"]) == 1
    assert [found[2] for found in rows.tables(connection, "loan", "1", "rows")] == [SHAPE, other]


def test_the_first_write_wins(table: Table) -> None:
    assert arrive(table, 1, ("a", 3, 1.0, "1"), ("b", 3, 2.0, "0")) == (0, 0)
    assert arrive(table, 2, ("a", 3, 9.0, "0"), ("c", 3, 3.0, "1"), ("b", 3, 2.0, "0")) == (1, 1)
    assert complete(table) == [("c", "1", "F")]
    held = table[0].execute("SELECT id, x0, prediction, seq FROM rows_1_1 ORDER BY id").fetchall()
    assert held == [("a", 1.0, "1", 1), ("b", 2.0, "0", 1), ("c", 3.0, "1", 2)]


def test_repeats_inside_a_batch(table: Table) -> None:
    batch: list[Row] = [("a", 3, 1.0, "1"), ("a", 3, 2.0, "0"), ("a", 3, 1.0, "1")]
    assert arrive(table, 1, *batch, ("b", 1, 1.0, None), ("b", 2, None, "1")) == (1, 1)
    assert complete(table) == [("a", "1", "F"), ("b", "1", "F")]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_halves_meet_whichever_came_first(table: Table, order: tuple[int, int]) -> None:
    for seq, part in enumerate(order):
        arrive(table, seq, ("a", part, 1.0 if part == 1 else None, "1" if part == 2 else None), days=seq)
        assert complete(table) == ([("a", "1", "F")] if seq else [])
    times = {1: AT + timedelta(days=order.index(1)), 2: AT + timedelta(days=order.index(2))}
    assert arrive(table, 2, ("a", 1, 1.0, None), days=(times[1] - AT).days) == (1, 0) and complete(table) == []
    assert arrive(table, 3, ("a", 2, None, "1"), days=(times[2] - AT).days) == (1, 0) and complete(table) == []
    assert arrive(table, 4, ("a", 3, 5.0, "0")) == (0, 1) and complete(table) == []


def test_a_whole_row_after_one_half_brings_the_other_half_alone(table: Table) -> None:
    arrive(table, 1, ("a", 1, 1.0, None))
    assert arrive(table, 2, ("a", 3, 1.0, "1")) == (0, 0)
    assert complete(table) == [("a", "1", "F")]
    assert table[0].execute("SELECT part FROM rows_1_1 WHERE seq = 2").fetchall() == [(2,)]


def test_sites_do_not_share_ids(table: Table) -> None:
    arrive(table, 1, ("a", 1, 1.0, None), site="north")
    assert arrive(table, 2, ("a", 2, None, "1"), site="south") == (0, 0)
    assert complete(table) == []


def test_every_complete_row_is_fresh_exactly_once(table: Table) -> None:
    fresh: list[tuple[Any, ...]] = []
    batches: list[list[Row]] = [
        [("a", 1, 1.0, None), ("b", 2, None, "0")],
        [("b", 1, 2.0, None), ("c", 3, 3.0, "1")],
        [("a", 2, None, "1"), ("b", 3, 2.0, "0"), ("c", 1, 9.0, None)],
    ]
    for seq, batch in enumerate(batches):
        arrive(table, seq, *batch)
        fresh += complete(table)
    whole = table[0].execute(f"SELECT id, prediction, g0 FROM ({rows.complete_sql(table[1], SHAPE)})").fetchall()
    assert sorted(fresh) == sorted(whole) == [("a", "1", "F"), ("b", "0", "F"), ("c", "1", "F")]


# -- labels ----------------------------------------------------------------


def tell(table: Table, seq: int, *told: tuple[str, str | None]) -> tuple[int, int]:
    connection = table[0]
    name = rows.ensure_labels(writing(connection, seq), number=1, model="loan", kind="category")
    held = [{"n": n, "id": id_, "label": label} for n, (id_, label) in enumerate(told)]
    schema = pa.schema([("n", pa.int64()), ("id", pa.string()), ("label", pa.string())])
    counted = rows.stage_labels(
        connection, pa.Table.from_pylist(held, schema=schema), name, site="cloud", kind="category"
    )
    rows.append_labels(connection, name, SimpleNamespace(seq=seq, now=AT))
    rows.fresh_labelled_by_labels(connection, table[1], SHAPE)
    return counted


def weights(table: Table) -> list[tuple[Any, ...]]:
    return table[0].execute("SELECT id, label, weight FROM fresh_labelled ORDER BY ALL").fetchall()


def test_a_restated_label_takes_the_old_one_back(table: Table) -> None:
    arrive(table, 1, ("a", 3, 1.0, "1"), ("b", 3, 1.0, "1"))
    assert tell(table, 2, ("a", "1"), ("z", "1")) == (2, 0)
    assert weights(table) == [("a", "1", 1)]
    assert tell(table, 3, ("a", "1")) == (0, 1) and weights(table) == []
    assert tell(table, 4, ("a", "0"), ("b", "1")) == (2, 0)
    assert weights(table) == [("a", "0", 1), ("a", "1", -1), ("b", "1", 1)]
    assert tell(table, 5, ("a", None)) == (1, 0) and weights(table) == [("a", "0", -1)]


def test_the_last_label_of_a_batch_counts(table: Table) -> None:
    arrive(table, 1, ("a", 3, 1.0, "1"))
    assert tell(table, 2, ("a", "0"), ("a", "1"), ("a", "0")) == (1, 2)
    assert weights(table) == [("a", "0", 1)]


def test_a_label_waits_for_its_row(table: Table) -> None:
    tell(table, 1, ("a", "0"))
    tell(table, 2, ("a", "1"))
    arrive(table, 3, ("a", 3, 1.0, "1"))
    rows.fresh_labelled_by_rows(table[0], rows.labels_table(table[0], "loan"))
    assert weights(table) == [("a", "1", 1)]


def test_rows_of_an_older_shape_are_read_under_a_newer_one(table: Table) -> None:
    arrive(table, 1, ("a", 3, 7.0, "1"))
    newer = RowShape(
        inputs=("age", "income"),
        types=("number", "category"),
        prediction="category",
        score=True,
        groups=(),
        segments=("web",),
    )
    found = table[0].execute(f"SELECT x0, x1, s0 FROM ({rows.aligned_sql(table[1], SHAPE, newer)})").fetchall()
    assert found == [(None, "7.0", None)]
