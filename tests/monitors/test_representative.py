"""Rows drawn from counts fall back into the very cells they were drawn from."""

from __future__ import annotations

from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from monitors.engines import duckdb as engine
from monitors.engines.base import Blocks
from monitors.representative import representative_rows
from store.bins import BinSpec, CategoryBins, NumberBins, Section
from store.errors import BadInput
from store.summary import matrix

SPEC = BinSpec(
    task="binary", inputs=(NumberBins("n", (0.0, 1.0, 5.0), -10.0, 20.0), CategoryBins("c", ("a", "", "(other)")))
)
COUNTS = np.array([3, 0, 10, 20, 30, 17, 5, 999, 999, 999, 8, 40, 20, 12, 0])
"""missing, non-finite, below, two bins, above, the four cells of the moments; missing, three values, other."""


def counted(rows: pa.Table) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    at = pa.array([datetime(2026, 1, 1)] * rows.num_rows, pa.timestamp("us"))
    named = pa.table({"event_time": at, "x0": rows["n"], "x1": rows["c"]})
    connection = duckdb.connect()
    connection.register("rows", named)
    found = engine.count(connection, "rows", SPEC, Section.INPUTS, blocks=Blocks(fixed="day"))
    return matrix(found["counts"], SPEC.widths[Section.INPUTS])[0]


def cells(counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> list[int]:
    return [*counts[:6].tolist(), *counts[10:].tolist()]


def test_all_rows_fall_back_into_their_cells() -> None:
    rows = representative_rows(SPEC.input_cells, COUNTS, most=1_000, seed=7)
    assert rows.num_rows == 80
    assert cells(counted(rows)) == cells(COUNTS)


def test_fewer_rows_keep_the_proportions_to_one() -> None:
    found = cells(counted(representative_rows(SPEC.input_cells, COUNTS * 1_000, most=200, seed=7)))
    assert sum(found[:6]) == sum(found[6:]) == 200
    assert max(abs(a - b * 200 / 80) for a, b in zip(found, cells(COUNTS), strict=True)) < 1


def test_the_same_seed_gives_the_same_rows_and_another_others() -> None:
    drawn = [representative_rows(SPEC.input_cells, COUNTS, most=80, seed=seed) for seed in (1, 1, 2)]
    assert drawn[0].equals(drawn[1]) and not drawn[0].equals(drawn[2])


def test_noise_below_zero_counts_nothing_and_what_is_not_finite_is_missing() -> None:
    counts = COUNTS.copy()
    counts[1], counts[2] = 2, -9
    found = cells(counted(representative_rows(SPEC.input_cells, counts, most=72, seed=1)))
    assert found[:3] == [5, 0, 0]


def test_counts_that_say_nothing_are_refused() -> None:
    with pytest.raises(BadInput, match="no rows"):
        representative_rows(SPEC.input_cells, COUNTS * 0, most=10, seed=1)
