"""Inputs and outputs on DuckDB: the cells of every column, by plain aggregates over one scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from monitors.engines import duckdb_text as sql
from monitors.engines.duckdb_query import Fetched, Keyed, Source, aparts, grouped, segments
from store.bins import QUANTUM, BinSpec, CategoryBins, ColumnCells, NumberBins, Section
from store.summary import Counts

COLUMNS_A_PASS = 50
"""Columns counted in one query: planning thousands of aggregates costs more than a second scan."""

Place = tuple[ColumnCells, str]
"""Where a column's cells stand, and its name in the relation."""


def count_columns(source: Source, spec: BinSpec, section: Section) -> Keyed:
    """Section INPUTS or OUTPUTS; its width is not 0."""
    places: list[Place] = [(cells, f"x{i}") for i, cells in enumerate(spec.input_cells)]
    if section is Section.OUTPUTS:
        pairs = ((spec.prediction_cells, "prediction"), (spec.score_cells, "score"))
        places = [(cells, name) for cells, name in pairs if cells]
    counted: list[Counts] = []
    fetched: Fetched = {}
    for first in range(0, len(places), COLUMNS_A_PASS):
        part = places[first : first + COLUMNS_A_PASS]
        fetched = _fetch(source, part)
        counted += [
            _number(fetched, i, b) if isinstance(b := c.bins, NumberBins) else _category(fetched, i, b)
            for i, (c, _) in enumerate(part)
        ]
    return Keyed(fetched["start"], aparts(fetched), segments(fetched), np.hstack(counted))


def _fetch(source: Source, places: Sequence[Place]) -> Fetched:
    columns: list[str] = []
    sums: list[str] = []
    for i, (cells, name) in enumerate(places):
        kind = source.kinds.get(name)
        if isinstance(bins := cells.bins, NumberBins):
            columns += sql.number_columns(i, name, kind, bins)
            sums += sql.number_counts(i, kind, bins)
        else:
            columns.append(f"{sql.as_text(name, kind)} AS d_{i}")
            sums += sql.category_counts(i, bins)
    fetched = grouped(source, columns, sums)
    # Values that are not finite, or beyond 2^53, are rare: only where there are some is it asked which.
    odd = [i for i in range(len(places)) if f"o_{i}" in fetched and fetched[f"o_{i}"].any()]
    return fetched | grouped(source, columns, [text for i in odd for text in sql.odd_counts(i)]) if odd else fetched


def _number(fetched: Fetched, i: int, bins: NumberBins) -> Counts:
    """missing, non_finite, below, bins, above, inexact, q_sum, q2_high, q2_low of every key."""
    present = fetched[f"n_{i}"]
    none = np.zeros_like(present)
    high, low = fetched.get(f"p_{i}", none), fetched.get(f"m_{i}", none)  # +inf and NaN; -inf
    up_to = np.array(fetched[f"c_{i}"].tolist(), dtype=np.int64).reshape(len(present), len(bins.edges)) - low[:, None]
    return np.column_stack(
        [
            fetched["rows"] - present,
            high + low,
            up_to[:, 0],
            np.diff(up_to, axis=1),
            present - high - low - up_to[:, -1],
            fetched[f"o_{i}"] - high - low,
            fetched[f"q_{i}_sum"] - high * QUANTUM,  # they were clipped to hi, where q and q^2 >> 20 are 2^20
            fetched[f"q_{i}_high"] - high * QUANTUM,
            fetched[f"q_{i}_low"],
        ]
    )


def _category(fetched: Fetched, i: int, bins: CategoryBins) -> Counts:
    """missing, one per published value, other of every key."""
    present = fetched[f"n_{i}"]
    named = np.zeros((len(present), len(bins.values)), dtype=np.int64)
    maps: npt.NDArray[Any] | None = fetched.get(f"h_{i}")
    for row, found in enumerate(maps.tolist() if maps is not None else ()):
        named[row] = [(found or {}).get(value, 0) for value in bins.values]
    return np.column_stack([fetched["rows"] - present, named, present - named.sum(axis=1)])
