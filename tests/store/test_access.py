"""One rule decides, with its reason; reads filter by the same rule."""

from __future__ import annotations

import pytest

from store.access import ROLES, Grant, Permission, Viewer, decide, require, scope
from store.errors import NotPermitted

ANNA = Viewer("anna", (Grant("data", site="north"), Grant("regulator", model="loan")))


def test_a_verdict_says_why() -> None:
    yes = decide(ANNA, Permission.INGEST_WRITE, site="north", model="loan")
    assert yes.allowed and yes.reason == "role data on site north, model * gives ingest:write"
    elsewhere = decide(ANNA, Permission.INGEST_WRITE, site="south")
    assert not elsewhere.allowed and elsewhere.reason == "anna holds ingest:write, but not for site south"
    never = decide(ANNA, Permission.USER_WRITE)
    assert not never.allowed and never.reason == "anna has data, regulator; user:write is not part of it"
    nobody = decide(Viewer("x", ()), Permission.SITE_READ)
    assert not nobody.allowed and "no role" in nobody.reason
    assert not decide(Viewer("x", (Grant("emperor"),)), Permission.SITE_READ).allowed


def test_a_grant_on_one_site_is_none_on_all_merged() -> None:
    assert not decide(ANNA, Permission.ALERT_TRIAGE, site="*", model="loan").allowed
    assert decide(Viewer("b", (Grant("data"),)), Permission.ALERT_TRIAGE, site="*", model="loan").allowed


def test_anywhere_is_a_question_of_its_own() -> None:
    assert decide(ANNA, Permission.INGEST_WRITE).allowed
    assert decide(ANNA, Permission.REPORT_READ, model="loan").allowed
    assert scope(ANNA, Permission.REPORT_READ) == [("*", "loan"), ("north", "*")]
    assert scope(ANNA, Permission.USER_WRITE) == []


def test_require_raises_with_what_was_asked() -> None:
    require(ANNA, Permission.INGEST_WRITE, site="north")
    with pytest.raises(NotPermitted, match="not for site south") as caught:
        require(ANNA, Permission.INGEST_WRITE, site="south", model="loan")
    assert caught.value.details == {"permission": "ingest:write", "site": "south", "model": "loan"}
    assert "ingest:write" in caught.value.advice


def test_permissions_are_in_order_and_every_one_is_held_by_somebody_but_the_admin_alone_has_all() -> None:
    assert list(Permission) == sorted(Permission)
    assert ROLES["admin"] == frozenset(Permission)
    assert all(ROLES[role] < ROLES["admin"] for role in ROLES if role != "admin")


def test_nobody_who_asks_for_data_work_can_approve_and_a_site_can_only_send() -> None:
    assert Permission.RETRAIN_APPROVE not in ROLES["data"]
    assert ROLES["site-token"] == {Permission.INGEST_WRITE}
    for role in ("regulator", "auditor"):
        assert all(permission.endswith(":read") for permission in ROLES[role])
