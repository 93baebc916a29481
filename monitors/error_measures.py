"""Performance of a regression, from the sums of errors and labels kept per row."""

from __future__ import annotations

from math import exp, sqrt
from typing import Any

from monitors.intervals import Z, mean_interval
from monitors.labelled import CannotSay, Labelled, Measured
from store.bins import QUANTUM, BinSpec, NumberBins
from store.result import Status


def mae(rows: Labelled) -> Measured:
    n, total, high_part, low_part = rows.losses[:4]
    scale = _width(rows.spec)
    mean = total / n / QUANTUM
    variance = ((high_part * QUANTUM + low_part) / n / QUANTUM**2 - mean**2) * n / (n - 1)
    low, high = mean_interval(mean, variance, n)
    return Measured(mean * scale, max(low, 0.0) * scale, high * scale, n, "normal", details=_clipped(scale))


def rmse(rows: Labelled) -> Measured:
    """No fourth moments are kept; the variance of a square in [0, 1] is at most mean (1 - mean): a wide interval."""
    n, _, high_part, low_part = rows.losses[:4]
    scale = _width(rows.spec)
    mean = (high_part * QUANTUM + low_part) / n / QUANTUM**2
    low, high = mean_interval(mean, mean * (1 - mean), n)
    ends = sqrt(max(low, 0.0)) * scale, sqrt(high) * scale
    return Measured(sqrt(mean) * scale, *ends, n, "normal, variance bounded (Bhatia-Davis)", details=_clipped(scale))


def r2(rows: Labelled) -> Measured | CannotSay:
    """1 - mean squared error / variance of the labels, both clipped at the published range of the prediction.

    No fourth moments are kept: the interval is that of the ratio on the log scale, each variance bounded.
    """
    n, _, high_part, low_part, label_sum, label_high, label_low = rows.losses
    error = (high_part * QUANTUM + low_part) / n / QUANTUM**2
    spread = (label_high * QUANTUM + label_low) / n / QUANTUM**2 - (label_sum / n / QUANTUM) ** 2
    if spread <= 1 / QUANTUM:
        return CannotSay(Status.NOT_COMPUTABLE, "every label is the same: there is no variance to explain")
    ratio = error / spread
    if ratio <= 0:
        return Measured(1.0, 1.0, 1.0, n, "none: no error at all", details=_clipped(_width(rows.spec)))
    relative = Z * sqrt((1 - error) / (error * n) + (1 - spread) / (spread * n))
    low, high = 1 - ratio * exp(relative), 1 - ratio * exp(-relative)
    told = "log ratio, variance bounded (Bhatia-Davis)"
    return Measured(1 - ratio, low, high, n, told, details=_clipped(_width(rows.spec)))


def _width(spec: BinSpec) -> float:
    assert isinstance(spec.prediction, NumberBins)
    return spec.prediction.hi - spec.prediction.lo


def _clipped(scale: float) -> tuple[tuple[str, Any], ...]:
    return (("errors_clipped_at", scale),)
