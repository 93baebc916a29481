"""A few rows in memory are counted as the naive counter counts them; what cannot be is left to DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import naive
import pyarrow as pa
import pytest
from conformance import AGES, BINARY, BINARY_ROWS, EDGES, MIXED, NUMBER, REGRESSION, SEXES
from hypothesis import given
from hypothesis import strategies as st

from monitors.engines import few
from monitors.engines.base import Blocks
from store.bins import BinSpec, CategoryBins, NumberBins, Section
from store.summary import SUMMARY_SCHEMA

COLUMNS = {"event_time": pa.timestamp("us"), "seq": pa.int64()}
TEXTS = ("x1", "prediction", "g0", "g1", "s0", "label")
PLAIN_AGES = {"old": None, "nan": None, "inf": None, "": None}


def table(rows: Sequence[dict[str, Any]], kinds: dict[str, pa.DataType] | None = None) -> pa.Table:
    texts = dict.fromkeys(TEXTS, pa.string())
    known = {"x0": pa.float64(), "score": pa.float64(), **texts, **COLUMNS, **(kinds or {})}
    return pa.table({name: pa.array([row.get(name) for row in rows], kind) for name, kind in known.items()})


def counted(
    rows: Sequence[dict[str, Any]], spec: BinSpec, section: Section, **options: Any
) -> dict[int, naive.Vectors]:
    found = few.count(table(rows), spec, section, blocks=MIXED, apart="seq", **options)
    assert found.schema == SUMMARY_SCHEMA.append(pa.field("seq", pa.int64()))
    out: dict[int, naive.Vectors] = {}
    for row in found.to_pylist():
        vectors = out.setdefault(row["seq"], {})
        key = (row["block"], row["grain"], row["segment"])
        assert key not in vectors
        vectors[key] = row["counts"]
    return out


@given(BINARY_ROWS, st.integers(1, 4))
def test_a_few_rows_are_counted_as_one_by_one(rows: list[dict[str, Any]], batches: int) -> None:
    told = [{**row, "seq": at % batches, "g1": PLAIN_AGES.get(row["g1"], row["g1"])} for at, row in enumerate(rows)]
    assert few.takes(table(told), BINARY, MIXED)
    for section in (Section.INPUTS, Section.OUTPUTS, Section.OUTCOMES):
        for options in ({}, {"segments": ("channel",)}, {"segments": ("channel",), "total": False}):
            found = counted(told, BINARY, section, **options)
            for seq in range(batches):
                own = [row for row in told if row["seq"] == seq]
                assert found.get(seq, {}) == naive.count(own, BINARY, section, blocks=MIXED, **options)


def test_numbers_at_the_edges_of_what_there_is() -> None:
    spec = BinSpec(task="binary", inputs=(NumberBins("n", (0.0, 1.0), 0.0, 1.0),))
    values = [(k + 0.5) / 2**20 for k in (0, 1, 2, 1000, 2**20 - 1)] + [*EDGES, 2.0**53, 2.0**53 + 2, -1e300, None]
    rows = [{"event_time": datetime(2026, 11, 4, 12), "x0": value, "seq": 1} for value in values]
    assert counted(rows, spec, Section.INPUTS)[1] == naive.count(rows, spec, Section.INPUTS, blocks=MIXED)


def test_a_prediction_that_is_a_number_is_one_class() -> None:
    rows = [
        {"event_time": datetime(2026, 11, 4, 12), "x0": 0.5, "prediction": n / 2 if n else None, "g0": "F", "seq": 0}
        for n in range(5)
    ]
    told = table(rows, {"prediction": pa.float64()})
    assert few.takes(told, REGRESSION, MIXED)
    found = few.count(told, REGRESSION, Section.OUTCOMES, blocks=MIXED, apart="seq").to_pylist()
    expected = naive.count(rows, REGRESSION, Section.OUTCOMES, blocks=MIXED)
    assert [row["counts"] for row in found] == list(expected.values())


@pytest.mark.parametrize(
    ("rows", "spec", "blocks"),
    [
        ([{"event_time": None}], BinSpec(task="binary", inputs=(NUMBER,)), MIXED),
        ([{"event_time": datetime(2026, 11, 4)}], BinSpec(task="binary", inputs=(NUMBER,)), Blocks(fixed="week")),
        ([{"event_time": datetime(2026, 11, 4)}], BinSpec(task="binary", inputs=(CategoryBins("c", ("1",)),)), MIXED),
        (
            [{"event_time": datetime(2026, 11, 4), "g1": " 12"}],
            BinSpec(task="binary", inputs=(NUMBER,), groups=(SEXES, AGES)),
            MIXED,
        ),
    ],
)
def test_what_needs_a_parser_or_other_blocks_is_not_taken(
    rows: list[dict[str, Any]], spec: BinSpec, blocks: Blocks
) -> None:
    assert not few.takes(table(rows), spec, blocks)
