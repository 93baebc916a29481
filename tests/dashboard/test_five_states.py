"""Home and the inbox in all five states: loading, first run, nothing matches, partial, error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from drawing import drawn, text
from fake_reads import FakeReads

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
BOTH = pytest.mark.parametrize("page", ["home", "alerts"])


@BOTH
def test_a_skeleton_stands_while_the_hub_is_read(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import streamlit as st

    standing: list[bool] = []
    read_under: list[bool] = []
    real, sites = st.skeleton, FakeReads.sites

    @contextmanager
    def watched(**options: Any) -> Iterator[Any]:
        with real(**options) as found:
            standing.append(True)
            yield found
            standing.pop()

    def noted(self: FakeReads) -> list[dict[str, Any]]:
        read_under.append(bool(standing))
        return sites(self)

    monkeypatch.setattr(st, "skeleton", watched)
    monkeypatch.setattr(FakeReads, "sites", noted)
    drawn(page)
    assert read_under and all(read_under)


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("home", ("No site has sent anything yet", "bailiwick site add")),
        ("alerts", ("No alert has been raised", "Nothing has been measured yet", "bailiwick monitor")),
    ],
)
def test_on_the_first_day_it_says_what_to_do(page: str, told: tuple[str, ...]) -> None:
    shown = text(drawn(page, mode="empty"))
    assert all(part in shown for part in told)
    assert "✓" not in shown and "within" not in shown.replace("stood within its limit", "")


def test_where_no_filter_matches_one_press_clears_them() -> None:
    at = drawn("alerts", query={"state": "Snoozed", "site": "cloud-eu"})
    assert "Nothing matches these filters." in text(at)
    at.button[0].click().run()
    assert "branch-north" in text(at) and "Nothing matches" not in text(at)


def test_where_nothing_waits_home_says_so() -> None:
    told = text(drawn("home", mode="calm"))
    assert "Nothing waits for a decision of yours." in told


@BOTH
def test_a_silent_site_is_named_with_what_it_is_missing_from(page: str) -> None:
    told = text(drawn(page))
    assert "■ no data" in told
    assert "edge-kiosk sent nothing when due. Figures on this page leave it out since 2026-11-01 00:00 UTC" in told
    assert "sent nothing when due" not in text(drawn(page, mode="fresh"))


@BOTH
def test_a_read_that_fails_gives_a_reference_no_trace_and_another_try(page: str) -> None:
    at = drawn(page, mode="broken")
    told = text(at)
    assert "could not be drawn" in told and "reference" in told and "Nothing was changed" in told
    assert "disk went away" not in told and "Traceback" not in told
    assert [button.label for button in at.button] == ["Try again"]
    at.button[0].click().run()
    assert not at.exception and "could not be drawn" in text(at)
