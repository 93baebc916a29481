"""Each page with the whole story and with nothing: drawn, saying what it should, and no number for no data."""

from __future__ import annotations

import pytest
from drawing import drawn, text

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PAGES = {
    "home": {},
    "alerts": {},
    "alert": {"id": "alert_fair"},
    "models": {},
    "model": {"id": "loan-approval"},
    "sites": {},
    "site": {"id": "branch-north"},
    "fairness": {},
    "privacy": {},
    "reports": {},
    "verify": {},
    "retraining": {},
    "audit": {},
    "admin": {},
}


@pytest.mark.parametrize("mode", ["full", "empty", "fresh"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_drawn_full_and_empty(page: str, mode: str) -> None:
    at = drawn(page, mode=mode, query=PAGES[page])
    assert at.title
    assert "could not be drawn" not in text(at)
    if mode == "empty":
        assert " 0 %" not in text(at) and "100 %" not in text(at)


@pytest.mark.parametrize("section", ["health", "drift", "performance", "fairness", "privacy", "lineage", "history"])
def test_every_section_of_a_model(section: str) -> None:
    at = drawn("model", query={"id": "loan-approval", "section": section})
    assert "could not be drawn" not in text(at)


def test_home_says_first_which_site_is_silent_and_shows_nothing_green_about_it() -> None:
    told = text(drawn("home"))
    assert "3 of 4 sites are fresh; edge-kiosk has been silent for 30 hours." in told
    assert "■ silent" in told
    assert told.count("✓ fresh") == 3
    assert "Sites fresh 3 of 4" in told


def test_the_inbox_filters_by_its_tabs() -> None:
    told = text(drawn("alerts", query={"state": "Acknowledged"}))
    assert "has fallen" in told and "income has moved" not in told


def test_a_place_that_cannot_be_read_is_said_on_the_page_of_sites() -> None:
    told = text(drawn("sites"))
    assert "Places looked at: 2; files waiting: 12, refused: 2." in told
    assert "1 cannot be read now, kiosk: az" in told
    assert "Places looked at" not in text(drawn("sites", mode="empty"))


def test_a_site_operator_sees_sites_and_no_figure_about_models() -> None:
    told = text(drawn("home", user="olga", role="site-operator"))
    assert "branch-north" in told
    assert "No site has sent anything" not in told and "Versions within limits" not in told and "Tier" not in told


def test_fairness_outside_limits_counts_none_that_cannot_tell() -> None:
    assert "Fairness outside limits 1" in text(drawn("home"))


def test_the_ledger_says_its_noise_in_words_and_rho_in_decimals() -> None:
    told = text(drawn("privacy"))
    assert "0.0200 (1/50)" in told and "discrete Gaussian, sigma 35.0" in told
    assert "rho 0.0800 of 0.100; exactly 4/50 of 1/10" in told and "__function__" not in told


def test_an_unknown_id_and_one_you_may_not_read_give_the_same_answer() -> None:
    for page in ("alert", "model", "site"):
        assert "Not found, or you may not read it." in text(drawn(page, query={"id": "nobody"}))


def test_the_fairness_alert_stands_beside_the_site_that_cannot_say() -> None:
    told = text(drawn("alert", query={"id": "alert_fair"}))
    assert "0.730 (0.680 to 0.780, n 4,210) against at least 0.80" in told
    assert "Cannot say at edge-kiosk." in told
    assert "not a determination of discrimination" in told


def test_drift_tells_one_site_from_all() -> None:
    told = text(drawn("model", query={"id": "loan-approval", "section": "drift"}))
    assert "**income** moved at **branch-north alone**, since 2026-10-04" in told
    assert "**loan_purpose** moved at every site that can tell" in told
    assert "2 columns of 5 moved" in told


def test_what_left_a_site_that_shares_counts() -> None:
    told = text(drawn("site", query={"id": "branch-north"}))
    assert "The rows stayed at the site: it shares counts only." in told
    assert "60 files, 812,345 bytes (793.3 KiB) in all" in told


def test_the_search_finds_nothing_for_a_planted_name() -> None:
    at = drawn("site", query={"id": "branch-north"})
    at.text_input(key="sought").set_value("Wilhelmina Quist")
    at.button[0].click().run()
    assert "does not occur in the hub's file" in text(at)


def test_names_from_outside_cannot_make_markup() -> None:
    at = drawn("site", query={"id": "branch-north"})
    raw = "\n".join(table.value.to_string() for table in at.table)
    assert r"\<b\>not a time\</b\>" in raw
