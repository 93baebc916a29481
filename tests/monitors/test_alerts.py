"""The life of an alert: every cell of the state table, triage, severity and the sentence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.alert_documents import as_document, from_document
from monitors.alert_table import page
from monitors.alert_words import sentence, told
from monitors.alerts import AlertState, advance, case_key, step, wake
from monitors.severity import grade
from monitors.triage import acknowledge, assign, resolve, snooze
from store.errors import BadInput, Refused
from store.result import Result, Status

NOW = datetime(2026, 11, 2, 6)
START = datetime(2026, 10, 1)
DAY = timedelta(days=1)
GAP = {
    "monitor": "fairness",
    "measure": "selection_rate_ratio",
    "about": "sex",
    "limit_op": "at_least",
    "limit_value": 0.8,
    "limit_source": "policy MR-14",
}


def result(day: int = 0, status: str = "outside", value: float | None = 0.73, **more: Any) -> Result:
    fields = {
        "model": "loans",
        "version": "3",
        "site": "branch-north",
        "window_from": START + day * DAY,
        "window_to": START + (day + 1) * DAY,
        "status": status,
        "value": value,
        "interval_low": None if value is None else value - 0.03,
        "interval_high": None if value is None else value + 0.03,
        "n_current": 2614,
        **GAP,
        **more,
    }
    return Result(**fields)


def silence(hours: int, contact: datetime = START) -> Result:
    return Result(
        model="loans",
        version="3",
        site="edge-kiosk",
        monitor="silence",
        measure="hours_silent",
        window_from=contact,
        window_to=contact + timedelta(hours=hours),
        value=float(hours),
        status="stale" if hours > 6 else "within",
        limit_op="at_most",
        limit_value=6.0,
    )


def told_as(day: int, status: str) -> Result:
    """A value that such a status may have: well inside where it is within."""
    return result(day, status, 0.95 if status == "within" else 0.73)


def live(
    statuses: Sequence[str], before: AlertState | None = None, first: int = 0, tier: int = 2
) -> tuple[Any, list[str]]:
    found = [told_as(first + i, status) for i, status in enumerate(statuses)]
    state, events = advance(before, found, now=NOW, tier=tier)
    return state, [str(event) for event in events]


def firing() -> AlertState:
    state, _ = live(["outside"])
    assert state is not None
    return state


@pytest.mark.parametrize(
    ("statuses", "condition", "last"),
    [
        (["outside"], "firing", "opened"),
        (["stale"], "firing", "opened"),
        (["within"], None, None),
        (["too_few", "no_labels", "no_reference", "not_computable"] * 3, None, None),
        (["unclear"] * 2, None, None),
        (["unclear"] * 3, "pending", "opened"),
        (["unclear", "within", "unclear", "unclear"], None, None),
        (["unclear", "too_few", "unclear", "unclear"], "pending", "opened"),
        (["outside", "outside"], "firing", "continued"),
        (["outside", "within"], "cleared", "cleared"),
        (["outside", "no_labels", "no_labels", "no_labels", "no_labels"], "firing", "opened"),
        (["outside", "too_few", "too_few"], "firing", "opened"),
        (["outside", "too_few", "too_few", "too_few"], "no_data", "data_lost"),
        (["outside", "too_few", "too_few", "too_few", "outside"], "firing", "data_back"),
        (["outside", "too_few", "too_few", "too_few", "within"], "cleared", "cleared"),
        (["outside", "within", "outside"], "firing", "fired_again"),
        (["outside", "unclear"], "firing", "opened"),
        (["outside", "unclear", "unclear"], "pending", "eased"),
        (["unclear", "unclear", "unclear", "outside"], "firing", "worsened"),
    ],
)  # fmt: skip
def test_results_move_the_condition(statuses: list[str], condition: str | None, last: str | None) -> None:
    state, events = live(statuses)
    assert (state.condition if state else None) == condition
    assert (events[-1] if events else None) == last


def test_a_number_without_a_limit_clears_nothing() -> None:
    free = result(1, "within", details={"limit": "none set"}, limit_op=None, limit_value=None)
    assert step(firing(), free, now=NOW, tier=2) == (firing(), [])


def test_unclear_is_low_at_most() -> None:
    state, _ = live(["unclear"] * 9, tier=1)
    assert state.severity == "low" and state.condition == "pending"


def test_late_data_for_an_older_window_changes_nothing_and_for_the_last_one_it_counts() -> None:
    state, _ = live(["within", "outside"])
    assert step(state, result(0, "outside"), now=NOW, tier=2) == (state, [])
    revised, events = step(state, result(1, "within", 0.95), now=NOW, tier=2)
    assert revised is not None and revised.condition == "cleared" and events == ["cleared"]


def test_the_same_result_again_changes_nothing() -> None:
    state = firing()
    assert step(state, result(0), now=NOW + DAY, tier=2) == (state, [])


def test_a_resolved_alert_that_fires_later_has_regressed() -> None:
    closed = resolve(firing(), reason="new data feed")
    assert not closed.is_open
    assert step(closed, result(0, value=0.72), now=NOW, tier=2) == (closed, [])
    again, events = step(closed, result(1), now=NOW, tier=2)
    assert again is not None and again.triage == "to_review" and again.is_open
    assert events == ["regressed"] and again.event == "regressed" and again.reason is None
    assert again.first_window[0] == START + DAY


def test_one_silence_is_one_episode_however_often_it_is_measured() -> None:
    state, _ = step(None, silence(20), now=NOW, tier=2)
    assert state is not None
    state, events = step(state, silence(30), now=NOW, tier=2)
    assert state is not None and state.count == 1 and state.value == 30 and "worsened" in events
    closed = resolve(state, reason="the road is flooded")
    assert step(closed, silence(40), now=NOW, tier=2) == (closed, [])
    again, events = step(closed, silence(9, START + 2 * DAY), now=NOW, tier=2)
    assert again is not None and events == ["regressed"]
    back, events = step(again, silence(1, START + 3 * DAY), now=NOW, tier=2)
    assert back is not None and back.condition == "cleared"


def test_a_snooze_ends_at_its_time_or_when_it_gets_graver() -> None:
    state = snooze(firing(), until=NOW + DAY, reason="known", by="ana", now=NOW)
    kept, events = step(state, result(1), now=NOW, tier=2)
    assert kept is not None and kept.triage == "snoozed" and events == ["continued"]
    graver, events = step(state, result(1, value=0.5), now=NOW, tier=2)
    assert graver is not None and graver.triage == "to_review" and "woken" in events
    woken, events = wake(state, now=NOW + DAY)
    assert woken.triage == "to_review" and events == ["woken"]
    assert wake(state, now=NOW) == (state, [])


def test_an_alert_that_fires_again_is_a_new_episode() -> None:
    seen = acknowledge(firing(), by="ana")
    state, _ = live(["within", "outside"], seen, first=1)
    assert (state.triage, state.count, state.owner) == ("to_review", 1, "ana")
    assert state.first_window[0] == START + 2 * DAY


def test_people_move_the_triage() -> None:
    state = acknowledge(firing(), by="ana")
    assert (state.triage, state.owner, state.event) == ("acknowledged", "ana", "acknowledged")
    state = assign(state, owner="ben")
    assert (state.triage, state.owner) == ("acknowledged", "ben")
    closed = resolve(state, reason=" retrained as version 4 ")
    assert closed.reason == "retrained as version 4"


def test_wrong_moves_say_what_to_do() -> None:
    state = firing()
    for wrong in (
        lambda: snooze(state, until=NOW, reason="x", by="ana", now=NOW),
        lambda: snooze(state, until=NOW + DAY, reason=" ", by="ana", now=NOW),
        lambda: resolve(state, reason=""),
        lambda: assign(state, owner=" "),
    ):
        with pytest.raises(BadInput) as bad:
            wrong()
        assert bad.value.advice
    closed = resolve(state, reason="done")
    for move in (lambda: acknowledge(closed, by="ana"), lambda: resolve(closed, reason="again")):
        with pytest.raises(Refused) as refused:
            move()
        assert "resolved" in refused.value.message and refused.value.advice
    with pytest.raises(Refused):
        acknowledge(acknowledge(state, by="ana"), by="ben")


@pytest.mark.parametrize(
    ("tier", "value", "running", "severity"),
    [
        (4, 0.73, 1, "low"),
        (3, 0.73, 1, "medium"),
        (1, 0.73, 1, "high"),
        (3, 0.73, 3, "high"),
        (1, 0.73, 9, "high"),
        (3, 0.55, 1, "high"),
        (1, 0.55, 1, "critical"),
    ],
)
def test_severity_comes_from_tier_distance_and_persistence(
    tier: int, value: float, running: int, severity: str
) -> None:
    graded = grade(result(value=value), tier=tier, running=running)
    assert graded.severity == severity and graded.rule.startswith(severity) and f"tier {tier}" in graded.rule


def test_the_severity_of_silence_and_of_budgets() -> None:
    assert grade(silence(30), tier=1).severity == "high"
    assert grade(silence(7), tier=3).severity == "medium"
    budget = {"monitor": "privacy", "measure": "budget_spent_share", "about": "customers", "limit_op": "at_most"}
    spent = [grade(result(value=share, limit_value=0.8, **budget), tier=1) for share in (0.8, 1.0)]
    assert [one.severity for one in spent] == ["medium", "high"]
    assert grade(result(status="within"), tier=1).severity == "info"


def test_sentences_carry_the_numbers() -> None:
    assert "0.73 (0.70 to 0.76, n 2,614) against at least 0.80" in sentence(result())
    sides = {
        "lowest": {"group": "sex=F", "rate": 0.365, "n": 1200},
        "highest": {"group": "sex=M", "rate": 0.5, "n": 1414},
    }
    words = sentence(result(details=sides))
    assert words.startswith("Selection rate of sex=F is 0.73 of that of sex=M at branch-north")
    assert words.endswith("not a determination of discrimination.")
    area = {"monitor": "performance", "measure": "roc_auc", "about": None, "limit_value": 0.75, "n_current": 1204}
    assert (
        sentence(result(value=0.71, **area))
        == "ROC AUC at branch-north is 0.71 (0.68 to 0.74, n 1,204) against at least 0.75."
    )
    moved = {"monitor": "drift", "measure": "psi", "about": "income", "limit_op": "at_most", "limit_value": 0.1}
    assert sentence(result(value=0.31, site="*", **moved)).startswith("income moved over all sites: PSI 0.31 (")
    assert sentence(silence(30)) == "edge-kiosk has been silent for 30 hours; its contact window is 6 hours."
    assert "cannot tell" in sentence(result(status="unclear"))


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.8, "0.80"), (0.7123, "0.712"), (1204, "1,204"), (0, "0"), (1.5, "1.50"), (0.05, "0.05"), (0.00012, "0.00012"),
     (0.00001234, "1.23e-05"), (-0.5, "-0.50"), (30.04, "30.0"), (0.9999, "1.00"), (1.0, "1.00")],
)  # fmt: skip
def test_numbers_are_told_with_three_digits(number: float, text: str) -> None:
    assert told(number) == text


def test_documents_come_back_as_they_were() -> None:
    state = snooze(firing(), until=NOW + DAY, reason="known", by="ana", now=NOW)
    for one in (state, firing(), replace(state, interval=None, limit=None, value=None)):
        document = as_document(one)
        assert from_document(json.loads(json.dumps(document))) == one
    columns = "id model version site segment monitor about measure case_id condition triage severity event"
    assert set(columns.split()) <= set(as_document(state))
    assert as_document(state)["last_window"] == {"from": "2026-10-01T00:00:00Z", "to": "2026-10-02T00:00:00Z"}


def test_the_same_cause_at_two_sites_is_one_case() -> None:
    here, there = firing(), replace(firing(), site="edge-kiosk")
    assert here.id != there.id and here.case_id == there.case_id and case_key(here) == case_key(result())


def test_the_design_page_is_the_table(root: Path) -> None:
    assert (root / "docs/design/alerts.md").read_text() == page()


@given(st.lists(st.sampled_from([str(status) for status in Status]), max_size=30), st.integers(0, 30))
def test_one_run_over_many_windows_ends_where_many_runs_end(statuses: list[str], cut: int) -> None:
    whole, _ = live(statuses)
    first, _ = live(statuses[:cut])
    rest = [told_as(cut + i, status) for i, status in enumerate(statuses[cut:])]
    split, _ = advance(first, rest, now=NOW, tier=2, history=statuses[:cut])
    assert (whole is None) == (split is None)
    if whole is not None and split is not None:
        assert replace(whole, event="") == replace(split, event="")


@given(st.lists(st.sampled_from([str(status) for status in Status]), max_size=30))
def test_only_a_verdict_clears(statuses: list[str]) -> None:
    state, _ = live(statuses)
    if state is not None and state.condition == "cleared":
        assert state.status == "within"
    if "outside" not in statuses and "stale" not in statuses and state is not None:
        assert state.severity == "low"
