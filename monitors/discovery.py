"""Which of a day's drifts are more than chance would give among so many tests: Benjamini-Hochberg.

A run compares columns x sites x segments; with a thousand of them some are beyond their limits by luck every day. The
family is every drift result of one model version whose window ends on the same UTC day and that carries a p-value.
With p(1) <= ... <= p(m), the k smallest stand where k is the largest with p(k) <= k q / m; the expected share of chance
among them is then at most q, whatever is true of the others, where tests are independent or move together (Benjamini,
Hochberg 1995; Benjamini, Yekutieli 2001). On a day on which nothing moved, any alert has a chance of at most q.

A result keeps its verdict: `details.discovery` says whether the day bears it out, and alerts read that. What carries no
p-value (a distance by another tool's rules) is in no family and stands by its own rule.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from scipy.special import fdtrc

from monitors.measures import MEASURES
from store.result import Monitor, Result, Status

DRIFTS = (Monitor.DRIFT, Monitor.PREDICTION_DRIFT, Monitor.LABEL_DRIFT)
CHI_SQUARE = "chi_square"
TEST = "_p"
"""How the names of measures end whose value is a p-value."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """One day's family: how many tests, how many of them stand, and up to which p."""

    rate: float
    tests: int
    found: int
    threshold: float
    """The largest p that stands; where none does, the one that a single test would have had to reach."""

    def stands(self, p: float) -> bool:
        return self.found > 0 and p <= self.threshold

    def as_details(self, p: float) -> dict[str, Any]:
        return {
            "rate": self.rate, "tests": self.tests, "found": self.found, "threshold": self.threshold, "p_value": p,
            "stands": self.stands(p),
        }  # fmt: skip


def p_value(monitor: str, measure: str, value: float | None, details: Mapping[str, Any], n: int) -> float | None:
    """The p-value with which a drift result of n rows stands among others, or None.

    Far out the tail of chi-square is too thin for cells of a few rows (at 100 rows a p of 0.00005 comes five times too
    often), and a day of a thousand tests asks just there. So chi-square stands by the tail of F, whose second degrees
    are the rows beyond those of the cells: never smaller, and the same where rows are many.
    """
    if monitor not in DRIFTS:
        return None
    p = details.get("p_value")
    chi_square, degrees = details.get("chi_square"), details.get("degrees")
    if p is not None and chi_square and degrees and measure in MEASURES and MEASURES[measure].test == CHI_SQUARE:
        return max(float(p), float(fdtrc(degrees, max(n - degrees, 1), chi_square / degrees)))
    if p is None and measure.endswith(TEST):
        p = value
    return None if p is None else float(p)


def p_of(result: Result) -> float | None:
    return p_value(str(result.monitor), result.measure, result.value, result.details, result.n_current)


def day_of(window_to: datetime) -> date:
    """The UTC day that holds the end of a window; midnight ends the day before."""
    return (window_to - timedelta(microseconds=1)).date()


def benjamini_hochberg(p_values: Sequence[float], rate: float) -> Discovery:
    tests = len(p_values)
    if rate >= 1:
        return Discovery(1.0, tests, tests, 1.0)
    steps = np.arange(1, tests + 1) * (rate / max(tests, 1))
    below = np.flatnonzero(np.sort(np.asarray(p_values, dtype=np.float64)) <= steps)
    found = int(below[-1]) + 1 if len(below) else 0
    return Discovery(rate, tests, found, max(found, 1) * rate / max(tests, 1))


Standing = Iterable[tuple[Hashable, date, float]]


def with_discoveries(results: Sequence[Result], *, rate: float, standing: Standing = ()) -> list[Result]:
    """What is `outside` by a test, with `details.discovery` of its day.

    standing: (key, day, p) of the tests of the same days that stand from earlier runs; those of this run replace them.
    """
    families: dict[date, dict[Hashable, float]] = {}
    for key, day, stood in standing:
        families.setdefault(day, {})[key] = stood
    tested = [p_of(result) for result in results]
    for result, p in zip(results, tested, strict=True):
        if p is not None:
            families.setdefault(day_of(result.window_to), {})[family_key(result)] = p
    wanted = {
        day_of(r.window_to)
        for r, p in zip(results, tested, strict=True)
        if p is not None and r.status == Status.OUTSIDE
    }
    found = {day: benjamini_hochberg(list(families[day].values()), rate) for day in wanted}
    return [
        replace(result, details={**result.details, "discovery": found[day_of(result.window_to)].as_details(p)})
        if p is not None and result.status == Status.OUTSIDE
        else result
        for result, p in zip(results, tested, strict=True)
    ]


def family_key(of: Result) -> Hashable:
    return of.site, of.segment, str(of.monitor), of.about, of.measure, of.window_to


def held_back(result: Result) -> bool:
    """Outside by its own rule, and no more than chance would give among the tests of its day."""
    discovery = result.details.get("discovery")
    return result.status == Status.OUTSIDE and discovery is not None and not discovery["stands"]
