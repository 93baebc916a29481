"""How well predictions met their labels, from the `labelled` counts alone.

    roc_auc            good against every other label, scores known by their cell, ties one half (DeLong)
    accuracy, balanced_accuracy, precision, recall, f1     from groups x prediction x label
    log_loss, brier    exact to 2^-20 per row, from the sums kept beside the table
    mae, rmse          regression, errors clipped at the published range of the prediction

Without labels the answer is `no_labels`; with fewer than 30 labelled rows (30 of each class for roc_auc, 30 in the
denominator of precision and recall) it is `too_few`. A measure that counts cannot give (average_precision, r2) is
`not_computable`. What is measured: the usual measures of the task, and whatever `watch.performance` declares.
Sites with noisy counts release no labels, so counts that carry noise are refused here.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from monitors.intervals import Share, mean_interval, roc_area, wilson
from monitors.subject import Limit, Subject, against, limit_fields, limit_of
from store.bins import QUANTUM, BinSpec, NumberBins
from store.model_file import ModelFile
from store.result import Monitor, Result, Status
from store.summary import Counts

FEWEST = 30
"""Labelled rows (of each class where classes are set against each other) below which there is no verdict."""

USUAL = {
    "binary": ("accuracy",),
    "multiclass": ("accuracy",),
    "regression": ("mae", "rmse"),
}
USUAL_WITH_SCORE = ("roc_auc", "accuracy", "log_loss", "brier")


@dataclass(frozen=True, slots=True)
class Measured:
    value: float
    low: float
    high: float
    n: int
    interval: str
    """Whose interval it is."""
    error_bound: float | None = None
    details: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class CannotSay:
    status: Status
    reason: str


@dataclass(frozen=True)
class _Labelled:
    """The labelled section cut into its parts, summed over groups."""

    spec: BinSpec
    counts: Counts

    @property
    def table(self) -> Counts:
        """prediction x label."""
        classes = len(self.spec.classes)
        table: Counts = self.counts[self.spec.labelled_joint].reshape(-1, classes, classes).sum(axis=0)
        return table

    @property
    def score_by_label(self) -> Counts:
        shape = self.spec.score_label_shape
        table: Counts = self.counts[self.spec.score_label].reshape(shape[0], shape[1], -1).sum(axis=2)
        return table

    @property
    def losses(self) -> list[int]:
        return [int(cell) for cell in self.counts[self.spec.losses]]

    @property
    def good(self) -> int | None:
        """Which class is the favourable one."""
        return self.spec.classes.index(self.spec.good) if self.spec.good in self.spec.classes[:-1] else None

    @property
    def n(self) -> int:
        losses = self.losses
        return losses[0] if self.spec.task == "regression" and losses else int(self.table.sum())


def performance_results(
    subject: Subject,
    *,
    model: ModelFile,
    spec: BinSpec,
    labelled: Counts,
    outcomes: Counts | None = None,
    variance: float = 0.0,
) -> list[Result]:
    """One result per measure. `outcomes` of the same window gives the label coverage."""
    limits = {
        watch.measure: limit_of(at_least=watch.at_least, at_most=watch.at_most, source=watch.source)
        for watch in model.watch.performance
    }
    measures = _measures(spec, list(limits)) if spec.outcome else list(limits)
    if not spec.prediction or not spec.outcome:
        reason = "the model file declares no outcome" if not spec.outcome else "the model file declares no prediction"
        answers: dict[str, Measured | CannotSay] = {name: CannotSay(Status.NO_LABELS, reason) for name in measures}
        return [_result(subject, name, answer, limits.get(name), {}) for name, answer in answers.items()]
    rows = _Labelled(spec, labelled)
    coverage = _coverage(rows.n if labelled.any() else 0, outcomes)
    return [_result(subject, name, _measure(name, rows, variance), limits.get(name), coverage) for name in measures]


def _measures(spec: BinSpec, declared: list[str]) -> list[str]:
    usual = USUAL_WITH_SCORE if spec.task == "binary" and spec.score else USUAL[spec.task]
    return list(dict.fromkeys([*usual, *declared]))


def _coverage(n: int, outcomes: Counts | None) -> dict[str, Any]:
    if outcomes is None:
        return {"labelled": n}
    total = int(outcomes.sum())
    return {"labelled": n, "outcomes": total} | ({"label_share": min(n / total, 1.0)} if total > 0 else {})


def _measure(name: str, rows: _Labelled, variance: float) -> Measured | CannotSay:
    if name not in MEASURES:
        return CannotSay(Status.NOT_COMPUTABLE, f"{name} cannot be computed from counts")
    if variance > 0:
        return CannotSay(Status.NOT_COMPUTABLE, "sites with noisy counts release no labels")
    tasks, measure = MEASURES[name]
    if rows.spec.task not in tasks:
        return CannotSay(Status.NOT_COMPUTABLE, f"{name} is not a measure of a {rows.spec.task} model")
    if not rows.counts.any() or rows.n <= 0:
        return CannotSay(Status.NO_LABELS, "no row of this window has a label yet")
    if rows.n < FEWEST:
        return CannotSay(Status.TOO_FEW, f"{rows.n} labelled rows; at least {FEWEST} are needed")
    return measure(rows)


def _result(
    subject: Subject, name: str, answer: Measured | CannotSay, limit: Limit | None, coverage: dict[str, Any]
) -> Result:
    method: dict[str, Any] = {"name": "bailiwick", "basis": "counts"}
    if isinstance(answer, CannotSay):
        return subject.cannot_say(
            Monitor.PERFORMANCE,
            name,
            status=answer.status,
            reason=answer.reason,
            n_current=int(coverage.get("labelled", 0)),
            method=method,
            details=coverage,
            **limit_fields(limit),
        )
    exact = not answer.error_bound
    method |= {"exact": exact, "interval": answer.interval} | ({} if exact else {"error_bound": answer.error_bound})
    result = subject.result(
        Monitor.PERFORMANCE,
        name,
        status=Status.WITHIN,
        value=answer.value,
        interval_low=answer.low,
        interval_high=answer.high,
        n_current=answer.n,
        method=method,
        details={**coverage, **dict(answer.details)},
    )
    return against(result, limit)


# -- from prediction x label --------------------------------------------------------------------------------------


def _accuracy(rows: _Labelled) -> Measured:
    table = rows.table
    n = int(table.sum())
    # (other) met by (other) may be two different values: it counts as wrong, and bounds the error.
    hits = int(np.trace(table[:-1, :-1]))
    low, high = wilson(hits, n)
    return Measured(hits / n, low, high, n, "wilson", error_bound=int(table[-1, -1]) / n or None)


def _balanced_accuracy(rows: _Labelled) -> Measured | CannotSay:
    """The mean of the recall of each label that occurs; its variance is the sum of theirs."""
    table = rows.table
    totals = table[:, :-1].sum(axis=0)
    present = np.flatnonzero(totals)
    if len(present) < 2 or int(totals[present].min()) < FEWEST:
        return CannotSay(Status.TOO_FEW, f"fewer than {FEWEST} labelled rows of a class")
    recalls = table[present, present] / totals[present]
    # One success and one failure are added per class: at a recall of 1 the plain variance would be 0.
    eased = (table[present, present] + 1) / (totals[present] + 2)
    variance = float((eased * (1 - eased) / totals[present]).sum()) / len(present) ** 2
    n = int(table.sum())
    low, high = mean_interval(float(recalls.mean()), variance * n, n)
    return Measured(float(recalls.mean()), max(low, 0.0), min(high, 1.0), n, "normal")


def _good_counts(rows: _Labelled) -> tuple[int, int, int] | CannotSay:
    """True positives, predicted good, labelled good."""
    good = rows.good
    if good is None:
        return CannotSay(Status.NOT_COMPUTABLE, "the model file names no good prediction")
    table = rows.table
    return int(table[good, good]), int(table[good].sum()), int(table[:, good].sum())


def _share(rows: _Labelled, hits: int, n: int, what: str) -> Measured | CannotSay:
    if n < FEWEST:
        return CannotSay(Status.TOO_FEW, f"{n} rows {what} good; at least {FEWEST} are needed")
    low, high = wilson(hits, n)
    return Measured(hits / n, low, high, n, "wilson")


def _precision(rows: _Labelled) -> Measured | CannotSay:
    counts = _good_counts(rows)
    return counts if isinstance(counts, CannotSay) else _share(rows, counts[0], counts[1], "predicted")


def _recall(rows: _Labelled) -> Measured | CannotSay:
    counts = _good_counts(rows)
    return counts if isinstance(counts, CannotSay) else _share(rows, counts[0], counts[2], "labelled")


def _f1(rows: _Labelled) -> Measured | CannotSay:
    """2s / (1 + s), with s the share of true positives among rows predicted or labelled good: its ends carried over."""
    counts = _good_counts(rows)
    if isinstance(counts, CannotSay):
        return counts
    hits, predicted, labelled = counts
    union = predicted + labelled - hits
    if union < FEWEST:
        return CannotSay(Status.TOO_FEW, f"{union} rows predicted or labelled good; at least {FEWEST} are needed")
    low, high = Share(hits, union).interval
    return Measured(2 * hits / (union + hits), 2 * low / (1 + low), 2 * high / (1 + high), union, "wilson")


# -- from score cells ---------------------------------------------------------------------------------------------


def _roc_auc(rows: _Labelled) -> Measured | CannotSay:
    if not rows.spec.score:
        return CannotSay(Status.NOT_COMPUTABLE, "the model file declares no score")
    if rows.good is None:
        return CannotSay(Status.NOT_COMPUTABLE, "the model file names no good prediction")
    table = rows.score_by_label
    good = table[:, rows.good]
    other = table.sum(axis=1) - good
    classes = int(good.sum()), int(other.sum())
    if min(classes) < FEWEST:
        return CannotSay(
            Status.TOO_FEW, f"{classes[0]} good and {classes[1]} other labels with a score; {FEWEST} of each are needed"
        )
    area = roc_area(good, other)
    counted = (("good_labels", classes[0]), ("other_labels", classes[1]))
    return Measured(area.value, *area.interval, sum(classes), "delong", error_bound=area.error_bound, details=counted)


def _loss(rows: _Labelled, *, first: int) -> Measured | CannotSay:
    """Mean of a loss kept as LOSS_CELLS: its sum, and the sum of its squares in a high and a low part."""
    if not rows.losses:
        return CannotSay(Status.NOT_COMPUTABLE, "the model file declares no score")
    n, (total, high_part, low_part) = rows.losses[0], rows.losses[first : first + 3]
    if n < FEWEST:
        return CannotSay(Status.TOO_FEW, f"{n} labelled rows with a score; at least {FEWEST} are needed")
    mean = total / n / QUANTUM
    variance = ((high_part * QUANTUM + low_part) / n / QUANTUM**2 - mean**2) * n / (n - 1)
    low, high = mean_interval(mean, variance, n)
    return Measured(mean, max(low, 0.0), high, n, "normal")


def _log_loss(rows: _Labelled) -> Measured | CannotSay:
    return _loss(rows, first=1)


def _brier(rows: _Labelled) -> Measured | CannotSay:
    return _loss(rows, first=4)


# -- regression ---------------------------------------------------------------------------------------------------


def _mae(rows: _Labelled) -> Measured:
    n, total, high_part, low_part = rows.losses
    scale = _width(rows.spec)
    mean = total / n / QUANTUM
    variance = ((high_part * QUANTUM + low_part) / n / QUANTUM**2 - mean**2) * n / (n - 1)
    low, high = mean_interval(mean, variance, n)
    return Measured(mean * scale, max(low, 0.0) * scale, high * scale, n, "normal", details=_clipped(scale))


def _rmse(rows: _Labelled) -> Measured:
    """No fourth moments are kept; the variance of a square in [0, 1] is at most mean (1 - mean): a wide interval."""
    n, _, high_part, low_part = rows.losses
    scale = _width(rows.spec)
    mean = (high_part * QUANTUM + low_part) / n / QUANTUM**2
    low, high = mean_interval(mean, mean * (1 - mean), n)
    ends = sqrt(max(low, 0.0)) * scale, sqrt(high) * scale
    return Measured(sqrt(mean) * scale, *ends, n, "normal, variance bounded (Bhatia-Davis)", details=_clipped(scale))


def _width(spec: BinSpec) -> float:
    assert isinstance(spec.prediction, NumberBins)
    return spec.prediction.hi - spec.prediction.lo


def _clipped(scale: float) -> tuple[tuple[str, Any], ...]:
    return (("errors_clipped_at", scale),)


_CLASSES = ("binary", "multiclass")
MEASURES = {
    "roc_auc": (_CLASSES, _roc_auc),
    "accuracy": (_CLASSES, _accuracy),
    "balanced_accuracy": (_CLASSES, _balanced_accuracy),
    "precision": (_CLASSES, _precision),
    "recall": (_CLASSES, _recall),
    "f1": (_CLASSES, _f1),
    "log_loss": (("binary",), _log_loss),
    "brier": (("binary",), _brier),
    "mae": (("regression",), _mae),
    "rmse": (("regression",), _rmse),
}
"""Which measures counts can give, and for which tasks."""
