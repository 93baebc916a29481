"""Volume: the rows of a window against what windows of its length usually hold at this site.

    volume_ratio   rows over the median of the windows before it that held any, at most 28 days back; with a season of
                   a week, of the same stretch of earlier weeks; limit: quality.volume, at least

The interval is that of a Poisson count (rows +- 1.96 sqrt(rows), up to 3 where there are none), the median taken as it
is.
Fewer than three earlier windows say nothing of what is usual. A window without a single row is silence's.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import median

from monitors.intervals import Z
from monitors.subject import AT_LEAST, Limit, Subject, against
from store.model_file import QualityWatch
from store.result import Monitor, Result, Status

FEWEST = 3
"""Earlier windows that make a habit."""


def volume_result(subject: Subject, *, watch: QualityWatch, rows: int, earlier: Sequence[int]) -> Result | None:
    """earlier: rows of the windows before; those without any are not counted. None where volume is not watched."""
    if watch.volume is None:
        return None
    limit = Limit(AT_LEAST, watch.volume, watch.source)
    held = [count for count in earlier if count > 0]
    method = {"name": "bailiwick", "basis": "counts", "exact": True, "interval": "poisson"}
    details = {"rows": rows, "earlier_windows": len(held)}
    if len(held) < FEWEST:
        reason = f"{len(held)} earlier windows with rows; at least {FEWEST} say what is usual"
        return subject.cannot_say(
            Monitor.QUALITY, "volume_ratio", status=Status.TOO_FEW, reason=reason, n_current=rows, method=method,
            details=details, **limit.as_fields(),
        )  # fmt: skip
    usual = median(held)
    spread = Z * sqrt(rows)
    return against(
        subject.result(
            Monitor.QUALITY, "volume_ratio", status=Status.WITHIN, value=rows / usual, n_current=rows, method=method,
            interval_low=max(rows - spread, 0.0) / usual, interval_high=max(rows + spread, 3.0) / usual,
            details={**details, "usual": usual},
        ),
        limit,
    )  # fmt: skip
