"""The script that st.App runs: who may open what, and what is said when there is no hub."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawing import text
from fake_actions import FakeActions
from fake_reads import FakeReads
from fake_story import NOW, viewer

import dashboard.app
from dashboard.context import Context
from dashboard.settings import APP_SCRIPT

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def _context(role: str) -> Context:
    reads = FakeReads()
    return Context(
        reads=reads, viewer=viewer("dana", role), now=NOW, org="", commands=FakeActions(), reopen=lambda: reads
    )


def _app() -> None:
    import dashboard.app

    dashboard.app.main()


def test_without_a_hub_the_console_says_so_and_what_to_do() -> None:
    from streamlit.testing.v1 import AppTest

    at = AppTest.from_file(str(APP_SCRIPT), default_timeout=60).run()
    assert not at.exception
    assert "no hub is open in this process" in text(at) and "bailiwick serve" in text(at)


def test_someone_without_an_account_is_told_to_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.testing.v1 import AppTest

    monkeypatch.setattr(dashboard.app, "current_context", lambda: None)
    at = AppTest.from_function(_app, default_timeout=60).run()
    assert "You are not signed in." in text(at)


@pytest.mark.parametrize("role", ["admin", "data", "compliance", "auditor", "site-operator", "regulator", "site-token"])
def test_every_role_lands_on_a_page(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.testing.v1 import AppTest

    monkeypatch.setattr(dashboard.app, "current_context", lambda: _context(role))
    at = AppTest.from_function(_app, default_timeout=60).run()
    assert not at.exception and at.title
    assert "could not be drawn" not in text(at)


def test_a_role_is_offered_only_what_it_may_read() -> None:
    def offered(role: str) -> set[str]:
        ctx = replace(_context(role), places={})
        return {name for name, _, permission, _ in dashboard.app.LAYOUT if ctx.may(permission)}

    assert offered("regulator") == {"reports", "verify"}
    assert offered("site-operator") == {"home", "sites", "site", "privacy"}
    assert "admin" not in offered("compliance") and "admin" in offered("admin")
