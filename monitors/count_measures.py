"""Drift measures from counts: each on its own scale, with what sampling feigns, an interval and a binning error.

Promises: arrays of shape (windows,) for one column. The value is the measure; the effect is the value less what
sampling (and noise) would give without drift; the floor is the least effect that this sample could tell. A measure
of numbers known by their bin says how far the binning can be off, and its interval is that much wider.
Refuses to judge; limits and statuses are `monitors/drift.py`.
"""

from __future__ import annotations

from math import log

import numpy as np

from monitors import binned_numbers
from monitors import measures as names
from monitors.binned_numbers import MEAN_ABS
from monitors.divergence import Comparison, Floats
from monitors.scales import Column, OnScale, plain, rows_of

PSI_SCALE = {names.JENSEN_SHANNON: 8 * log(2), names.HELLINGER: 8.0, names.CHI_SQUARE: 4.0, names.G: 8 * log(2)}
"""For small moves PSI is this many times the square of the measure, which carries PSI's bias and interval over."""


def on_scale(measure: str, found: Comparison, column: Column) -> OnScale:
    if measure == names.PSI:
        floor = np.maximum(found.bias, found.hidden)
        return OnScale(found.psi, found.psi_debiased, floor, found.low, found.high, found.p_value)
    if measure in PSI_SCALE:
        return _root_of_psi(measure, found)
    if measure in _OF_CELLS:
        return _OF_CELLS[measure](found)
    return _OF_COLUMN[measure](column)


# -- from merged cells --------------------------------------------------------------------------------------------


def _root_of_psi(measure: str, found: Comparison) -> OnScale:
    p, q = found.merged.smoothed()
    scale, p_value, statistic = PSI_SCALE[measure], found.p_value, None
    if measure == names.HELLINGER:
        value = np.sqrt(np.maximum(1 - np.sqrt(p * q).sum(axis=1), 0.0))
    elif measure == names.CHI_SQUARE:
        # Cramer's V of two samples of one size: that of the table itself would shrink with the larger side.
        total = np.where(p + q > 0, p + q, 1.0)
        value, statistic = np.sqrt(((p - q) ** 2 / total).sum(axis=1) / 2), found.chi_square
    else:
        value = found.js
        if measure == names.G:
            statistic, p_value = _g_test(found)
    floor = np.sqrt(np.maximum(found.bias, found.hidden) / scale)
    effect = np.sqrt(np.maximum(value**2 - found.bias / scale, 0.0))
    per_psi = _per_psi(found, effect**2, 1 / scale)
    low, high = np.sqrt(found.low * per_psi), np.sqrt(found.high * per_psi)
    return OnScale(value, effect, floor, low, high, p_value, statistic=statistic)


def _per_psi(found: Comparison, effect: Floats, small: float) -> Floats:
    """How much of the measure there is for each bit of PSI: as seen, and for moves too small to see as `small`."""
    seen = found.psi_debiased > found.bias
    return np.where(seen, effect / np.where(seen, found.psi_debiased, 1.0), small)


def _g_test(found: Comparison) -> tuple[Floats, Floats]:
    from scipy.special import chdtrc, xlogy

    merged = found.merged
    sides = np.stack([np.maximum(merged.current, 0.0), merged.reference])
    totals = sides.sum(axis=2, keepdims=True)
    expected = sides.sum(axis=0) * totals / np.maximum(totals.sum(axis=0), 1.0)
    ratio = np.where(expected > 0, sides / np.where(expected > 0, expected, 1.0), 1.0)
    statistic = np.maximum(2 * xlogy(sides, ratio).sum(axis=(0, 2)), 0.0)
    return statistic, np.where(found.degrees > 0, chdtrc(np.maximum(found.degrees, 1), statistic), 1.0)


def _kl(found: Comparison) -> OnScale:
    p, q = found.merged.smoothed()
    live = p > 0
    value = (np.where(live, p, 0.0) * np.log(np.where(live, p, 1.0) / np.where(live, q, 1.0))).sum(axis=1)
    floor = np.maximum(found.bias, found.hidden) / 2
    effect = value - found.bias / 2
    per_psi = _per_psi(found, effect, 0.5)
    return OnScale(value, effect, floor, found.low * per_psi, found.high * per_psi, found.p_value)


def _total_variation(found: Comparison) -> OnScale:
    d, spread = _gaps(found)
    null = MEAN_ABS * (np.sqrt(spread).sum(axis=1) / 2) ** 2
    return _beside(found, np.abs(d).sum(axis=1) / 2, null=null, variance=_linear(found, np.sign(d) / 2))


def _l_infinity(found: Comparison) -> OnScale:
    d, spread = _gaps(found)
    null = spread.max(axis=1) * (1 + 1.4 * np.log(np.maximum(found.cells, 1)))
    picked = np.zeros_like(d)
    widest = np.abs(d).argmax(axis=1)
    np.put_along_axis(picked, widest[:, None], 1.0, axis=1)
    return _beside(found, np.abs(d).max(axis=1), null=null, variance=_linear(found, picked))


def _z(column: Column) -> OnScale:
    """Two values: the difference of their shares, by the pooled z test. Others are refused by `why_not_z`."""
    from scipy.special import ndtr

    live = np.flatnonzero((column.reference > 0) | (column.current > 0).any(axis=0))
    first = live[0] if len(live) else 0
    n, m = rows_of(column)
    p, q = column.current[:, first] / n, column.reference[first] / m
    pooled = (column.current[:, first] + column.reference[first]) / (n + m)
    null = pooled * (1 - pooled) * (1 / n + 1 / m)
    gap = np.abs(p - q)
    z = np.where(null > 0, gap / np.sqrt(np.where(null > 0, null, 1.0)), 0.0)
    made = plain(gap, null=null, variance=p * (1 - p) / n + q * (1 - q) / m)
    return OnScale(*made, p_value=2 * (1 - ndtr(z)), statistic=z)


def why_not_z(column: Column) -> str | None:
    live = int(((column.reference > 0) | (column.current > 0).any(axis=0)).sum())
    return None if live <= 2 else f"z compares the shares of two values; this column has {live}"


# -- parts --------------------------------------------------------------------------------------------------------


def _gaps(found: Comparison) -> tuple[Floats, Floats]:
    """Differences of the shares per live cell, and their variance without drift (sampling and noise)."""
    merged = found.merged
    d = (merged.current / merged.n[:, None] - merged.reference / merged.m) * merged.live
    w = merged.pooled()
    spread = w * (1 - w) * (1 / merged.n + 1 / merged.m)[:, None]
    spread += found.variance[:, None] / merged.n[:, None] ** 2 * merged.size * merged.live
    return d, spread


def _linear(found: Comparison, weights: Floats) -> Floats:
    """Variance of sum weights * (p - q)."""
    p, q = found.merged.smoothed()
    merged = found.merged
    total = np.zeros(len(merged.n))
    for side, n in ((p, merged.n), (q, np.full(len(merged.n), merged.m))):
        mean = (side * weights).sum(axis=1)
        total += ((side * weights**2).sum(axis=1) - mean**2) / n
    noise = found.variance / merged.n**2 * (merged.size * weights**2).sum(axis=1)
    return np.asarray(np.maximum(total, 0.0) + noise)


def _beside(found: Comparison, value: Floats, *, null: Floats, variance: Floats) -> OnScale:
    value, effect, floor, low, high = plain(value, null=null, variance=variance)
    return OnScale(value, effect, np.maximum(floor, found.hidden / 2), low, high, found.p_value)


_OF_CELLS = {names.KL: _kl, names.TOTAL_VARIATION: _total_variation, names.L_INFINITY: _l_infinity}
_OF_COLUMN = {
    names.Z: _z,
    names.KS: binned_numbers.ks,
    names.WASSERSTEIN: binned_numbers.wasserstein,
    names.MANN_WHITNEY: binned_numbers.mann_whitney,
    names.T: binned_numbers.t_test,
}
