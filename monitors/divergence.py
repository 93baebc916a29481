"""How far apart two tables of counts are, with the sample sizes and the noise they carry.

Promises: one reference against many windows at once, in NumPy, from integer counts alone; the same counts give the
same floats, whether they come from one site or are merged from many. Every quantity knows the sampling error of both
sides and the variance of noise in each cell, so that small samples and noisy releases are not read as drift.
Refuses to judge: limits and statuses are `monitors/drift.py`. Formulas and sources: docs/method.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from store.summary import Counts

Floats = npt.NDArray[np.float64]

EXPECTED = 5.0
"""Fewest rows that a cell must be expected to hold on either side; sparser ones are merged with their neighbour."""
NOISE_SDS = 3.0
"""A noisy cell must also be expected to stand this many standard deviations of its noise above zero."""
SMOOTHING = 0.5
"""Added to every cell, so that an empty one has a logarithm."""
Z95 = 1.959963984540054
FEW_WINDOWS = 16
"""Fewer windows than this are walked one by one."""


@dataclass(frozen=True)
class Merged:
    """Cells after merging, padded with empty ones to the width before; `live` marks the cells that are in use."""

    live: npt.NDArray[np.bool_]
    size: Floats
    """How many of the original cells each holds: its noise variance is that many times a cell's."""
    current: Floats
    reference: Floats
    n: Floats
    m: float

    @property
    def cells(self) -> npt.NDArray[np.int64]:
        return np.asarray(self.live.sum(axis=1), dtype=np.int64)

    def smoothed(self) -> tuple[Floats, Floats]:
        """Shares of the window and of the reference, never 0 in a live cell."""
        added = SMOOTHING * self.live
        current, reference = np.maximum(self.current, 0.0) * self.live + added, self.reference + added
        return current / current.sum(axis=1, keepdims=True), reference / reference.sum(axis=1, keepdims=True)

    def pooled(self) -> Floats:
        """Shares of both sides together: what each would be expected to hold without drift."""
        together = np.where(self.live, np.maximum(self.current + self.reference, SMOOTHING), 0.0)
        return np.asarray(together / together.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Comparison:
    """One column of a reference against its windows; every array has shape (windows,)."""

    n: Floats
    """Rows of the window in this column's cells, as counted: with noise it may be no integer's worth, or negative."""
    m: float
    """Rows of the reference."""
    cells: npt.NDArray[np.int64]
    """Cells left once sparse ones are merged."""
    psi: Floats
    js: Floats
    """Jensen-Shannon distance, base 2."""
    chi_square: Floats
    degrees: npt.NDArray[np.int64]
    p_value: Floats
    bias: Floats
    """What PSI is expected to be without any drift: sampling error of both sides, and noise."""
    low: Floats
    high: Floats
    """95% interval of the PSI between the two populations."""

    hidden: Floats
    """The share of rows that could have moved inside merged cells unseen; 0 where nothing was merged."""
    merged: Merged
    """The cells that all of this is about, for other measures of the same."""
    variance: Floats
    """Of the noise in each cell as counted."""

    @property
    def psi_debiased(self) -> Floats:
        return self.psi - self.bias


def compare(reference: Counts, current: Counts, variance: Floats) -> Comparison:
    """reference: (cells,). current: (windows, cells). variance: (windows,), of the noise in each cell; 0 where exact.

    Windows without rows, and a reference without rows, give numbers that mean nothing; callers look at n and m.
    """
    from scipy.special import chdtrc

    merged = _merge(reference, current, variance)
    p, q = merged.smoothed()
    psi = _sum((p - q) * (_log(p) - _log(q)))
    chi_square, bias, null_variance = _against_chance(merged, variance)
    degrees = merged.cells - 1
    p_value = np.where(degrees > 0, chdtrc(np.maximum(degrees, 1), np.maximum(chi_square, 0.0)), 1.0)
    low, high = _interval(psi, bias, null_variance, _spread(p, q, merged, variance))
    return Comparison(
        n=current.sum(axis=1).astype(np.float64), m=merged.m, cells=merged.cells, psi=psi, js=_jensen_shannon(p, q),
        chi_square=chi_square, degrees=degrees, p_value=p_value, bias=bias, low=low, high=high,
        hidden=np.where(merged.cells < current.shape[1], 2 * _needed(variance, 1.0) / merged.n, 0.0),
        merged=merged, variance=variance,
    )  # fmt: skip


def _merge(reference: Counts, current: Counts, variance: Floats) -> Merged:
    """Merge neighbours until each cell holds enough on the smaller side: expected, or twice that observed.

    Expected counts come from both sides pooled, not from the reference alone: given the pooled counts the test keeps
    its level. What was observed counts too, so that a value that a large reference never had stays a cell of its own
    in a small window (where both sides are equally large the two conditions are the same one).
    """
    n, m = np.maximum(current.sum(axis=1), 1.0), float(max(reference.sum(), 1))
    expected = (current + reference) * (np.minimum(n, m) / (n + m))[:, None]
    observed = np.where((n <= m)[:, None], current, reference)
    windows, width = current.shape
    walked = _one_by_one if windows < FEW_WINDOWS else _side_by_side
    groups, group = walked(expected, observed, variance)
    # What is left at the end joins the last cell that was full.
    groups = np.minimum(groups, np.maximum(group - 1, 0)[:, None])
    places = (groups + np.arange(windows)[:, None] * width).ravel()

    def gathered(values: npt.NDArray[Any]) -> Floats:
        spread = np.broadcast_to(values, (windows, width)).ravel().astype(np.float64)
        summed = np.bincount(places, weights=spread, minlength=windows * width)
        return summed.astype(np.float64).reshape(windows, width)

    sizes = gathered(np.ones(1))
    return Merged(sizes > 0, sizes, gathered(current), gathered(reference), n, m)


def _side_by_side(
    expected: Floats, observed: npt.NDArray[Any], variance: Floats
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Of each cell the group that it falls into, cell by cell over all windows, and the number of full groups."""
    windows, width = expected.shape
    groups = np.zeros((windows, width), dtype=np.int64)
    group, size = np.zeros(windows, dtype=np.int64), np.zeros(windows)
    hoped, seen = np.zeros(windows), np.zeros(windows)
    for cell in range(width):
        groups[:, cell] = group
        hoped += expected[:, cell]
        seen += observed[:, cell]
        size += 1
        full = np.maximum(hoped, seen / 2) >= _needed(variance, size)
        group = group + full
        hoped[full], seen[full], size[full] = 0.0, 0.0, 0.0
    return groups, group


def _one_by_one(
    expected: Floats, observed: npt.NDArray[Any], variance: Floats
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The same, bit for bit, window by window: a run of one new day has one, and arrays of one element are slow."""
    groups, last = [], []
    for hopes, sights, noise in zip(expected.tolist(), observed.tolist(), variance.tolist(), strict=True):
        group, size, hoped, seen, row = 0, 0, 0.0, 0.0, []
        for expects, sees in zip(hopes, sights, strict=True):
            row.append(group)
            hoped, seen, size = hoped + expects, seen + sees, size + 1
            if max(hoped, seen / 2) >= max(EXPECTED, NOISE_SDS * sqrt(noise * size)):
                group, size, hoped, seen = group + 1, 0, 0.0, 0.0
        groups.append(row)
        last.append(group)
    return np.array(groups, dtype=np.int64).reshape(expected.shape), np.array(last, dtype=np.int64)


def _needed(variance: Floats, size: Floats | float) -> Floats:
    """Expected count that a cell made of `size` cells needs to stand on its own."""
    return np.asarray(np.maximum(EXPECTED, NOISE_SDS * np.sqrt(variance * size)), dtype=np.float64)


def _against_chance(merged: Merged, variance: Floats) -> tuple[Floats, Floats, Floats]:
    """The statistic d' Cov^+ d, and the mean and variance of PSI when nothing has moved."""
    w = merged.pooled()
    d = (merged.current / merged.n[:, None] - merged.reference / merged.m) * merged.live
    scale = 1 / merged.n + 1 / merged.m
    spare = np.where(merged.live, w, 1.0)
    chi_square = _sum(d * d / spare) / scale
    bias = scale * (merged.cells - 1)
    null_variance = 2 * scale**2 * (merged.cells - 1)
    noisy = np.flatnonzero(variance > 0)
    if len(noisy):
        cov = _covariance(w[noisy], merged.size[noisy], scale[noisy], variance[noisy] / merged.n[noisy] ** 2)
        live = merged.live[noisy].astype(np.float64)
        # Cov is 0 along the ones vector of live cells, to which d is orthogonal: filling that direction makes it
        # invertible and leaves d' Cov^+ d as it is.
        filled = cov + scale[noisy, None, None] * live[:, :, None] * live[:, None, :]
        filled += (1 - live)[:, :, None] * np.eye(live.shape[1])
        solved = np.linalg.solve(filled, d[noisy][:, :, None])[:, :, 0]
        chi_square[noisy] = _sum(d[noisy] * solved)
        ratio = cov / spare[noisy][:, :, None]
        bias[noisy] = np.trace(ratio, axis1=1, axis2=2)
        null_variance[noisy] = 2 * np.einsum("wij,wji->w", ratio, ratio)
    return chi_square, bias, null_variance


def _covariance(w: Floats, size: Floats, scale: Floats, noise: Floats) -> Floats:
    """Covariance of the difference of shares without drift: sampling of both sides, and noise of the window."""
    width = w.shape[1]
    eye = np.eye(width)
    sampling = scale[:, None, None] * (w[:, :, None] * eye - w[:, :, None] * w[:, None, :])
    centre = eye[None, :, :] - w[:, :, None]
    drawn = np.einsum("wik,wk,wjk->wij", centre, size, centre)
    return np.asarray(sampling + noise[:, None, None] * drawn)


def _spread(p: Floats, q: Floats, merged: Merged, variance: Floats) -> Floats:
    """Delta-method variance of PSI at these shares, as a multiple of 4 PSI; 1/n + 1/m where hardly anything moved."""
    ratio = _log(p) - _log(q)
    safe_p, safe_q = np.where(p > 0, p, 1.0), np.where(q > 0, q, 1.0)
    by_p = (ratio + 1 - q / safe_p) * merged.live
    by_q = (1 - ratio - p / safe_q) * merged.live
    by_p -= _sum(p * by_p)[:, None]
    by_q -= _sum(q * by_q)[:, None]
    total = _sum(p * by_p**2) / merged.n + _sum(q * by_q**2) / merged.m
    total += variance / merged.n**2 * _sum(merged.size * by_p**2)
    psi = _sum((p - q) * ratio)
    return np.where(psi > 1e-9, total / (4 * np.maximum(psi, 1e-9)), 1 / merged.n + 1 / merged.m)


def _interval(psi: Floats, bias: Floats, null_variance: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """The t for which the debiased PSI is within 1.96 standard deviations of t: (e - t)^2 <= z^2 (v0 + 4 k t)."""
    e = psi - bias
    middle = e + 2 * Z95**2 * spread
    half = np.sqrt(np.maximum(middle**2 - e**2 + Z95**2 * null_variance, 0.0))
    return np.maximum(middle - half, 0.0), np.maximum(middle + half, 0.0)


def _jensen_shannon(p: Floats, q: Floats) -> Floats:
    middle = _log((p + q) / 2)
    divergence = _sum(p * (_log(p) - middle) + q * (_log(q) - middle)) / 2 / np.log(2)
    return np.asarray(np.sqrt(np.maximum(divergence, 0.0)))


def _log(share: Floats) -> Floats:
    return np.asarray(np.log(np.where(share > 0, share, 1.0)))


def _sum(values: Floats) -> Floats:
    return np.asarray(values.sum(axis=1))
