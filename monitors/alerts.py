"""The life of an alert: a pure state table from results (machine) and from people (triage).

One alert per (model, version, site, segment, monitor, about, measure). Results move its condition, in the order of
their windows: `step` takes one, `advance` many. People move its triage: monitors/triage.py. Neither reads a clock.

    firing     beyond the limit and not by chance, or a site silent past its contact window
    pending    beyond the limit in three windows running, but no sample could tell: severity low
    no_data    was firing or pending, and three windows running could not say
    cleared    a window inside the limit by a margin, or three running inside it, at an n that could have told

What a result means to an alert stands in monitors/signals.py. Nothing else clears an alert: no data, too few rows and
missing labels leave it as it stands. A result of an older window than the last one changes nothing; one of the same
window replaces what was said of it. What fires again within its cool-down goes on as it was: nobody is called again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from monitors.alert_state import (
    AlertState,
    Condition,
    Happened,
    SnoozedFor,
    Triage,
    alert_key,
    case_key,
)
from monitors.alert_words import sentence
from monitors.severity import Graded, grade
from monitors.signals import Signal, counts_as, running, signal
from store.model_file import AlertWatch
from store.result import SEVERITIES, Monitor, Result

__all__ = [
    "AlertState",
    "Condition",
    "Happened",
    "Signal",
    "Triage",
    "advance",
    "alert_key",
    "case_key",
    "step",
    "wake",
]

DEFAULTS = AlertWatch()
TELLING = tuple(Happened)
"""In rising order."""

F, P, N, C = Condition.FIRING, Condition.PENDING, Condition.NO_DATA, Condition.CLEARED
TRANSITIONS: dict[tuple[Condition | None, Signal], tuple[Condition, Happened]] = {
    (None, Signal.FIRES): (F, Happened.OPENED),
    (None, Signal.DOUBTS): (P, Happened.OPENED),
    (F, Signal.FIRES): (F, Happened.CONTINUED),
    (F, Signal.DOUBTS): (P, Happened.EASED),
    (F, Signal.CLEARS): (C, Happened.CLEARED),
    (F, Signal.LOST): (N, Happened.DATA_LOST),
    (P, Signal.FIRES): (F, Happened.WORSENED),
    (P, Signal.DOUBTS): (P, Happened.CONTINUED),
    (P, Signal.CLEARS): (C, Happened.CLEARED),
    (P, Signal.LOST): (N, Happened.DATA_LOST),
    (N, Signal.FIRES): (F, Happened.DATA_BACK),
    (N, Signal.DOUBTS): (P, Happened.DATA_BACK),
    (N, Signal.CLEARS): (C, Happened.CLEARED),
    (C, Signal.FIRES): (F, Happened.FIRED_AGAIN),
    (C, Signal.DOUBTS): (P, Happened.FIRED_AGAIN),
}
"""(condition, signal) to (condition, what happened). A pair that is not here changes nothing."""


def step(
    alert: AlertState | None,
    result: Result,
    *,
    now: datetime,
    tier: int,
    history: Sequence[str] = (),
    watch: AlertWatch = DEFAULTS,
) -> tuple[AlertState | None, list[Happened]]:
    """What one more result makes of an alert. No events: nothing changed and there is no new version to write.

    history: what the earlier windows of this key counted as (`signals.counts_as`), oldest first.
    """
    if alert is not None and result.window_to < alert.last_window[1]:
        return alert, []
    is_firing = alert is not None and alert.condition == Condition.FIRING
    means = signal(result, history, watch, is_firing=is_firing)
    found = TRANSITIONS.get((alert.condition if alert else None, means))
    if found is None:
        return (None, []) if alert is None else _woken(alert, now, [])
    condition, happened = found
    if alert is None:
        graded = _graded(result, tier, history)
        return _opened(result, condition, graded, now=now, watch=watch), [happened]
    if means is Signal.FIRES and alert.triage == Triage.RESOLVED:
        if _is_same_episode(alert, result):
            return alert, []
        happened = Happened.REGRESSED
    elif happened is Happened.FIRED_AGAIN and _is_soon(alert, result, watch):
        happened = Happened.RETURNED
    if means in (Signal.CLEARS, Signal.LOST):
        return replace(_kept(alert, result, condition), event=happened), [happened]
    return _fired(alert, result, condition, happened, _graded(result, tier, history), now=now, watch=watch)


def _is_soon(alert: AlertState, result: Result, watch: AlertWatch) -> bool:
    return bool(watch.cool_down) and result.window_to - alert.last_window[1] <= watch.cool_down


def _graded(result: Result, tier: int, history: Sequence[str]) -> Graded:
    return grade(result, tier=tier, running=running(counts_as(result), history))


def _is_same_episode(alert: AlertState, result: Result) -> bool:
    """A silence lasts from one contact to the next, however often it is measured; other windows end once."""
    if result.monitor == Monitor.SILENCE:
        return result.window_from == alert.last_window[0]
    return result.window_to <= alert.last_window[1]


def _measured(result: Result) -> dict[str, Any]:
    limit = None
    if result.limit_op is not None and result.limit_value is not None:
        limit = (result.limit_op, result.limit_value, result.limit_source or "")
    interval = None
    if result.interval_low is not None and result.interval_high is not None:
        interval = (result.interval_low, result.interval_high)
    return {
        "status": str(result.status),
        "sentence": sentence(result),
        "last_window": (result.window_from, result.window_to),
        "value": result.value,
        "interval": interval,
        "n": result.n_current,
        "limit": limit,
    }


def _opened(result: Result, condition: Condition, graded: Graded, *, now: datetime, watch: AlertWatch) -> AlertState:
    return AlertState(
        model=result.model,
        version=result.version,
        site=result.site,
        segment=result.segment,
        monitor=str(result.monitor),
        about=result.about,
        measure=result.measure,
        condition=condition,
        triage=Triage.TO_REVIEW,
        severity=str(graded.severity),
        rule=graded.rule,
        opened_at=now,
        first_window=(result.window_from, result.window_to),
        owner=dict(watch.owner).get(str(graded.severity)),
        due_at=_due(graded.severity, now, watch),
        **_measured(result),
    )


def _due(severity: str, now: datetime, watch: AlertWatch) -> datetime | None:
    time = dict(watch.due).get(str(severity))
    return None if time is None else now + time


def _fired(
    alert: AlertState,
    result: Result,
    condition: Condition,
    happened: Happened,
    graded: Graded,
    *,
    now: datetime,
    watch: AlertWatch,
) -> tuple[AlertState, list[Happened]]:
    anew = happened in (Happened.FIRED_AGAIN, Happened.REGRESSED)
    again = (result.window_from, result.window_to) == alert.last_window or result.monitor == Monitor.SILENCE
    state = replace(
        alert,
        condition=condition,
        severity=str(graded.severity),
        rule=graded.rule,
        count=1 if anew else alert.count + (not again),
        **_measured(result),
    )
    events = [happened]
    if anew:
        due_at = _due(graded.severity, now, watch)
        owner = alert.owner or dict(watch.owner).get(str(graded.severity))
        state = replace(state, opened_at=now, first_window=state.last_window, due_at=due_at, owner=owner)
        if state.triage != Triage.SNOOZED:
            state = replace(state, triage=Triage.TO_REVIEW, reason=None)
    elif rank(state.severity) > rank(alert.severity):
        events.append(Happened.WORSENED)
        due_at = _due(graded.severity, now, watch)
        owner = state.owner or dict(watch.owner).get(str(graded.severity))
        state = replace(state, due_at=min(filter(None, (alert.due_at, due_at)), default=None), owner=owner)
        if state.triage == Triage.SNOOZED and state.snoozed_for != SnoozedFor.MUTED:
            state = _awake(state)
            events.append(Happened.WOKEN)
    if happened is Happened.CONTINUED and len(events) == 1 and state == alert:
        return _woken(alert, now, [])
    return _woken(state, now, events)


def _kept(alert: AlertState, result: Result, condition: Condition) -> AlertState:
    """Cleared or without data: what was last said of it stays readable, except what is plainly over."""
    if condition == Condition.CLEARED:
        return replace(alert, condition=condition, **_measured(result))
    return replace(alert, condition=condition, last_window=(result.window_from, result.window_to))


def wake(alert: AlertState, *, now: datetime, newest: str | None = None) -> tuple[AlertState, list[Happened]]:
    """Ends a snooze whose time has come. newest: the version of the model that serves now."""
    if alert.snoozed_for == SnoozedFor.VERSION and newest is not None and newest != alert.version:
        alert = replace(alert, snooze_until=now)
    return _woken(alert, now, [])


def _woken(state: AlertState, now: datetime, events: list[Happened]) -> tuple[AlertState, list[Happened]]:
    if state.triage == Triage.SNOOZED and state.snooze_until is not None and now >= state.snooze_until:
        state, events = _awake(state), [*events, Happened.WOKEN]
    if not events:
        return state, []
    return replace(state, event=max(events, key=TELLING.index)), list(dict.fromkeys(events))


def _awake(state: AlertState) -> AlertState:
    return replace(state, triage=Triage.TO_REVIEW, snooze_until=None, snoozed_by=None, snoozed_for=None)


def rank(severity: str) -> int:
    return [str(name) for name in SEVERITIES].index(severity)


def advance(
    alert: AlertState | None,
    results: Iterable[Result],
    *,
    now: datetime,
    tier: int,
    history: Sequence[str] = (),
    watch: AlertWatch = DEFAULTS,
) -> tuple[AlertState | None, list[Happened]]:
    """Steps through the results of one key, oldest window first; `history` is what the windows before the first of them
    counted as.

    The new version's event is the most telling one of the run.
    """
    seen = list(history)
    events: list[Happened] = []
    for result in sorted(results, key=lambda one: (one.window_to, one.window_from)):
        alert, new = step(alert, result, now=now, tier=tier, history=seen, watch=watch)
        events += new
        seen.append(counts_as(result))
    events = list(dict.fromkeys(events))
    if alert is not None and events:
        alert = replace(alert, event=max(events, key=TELLING.index))
    return alert, events
