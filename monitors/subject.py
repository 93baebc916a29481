"""What a measurement is of, the limit it is held against, and the rule that turns the two into a status.

Every monitor takes a `Subject` and gives back `Result` values through it, so that no monitor forgets a field. A
measure without a limit is reported with limit null, status `within`, significant null and
`details.limit = "none set"`: nothing was judged, and no page counts it among what is well (`judged()` tells).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import sqrt
from typing import Any

from store.result import CANNOT_SAY, Result, Status

NO_LIMIT = "none set"
AT_LEAST, AT_MOST = "at_least", "at_most"


@dataclass(frozen=True, slots=True)
class Subject:
    """One model version at one site (or `*`), for one segment or all rows, in one window [from, to)."""

    model: str
    version: str
    site: str
    segment: str | None
    window_from: datetime
    window_to: datetime

    def result(self, monitor: str, measure: str, *, status: str, **fields: Any) -> Result:
        return Result(
            model=self.model,
            version=self.version,
            site=self.site,
            segment=self.segment,
            window_from=self.window_from,
            window_to=self.window_to,
            monitor=monitor,
            measure=measure,
            status=status,
            **fields,
        )

    def cannot_say(self, monitor: str, measure: str, *, status: Status, reason: str, **fields: Any) -> Result:
        """A result that says why there is no verdict; a limit that was set stays visible on it."""
        if status not in CANNOT_SAY:
            raise ValueError(f"{status} is a verdict")
        details = {**fields.pop("details", {}), "reason": reason}
        return self.result(monitor, measure, status=status, details=details, **fields)


@dataclass(frozen=True, slots=True)
class Limit:
    op: str
    """`at_least` or `at_most`."""
    value: float
    source: str

    def met_by(self, value: float) -> bool:
        return value >= self.value if self.op == AT_LEAST else value <= self.value

    def excluded_by(self, low: float, high: float) -> bool:
        """Whether the whole interval lies beyond the limit."""
        return high < self.value if self.op == AT_LEAST else low > self.value

    def as_fields(self) -> dict[str, Any]:
        return {"limit_op": self.op, "limit_value": self.value, "limit_source": self.source}


def limit_of(*, at_least: float | None, at_most: float | None, source: str) -> Limit | None:
    if at_least is not None:
        return Limit(AT_LEAST, at_least, source)
    return None if at_most is None else Limit(AT_MOST, at_most, source)


def against(result: Result, limit: Limit | None) -> Result:
    """The result with its limit and the status that follows from value and interval.

    within: inside the limit. outside: beyond it, and the interval excludes it. unclear: beyond it, and the interval
    does not. Minimum sample sizes are the business of the caller.
    """
    if limit is None:
        return replace(result, status=Status.WITHIN, details={**result.details, "limit": NO_LIMIT})
    if result.value is None or result.interval_low is None or result.interval_high is None:
        raise ValueError(f"{result.measure} has no value or interval to hold against a limit")
    fields = limit.as_fields()
    if limit.met_by(result.value):
        return replace(result, status=Status.WITHIN, significant=False, **fields)
    beyond = limit.excluded_by(result.interval_low, result.interval_high)
    return replace(result, status=Status.OUTSIDE if beyond else Status.UNCLEAR, significant=beyond, **fields)


def limit_fields(limit: Limit | None) -> dict[str, Any]:
    return limit.as_fields() if limit else {}


def judged(details: Mapping[str, Any]) -> bool:
    """False for a number that was reported without a limit to hold it against."""
    return details.get("limit") != NO_LIMIT


def noise_told(variance: float, noise: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """What a result says of the noise in each of its cells: as the caller knows it, else its size alone."""
    if variance <= 0:
        return None
    return noise or {"mechanism": "discrete_gaussian", "scale": sqrt(variance), "variance": variance, "rho": None}


def basis(variance: float) -> str:
    return "noisy" if variance > 0 else "counts"
