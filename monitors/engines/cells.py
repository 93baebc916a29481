"""The cells of columns, in NumPy: every value of some rows into its cell, run by run.

Pure, and exact: a value is compared with every edge (which is a few instructions for many values at once, cheaper
than looking places up), so that bins are (lo, hi] whatever the edges; -0.0 is 0 and NaN is above nothing. What is
summed is whole numbers as doubles, never beyond 2^53.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from store.bins import QUANTUM, CategoryBins, NumberBins
from store.summary import Counts

EXACT = 2.0**53
ALMOST_HALF = float(np.nextafter(0.5, 0.0))
"""floor(v + this) rounds v >= 0 half away from zero; with 0.5 the double before it would become 1."""
_HALF_QUANTUM = 2.0**-10
"""Of q times this the square is q^2 / 2^20, without a bit lost: its whole part is the high part of q^2."""
MISSING, NOT_FINITE, FIRST = 0, 1, 2
"""Cells of a number: missing, non_finite, then below."""

Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Runs:
    """Rows that follow each other and are counted together."""

    starts: Places
    """The first row of each, rising from 0."""
    rows: int
    _bases: dict[int, Places] = field(default_factory=dict, init=False)

    def tally(self, cells: npt.NDArray[Any], width: int) -> Counts:
        """How often each of `width` cells occurs in each run."""
        runs = len(self.starts)
        if runs == 1:
            return np.bincount(cells, minlength=width).reshape(1, width)
        if width not in self._bases:
            lengths = np.diff(self.starts, append=self.rows)
            self._bases[width] = np.repeat(np.arange(runs, dtype=np.int64) * width, lengths)
        return np.bincount(self._bases[width] + cells, minlength=runs * width).reshape(runs, width)

    def total(self, values: Doubles) -> Counts:
        """The sum of whole numbers in each run."""
        totals: Counts = np.add.reduceat(values, self.starts).astype(np.int64)
        return totals

    def number_of(self, rows: Places) -> Counts:
        """How many of these rows each run has."""
        if not len(rows):
            return np.zeros(len(self.starts), np.int64)
        return np.bincount(np.searchsorted(self.starts, rows, side="right") - 1, minlength=len(self.starts))


def number_cells(values: Doubles, missing: Places, beyond: Bools | None, bins: NumberBins, runs: Runs) -> Counts:
    """The cells of a number of every run.

    missing: rows without a value, where `values` hold anything. beyond: whether an integer was beyond 2^53, before it
    became a double; None: the doubles tell themselves.
    """
    cells = np.full(len(values), FIRST, np.uint8 if len(bins.edges) < 250 else np.uint32)
    above = np.empty(len(values), np.bool_)
    with np.errstate(invalid="ignore"):
        for edge in bins.edges:
            np.greater(values, edge, out=above)
            np.add(cells, above.view(np.uint8), out=cells)
        inner = np.clip(values, bins.lo, bins.hi)
    cells[missing] = MISSING
    inner[missing] = bins.lo
    odd = _odd(values, inner, missing)
    infinite = odd[~np.isfinite(values[odd])]
    cells[infinite] = NOT_FINITE
    inner[infinite] = bins.lo
    inexact = np.flatnonzero(beyond) if beyond is not None else odd[np.isfinite(values[odd])]
    split = FIRST + bins.partition
    found = np.empty((len(runs.starts), bins.width), np.int64)
    found[:, :split] = runs.tally(cells, split)
    found[:, split] = runs.number_of(inexact)
    found[:, split + 1 :] = _moments(inner, bins, runs)
    return found


def _odd(values: Doubles, inner: Doubles, missing: Places) -> Places:
    """Rows whose value is not finite or beyond 2^53; nearly no column has any, and that is told fast. inner: the
    values clipped, none where they are missing, so that NaN in it is a value."""
    if np.fmin.reduce(values) >= -EXACT and np.fmax.reduce(values) <= EXACT and not np.isnan(np.min(inner)):
        return np.empty(0, np.int64)
    return np.setdiff1d(np.flatnonzero(~(np.abs(values) <= EXACT)), missing, assume_unique=True)


def _moments(inner: Doubles, bins: NumberBins, runs: Runs) -> Counts:
    """q_sum, q2_high, q2_low of values that lie within [lo, hi]; `inner` is used up.

    (x - lo) over a 2^20th of the range is the same to the last bit as dividing by the range and multiplying then.
    """
    inner -= bins.lo
    inner /= (bins.hi - bins.lo) / QUANTUM
    inner += ALMOST_HALF
    np.floor(inner, out=inner)
    sums = [runs.total(inner)]
    inner *= _HALF_QUANTUM
    inner *= inner
    high = np.floor(inner)
    inner -= high
    sums += [runs.total(high), (np.add.reduceat(inner, runs.starts) * QUANTUM).astype(np.int64)]
    return np.column_stack(sums)


def category_cells(
    codes: npt.NDArray[Any] | None, unnamed: Places, missing: Places, bins: CategoryBins, runs: Runs
) -> Counts:
    """The cells of a category of every run. codes: the place of each published value; anything in the rows that are
    `unnamed`, whose value is missing or not published; None: no value is published."""
    cells = np.full(runs.rows, bins.width - 1, np.uint32) if codes is None else codes.astype(np.uint32) + np.uint32(1)
    cells[unnamed] = bins.width - 1
    cells[missing] = 0
    return runs.tally(cells, bins.width)
