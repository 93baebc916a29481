"""Performance from counts of score cell x label, and from the losses kept per row."""

from __future__ import annotations

from math import exp, log, pi, sqrt

import numpy as np
import numpy.typing as npt

from monitors.intervals import Z, mean_interval, roc_area, wilson
from monitors.labelled import FEWEST, CannotSay, Labelled, Measured
from store.bins import QUANTUM
from store.result import Status
from store.summary import Counts


def _good_and_other(rows: Labelled) -> tuple[Counts, Counts] | CannotSay:
    """Rows per score cell, in rising order, of the good label and of the others."""
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
    return good, other


def roc_auc(rows: Labelled) -> Measured | CannotSay:
    parts = _good_and_other(rows)
    if isinstance(parts, CannotSay):
        return parts
    classes = int(parts[0].sum()), int(parts[1].sum())
    area = roc_area(*parts)
    counted = (("good_labels", classes[0]), ("other_labels", classes[1]))
    return Measured(area.value, *area.interval, sum(classes), "delong", error_bound=area.error_bound, details=counted)


def average_precision(rows: Labelled) -> Measured | CannotSay:
    """scikit-learn's sum of precision x gain in recall over thresholds, the cells; logit interval (Boyd et al. 2013).

    The bound is what any order of the scores inside their cells could make of it: the good ones first, or last.
    """
    from scipy.special import psi

    parts = _good_and_other(rows)
    if isinstance(parts, CannotSay):
        return parts
    good, other = (side[::-1].astype(np.float64) for side in parts)
    positives = good.sum()
    hits, misses = np.cumsum(good), np.cumsum(other)
    here = good > 0
    value = float((good[here] * hits[here] / (hits + misses)[here]).sum() / positives)

    def ordered(beside: npt.NDArray[np.float64]) -> float:
        """Sum of (h + k) / (h + k + m) over the good ones k of a cell, h hits before it, m misses before each."""
        before = (hits - good)[here] + beside[here]
        return float((good[here] - beside[here] * (psi(before + good[here] + 1) - psi(before + 1))).sum() / positives)

    bound = max(ordered(misses - other) - value, value - ordered(misses), 0.0)
    counted = (("good_labels", int(positives)), ("other_labels", int(other.sum())))
    ends = _logit_interval(value, int(positives))
    return Measured(value, *ends, int(positives + other.sum()), "logit", error_bound=bound, details=counted)


def _logit_interval(share: float, n: int) -> tuple[float, float]:
    if not 0 < share < 1:
        return wilson(share * n, n)
    middle, spread = log(share / (1 - share)), Z / sqrt(n * share * (1 - share))
    low, high = (1 / (1 + exp(-x)) for x in (middle - spread, middle + spread))
    return low, high


def calibration_error(rows: Labelled) -> Measured | CannotSay:
    """Mean |score - share of good labels| over the score cells, scores taken at the middle of their cell (ECE).

    The interval leaves out what sampling alone would give; the bound is half the width of a cell.
    """
    parts = _good_and_other(rows)
    if isinstance(parts, CannotSay):
        return parts
    score = rows.spec.score
    assert score is not None  # or there would be no parts
    good, n = parts[0].astype(np.float64), (parts[0] + parts[1]).astype(np.float64)
    ends = np.clip([min(score.lo, score.edges[0]), *score.edges, max(score.hi, score.edges[-1])], 0.0, 1.0)
    middle, half = (ends[:-1] + ends[1:]) / 2, np.diff(ends) / 2
    weight, safe = n / n.sum(), np.maximum(n, 1.0)
    value = float((weight * np.abs(middle - good / safe)).sum())
    eased = (good + 1) / (n + 2)
    variance = weight**2 * eased * (1 - eased) / safe
    feigned, spread = float(np.sqrt(variance * 2 / pi).sum()), Z * sqrt(float(variance.sum()))
    bound = float((weight * half).sum())
    low, high = max(value - feigned - spread - bound, 0.0), min(value + spread + bound, 1.0)
    told = (("cells", int((n > 0).sum())), ("expected_when_calibrated", feigned))
    return Measured(value, low, high, int(n.sum()), "normal", error_bound=bound, details=told)


def _loss(rows: Labelled, *, first: int) -> Measured | CannotSay:
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


def log_loss(rows: Labelled) -> Measured | CannotSay:
    return _loss(rows, first=1)


def brier(rows: Labelled) -> Measured | CannotSay:
    return _loss(rows, first=4)
