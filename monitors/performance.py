"""How well predictions met their labels, from the `labelled` counts alone.

    roc_auc            good against every other label, scores known by their cell, ties one half (DeLong)
    accuracy, balanced_accuracy, precision, recall, f1     from groups x prediction x label
    log_loss, brier    exact to 2^-20 per row, from the sums kept beside the table
    average_precision  over the score cells as thresholds, with the bound of any order inside them
    calibration_error  mean |score - share of good labels| over the score cells
    mae, rmse, r2      regression, errors clipped at the published range of the prediction

Without labels the answer is `no_labels`; with fewer than 30 labelled rows (30 of each class where classes are set
against each other, 30 in the denominator of precision and recall) it is `too_few`. What is measured: the usual measures
of the task, and whatever `watch.performance` declares. Sites with noisy counts release no labels, so counts that carry
noise are refused here.
"""

from __future__ import annotations

from typing import Any

from monitors import class_measures as classes
from monitors import error_measures as errors
from monitors import score_measures as scores
from monitors.labelled import FEWEST, CannotSay, Labelled, Measured
from monitors.subject import Limit, Subject, against, limit_fields, limit_of
from store.bins import BinSpec
from store.durations import format_duration
from store.model_file import ModelFile
from store.result import Monitor, Result, Status
from store.summary import Counts

USUAL = {
    "binary": ("accuracy",),
    "multiclass": ("accuracy",),
    "regression": ("mae", "rmse"),
}
USUAL_WITH_SCORE = ("roc_auc", "accuracy", "log_loss", "brier")

_CLASSES = ("binary", "multiclass")
MEASURES = {
    "roc_auc": (_CLASSES, scores.roc_auc),
    "average_precision": (_CLASSES, scores.average_precision),
    "calibration_error": (("binary",), scores.calibration_error),
    "accuracy": (_CLASSES, classes.accuracy),
    "balanced_accuracy": (_CLASSES, classes.balanced_accuracy),
    "precision": (_CLASSES, classes.precision),
    "recall": (_CLASSES, classes.recall),
    "f1": (_CLASSES, classes.f1),
    "log_loss": (("binary",), scores.log_loss),
    "brier": (("binary",), scores.brier),
    "mae": (("regression",), errors.mae),
    "rmse": (("regression",), errors.rmse),
    "r2": (("regression",), errors.r2),
}
"""Which measures counts can give, and for which tasks."""


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
    rows = Labelled(spec, labelled)
    outcome = model.columns.outcome
    expected = format_duration(outcome.expected_after) if outcome and outcome.expected_after else None
    coverage = _coverage(rows.n if labelled.any() else 0, outcomes, expected)
    return [_result(subject, name, _measure(name, rows, variance), limits.get(name), coverage) for name in measures]


def _measures(spec: BinSpec, declared: list[str]) -> list[str]:
    usual = USUAL_WITH_SCORE if spec.task == "binary" and spec.score else USUAL[spec.task]
    return list(dict.fromkeys([*usual, *declared]))


def _coverage(n: int, outcomes: Counts | None, expected: str | None) -> dict[str, Any]:
    """How many of the outcomes are in, as numbers and in words."""
    total = 0 if outcomes is None else int(outcomes.sum())
    if total <= 0:
        return {"labelled": n} | ({} if outcomes is None else {"outcomes": total})
    share = min(n / total, 1.0)
    words = f"{share:.0%} of outcomes are in".replace("%", " %")
    words += f"; they are expected within {expected}" if expected and share < 1 else ""
    return {"labelled": n, "outcomes": total, "label_share": share, "maturity": words}


def _measure(name: str, rows: Labelled, variance: float) -> Measured | CannotSay:
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
