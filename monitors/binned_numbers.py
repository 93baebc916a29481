"""Drift measures of numbers that are known by their bin: each says how far the binning can be off.

The error bound is one of the counts alone, whatever the values inside a bin: where one side's values of a bin all
lie at its lower end and the other's at its upper. Moments are exact to 2^-20 of the published range.
"""

from __future__ import annotations

from math import pi

import numpy as np

from monitors.divergence import Z95, Floats
from monitors.intervals import roc_area
from monitors.scales import Column, OnScale, plain, rows_of
from store.bins import QUANTUM, NumberBins

KOLMOGOROV_SQUARE = pi**2 / 12
"""Mean square of the limiting Kolmogorov distribution."""
KOLMOGOROV95 = 1.3581015157406195
MEAN_ABS = 2 / pi
"""Square of the mean of |N(0, 1)|."""


def ks(column: Column) -> OnScale:
    from scipy.special import kolmogorov

    f, g, scale = _functions(column)
    value = np.abs(f - g).max(axis=1)
    most = np.maximum(f[:, 1:] - g[:, :-1], g[:, 1:] - f[:, :-1]).max(axis=1)
    bound = np.maximum(most - value, 0.0)
    null = KOLMOGOROV_SQUARE * scale
    effect = np.sqrt(np.maximum(value**2 - null, 0.0))
    half = KOLMOGOROV95 * np.sqrt(scale)
    low, high = np.maximum(value - half, 0.0), np.minimum(value + half + bound, 1.0)
    return OnScale(value, effect, np.sqrt(null), low, high, kolmogorov(value / np.sqrt(scale)), error_bound=bound)


def wasserstein(column: Column) -> OnScale:
    """Values spread evenly inside a bin; what lies beyond the published range is taken at its end."""
    bins = column.bins
    assert isinstance(bins, NumberBins)
    f, g, scale = _functions(column)
    ends = np.array([min(bins.lo, bins.edges[0]), *bins.edges, max(bins.hi, bins.edges[-1])])
    width, sd = np.diff(ends), _reference_sd(column)
    a, b = f[:, :-1] - g[:, :-1], f[:, 1:] - g[:, 1:]
    crossing = a * b < 0
    both = np.where(crossing, np.abs(a) + np.abs(b), 1.0)
    inside = np.where(crossing, (a * a + b * b) / (2 * both), (np.abs(a) + np.abs(b)) / 2)
    most = np.maximum(f[:, 1:] - g[:, :-1], g[:, 1:] - f[:, :-1])
    least = np.maximum(np.maximum(f[:, :-1] - g[:, 1:], g[:, :-1] - f[:, 1:]), 0.0)
    gap = np.abs(_means(column)[0] - _means(column)[1])  # no distance is below the difference of the means
    value = np.maximum((inside * width).sum(axis=1), gap)
    lower, upper = np.maximum((least * width).sum(axis=1), gap), np.maximum((most * width).sum(axis=1), value)
    pooled = (f + g) / 2
    null = MEAN_ABS * ((np.sqrt(pooled * (1 - pooled) * scale[:, None])[:, 1:] * width).sum(axis=1)) ** 2
    n, m = rows_of(column)
    spread = (np.sqrt(f * (1 - f) / n[:, None] + g * (1 - g) / m))[:, 1:]
    variance = (spread * width).sum(axis=1) ** 2
    bound = np.maximum(upper - value, value - lower) / sd
    value, effect, floor, low, high = plain(value / sd, null=null / sd**2, variance=variance / sd**2)
    low, high = np.maximum(low - (value - lower / sd), 0.0), high + np.maximum(upper / sd - value, 0.0)
    return OnScale(value, effect, floor, low, high, ks(column).p_value, error_bound=bound)


def mann_whitney(column: Column) -> OnScale:
    from scipy.special import ndtr

    n, m = rows_of(column)
    together = (column.current + column.reference).astype(np.float64)
    total = n + m
    ties = ((together**3 - together).sum(axis=1)) / np.maximum(total**3 - total, 1.0)
    null = (1 / n + 1 / m) / 3 * np.maximum(1 - ties, 0.0)
    areas = [
        roc_area(row, column.reference) if row.any() and column.reference.any() else None for row in column.current
    ]
    delta = np.array([abs(2 * area.value - 1) if area else 0.0 for area in areas])
    half = np.array([(area.interval[1] - area.interval[0]) if area else 2.0 for area in areas])
    bound = np.array([2 * area.error_bound if area else 1.0 for area in areas])
    z = np.where(null > 0, delta / np.sqrt(np.where(null > 0, null, 1.0)), 0.0)
    value, effect, floor, low, high = plain(delta, null=null, variance=(half / Z95) ** 2)
    low, high = np.maximum(low - bound, 0.0), np.minimum(high + bound, 1.0)
    return OnScale(value, effect, floor, low, high, 2 * (1 - ndtr(z)), error_bound=bound, statistic=z)


def t_test(column: Column) -> OnScale:
    from scipy.special import stdtr

    n, m = (np.maximum(rows, 2.0) for rows in rows_of(column))
    (after, before), (vn, vm) = _means(column), _variances(column)
    pooled = np.maximum(np.sqrt((vn + vm) / 2), _range(column) / 1000)
    step = _range(column) / QUANTUM
    gap, spread = np.abs(after - before), np.maximum(vn / n + vm / m, step**2)
    value, t = gap / pooled, gap / np.sqrt(spread)
    degrees = np.maximum(spread**2 / np.maximum((vn / n) ** 2 / (n - 1) + (vm / m) ** 2 / (m - 1), step**4), 1.0)
    p_value = 2 * stdtr(degrees, -t)
    scale = 1 / n + 1 / m
    bound = 2 * step / pooled * (1 + value)
    value, effect, floor, low, high = plain(value, null=scale, variance=scale + value**2 / (2 * (n + m)))
    return OnScale(value, effect, floor, low, high, p_value, error_bound=bound, statistic=t)


def _functions(column: Column) -> tuple[Floats, Floats, Floats]:
    """Distribution functions of windows and reference at every end of a cell, from 0 to 1; 1/n + 1/m."""
    n, m = rows_of(column)
    f = np.concatenate([np.zeros((len(n), 1)), np.cumsum(column.current, axis=1) / n[:, None]], axis=1)
    g = np.concatenate([[0.0], np.cumsum(column.reference) / m])
    return f, np.broadcast_to(g, f.shape), 1 / n + 1 / m


def _range(column: Column) -> float:
    assert isinstance(column.bins, NumberBins)
    return column.bins.hi - column.bins.lo


def _means(column: Column) -> tuple[Floats, float]:
    """Of the windows and of the reference, in the column's unit from the low end of its range."""
    assert column.moments is not None
    before, after = column.moments
    n, m = rows_of(column)
    return after[:, 0] / n / QUANTUM * _range(column), float(before[0]) / m / QUANTUM * _range(column)


def _variances(column: Column) -> tuple[Floats, float]:
    assert column.moments is not None
    before, after = column.moments
    n, m = rows_of(column)
    mean, other = _means(column)
    wide = _range(column)
    of_windows = (after[:, 1] * QUANTUM + after[:, 2]) / n / QUANTUM**2 - (mean / wide) ** 2
    of_reference = (float(before[1]) * QUANTUM + float(before[2])) / m / QUANTUM**2 - (other / wide) ** 2
    return (
        np.asarray(np.maximum(of_windows, 0.0) * wide**2 * n / np.maximum(n - 1, 1.0)),
        max(of_reference, 0.0) * wide**2 * m / max(m - 1, 1.0),
    )


def _reference_sd(column: Column) -> float:
    """Never 0: a constant reference is measured in thousandths of its range."""
    return max(float(np.sqrt(_variances(column)[1])), _range(column) / 1000)
