"""How serious a result is, from the model's tier, the distance beyond the limit and persistence; with the rule told.

    unclear                     low, whatever else; so is an `outside` that the tests of its day do not bear out
    outside                     medium; +1 at tier 1, -1 from tier 4 on; +1 when far beyond the limit;
                                +1 when outside in 3 windows running; critical only when far beyond, else at most high
    stale                       medium; +1 at tier 1, -1 from tier 4 on; +1 from 4 contact windows on; at most high
    budget_spent_share          medium from 80 %, high from 100 %
    anything else               info

Far beyond: at least twice an upper limit, or at most three quarters of a lower one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitors.discovery import held_back
from monitors.subject import AT_LEAST
from store.result import SEVERITIES, Monitor, Result, Severity, Status

PERSISTENT = 3
"""Windows running that make an `outside` graver, and an `unclear` worth an alert."""
FAR_ABOVE, FAR_BELOW = 2.0, 0.75
LONG_SILENCE = 4.0
_MEDIUM = SEVERITIES.index(Severity.MEDIUM)
_HIGH = SEVERITIES.index(Severity.HIGH)


@dataclass(frozen=True, slots=True)
class Graded:
    severity: Severity
    rule: str
    """What `alerts show` prints: how the severity came about."""


def grade(result: Result, *, tier: int, running: int = 1) -> Graded:
    """`running`: windows in a row with this status, this one included."""
    if result.status == Status.UNCLEAR:
        return Graded(Severity.LOW, "low: beyond the limit, but this sample cannot tell")
    if held_back(result):
        tests = result.details["discovery"]["tests"]
        return Graded(Severity.LOW, f"low: beyond the limit, but no more than chance gives among {tests:,} tests a day")
    if result.status == Status.STALE:
        return _stale(result, tier)
    if result.status != Status.OUTSIDE:
        return Graded(Severity.INFO, "info: nothing is beyond a limit")
    if result.monitor == Monitor.PRIVACY:
        spent = (result.value or 0.0) >= 1
        return Graded(Severity.HIGH if spent else Severity.MEDIUM, "medium from 80 % of the budget, high from 100 %")
    return _outside(result, tier, running)


def graded(result: Result, *, tier: int) -> Result:
    """The result with the severity that it has by itself, before persistence."""
    return replace(result, severity=grade(result, tier=tier).severity)


def _tier(tier: int) -> tuple[int, str]:
    step = 1 if tier <= 1 else -1 if tier >= 4 else 0
    return step, f"tier {tier} ({step:+d})" if step else f"tier {tier} (0)"


def _outside(result: Result, tier: int, running: int) -> Graded:
    step, tier_words = _tier(tier)
    far = is_far(result)
    persistent = running >= PERSISTENT
    place = _MEDIUM + step + far + persistent
    top = len(SEVERITIES) - 1 if far else _HIGH
    severity = SEVERITIES[max(1, min(place, top))]
    distance = f"far beyond the limit ({far:+d})" if far else "not far beyond the limit (0)"
    windows = "1 window" if running == 1 else f"{running} windows running"
    rule = f"{severity}: medium, {tier_words}, {distance}, outside in {windows} ({'+1' if persistent else '0'})"
    return Graded(severity, rule + ("; critical only when far beyond" if place > top else ""))


def _stale(result: Result, tier: int) -> Graded:
    step, tier_words = _tier(tier)
    windows = (result.value or 0.0) / result.limit_value if result.limit_value else LONG_SILENCE
    long = windows >= LONG_SILENCE
    severity = SEVERITIES[max(1, min(_MEDIUM + step + long, _HIGH))]
    lasting = f"silent for {windows:.1f} contact windows ({'+1' if long else '0'})"
    return Graded(severity, f"{severity}: medium, {tier_words}, {lasting}, at most high")


def is_far(result: Result) -> bool:
    if result.value is None or result.limit_value is None:
        return False
    if result.limit_op == AT_LEAST:
        return result.value <= FAR_BELOW * result.limit_value
    return result.value >= FAR_ABOVE * result.limit_value
