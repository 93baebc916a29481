"""Distances between two tables of counts, one number each: every convention is a parameter or in the name.

Promises: a pair is (counts of the reference, counts of the current sample) over the same cells; an empty cell is
left as it is unless the function says what stands for it. Infinite answers are given as such: callers decide what
cannot be said. Jensen-Shannon and PSI are in `monitors/exact.py`, from which these take the pair.
"""

from __future__ import annotations

from math import inf, sqrt

import numpy as np

from monitors.exact import Floats, Pair


def shares(pair: Pair) -> tuple[Floats, Floats]:
    """Of the reference, of the current sample."""
    q, p = (counts / counts.sum() for counts in pair)
    return q, p


def hellinger(pair: Pair) -> float:
    """sqrt(1 - sum sqrt(p q)): 0 for equal shares, 1 for disjoint ones."""
    q, p = shares(pair)
    return sqrt(max(1 - float(np.sqrt(p * q).sum()), 0.0))


def bhattacharyya(pair: Pair) -> float:
    """1 - sum sqrt(p q), the square of Hellinger's distance."""
    return hellinger(pair) ** 2


def kullback_leibler(pair: Pair) -> float:
    """sum p ln(p / q) of the current sample from the reference; infinite where the reference has an empty cell."""
    q, p = shares(pair)
    if np.any((p > 0) & (q == 0)):
        return inf
    live = p > 0
    return max(float(np.sum(p[live] * np.log(p[live] / q[live]))), 0.0)


def total_variation(pair: Pair) -> float:
    """Half the sum of |p - q|: the share of rows that would have to move; 1 less the overlap of the histograms."""
    q, p = shares(pair)
    return float(np.abs(p - q).sum()) / 2


def l_infinity(pair: Pair) -> float:
    """The largest |p - q| of a cell."""
    q, p = shares(pair)
    return float(np.abs(p - q).max())


def psi_floored(pair: Pair, *, floor: float) -> float:
    """PSI with `floor` in place of an empty share (tools differ: 0.0001, or the smallest normal float)."""
    q, p = (np.where(side > 0, side, floor) for side in shares(pair))
    return float(np.sum((p - q) * np.log(p / q)))


def psi_limit_by_chance(n: int, m: int, *, cells: int, p_value: float) -> float:
    """The PSI that two samples of n and m rows without drift exceed with this probability (Yurdakul 2018)."""
    from scipy.stats import chi2

    return float(chi2.ppf(1 - p_value, cells - 1)) * (1 / n + 1 / m)


def contingency_chi_square(pair: Pair) -> tuple[float, float]:
    """Pearson's statistic of the 2 x k table, expectations from both sides pooled, and its p-value."""
    from scipy.special import chdtrc

    table = np.stack(pair)[:, (pair[0] + pair[1]) > 0]
    if table.shape[1] < 2:
        return 0.0, 1.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return statistic, float(chdtrc(table.shape[1] - 1, statistic))


def histogram_chi_square(pair: Pair) -> float:
    """Two histograms of unequal totals: sum (sqrt(M/N) a - sqrt(N/M) b)^2 / (a + b); Pearson's of the table."""
    return contingency_chi_square(pair)[0]


def contingency_g(pair: Pair) -> tuple[float, float]:
    """The likelihood-ratio statistic of the 2 x k table, and its p-value."""
    from scipy.special import chdtrc, xlogy

    table = np.stack(pair)[:, (pair[0] + pair[1]) > 0]
    if table.shape[1] < 2:
        return 0.0, 1.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic = max(2 * float(xlogy(table, table / expected).sum()), 0.0)
    return statistic, float(chdtrc(table.shape[1] - 1, statistic))


def cramers_v(pair: Pair) -> float:
    """Bias-corrected (Bergsma 2013), of the 2 x k table: 0 independent, 1 disjoint."""
    table = np.stack(pair)[:, (pair[0] + pair[1]) > 0]
    n, k = float(table.sum()), table.shape[1]
    if k < 2:
        return 0.0
    phi = max(contingency_chi_square(pair)[0] / n - (k - 1) / (n - 1), 0.0)
    sides = min(k - (k - 1) ** 2 / (n - 1), 2 - 1 / (n - 1)) - 1
    return sqrt(phi / sides)


def fisher_exact_p(pair: Pair) -> float:
    """Two-sided p of the 2 x 2 table; 1 where there is only one value."""
    from scipy.stats import fisher_exact

    if len(pair[0]) < 2:
        return 1.0
    return float(fisher_exact(np.stack(pair).astype(np.int64)).pvalue)


def separation(good: Floats, other: Floats) -> float:
    """Credit scoring's KS: the largest gap between the two cumulative shares, cells in rising order of the score."""
    return float(np.abs(np.cumsum(good) / good.sum() - np.cumsum(other) / other.sum()).max())
