"""Evidently 0.7: its choice by the rows of the reference and the distinct values of both, its bins, its thresholds.

Held against Evidently itself to 1e-9. Not reproduced: TVD, whose p-value is a thousand permutations from a fixed
global seed, and MMD. G and Fisher ask for two samples of one size, as Evidently does.
"""

from __future__ import annotations

from math import ceil, log2
from typing import Any

import numpy as np

from monitors import distances, exact, rank_tests
from monitors.verdict import (
    ANDERSON,
    CHI_SQUARE,
    CRAMER_VON_MISES,
    ENERGY,
    EPPS_SINGLETON,
    FISHER,
    G_TEST,
    HELLINGER,
    JENSEN_SHANNON,
    KL,
    KS,
    MANN_WHITNEY,
    P_VALUES,
    PSI,
    T_TEST,
    TOTAL_VARIATION,
    WASSERSTEIN,
    Z_TEST,
    Numbers,
    Sample,
    Verdict,
    not_computable,
    shared,
    verdict,
)

EVIDENTLY = "evidently-0.7"
FEW_ROWS = 1_000
"""Evidently tests a reference of up to this many rows, and measures a distance above."""
FEW_VALUES = 5
"""Evidently treats a number with up to this many distinct values as a category."""
HISTOGRAM_ABOVE = 20
"""Evidently bins a number whose reference has more distinct values than this, else it counts by value."""
AT_TENTH = frozenset({ANDERSON, CRAMER_VON_MISES, G_TEST, FISHER})
"""Tests whose default threshold is 0.1; that of the others is 0.05."""
DRIFT_AT = frozenset({KS, CRAMER_VON_MISES})
"""p-values that drift at the threshold too; the others below it. Distances drift at it, the energy distance above."""


def choice(sample: Sample) -> tuple[str, float]:
    """Evidently's default measure and threshold."""
    many = sample.number and sample.more_distinct_than(FEW_VALUES)
    if sample.n > FEW_ROWS:
        return (WASSERSTEIN, 0.1) if many else (JENSEN_SHANNON, 0.1)
    if many:
        return KS, 0.05
    return (CHI_SQUARE, 0.05) if sample.more_distinct_than(2) else (Z_TEST, 0.05)


def judge(sample: Sample, measure: str | None, at_most: float | None) -> Verdict:
    chosen, limit = choice(sample)
    if measure and measure != chosen:
        chosen, limit = measure, 0.05 if measure in P_VALUES - AT_TENTH else 0.1
    limit = limit if at_most is None else at_most
    if chosen == TOTAL_VARIATION:
        return not_computable(
            EVIDENTLY, chosen, "Evidently's TVD permutes rows from a fixed seed; it is not reproduced"
        )
    method: dict[str, Any] = {"library": "bailiwick; equal to evidently 0.7.23 to 1e-9"}
    value = shared(sample, chosen, ddof=0)
    if chosen in (JENSEN_SHANNON, PSI, KL):
        value = _binned(sample, chosen, method)
    elif chosen in _OF_NUMBERS and isinstance(sample, Numbers) and min(sample.n, sample.m) > 1:
        value = _OF_NUMBERS[chosen](sample.before, sample.after)
    elif chosen == HELLINGER:
        value = distances.hellinger(_hellinger_pair(sample))
    elif chosen in (G_TEST, FISHER) and not sample.number and sample.n == sample.m:
        value = _of_equal_sizes(sample, chosen)
    elif chosen == WASSERSTEIN:
        method["ddof"] = 0
    return verdict(EVIDENTLY, sample, chosen, value, limit, beyond=_beyond(chosen, value, limit), method=method)


def _beyond(measure: str, value: float | None, limit: float) -> bool:
    if value is None:
        return False
    if measure in P_VALUES:
        return value <= limit if measure in DRIFT_AT else value < limit
    return value > limit if measure == ENERGY else value >= limit


def _binned(sample: Sample, measure: str, method: dict[str, Any]) -> float:
    if isinstance(sample, Numbers) and exact.distinct_above(HISTOGRAM_ABOVE, sample.before):
        pair, binning = exact.pooled_sturges(sample.before, sample.after), "sturges, both sides"
    else:
        pair, binning = sample.by_value(), "by value"
    method |= {"bins": len(pair[0]), "binning": binning, "log_base": "e"}
    if measure == JENSEN_SHANNON:
        method["smoothing"] = 0
        return exact.jensen_shannon(pair)
    method["smoothing"] = "0.0001 for empty shares"
    return exact.psi_filled(pair) if measure == PSI else kl_filled(pair)


def kl_filled(pair: exact.Pair) -> float:
    """sum q ln(q / p) of the reference from the current sample, empty shares filled, then both made to add up to 1."""
    q, p = (exact.filled(counts / counts.sum()) for counts in pair)
    q, p = q / q.sum(), p / p.sum()
    return float(np.sum(q * np.log(q / p)))


def _hellinger_pair(sample: Sample) -> exact.Pair:
    """Evidently bins the distinct numbers by Sturges' rule; categories by value."""
    if not isinstance(sample, Numbers):
        return sample.by_value()
    distinct = len(np.unique(np.concatenate([sample.before, sample.after])))
    return exact.equal_widths(sample.before, sample.after, bins=ceil(log2(distinct) + 1))


def _of_equal_sizes(sample: Sample, measure: str) -> float | None:
    from scipy.special import chdtrc, xlogy

    before, after = sample.by_value()
    if measure == FISHER:
        return None if len(before) > 2 else distances.fisher_exact_p((before, after))
    if np.any((before == 0) & (after > 0)):
        return 0.0
    live = before > 0
    return float(chdtrc(len(before) - 1, 2 * xlogy(after[live], after[live] / before[live]).sum()))


_OF_NUMBERS = {
    ENERGY: rank_tests.energy,
    ANDERSON: lambda before, after: rank_tests.anderson_darling(before, after)[1],
    CRAMER_VON_MISES: lambda before, after: rank_tests.cramer_von_mises(before, after)[1],
    MANN_WHITNEY: rank_tests.mann_whitney_less_p,
    T_TEST: lambda before, after: rank_tests.t_test(before, after, equal_variances=True)[1],
    EPPS_SINGLETON: rank_tests.epps_singleton_p,
}
