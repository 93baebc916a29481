"""Our own rule on rows, for the measures that counts cannot give: an effect beyond the limit, and a test.

The same statuses as from counts (`monitors/drift.py`); what sampling alone would give is taken off the effect.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from monitors import measures as names
from monitors import rank_tests
from monitors.exact import STD_FLOOR, Floats, proportions_z_p
from monitors.subject import AT_MOST
from monitors.verdict import Numbers, Sample, Verdict, not_computable
from store.result import Status

BAILIWICK = "bailiwick"
SIGNIFICANCE = 0.001


def needs_rows(measure: str, *, number: bool) -> bool:
    """Whether this measure of such a column can be had from rows and not from counts."""
    return measure in names.ROWS_ONLY or (measure == names.Z and number)


def judge(sample: Sample, measure: str | None, at_most: float | None) -> Verdict:
    chosen = names.named(measure)
    if not isinstance(sample, Numbers) or not needs_rows(chosen, number=True):
        return not_computable(BAILIWICK, chosen, "the method set bailiwick judges this measure from counts, not rows")
    if min(sample.n, sample.m) < 2:
        return Verdict(BAILIWICK, chosen, Status.TOO_FEW, None, None, None, sample.n, sample.m, reason="a single value")
    if chosen == names.Z and sample.more_distinct_than(2):
        return not_computable(BAILIWICK, chosen, "z compares the shares of two values; this column has more")
    value, p_value, null = _measured(chosen, sample.before, sample.after)
    limit = names.LIMITS[chosen] if at_most is None else at_most
    effect, floor = sqrt(max(value**2 - null, 0.0)), sqrt(null)
    significant = p_value <= SIGNIFICANCE
    if effect > limit:
        status = Status.OUTSIDE if significant else Status.UNCLEAR
    else:
        status = Status.WITHIN if floor < limit else Status.TOO_FEW
    reason = f"at {sample.m} rows sampling could hide or feign an effect of {floor:.2g}; the limit is {limit:g}"
    return Verdict(
        BAILIWICK, chosen, status, value, limit, AT_MOST, sample.n, sample.m,
        method={"test": names.MEASURES[chosen].test, "significance": SIGNIFICANCE},
        reason=reason if status is Status.TOO_FEW else None,
        significant=None if status is Status.TOO_FEW else significant,
        details={"effect": effect, "p_value": p_value, "expected_without_drift": floor},
    )  # fmt: skip


def _measured(measure: str, before: Floats, after: Floats) -> tuple[float, float, float]:
    """Value, p-value, and the mean square of the value without drift."""
    scale = 1 / len(before) + 1 / len(after)
    if measure == names.ENERGY:
        spread = max(float(np.std(before, ddof=1)), STD_FLOOR)
        value = rank_tests.energy(before / spread, after / spread)
        return (
            value,
            rank_tests.cramer_von_mises_with_ties(before, after)[1],
            2 * scale * _half_gini(before, after) / spread,
        )
    if measure == names.CRAMER_VON_MISES:
        value, p_value = rank_tests.cramer_von_mises_with_ties(before, after)
        return value, p_value, scale / 6
    if measure == names.ANDERSON_DARLING:
        if np.ptp(np.concatenate([before, after])) == 0:
            return 0.0, 1.0, scale
        value, p_value = rank_tests.anderson_darling(before, after)
        return value, p_value, scale
    first = min(float(before.min()), float(after.min()))
    p, q = float((after == first).mean()), float((before == first).mean())
    pair = tuple(np.array([np.sum(side == first), np.sum(side != first)], dtype=np.float64) for side in (before, after))
    pooled = (pair[0][0] + pair[1][0]) / (len(before) + len(after))
    alone = pooled in (0.0, 1.0)
    return abs(p - q), 1.0 if alone else proportions_z_p((pair[0], pair[1])), pooled * (1 - pooled) * scale


def _half_gini(before: Floats, after: Floats) -> float:
    """integral H (1 - H) of the pooled distribution function: half its mean absolute difference."""
    pooled = np.sort(np.concatenate([before, after]))
    share = np.arange(1, len(pooled)) / len(pooled)
    return float((share * (1 - share) * np.diff(pooled)).sum())
