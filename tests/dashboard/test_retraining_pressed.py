"""Asking, approving and refusing, pressed as a person would."""

from __future__ import annotations

import pytest
from drawing import drawn, text

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_the_dialog_is_filled_in_and_asks_with_the_alerts_sentence() -> None:
    at = drawn("alert", query={"id": "alert_fair"})
    at.button(key="request").click().run()
    assert not at.exception
    assert at.text_area[0].value.startswith("At branch-north, women are approved at 0.73")
    assert "python train.py, by local" in text(at)


def test_the_dialogs_form_asks_for_what_it_shows() -> None:
    at = drawn("ask_form")
    at.button[0].click().run()
    name, _, arguments = at.session_state["actions"].pressed[-1]
    assert name == "request_retraining"
    assert arguments["alert"] == "alert_fair" and arguments["site"] == "branch-north"
    assert arguments["why"].startswith("At branch-north")


@pytest.mark.parametrize("role", ["admin", "data"])
def test_approving_your_own_request_is_refused_in_words(role: str) -> None:
    at = drawn("retraining", query={"id": "request_open"}, role=role)
    at.button(key="approve").click().run()
    assert [error.value for error in at.error] == ["You asked for this; another person must approve."]


def test_another_person_approves() -> None:
    at = drawn("retraining", query={"id": "request_open"}, user="kim", role="compliance")
    at.button(key="approve").click().run()
    assert not at.exception and not at.error
    assert at.session_state["actions"].pressed[-1][:2] == ("approve", ("request_open",))


def test_who_may_not_approve_sees_no_button() -> None:
    at = drawn("retraining", query={"id": "request_open"}, user="lee", role="auditor")
    assert not [button for button in at.button if button.key == "approve"]


def test_what_came_back_has_before_and_after_and_its_price() -> None:
    told = text(drawn("retraining", query={"id": "request_done"}))
    assert "approvals -1.1 points overall" in told
    assert "0.734 (0.714 to 0.754, n 5,200)" in told and "0.792 (0.774 to 0.810, n 5,200)" in told
    assert "✓ gate passed" in told and "sex=F" in told


def test_triage_needs_its_permission() -> None:
    at = drawn("alert", query={"id": "alert_fair"}, user="lee", role="auditor")
    assert not [button for button in at.button if button.key in ("ack", "request")]


def test_acknowledging_is_one_press() -> None:
    at = drawn("alert", query={"id": "alert_fair"})
    at.button(key="ack").click().run()
    assert ("acknowledge", ("alert_fair",), {}) in at.session_state["actions"].pressed
