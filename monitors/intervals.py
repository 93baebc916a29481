"""Intervals for shares, their ratios and differences, for means, and for the area under a ROC curve.

All are 95 % and pure arithmetic on counts; none needs SciPy, so that a site can compute them. Where counts carry
noise of a known variance per cell, the same formulas hold it: with variance 0 they are Wilson, Newcombe and Katz.
docs/method.md gives the formulas; tests/monitors/test_intervals.py holds them to published values and to coverage.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, exp, inf, log, sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
ALPHA = 0.05
Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `n` rows, each the sum of a number of cells; every cell carries noise of `variance`."""

    hits: float
    n: float
    variance: float = 0.0
    hit_cells: int = 1
    other_cells: int = 1

    @property
    def value(self) -> float:
        """Clipped to [0, 1] for display; tests and intervals use the signed counts."""
        return min(max(self.hits / self.n, 0.0), 1.0)

    @property
    def raw(self) -> float:
        return self.hits / self.n

    def noise_at(self, p: float) -> float:
        """Variance that noise alone adds to hits / n when the true share is p."""
        return self.variance * ((1 - p) ** 2 * self.hit_cells + p**2 * self.other_cells) / self.n**2

    @property
    def interval(self) -> Interval:
        return share_interval(self)


def wilson(hits: float, n: float) -> Interval:
    return share_interval(Share(hits, n))


def share_interval(share: Share) -> Interval:
    """All p with (hits/n - p)^2 <= z^2 (p(1-p)/n + noise at p): Wilson's interval where there is no noise.

    Both variances are quadratic in p, so the ends are the roots of one quadratic; where noise swamps the count
    (no real bound) the answer is [0, 1].
    """
    n, raw = share.n, share.raw
    unit = Z**2 * share.variance / n**2
    a = 1 + Z**2 / n - unit * (share.hit_cells + share.other_cells)
    b = -2 * raw - Z**2 / n + 2 * unit * share.hit_cells
    c = raw**2 - unit * share.hit_cells
    root = b * b - 4 * a * c
    if a <= 0 or root < 0:
        return 0.0, 1.0
    low, high = (-b - sqrt(root)) / (2 * a), (-b + sqrt(root)) / (2 * a)
    # Wilson's bound at 0 of n (and n of n) is exactly 0 (and 1); rounding would leave 1e-17 beyond the value.
    return min(max(low, 0.0), share.value), max(min(high, 1.0), share.value)


def ratio_interval(low: Share, high: Share) -> Interval:
    """Of low / high. Exact counts: Katz's log interval, 0.5 added to every cell where one is empty.

    Noisy counts: the same on the log scale from each share's own interval (MOVER), since the delta method breaks
    down where noise is large beside the count.
    """
    if low.variance or high.variance:
        return _mover_log(low, high)
    a, n, b, m = low.hits, low.n, high.hits, high.n
    if min(a, b, n - a, m - b) <= 0:
        a, n, b, m = a + 0.5, n + 1, b + 0.5, m + 1
    spread = Z * sqrt(max(1 / a - 1 / n + 1 / b - 1 / m, 0.0))
    ratio = low.value / high.value
    middle = log((a / n) / (b / m))
    return min(exp(middle - spread), ratio), max(exp(middle + spread), ratio)


def _mover_log(low: Share, high: Share) -> Interval:
    (l1, u1), (l2, u2) = low.interval, high.interval
    p1, p2 = low.value, high.value
    ratio = p1 / p2
    if p1 <= 0 or l1 <= 0:
        bottom = 0.0
    else:
        bottom = ratio * exp(-sqrt(log(p1 / l1) ** 2 + log(u2 / p2) ** 2))
    if l2 <= 0:
        # The denominator may be anything down to 0: nothing bounds the ratio of two shares but 1 / p2.
        return bottom, max(1 / p2, ratio)
    if p1 <= 0:
        return bottom, u1 / l2
    return bottom, ratio * exp(sqrt(log(u1 / p1) ** 2 + log(p2 / l2) ** 2))


def difference_interval(low: Share, high: Share) -> Interval:
    """Of high - low, by Newcombe's square-and-add of the two shares' intervals."""
    (l1, u1), (l2, u2) = low.interval, high.interval
    p1, p2 = low.value, high.value
    gap = p2 - p1
    return gap - sqrt((p2 - l2) ** 2 + (u1 - p1) ** 2), gap + sqrt((u2 - p2) ** 2 + (p1 - l1) ** 2)


def parity_p_value(one: Share, other: Share) -> float:
    """Two-sided p of equal shares: the pooled two-proportion z test, with the noise of both shares added."""
    pooled = min(max((one.hits + other.hits) / (one.n + other.n), 0.0), 1.0)
    spread = pooled * (1 - pooled) * (1 / one.n + 1 / other.n) + one.noise_at(pooled) + other.noise_at(pooled)
    gap = abs(one.raw - other.raw)
    return normal_tail(gap / sqrt(spread)) if spread > 0 else float(gap == 0)


def normal_tail(z: float) -> float:
    """P(|N(0,1)| >= z)."""
    return erfc(abs(z) / sqrt(2)) if z < inf else 0.0


def mean_interval(mean: float, variance: float, n: int) -> Interval:
    spread = Z * sqrt(max(variance, 0.0) / n)
    return mean - spread, mean + spread


@dataclass(frozen=True, slots=True)
class Area:
    """The area under a ROC curve of scores known by their cell."""

    value: float
    interval: Interval
    error_bound: float
    """Half the share of (good, not good) pairs in one cell: the area of the scores themselves is within this."""


def roc_area(good: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> Area:
    """From counts per score cell in rising order; a tie counts one half; the interval is DeLong's.

    Where one class lies wholly above the other DeLong's variance is 0; the interval is then Wilson's for the smaller
    class, which is never narrower than what that many pairs could show.
    """
    g, o = good.astype(np.float64), other.astype(np.float64)
    positives, negatives = g.sum(), o.sum()
    beaten = np.cumsum(o) - o / 2
    beating = positives - np.cumsum(g) + g / 2
    value = float((g * beaten).sum() / (positives * negatives))
    tied = float((g * o).sum() / (positives * negatives))
    of_good, of_other = beaten / negatives, beating / positives
    spread_good = (g * (of_good - value) ** 2).sum() / max(positives - 1, 1)
    spread_other = (o * (of_other - value) ** 2).sum() / max(negatives - 1, 1)
    variance = float(spread_good / positives + spread_other / negatives)
    fewest = float(min(positives, negatives))
    low, high = (value - Z * sqrt(variance), value + Z * sqrt(variance)) if variance else wilson(value * fewest, fewest)
    return Area(value, (max(low, 0.0), min(high, 1.0)), tied / 2)
