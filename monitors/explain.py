"""Why something is an alert, and why it is not: in sentences, from the same functions that decide it.

`why` answers for any result, quiet ones too: value, limit and p-value, what the day's tests make of it, persistence,
margin, and what people decided. `about_alert` tells an alert, with the rule that set its severity and what would end
it. Neither judges anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitors.alert_state import AlertState, Condition, SnoozedFor, Triage
from monitors.alert_words import NAMES, against_limit, measured, told, where
from monitors.discovery import Discovery, p_of
from monitors.severity import PERSISTENT, is_far
from monitors.signals import AT_ONCE, clears_at, counts_as, fires, is_clear, outside_of, running
from monitors.subject import AT_LEAST, judged
from store.model_file import AlertWatch
from store.result import CANNOT_SAY, Result, Status


def why(
    result: Result,
    *,
    watch: AlertWatch,
    history: Sequence[str],
    alert: AlertState | None = None,
    day: Discovery | None = None,
    elsewhere: Sequence[str] = (),
) -> list[str]:
    """history: what earlier windows of the key counted as, oldest first; day: the tests of its day; elsewhere: for `*`,
    the sites whose alerts of the same cause stand."""
    out = [_standing(result, alert, elsewhere), _verdict(result)]
    out += _tested(result, day)
    out += _persistence(result, watch, history, alert)
    if alert is not None:
        out += _people(alert)
    return [sentence for sentence in out if sentence]


def about_alert(alert: AlertState, watch: AlertWatch, *, result: Result | None, now: datetime) -> list[str]:
    """What it is, why it is so grave, whose it is and by when, what people decided, and what would end it."""
    windows = f"{alert.count} window{'s' * (alert.count != 1)}"
    out = [alert.sentence]
    if alert.condition == Condition.CLEARED:
        out.append(f"It cleared with the window to {_time(alert.last_window[1])}.")
    else:
        state = str(alert.condition).replace("_", " ")
        out.append(f"It is {state} since the window from {_time(alert.first_window[0])}, seen in {windows}.")
    graded = alert.rule if alert.rule.startswith(f"{alert.severity}:") else f"{alert.severity}: {alert.rule}"
    out.append(f"Its severity is {graded}.")
    if result is not None:
        out += _tested(result, None)
    if alert.is_open:
        out += _charge(alert, now) + _people(alert) + _end(alert, watch, result)
    else:
        out += _people(alert)
    return [sentence for sentence in out if sentence]


def _standing(result: Result, alert: AlertState | None, elsewhere: Sequence[str]) -> str:
    place = f"{result.about or 'the model'} {where(result.site, result.segment)}"
    if alert is None:
        if elsewhere and counts_as(result) in (Status.OUTSIDE, Status.STALE):
            sites = ", ".join(elsewhere)
            return f"No alert of {place}: the alerts of the same cause at {sites} say it better."
        return f"No alert of {place}."
    if alert.triage == Triage.RESOLVED:
        return f"Alert {alert.id} of {place} was resolved; it reopens when a later window fires."
    if alert.condition == Condition.CLEARED:
        return f"No alert of {place} now: {alert.id} cleared with the window to {_time(alert.last_window[1])}."
    asleep = " and rests" if alert.triage == Triage.SNOOZED else ""
    state = f"{str(alert.condition).replace('_', ' ')}{asleep}"
    return f"Alert {alert.id} of {place} is {state}, {alert.severity}: {alert.rule}."


def _verdict(result: Result) -> str:
    reason = result.details.get("reason")
    if result.status in CANNOT_SAY:
        because = f" ({reason})" if reason else ""
        word = str(result.status).replace("_", " ")
        return f"Nothing could be said, {word}{because}: no alert comes of that, and none ends by it."
    source = f", set by {result.limit_source}" if result.limit_source else ""
    name = NAMES.get(result.measure, result.measure.replace("_", " "))
    figures = f"{name} {measured(result)}{against_limit(result)}{source}"
    if result.status == Status.STALE:
        return f"Nothing came when it was due: {figures}."
    if not judged(result.details):
        return f"{figures}: no limit is set for it, so nothing is judged and nothing can alert."
    effect = result.details.get("effect")
    taken = (
        f" Without what sampling alone would give it is {told(max(float(effect), 0.0))}." if effect is not None else ""
    )
    verdict = {
        Status.WITHIN: "inside its limit, at a size that could have told",
        Status.OUTSIDE: "beyond its limit, and not by chance as far as its own test says",
        Status.UNCLEAR: "beyond its limit, but this sample cannot tell whether that is chance",
    }[Status(result.status)]
    return f"{figures}: {verdict}.{taken}"


def _tested(result: Result, day: Discovery | None) -> list[str]:
    p = p_of(result)
    if p is None:
        return []
    seen = result.details.get("discovery")
    if seen:
        day = Discovery(seen["rate"], seen["tests"], seen["found"], seen["threshold"])
    if day is None:
        return []
    own = f"Its test has p {_p(p)}."
    if day.rate >= 1:
        return [f"{own} No false discovery rate is set, so it stands by its own test."]
    family = f"Among the {day.tests:,} tests of its day p up to {day.threshold:.2g} stands (rate {day.rate:g})"
    if result.status != Status.OUTSIDE:
        small = result.status == Status.WITHIN and p < day.rate
        return [f"{own} {family}; a result inside its limit does not alert however small its p." if small else own]
    verdict = "so it stands" if day.stands(p) else "so this is no more than chance gives, and counts as unclear"
    return [f"{own} {family}, {verdict}."]


def _persistence(result: Result, watch: AlertWatch, history: Sequence[str], alert: AlertState | None) -> list[str]:
    status = counts_as(result)
    firing = alert is not None and alert.condition in (Condition.FIRING, Condition.PENDING, Condition.NO_DATA)
    if status == Status.UNCLEAR:
        windows = running(status, history)
        return [
            f"Unclear becomes an alert of severity low in {PERSISTENT} windows running; this is the {_nth(windows)}."
        ]
    if status == Status.OUTSIDE and result.monitor not in AT_ONCE:
        outside, of = watch.persistence
        if of == 1:
            return []
        seen = f"Outside in {outside_of(history, of)} of the last {of} windows that could say; {outside} are asked for"
        if is_far(result):
            return [f"{seen}, but it is far beyond its limit and fires at once."]
        return [f"{seen}." if fires(result, history, watch) else f"{seen}, or one far beyond the limit."]
    if status == Status.WITHIN and firing and judged(result.details) and not is_clear(result, watch):
        return [
            f"It is inside, but an alert ends {_stricter(result, watch)}; this is the {_nth(running(status, history))}."
        ]
    return []


def _stricter(result: Result, watch: AlertWatch) -> str:
    stricter = clears_at(result, watch)
    if stricter is None or result.monitor in AT_ONCE:
        return "with a window inside its limit"
    side = "at least" if result.limit_op == AT_LEAST else "at most"
    return f"with a window of {side} {told(stricter)}, or with the third window running that is inside its limit"


def _charge(alert: AlertState, now: datetime) -> list[str]:
    whose = f"It is with {alert.owner}" if alert.owner else "It is nobody's yet"
    if alert.due_at is None:
        return [f"{whose}."]
    late = ", which has passed" if alert.due_at < now and alert.triage == Triage.TO_REVIEW else ""
    return [f"{whose}, and should be dealt with by {_time(alert.due_at)}{late}."]


def _people(alert: AlertState) -> list[str]:
    because = f": {alert.reason}" if alert.reason else ""
    if alert.triage == Triage.SNOOZED:
        until = _time(alert.snooze_until) if alert.snooze_until else ""
        said = {
            SnoozedFor.MUTED: f"muted it until {until}, however grave it gets",
            SnoozedFor.WORSE: "snoozed it until it gets worse",
            SnoozedFor.VERSION: "snoozed it until the next version serves, or it gets worse",
        }.get(alert.snoozed_for or SnoozedFor.TIME, f"snoozed it until {until}, or until it gets worse")
        return [f"{alert.snoozed_by} {said}{because}."]
    if alert.triage == Triage.RESOLVED:
        return [f"Somebody resolved it{because}."]
    if alert.event == "returned":
        return ["It fired again within its cool-down, so nobody was called a second time."]
    return []


def _end(alert: AlertState, watch: AlertWatch, result: Result | None) -> list[str]:
    if alert.condition == Condition.CLEARED or result is None:
        return []
    return [f"It ends {_stricter(result, watch)}."]


def _p(p: float) -> str:
    return f"= {p:.2g}" if p >= 1e-12 else "< 1e-12"


def _nth(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}" if moment.time() == datetime.min.time() else f"{moment:%Y-%m-%d %H:%M}"
