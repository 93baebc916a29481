"""Two-sample statistics on the numbers themselves, each as (effect, p-value), SciPy's where SciPy has them.

Promises: an effect does not grow with the sample: it is 0 for equal distributions and comparable with a limit at any
n; the p-value is that of the test of the same name. Numbers come without NaN and infinities (`exact.clean_numbers`).
Samples of fewer than two numbers are refused by the callers.
"""

from __future__ import annotations

import warnings
from math import exp, sqrt

import numpy as np

from monitors.exact import Floats

FAR = 1.5
"""Where p is about 0.0002."""

Found = tuple[float, float]
"""Effect, p-value."""


def ks(reference: Floats, current: Floats) -> Found:
    """Kolmogorov-Smirnov: the largest gap between the two distribution functions."""
    from scipy.stats import ks_2samp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # "exact calculation unsuccessful": SciPy goes on by itself
        found = ks_2samp(reference, current)
    return float(found.statistic), float(found.pvalue)


def mann_whitney(reference: Floats, current: Floats) -> Found:
    """Cliff's delta, |P(current > reference) - P(current < reference)|, and the two-sided U test."""
    from scipy.stats import mannwhitneyu

    found = mannwhitneyu(current, reference, alternative="two-sided")
    delta = 2 * float(found.statistic) / (len(reference) * len(current)) - 1
    return abs(delta), _p(float(found.pvalue))


def mann_whitney_less_p(reference: Floats, current: Floats) -> float:
    """One-sided, that the reference is the lower one: Evidently's convention."""
    from scipy.stats import mannwhitneyu

    return _p(float(mannwhitneyu(reference, current, alternative="less").pvalue))


def t_test(reference: Floats, current: Floats, *, equal_variances: bool = False) -> Found:
    """Difference of the means in pooled standard deviations (Cohen's d); Welch's test unless said otherwise."""
    from scipy.stats import ttest_ind

    spread = sqrt((float(np.var(reference, ddof=1)) + float(np.var(current, ddof=1))) / 2)
    gap = abs(float(reference.mean()) - float(current.mean()))
    if spread == 0:
        return (0.0, 1.0) if gap == 0 else (np.inf, 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nearly constant samples: the p-value is still defined
        return gap / spread, _p(float(ttest_ind(reference, current, equal_var=equal_variances).pvalue))


def energy(reference: Floats, current: Floats) -> float:
    """sqrt(2 integral (F - G)^2), in the root of the column's unit."""
    from scipy.stats import energy_distance

    return float(energy_distance(reference, current))


def cramer_von_mises(reference: Floats, current: Floats) -> Found:
    """Root mean square gap between the distribution functions over the pooled sample."""
    from scipy.stats import cramervonmises_2samp

    n, m = len(reference), len(current)
    found = cramervonmises_2samp(reference, current)
    return sqrt(max(float(found.statistic), 0.0) * (n + m) / (n * m)), _p(float(found.pvalue))


def cramer_von_mises_with_ties(reference: Floats, current: Floats) -> Found:
    """The same from the distribution functions themselves. SciPy's ranks break ties as if they were gaps: two equal
    constants are far apart by them. p from the limiting distribution, which ties make too large, never too small."""
    n, m = len(reference), len(current)
    places, weights = np.unique(np.concatenate([reference, current]), return_counts=True)
    gap = (
        np.searchsorted(np.sort(reference), places, "right") / n
        - np.searchsorted(np.sort(current), places, "right") / m
    )
    square = float((weights * gap**2).sum()) / (n + m)
    return sqrt(square), _limiting_tail(square * n * m / (n + m))


def _limiting_tail(t: float) -> float:
    """P(T > t) of the Cramer-von Mises statistic without drift, large samples (Csorgo and Faraway 1996, eq. 1.3)."""
    from scipy.special import gammaln, kve

    if t < 0.003:
        return 1.0
    if t > FAR:  # the series loses its digits; the tail falls like exp(-pi^2 t / 2)
        return _limiting_tail(FAR) * exp(-(t - FAR) * np.pi**2 / 2)
    k = np.arange(20)
    y = 4 * k + 1
    q = y**2 / (16 * t)
    terms = np.exp(gammaln(k + 0.5) - gammaln(k + 1) - 2 * q) / (np.pi**1.5 * sqrt(t)) * np.sqrt(y) * kve(0.25, q)
    return min(max(1 - float(terms.sum()), 0.0), 1.0)


def anderson_darling(reference: Floats, current: Floats) -> Found:
    """The same with the tails weighted by 1 / H(1 - H); p interpolated by SciPy between 0.001 and 0.25."""
    from scipy.stats import anderson_ksamp

    n, m = len(reference), len(current)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # p-values outside its table are capped, which is said in docs/method.md
        found = anderson_ksamp([reference, current])
    # SciPy gives the statistic less its expectation 1, in its standard deviations; without drift that is about 0.
    raw = max(float(found.statistic) * _anderson_spread(n, m) + 1.0, 0.0)
    return sqrt(raw * (1 / n + 1 / m)), _p(float(found.pvalue))


def _anderson_spread(n: int, m: int) -> float:
    """Standard deviation of the two-sample statistic without drift (Scholz and Stephens 1987, eq. 4)."""
    total = n + m
    parts = 1 / n + 1 / m
    falling = (1 / np.arange(total - 1, 1, -1)).cumsum()
    h, g = float(falling[-1]) + 1, float((falling / np.arange(2, total)).sum())
    k = 2
    a = (4 * g - 6) * (k - 1) + (10 - 6 * g) * parts
    b = (2 * g - 4) * k**2 + 8 * h * k + (2 * g - 14 * h - 4) * parts - 8 * h + 4 * g - 6
    c = (6 * h + 2 * g - 2) * k**2 + (4 * h - 4 * g + 6) * k + (2 * h - 6) * parts + 4 * h
    d = (2 * h + 6) * k**2 - 4 * h * k
    variance = (a * total**3 + b * total**2 + c * total + d) / ((total - 1.0) * (total - 2.0) * (total - 3.0))
    return sqrt(max(float(variance), 0.0))


def epps_singleton_p(reference: Floats, current: Floats) -> float:
    from scipy.stats import epps_singleton_2samp

    return _p(float(epps_singleton_2samp(reference, current).pvalue))


def scaled_wasserstein(reference: Floats, current: Floats) -> float:
    """Wasserstein distance as a share of the range of both samples; 0 where there is no range."""
    from monitors.exact import wasserstein

    low = min(float(reference.min()), float(current.min()))
    high = max(float(reference.max()), float(current.max()))
    return wasserstein(reference, current) / (high - low) if high > low else 0.0


def _p(value: float) -> float:
    """Two samples of one constant have no spread to test: nothing speaks against their being equal."""
    return 1.0 if np.isnan(value) else min(max(value, 0.0), 1.0)
