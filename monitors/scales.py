"""One column as counted, and a measure of it on its own scale: the values that the drift measures are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from monitors.divergence import Z95, Floats
from store.bins import ColumnBins
from store.summary import Counts


@dataclass(frozen=True)
class Column:
    """One column of a reference and of many windows, as counted."""

    bins: ColumnBins
    reference: Counts
    """(cells,) of the partition."""
    current: Counts
    """(windows, cells)."""
    moments: tuple[Counts, Counts] | None = None
    """q_sum, q2_high, q2_low: (3,) of the reference, (windows, 3)."""


@dataclass(frozen=True)
class OnScale:
    """A measure of every window, on its own scale."""

    value: Floats
    effect: Floats
    floor: Floats
    low: Floats
    high: Floats
    p_value: Floats
    error_bound: Floats | None = None
    statistic: Floats | None = None
    told: dict[str, Floats] = field(default_factory=dict)


def rows_of(column: Column) -> tuple[Floats, float]:
    """Rows of the windows and of the reference in the column's cells, never 0."""
    return np.maximum(column.current.sum(axis=1), 1).astype(np.float64), max(float(column.reference.sum()), 1.0)


def plain(value: Floats, *, null: Floats, variance: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """value, effect, floor, low, high of an absolute difference whose mean square without drift is `null`."""
    effect = np.sqrt(np.maximum(value**2 - null, 0.0))
    half = Z95 * np.sqrt(np.maximum(variance, null))
    return value, effect, np.sqrt(null), np.maximum(effect - half, 0.0), np.maximum(effect + half, value)
