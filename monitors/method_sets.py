"""Method sets: a peer's own rules for drift, under the peer's name and with the peer's numbers.

    evidently-0.7   Evidently's defaults by the rows of the reference and the distinct values of both sides
    azureml         Azure ML's data drift signal: normed Wasserstein for numbers, Jensen-Shannon (base 2) otherwise
    nannyml-0.13, trustyai   known names, not implemented in this version

Promises: a number stands under a peer's name only when it is that peer's number, computed from rows; whatever cannot
be met is `not_computable` with its reason. A column's own measure and limit replace the default ones; the limit then
is what the peer calls its threshold (of a p-value: drift at or below it).
Our own method set, from counts, is `monitors/drift.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from monitors import exact
from monitors.subject import AT_LEAST, AT_MOST, Subject
from store.bins import BinSpec, ColumnBins, NumberBins
from store.errors import did_you_mean
from store.model_file import ColumnDrift, DriftWatch, InputType
from store.result import Monitor, Result, Status

EVIDENTLY = "evidently-0.7"
AZUREML = "azureml"
ON_ROWS = (EVIDENTLY, AZUREML)
NOT_YET = ("nannyml-0.13", "trustyai")
METHOD_SETS = ("bailiwick", *ON_ROWS, *NOT_YET)

WASSERSTEIN = "normed_wasserstein"
KS = "ks_p"
JENSEN_SHANNON = "jensen_shannon"
PSI = "psi"
CHI_SQUARE = "chi_square_p"
Z_TEST = "z_p"
P_VALUES = frozenset({KS, CHI_SQUARE, Z_TEST})
"""Drift is a value at or below the limit; of every other measure, one at or above or beyond it."""
NUMBERS_ONLY = frozenset({WASSERSTEIN, KS})
ALIASES = {
    "wasserstein": WASSERSTEIN, "ks": KS, "jensenshannon": JENSEN_SHANNON, "js": JENSEN_SHANNON,
    "chisquare": CHI_SQUARE, "chi_square": CHI_SQUARE, "z": Z_TEST,
}  # fmt: skip
"""The peers' spellings, and short ones."""

FEW_ROWS = 1_000
"""Evidently tests a reference of up to this many rows, and measures a distance above."""
FEW_VALUES = 5
"""Evidently treats a number with up to this many distinct values as a category."""
HISTOGRAM_ABOVE = 20
"""Evidently bins a number whose reference has more distinct values than this, else it counts by value."""


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

    def result(
        self, subject: Subject, *, about: str, monitor: str = Monitor.DRIFT, source: str | None = None
    ) -> Result:
        judged = self.status in (Status.WITHIN, Status.OUTSIDE)
        return subject.result(
            monitor, self.measure, about=about, status=self.status, value=self.value,
            n_reference=self.n_reference, n_current=self.n_current, limit_op=self.limit_op, limit_value=self.limit,
            limit_source=None if self.limit is None else source or f"{self.method_set} default",
            significant=self.status is Status.OUTSIDE if judged and self.measure in P_VALUES else None,
            method={"name": self.method_set, "basis": "rows", "exact": True, "error_bound": None, **self.method},
            details={"reason": self.reason} if self.reason else {},
        )  # fmt: skip


def rows_results(
    spec: BinSpec,
    reference: Mapping[str, Any],
    current: Mapping[str, Any],
    *,
    subject: Subject,
    watch: DriftWatch,
    at_least: int = 0,
    monitor: Monitor | None = None,
) -> list[Result]:
    """Every input, and prediction and score where both sides have them, from rows: column name -> its values.

    Inputs that a side lacks count as empty. at_least: rows that this watch asks of a window before it judges.
    monitor: only the columns of this one (drift: inputs; prediction drift: prediction and score).
    """
    columns = [(Monitor.DRIFT, bins) for bins in spec.inputs]
    outputs = [
        bins for bins in (spec.prediction, spec.score) if bins and bins.name in reference and bins.name in current
    ]
    columns += [(Monitor.PREDICTION_DRIFT, bins) for bins in outputs]
    rules = dict(watch.columns)
    results = []
    for mine, bins in columns:
        if monitor not in (None, mine):
            continue
        rule = rules.get(bins.name)
        verdict = judge_rows(
            watch.method_set,
            reference.get(bins.name, ()),
            current.get(bins.name, ()),
            kind=kind_of(bins),
            override=rule,
        )
        if verdict.value is not None and verdict.n_current < at_least:
            reason = f"{verdict.n_current} rows; this watch asks for at least {at_least}"
            verdict = replace(verdict, status=Status.TOO_FEW, reason=reason)
        source = rule.source if rule and rule.at_most is not None else None
        results.append(verdict.result(subject, about=bins.name, monitor=mine, source=source))
    return results


def kind_of(bins: ColumnBins) -> InputType:
    return InputType.NUMBER if isinstance(bins, NumberBins) else InputType.CATEGORY


def judge_rows(
    method_set: str, reference: Any, current: Any, *, kind: str, override: ColumnDrift | None = None
) -> Verdict:
    """One column of two samples under a peer's rules. Values are arrays, lists or Arrow columns; None is missing."""
    rule = override or ColumnDrift()
    if method_set not in ON_ROWS:
        return _not_computable(method_set, rule.measure or PSI, why_not(method_set))
    sample = _Numbers(reference, current) if kind == InputType.NUMBER else _Categories(reference, current)
    measure = _measure_named(rule.measure) if rule.measure else None
    if not (sample.n and sample.m):
        side = "the window" if sample.n else "the reference"
        status = Status.TOO_FEW if sample.n else Status.NO_REFERENCE
        reason = f"no values in {side}"
        chosen = measure or (_azureml_choice if method_set == AZUREML else _evidently_choice)(sample)[0]
        return Verdict(method_set, chosen, status, None, None, None, sample.n, sample.m, {}, reason)
    peer = _evidently if method_set == EVIDENTLY else _azureml
    return peer(sample, measure, rule.at_most)


def why_not(method_set: str) -> str:
    """Why a method set cannot judge rows here."""
    if method_set in NOT_YET:
        return f"the method set {method_set} is not implemented in this version"
    if method_set == "bailiwick":
        return "the method set bailiwick judges counts, not rows"
    return f"no method set is called {method_set!r}. {did_you_mean(method_set, METHOD_SETS)}".strip()


def _not_computable(method_set: str, measure: str, reason: str) -> Verdict:
    return Verdict(method_set, measure, Status.NOT_COMPUTABLE, reason=reason)


def _measure_named(name: str) -> str:
    return ALIASES.get(name, name)


# -- the two samples --------------------------------------------------------------------------------------------


class _Numbers:
    """Two samples of a number; counts are made when a rule asks for them."""

    number = True

    def __init__(self, reference: Any, current: Any) -> None:
        self.before, self.after = exact.clean_numbers(reference), exact.clean_numbers(current)
        self.n, self.m = len(self.before), len(self.after)

    def more_distinct_than(self, limit: int) -> bool:
        return exact.distinct_above(limit, self.before, self.after)

    def by_value(self) -> exact.Pair:
        return exact.by_value(self.before, self.after)


class _Categories:
    """Two samples of a category, counted per value."""

    number = False

    def __init__(self, reference: Any, current: Any) -> None:
        self.values, self.counts = exact.value_counts(reference, current)
        self.n, self.m = (int(counts.sum()) for counts in self.counts)

    def more_distinct_than(self, limit: int) -> bool:
        return len(self.values) > limit

    def by_value(self) -> exact.Pair:
        return self.counts


_Sample = _Numbers | _Categories


# -- Evidently 0.7 ----------------------------------------------------------------------------------------------


def _evidently_choice(sample: _Sample) -> tuple[str, float]:
    """Evidently's default measure and threshold."""
    many = sample.number and sample.more_distinct_than(FEW_VALUES)
    if sample.n > FEW_ROWS:
        return (WASSERSTEIN, 0.1) if many else (JENSEN_SHANNON, 0.1)
    if many:
        return KS, 0.05
    return (CHI_SQUARE, 0.05) if sample.more_distinct_than(2) else (Z_TEST, 0.05)


def _evidently(sample: _Sample, measure: str | None, at_most: float | None) -> Verdict:
    chosen, limit = _evidently_choice(sample)
    if measure and measure != chosen:
        chosen, limit = measure, 0.05 if measure in P_VALUES else 0.1
    limit = limit if at_most is None else at_most
    method: dict[str, Any] = {"library": "bailiwick; equal to evidently 0.7.23 to 1e-9"}
    value = _shared(sample, chosen, ddof=0)
    if chosen in (JENSEN_SHANNON, PSI):
        binned = isinstance(sample, _Numbers) and exact.distinct_above(HISTOGRAM_ABOVE, sample.before)
        pair = exact.pooled_sturges(sample.before, sample.after) if binned else sample.by_value()  # type: ignore[union-attr]  # binned: numbers
        value = exact.jensen_shannon(pair) if chosen == JENSEN_SHANNON else exact.psi_filled(pair)
        method |= {"bins": len(pair[0]), "binning": "sturges, both sides" if binned else "by value", "log_base": "e"}
        method |= {"smoothing": "0.0001 for empty shares"} if chosen == PSI else {"smoothing": 0}
    elif chosen == WASSERSTEIN:
        method["ddof"] = 0
    # Evidently: KS drifts at the threshold too, chi-square and z below it; distances at it.
    beyond = value is not None and (
        value <= limit if chosen == KS else value < limit if chosen in P_VALUES else value >= limit
    )
    return _verdict(EVIDENTLY, sample, chosen, value, limit, beyond=beyond, method=method)


# -- Azure ML ---------------------------------------------------------------------------------------------------


def _azureml_choice(sample: _Sample) -> tuple[str, float]:
    """The component's defaults."""
    return (WASSERSTEIN, 0.5) if sample.number else (JENSEN_SHANNON, 0.5)


def _azureml(sample: _Sample, measure: str | None, at_most: float | None) -> Verdict:
    chosen, limit = _azureml_choice(sample)
    if measure and measure != chosen:
        chosen, limit = measure, {JENSEN_SHANNON: 0.5, PSI: 0.5, WASSERSTEIN: 0.5}.get(measure, 0.05)
    limit = limit if at_most is None else at_most
    method: dict[str, Any] = {"library": "bailiwick, by the formulas of azureml-assets 4b41f8cc"}
    value = _shared(sample, chosen, ddof=1) if chosen != Z_TEST else None
    if chosen in (JENSEN_SHANNON, PSI):
        pair = exact.smaller_sturges(sample.before, sample.after) if isinstance(sample, _Numbers) else sample.by_value()
        value = exact.jensen_shannon(pair, base=2) if chosen == JENSEN_SHANNON else exact.psi_laplace(pair)
        binning = "equal widths, ceil(log2(smaller n) + 1)" if sample.number else "by value"
        method |= {"bins": len(pair[0]), "binning": binning, "log_base": 2 if chosen == JENSEN_SHANNON else "e"}
        method["smoothing"] = 1 if chosen == PSI else 0
    elif chosen == WASSERSTEIN:
        method["ddof"] = 1
    beyond = value is not None and (value < limit if chosen in P_VALUES else value > limit)
    return _verdict(AZUREML, sample, chosen, value, limit, beyond=beyond, method=method)


# -- both -------------------------------------------------------------------------------------------------------


def _shared(sample: _Sample, measure: str, *, ddof: int) -> float | None:
    """Measures that the peers compute alike; None where this column has no such measure."""
    if isinstance(sample, _Numbers) and measure == WASSERSTEIN:
        return exact.normed_wasserstein(sample.before, sample.after, ddof=ddof)
    if isinstance(sample, _Numbers) and measure == KS:
        return exact.ks_p(sample.before, sample.after)
    if measure == CHI_SQUARE:
        return exact.chi_square_p(sample.by_value())
    if measure == Z_TEST and not sample.more_distinct_than(2):
        return exact.proportions_z_p(sample.by_value())
    return None


def _verdict(
    name: str, sample: _Sample, measure: str, value: float | None, limit: float, *, beyond: bool, method: dict[str, Any]
) -> Verdict:
    if value is None or not np.isfinite(value):
        kind = "a number" if sample.number else "a category"
        return _not_computable(name, measure, f"{name} has no measure {measure} for {kind} such as this column")
    status = Status.OUTSIDE if beyond else Status.WITHIN
    op = AT_LEAST if measure in P_VALUES else AT_MOST
    return Verdict(name, measure, status, value, limit, op, sample.n, sample.m, method)
