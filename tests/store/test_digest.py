"""A digest speaks of values: how Arrow holds them does not matter, and any changed value does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.digest import STRETCH, OutOfOrder, rows_root, stretches

ROWS = st.fixed_dictionaries(
    {
        "n": st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), min_size=1, max_size=30),
        "seed": st.integers(0, 2**32 - 1),
    }
)


def table_of(numbers: list[int | None]) -> pa.Table:
    """Every kind of column that the bulk tables and the records have."""
    some = [None if n is None else abs(n) % 97 for n in numbers]
    return pa.table(
        {
            "n": pa.array(numbers, pa.int64()),
            "x": pa.array([None if n is None else n / 7 for n in some], pa.float64()),
            "text": pa.array([None if n is None else "é" * (n % 4) for n in some], pa.string()),
            "flag": pa.array([None if n is None else n % 2 == 0 for n in some], pa.bool_()),
            "part": pa.array([None if n is None else n % 4 for n in some], pa.uint8()),
            "at": pa.array([None if n is None else datetime(2026, 1, 1, 0, n % 60) for n in some], pa.timestamp("us")),
            "counts": pa.array([None if n is None else list(range(n % 5)) for n in some], pa.list_(pa.int64())),
            "nothing": pa.nulls(len(numbers)),
        }
    )


def digests(table: pa.Table) -> list[str]:
    return stretches(table, table.column_names)


@given(ROWS)
def test_how_the_rows_are_held_does_not_matter(drawn: dict[str, Any]) -> None:
    numbers = drawn["n"]
    table, cut = table_of(numbers), drawn["seed"] % (len(numbers) + 1)
    chunked = pa.concat_tables([table.slice(0, cut), table.slice(cut)])
    padded = pa.concat_tables([table_of([5, None, 7]), table, table_of([9])]).slice(3, len(numbers))
    again = pa.Table.from_pylist(table.to_pylist(), schema=table.schema)
    assert digests(chunked) == digests(padded) == digests(again) == digests(table)


def test_what_lies_under_a_null_does_not_matter() -> None:
    held = pa.array([1, 2, 3], pa.int64())
    mask = pa.array([True, False, True])
    under = pa.Array.from_buffers(pa.int64(), 3, [mask.buffers()[1], held.buffers()[1]])
    assert under.to_pylist() == [1, None, 3]
    assert digests(pa.table({"x": under})) == digests(pa.table({"x": pa.array([1, None, 3], pa.int64())}))


@pytest.mark.parametrize("column", ["n", "x", "text", "flag", "part", "at", "counts"])
def test_any_changed_value_matters(column: str) -> None:
    rows = table_of(list(range(9))).to_pylist()
    schema = table_of([0]).schema
    whole = digests(pa.Table.from_pylist(rows, schema=schema))
    other = {
        "n": 1000,
        "x": 0.5,
        "text": "e",
        "flag": None,
        "part": 200,
        "at": datetime(2026, 1, 2),
        "counts": [0, 1, 5],
    }
    for at in range(len(rows)):
        for value in (other[column], None):
            changed = [dict(row) for row in rows]
            changed[at][column] = value
            assert digests(pa.Table.from_pylist(changed, schema=schema)) != whole


def test_values_that_meet_at_a_border_are_told_apart() -> None:
    def texts(*values: str | None) -> list[str]:
        return digests(pa.table({"a": pa.array(values, pa.string())}))

    assert texts("ab", "c") != texts("a", "bc")
    assert texts("", None) != texts(None, "")
    assert digests(pa.table({"a": pa.array([[1], [2]])})) != digests(
        pa.table({"a": pa.array([[1, 2], []], pa.list_(pa.int64()))})
    )
    assert digests(pa.table({"a": [1.0]})) != digests(pa.table({"a": [1]}))
    assert digests(pa.table({"a": [1]})) != digests(pa.table({"b": [1]}))


def test_a_change_is_named_by_its_stretch() -> None:
    numbers: list[int | None] = list(range(2 * STRETCH + 5))
    before = digests(table_of(numbers))
    numbers[STRETCH + 1] = -1
    after = digests(table_of(numbers))
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]
    assert rows_root(before) != rows_root(after)
    assert rows_root([]) == rows_root([])


@given(st.lists(st.integers(1, 3 * STRETCH), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_however_the_rows_come(sizes: list[int], seed: int) -> None:
    rows = sum(sizes)
    drawn = np.random.default_rng(seed).integers(0, 50, rows)
    texts = pa.array([None if n == 0 else "é" * (int(n) % 4) for n in drawn], pa.string())
    table = pa.table({"n": np.arange(rows), "text": texts, "x": drawn / 7})
    pieces, start = [], 0
    for size in sizes:
        pieces.append(table.slice(start, size))
        start += size
    held = pa.concat_tables(pieces)
    assert held.column("n").num_chunks == len(sizes)
    whole = digests(table)
    assert digests(held) == whole and len(whole) == -(-rows // STRETCH)
    one = [digests(table.slice(at, STRETCH))[0] for at in range(0, rows, STRETCH)]
    assert one == whole


@pytest.mark.parametrize(("numbers", "fine"), [([1, 2, 9], True), ([1, 1], False), ([1, 3, 2], False), ([], True)])
@pytest.mark.parametrize("cut", [0, 1, 2])
def test_rows_out_of_order_are_refused_where_order_is_asked_for(numbers: list[int], fine: bool, cut: int) -> None:
    table = pa.table({"n": pa.array(numbers, pa.int64())})
    chunked = pa.concat_tables([table.slice(0, cut), table.slice(cut)])
    if fine:
        assert stretches(chunked, ["n"], rising="n") == digests(table)
    else:
        with pytest.raises(OutOfOrder):
            stretches(chunked, ["n"], rising="n")
