"""Rows drawn from counts: what a library that only takes rows can be shown where the rows never left their site.

Promises: the rows fall into the cells of the summary in its proportions (largest remainders, not luck), the same for
the same seed; inside a bin values are spread evenly. They are no one's rows: columns are drawn apart from each other,
so nothing can be read from how they go together. Refuses to draw from counts that say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from store.bins import CategoryBins, ColumnCells, NumberBins
from store.errors import BadInput
from store.summary import Counts

OTHER = "(other)"


def representative_rows(cells: Sequence[ColumnCells], counts: Counts, *, most: int, seed: int) -> pa.Table:
    """At most so many rows of these columns. Counts below 0 (noise) are 0; what was missing or not finite is null."""
    rows = min(most, max((_total(of, counts) for of in cells), default=0))
    if not rows:
        raise BadInput("these counts hold no rows", advice="Name a window that has some.")
    generator = np.random.default_rng(seed)
    columns = {}
    for of in cells:
        places = np.repeat(np.arange(of.bins.width), _shares(_cells(of, counts), rows))
        made = _numbers(of, places) if isinstance(of.bins, NumberBins) else _values(of.bins, places)
        columns[of.bins.name] = made.take(pa.array(generator.permutation(rows)))
    return pa.table(columns)


def _cells(of: ColumnCells, counts: Counts) -> npt.NDArray[np.int64]:
    """The cells in which a row is counted once, at their places; the sums of moments are none."""
    width = of.partition.stop - of.start
    found = np.zeros(of.bins.width, dtype=np.int64)
    found[:width] = np.maximum(counts[of.start : of.start + width], 0)
    return found


def _total(of: ColumnCells, counts: Counts) -> int:
    return int(_cells(of, counts).sum())


def _shares(cells: npt.NDArray[np.int64], rows: int) -> npt.NDArray[np.int64]:
    """`rows` split in the proportions of the cells; a column of which nothing is known is missing throughout."""
    total = int(cells.sum())
    if not total:
        cells, total = np.eye(1, len(cells), dtype=np.int64)[0], 1
    exact = [int(count) * rows for count in cells]
    out = np.array([share // total for share in exact], dtype=np.int64)
    rest = np.array([share % total for share in exact])
    out[np.argsort(-rest, kind="stable")[: rows - int(out.sum())]] += 1
    return out


def _numbers(of: ColumnCells, places: npt.NDArray[np.int64]) -> pa.Array:
    bins = of.bins
    assert isinstance(bins, NumberBins)
    edges = np.array([min(bins.lo, bins.edges[0]), *bins.edges, max(bins.hi, bins.edges[-1])])
    first = of.partition.start - of.start
    out = np.full(len(places), np.nan)
    for k in range(bins.partition):
        mine = np.flatnonzero(places == first + k)
        # (lo, hi]: the last of them stands on the upper edge, none on the lower.
        steps = np.arange(1, len(mine) + 1) / max(len(mine), 1)
        out[mine] = edges[k] + (edges[k + 1] - edges[k]) * steps
    return pa.array(out, from_pandas=True)


def _values(bins: CategoryBins, places: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array([None, *bins.values, OTHER], pa.string()).take(pa.array(places))
