"""TrustyAI: the drift metrics of its service, each at its own default.

`t` (CompareMeans, once Meanshift) Welch's test, p < 0.05, which is what a number gets here where the model file says
nothing; `ks` SciPy's two-sample test, p < 0.05; `jensen_shannon` the natural-logarithm distance of two kernel density
estimates on 256 points, > 0.1. Categories have no drift metric there. MMD draws permutations: not reproduced.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monitors import exact, rank_tests
from monitors.verdict import JENSEN_SHANNON, KS, T_TEST, Numbers, Sample, Verdict, verdict

TRUSTYAI = "trustyai"
GRID = 256
DEFAULT_P = 0.05
DEFAULT_DISTANCE = 0.1


def choice(sample: Sample) -> tuple[str, float]:
    return T_TEST, DEFAULT_P


def judge(sample: Sample, measure: str | None, at_most: float | None) -> Verdict:
    chosen = measure or T_TEST
    limit = (DEFAULT_DISTANCE if chosen == JENSEN_SHANNON else DEFAULT_P) if at_most is None else at_most
    method: dict[str, Any] = {"library": "bailiwick, by the formulas of trustyai-service"}
    value = None
    if isinstance(sample, Numbers):
        value = _value(sample, chosen)
        if chosen == JENSEN_SHANNON:
            method |= {"binning": f"gaussian kernels (Scott) on {GRID} points over both", "log_base": "e"}
    beyond = value is not None and (value > limit if chosen == JENSEN_SHANNON else value < limit)
    return verdict(TRUSTYAI, sample, chosen, value, limit, beyond=beyond, method=method)


def _value(sample: Numbers, measure: str) -> float | None:
    before, after = sample.before, sample.after
    if measure == KS:
        return rank_tests.ks(before, after)[1]
    spread = min(len(before), len(after)) > 1 and bool(np.var(before) > 0) and bool(np.var(after) > 0)
    if measure == T_TEST:
        return rank_tests.t_test(before, after)[1] if spread else None
    return kernel_jensen_shannon(before, after) if measure == JENSEN_SHANNON and spread else None


def kernel_jensen_shannon(reference: exact.Floats, current: exact.Floats) -> float:
    from scipy.stats import gaussian_kde

    low = min(float(reference.min()), float(current.min()))
    high = max(float(reference.max()), float(current.max()))
    grid = np.linspace(low, high, GRID)
    return exact.jensen_shannon((gaussian_kde(reference)(grid), gaussian_kde(current)(grid)))
