"""What a set of rules says of one column of rows, and the two samples it is asked about.

Every file `rules_*.py` takes a sample, a measure (or None for its own choice) and a limit (or None), and gives a
`Verdict`. Names ending in `_p` are p-values: drift is at or below the limit, which is shown as `at_least`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from monitors import exact
from monitors.subject import AT_LEAST, AT_MOST, Subject
from store.result import Monitor, Result, Status

WASSERSTEIN = "normed_wasserstein"
JENSEN_SHANNON, PSI, HELLINGER, KL, L_INFINITY = "jensen_shannon", "psi", "hellinger", "kl", "l_infinity"
ENERGY, TOTAL_VARIATION = "energy", "total_variation"
KS, CHI_SQUARE, Z_TEST, T_TEST, G_TEST = "ks_p", "chi_square_p", "z_p", "t_p", "g_p"
MANN_WHITNEY, CRAMER_VON_MISES, ANDERSON = "mann_whitney_p", "cramer_von_mises_p", "anderson_darling_p"
EPPS_SINGLETON, FISHER = "epps_singleton_p", "fisher_p"
P_VALUES = frozenset(
    {KS, CHI_SQUARE, Z_TEST, T_TEST, G_TEST, MANN_WHITNEY, CRAMER_VON_MISES, ANDERSON, EPPS_SINGLETON, FISHER}
)
ALIASES = {
    "wasserstein": WASSERSTEIN, "ks": KS, "jensenshannon": JENSEN_SHANNON, "js": JENSEN_SHANNON,
    "chisquare": CHI_SQUARE, "chi_square": CHI_SQUARE, "z": Z_TEST, "t": T_TEST, "meanshift": T_TEST, "g": G_TEST,
    "mann_whitney": MANN_WHITNEY, "cramer_von_mises": CRAMER_VON_MISES, "anderson_darling": ANDERSON,
    "epps_singleton": EPPS_SINGLETON, "fisher": FISHER,
}  # fmt: skip
"""The peers' spellings, and the names of the model file."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a method set says of one column."""

    method_set: str
    measure: str
    status: Status
    value: float | None = None
    limit: float | None = None
    limit_op: str | None = None
    n_reference: int = 0
    n_current: int = 0
    method: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    significant: bool | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def result(
        self, subject: Subject, *, about: str, monitor: str = Monitor.DRIFT, source: str | None = None
    ) -> Result:
        judged = self.status in (Status.WITHIN, Status.OUTSIDE)
        significant = self.status is Status.OUTSIDE if judged and self.measure in P_VALUES else self.significant
        return subject.result(
            monitor, self.measure, about=about, status=self.status, value=self.value,
            n_reference=self.n_reference, n_current=self.n_current, limit_op=self.limit_op, limit_value=self.limit,
            limit_source=None if self.limit is None else source or f"{self.method_set} default",
            significant=significant,
            method={"name": self.method_set, "basis": "rows", "exact": True, "error_bound": None, **self.method},
            details=self.details | ({"reason": self.reason} if self.reason else {}),
        )  # fmt: skip


class Numbers:
    """Two samples of a number; counts are made when a rule asks for them."""

    number = True

    def __init__(self, reference: Any, current: Any) -> None:
        self.before, self.after = exact.clean_numbers(reference), exact.clean_numbers(current)
        self.n, self.m = len(self.before), len(self.after)

    def more_distinct_than(self, limit: int) -> bool:
        return exact.distinct_above(limit, self.before, self.after)

    def by_value(self) -> exact.Pair:
        return exact.by_value(self.before, self.after)


class Categories:
    """Two samples of a category, counted per value."""

    number = False

    def __init__(self, reference: Any, current: Any) -> None:
        self.reference = reference
        """In its own order, for rules that look at parts of it."""
        self.values, self.counts = exact.value_counts(reference, current)
        self.n, self.m = (int(counts.sum()) for counts in self.counts)

    def more_distinct_than(self, limit: int) -> bool:
        return len(self.values) > limit

    def by_value(self) -> exact.Pair:
        return self.counts


Sample = Numbers | Categories


def shared(sample: Sample, measure: str, *, ddof: int) -> float | None:
    """Measures that the peers compute alike; None where this column has no such measure."""
    if isinstance(sample, Numbers) and measure == WASSERSTEIN:
        return exact.normed_wasserstein(sample.before, sample.after, ddof=ddof)
    if isinstance(sample, Numbers) and measure == KS:
        return exact.ks_p(sample.before, sample.after)
    if measure == CHI_SQUARE:
        return exact.chi_square_p(sample.by_value())
    if measure == Z_TEST and not sample.more_distinct_than(2):
        return exact.proportions_z_p(sample.by_value())
    return None


def verdict(
    name: str, sample: Sample, measure: str, value: float | None, limit: float, *, beyond: bool, method: dict[str, Any]
) -> Verdict:
    if value is None or not np.isfinite(value):
        kind = "a number" if sample.number else "a category"
        return not_computable(name, measure, f"{name} has no measure {measure} for {kind} such as this column")
    status = Status.OUTSIDE if beyond else Status.WITHIN
    op = AT_LEAST if measure in P_VALUES else AT_MOST
    return Verdict(name, measure, status, value, limit, op, sample.n, sample.m, method)


def not_computable(method_set: str, measure: str, reason: str) -> Verdict:
    return Verdict(method_set, measure, Status.NOT_COMPUTABLE, reason=reason)
