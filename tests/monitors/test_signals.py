"""Persistence, hysteresis, cool-down, owner and due time; what ends a snooze."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitors.alert_state import AlertState, SnoozedFor
from monitors.alerts import advance, step, wake
from monitors.signals import clears_at
from monitors.triage import snooze
from store.errors import BadInput, Refused
from store.model_file import AlertWatch
from store.result import Result

START, DAY, NOW = datetime(2026, 10, 1), timedelta(days=1), datetime(2026, 11, 2, 6)
VALUES = {"outside": 0.13, "far": 0.3, "within": 0.05, "nearly": 0.095}


def result(day: int, kind: str = "outside", **more: Any) -> Result:
    fields: dict[str, Any] = {
        "model": "loans", "version": "3", "site": "a", "monitor": "drift", "measure": "psi", "about": "income",
        "window_from": START + day * DAY, "window_to": START + (day + 1) * DAY, "value": VALUES.get(kind),
        "status": {"far": "outside", "nearly": "within"}.get(kind, kind), "limit_op": "at_most", "limit_value": 0.1,
        "n_current": 900, **more,
    }  # fmt: skip
    return Result(**fields)


def live(kinds: str, watch: AlertWatch | None = None, **more: Any) -> tuple[AlertState | None, list[str]]:
    found = [result(day, kind) for day, kind in enumerate(kinds.split())]
    state, events = advance(None, found, now=NOW, tier=3, watch=watch or AlertWatch(), **more)
    return state, [str(event) for event in events]


TWO_OF_THREE = AlertWatch(persistence=(2, 3))


@pytest.mark.parametrize(
    ("kinds", "condition"),
    [
        ("outside", None),
        ("outside outside", "firing"),
        ("outside within outside", "firing"),
        ("outside within within outside", None),
        ("outside too_few too_few outside", "firing"),
        ("far", "firing"),
        ("outside outside nearly outside", "firing"),
        ("outside outside within outside within", "cleared"),
    ],
)
def test_two_of_three_windows_or_one_far_beyond(kinds: str, condition: str | None) -> None:
    state, _ = live(kinds, TWO_OF_THREE)
    assert (state.condition if state else None) == condition


def test_silence_never_waits() -> None:
    stale = result(0, "stale", monitor="silence", measure="hours_silent", value=30.0, limit_value=24.0)
    state, _ = step(None, stale, now=NOW, tier=3, watch=AlertWatch(persistence=(3, 3)))
    assert state is not None and state.condition == "firing"


@pytest.mark.parametrize(
    ("kinds", "share", "condition"),
    [
        ("outside within", 0.9, "cleared"),
        ("outside nearly", 0.9, "firing"),
        ("outside nearly", 1.0, "cleared"),
        ("outside nearly nearly", 0.9, "firing"),
        ("outside nearly nearly nearly", 0.9, "cleared"),
    ],
)
def test_it_ends_at_a_stricter_level_than_it_began(kinds: str, share: float, condition: str) -> None:
    state, _ = live(kinds, AlertWatch(clears_at=share))
    assert state is not None and state.condition == condition


def test_the_stricter_level_of_a_lower_limit() -> None:
    at_least = result(0, limit_op="at_least", limit_value=0.8)
    assert clears_at(at_least, AlertWatch()) == pytest.approx(0.82)
    assert clears_at(result(0, limit_op="at_least", limit_value=1.0), AlertWatch()) == 1.0
    assert clears_at(result(0), AlertWatch()) == pytest.approx(0.09)
    assert clears_at(result(0, limit_value=0.0), AlertWatch()) == 0.0


def test_the_effect_is_what_is_held_against_the_stricter_level() -> None:
    biased = result(1, "within", value=0.14, details={"effect": 0.02})
    first, _ = step(None, result(0), now=NOW, tier=3)
    state, _ = step(first, biased, now=NOW, tier=3)
    assert state is not None and state.condition == "cleared"


def test_within_its_cool_down_nobody_is_called_again_unless_it_is_graver() -> None:
    state, events = live("outside within outside", AlertWatch(cool_down=2 * DAY))
    assert state is not None and events[-1] == "returned" and state.condition == "firing" and state.count == 2
    assert state.first_window[0] == START
    _, events = live("outside within within within outside", AlertWatch(cool_down=2 * DAY))
    assert events[-1] == "fired_again"
    assert live("outside within far", AlertWatch(cool_down=2 * DAY))[1][-1] == "worsened"


def test_owner_and_due_time_come_with_the_severity() -> None:
    watch = AlertWatch(owner=(("high", "ana"),), due=(("high", DAY), ("medium", 7 * DAY)))
    state, _ = live("outside", watch)
    assert state is not None and (state.severity, state.owner, state.due_at) == ("medium", None, NOW + 7 * DAY)
    graver, _ = step(state, result(1, "far"), now=NOW + 2 * DAY, tier=3, watch=watch)
    assert graver is not None and (graver.severity, graver.owner, graver.due_at) == ("high", "ana", NOW + 3 * DAY)
    late, _ = step(state, result(1, "far"), now=NOW + 30 * DAY, tier=3, watch=watch)
    assert late is not None and late.due_at == NOW + 7 * DAY  # getting graver never gives more time


def firing() -> AlertState:
    state, _ = live("outside")
    assert state is not None
    return state


def test_until_it_gets_worse_and_nothing_else() -> None:
    rests = snooze(firing(), reason="known", by="ana", now=NOW, ends=SnoozedFor.WORSE)
    assert wake(rests, now=NOW + 900 * DAY, newest="4") == (rests, [])
    graver, events = step(rests, result(1, "far"), now=NOW, tier=3)
    assert graver is not None and graver.triage == "to_review" and graver.snoozed_for is None and "woken" in events


def test_until_the_next_version_serves() -> None:
    rests = snooze(firing(), reason="fixed in 4", by="ana", now=NOW, ends=SnoozedFor.VERSION)
    assert wake(rests, now=NOW + DAY, newest="3") == (rests, [])
    woken, events = wake(rests, now=NOW + DAY, newest="4")
    assert woken.triage == "to_review" and events == ["woken"]


def test_a_mute_ends_by_its_time_alone() -> None:
    quiet = snooze(firing(), reason="migration", by="ana", now=NOW, until=NOW + DAY, ends=SnoozedFor.MUTED)
    assert quiet.event == "muted"
    graver, events = step(quiet, result(1, "far"), now=NOW, tier=3)
    assert graver is not None and graver.triage == "snoozed" and "woken" not in events
    woken, events = wake(graver, now=NOW + DAY)
    assert woken.triage == "to_review" and events == ["woken"]


def test_wrong_ways_to_snooze_say_what_to_do() -> None:
    state = firing()
    ways: list[dict[str, Any]] = [
        {},
        {"ends": SnoozedFor.MUTED},
        {"ends": SnoozedFor.WORSE, "until": NOW + DAY},
        {"ends": SnoozedFor.VERSION, "reason": " "},
    ]
    for wrong in ways:
        with pytest.raises(BadInput) as bad:
            snooze(state, **{"reason": "x", "by": "ana", "now": NOW, **wrong})
        assert bad.value.advice
    worst, _ = advance(None, [result(0, "far")], now=NOW, tier=1)
    assert worst is not None and worst.severity == "critical"
    with pytest.raises(Refused, match="cannot get worse"):
        snooze(worst, reason="x", by="ana", now=NOW, ends=SnoozedFor.WORSE)
