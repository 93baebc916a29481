"""Why something is an alert or is not: every quiet column has an answer, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitors.alert_state import AlertState, SnoozedFor
from monitors.alerts import advance
from monitors.discovery import Discovery, with_discoveries
from monitors.explain import about_alert, why
from monitors.triage import resolve, snooze
from store.model_file import AlertWatch
from store.result import Result, Status

START, DAY, NOW = datetime(2026, 10, 1), timedelta(days=1), datetime(2026, 11, 2, 6)
PLAIN = AlertWatch()


def drift(day: int = 0, status: str = "within", value: float | None = 0.03, **more: Any) -> Result:
    fields: dict[str, Any] = {
        "model": "loans", "version": "3", "site": "a", "monitor": "drift", "measure": "psi", "about": "income",
        "window_from": START + day * DAY, "window_to": START + (day + 1) * DAY, "status": status, "value": value,
        "limit_op": "at_most", "limit_value": 0.1, "limit_source": "risk", "n_current": 900,
        "details": {"p_value": 0.4, "effect": 0.01}, **more,
    }  # fmt: skip
    return Result(**fields)


def told(result: Result, history: Sequence[str] = (), watch: AlertWatch = PLAIN, **more: Any) -> str:
    return " ".join(why(result, watch=watch, history=history, **more))


def firing(value: float = 0.15) -> AlertState:
    state, _ = advance(None, [drift(0, "outside", value, details={"effect": value})], now=NOW, tier=3)
    assert state is not None
    return state


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_an_answer(status: str) -> None:
    sentences = why(drift(status=status), watch=PLAIN, history=())
    assert len(sentences) >= 2 and sentences[0].startswith("No alert of income at a")
    assert all(sentence.endswith(".") for sentence in sentences)


def test_a_quiet_column_says_its_value_its_limit_and_who_set_it() -> None:
    text = told(drift())
    assert (
        "PSI 0.03 (n 900) against at most 0.10, set by risk: inside its limit, at a size that could have told" in text
    )
    assert "Without what sampling alone would give it is 0.01." in text


def test_what_has_no_limit_and_what_cannot_be_said() -> None:
    assert "no limit is set" in told(drift(details={"limit": "none set"}, limit_value=None, limit_op=None))
    few = told(drift(status="too_few", details={"reason": "12 rows; this watch asks for at least 200"}))
    assert "too few (12 rows; this watch asks for at least 200)" in few and "none ends by it" in few


def test_the_tests_of_the_day_are_named() -> None:
    quiet = [drift(about=f"x{i}", details={"p_value": (i + 1) / 1000}) for i in range(999)]
    held = drift(status="outside", value=0.13, details={"p_value": 0.0008, "effect": 0.12})
    [*_, result] = with_discoveries([*quiet, held], rate=0.05)
    text = told(result)
    assert "p = 0.0008" in text and "Among the 1,000 tests of its day p up to 5e-05 stands" in text
    assert "no more than chance gives, and counts as unclear" in text and "this is the first" in text
    small = told(drift(details={"p_value": 0.00001, "effect": 0.01}), day=Discovery(0.05, 1000, 0, 5e-5))
    assert "inside its limit does not alert however small its p" in small
    assert "stands by its own test" in told(drift(), day=Discovery(1.0, 10, 10, 1.0))


def test_persistence_says_how_many_are_asked_for() -> None:
    watch = AlertWatch(persistence=(2, 3))
    lone = drift(status="outside", value=0.15, details={})
    assert "Outside in 1 of the last 3 windows that could say; 2 are asked for, or one far" in told(lone, (), watch)
    assert "Outside in 2 of the last 3 windows that could say; 2 are asked for." in told(lone, ["outside"], watch)
    assert "fires at once" in told(replace(lone, value=0.3), (), watch)
    assert "Unclear becomes an alert of severity low" in told(drift(status="unclear", value=0.2), ["unclear"])


def test_a_margin_keeps_an_alert_open() -> None:
    text = told(drift(1, "within", 0.095, details={}), ["outside"], alert=firing())
    assert "an alert ends with a window of at most 0.09" in text and "this is the first" in text


def test_what_people_decided_is_told() -> None:
    state = firing()
    for ends, words in (
        (SnoozedFor.TIME, "ana snoozed it until 2026-11-03 06:00, or until it gets worse: known."),
        (SnoozedFor.MUTED, "ana muted it until 2026-11-03 06:00, however grave it gets: known."),
        (SnoozedFor.WORSE, "ana snoozed it until it gets worse: known."),
        (SnoozedFor.VERSION, "ana snoozed it until the next version serves, or it gets worse: known."),
    ):
        until = NOW + DAY if ends in (SnoozedFor.TIME, SnoozedFor.MUTED) else None
        rests = snooze(state, reason="known", by="ana", now=NOW, until=until, ends=ends)
        text = told(drift(0, "outside", 0.15), alert=rests)
        assert words in text and "is firing and rests" in text
        assert words in " ".join(about_alert(rests, PLAIN, result=None, now=NOW))
    assert "was resolved; it reopens" in told(drift(0, "outside", 0.15), alert=resolve(state, reason="mended"))


def test_all_sites_merged_point_to_the_sites() -> None:
    text = told(drift(status="outside", value=0.15, site="*"), elsewhere=["north", "south"])
    assert text.startswith(
        "No alert of income over all sites: the alerts of the same cause at north, south say it better."
    )


def test_an_alert_tells_its_rule_whose_it_is_and_what_would_end_it() -> None:
    state = replace(firing(), owner="ana", due_at=NOW - DAY)
    text = " ".join(about_alert(state, PLAIN, result=drift(0, "outside", 0.15), now=NOW))
    assert f"Its severity is {state.rule}." in text
    assert "It is with ana, and should be dealt with by 2026-11-01 06:00, which has passed." in text
    assert "It ends with a window of at most 0.09" in text
    cleared, _ = advance(state, [drift(1, details={})], now=NOW, tier=3)
    assert cleared is not None
    done = " ".join(about_alert(cleared, PLAIN, result=None, now=NOW))
    assert "It cleared with the window to 2026-10-03." in done and "It ends" not in done
