"""Performance from counts of prediction x label: shares with their intervals."""

from __future__ import annotations

import numpy as np

from monitors.intervals import Share, mean_interval, wilson
from monitors.labelled import FEWEST, CannotSay, Labelled, Measured
from store.result import Status


def accuracy(rows: Labelled) -> Measured:
    table = rows.table
    n = int(table.sum())
    # (other) met by (other) may be two different values: it counts as wrong, and bounds the error.
    hits = int(np.trace(table[:-1, :-1]))
    low, high = wilson(hits, n)
    return Measured(hits / n, low, high, n, "wilson", error_bound=int(table[-1, -1]) / n or None)


def balanced_accuracy(rows: Labelled) -> Measured | CannotSay:
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


def _good_counts(rows: Labelled) -> tuple[int, int, int] | CannotSay:
    """True positives, predicted good, labelled good."""
    good = rows.good
    if good is None:
        return CannotSay(Status.NOT_COMPUTABLE, "the model file names no good prediction")
    table = rows.table
    return int(table[good, good]), int(table[good].sum()), int(table[:, good].sum())


def _share(rows: Labelled, hits: int, n: int, what: str) -> Measured | CannotSay:
    if n < FEWEST:
        return CannotSay(Status.TOO_FEW, f"{n} rows {what} good; at least {FEWEST} are needed")
    low, high = wilson(hits, n)
    return Measured(hits / n, low, high, n, "wilson")


def precision(rows: Labelled) -> Measured | CannotSay:
    counts = _good_counts(rows)
    return counts if isinstance(counts, CannotSay) else _share(rows, counts[0], counts[1], "predicted")


def recall(rows: Labelled) -> Measured | CannotSay:
    counts = _good_counts(rows)
    return counts if isinstance(counts, CannotSay) else _share(rows, counts[0], counts[2], "labelled")


def f1(rows: Labelled) -> Measured | CannotSay:
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
