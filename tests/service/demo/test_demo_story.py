"""Each planted thing is found where it was planted, nothing else fires, and the tour says what its pages say."""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import pyarrow.parquet as pq
import pytest

from dashboard import shapes
from service.commands.hubs import init_hub
from service.commands.inspection import search_hub_file
from service.commands.reports import verify_report
from service.commands.retraining import OWN_REQUEST, approve_request, run_request
from service.comparison import Compared, evidently_defaults
from service.demo import sites as demo_sites
from service.demo import tour as touring
from service.demo.build import Built, find
from service.demo.data import CLOCK, CLOUD, DAYS, FIRST_DAY, KIOSK, MODEL, NORTH, PLANS, PLANTED_NAME, SOUTH, decisions
from service.demo.tamper import tamper
from service.wiring import local_viewer
from store.access import Grant, Viewer
from store.errors import BadInput, NotPermitted
from store.reads import Reads

PLANTED = {"income", "loan_purpose", "employment_years"}
DAY = timedelta(days=1)


def day(number: int) -> datetime:
    return FIRST_DAY + (number - 1) * DAY


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z"))


def began(alert: dict[str, Any]) -> datetime:
    return moment(alert["first_window"]["from"])


def alerts_of(reads: Reads, monitor: str, about: str | None) -> dict[str, dict[str, Any]]:
    """By site."""
    found = [a for a in reads.alerts(model=MODEL) if (a["monitor"], a["about"]) == (monitor, about)]
    return {alert["site"]: alert for alert in found}


def course(reads: Reads, **filters: Any) -> list[dict[str, Any]]:
    """One measure at one site, oldest window first."""
    return sorted(reads.results(model=MODEL, version="3", **filters), key=lambda row: row["window"]["to"])


def peers(reads: Reads) -> list[Compared]:
    """Evidently's defaults since loan_purpose moved, at cloud-eu and edge-kiosk."""
    model = reads.model(MODEL, "3")
    assert model is not None
    return evidently_defaults(reads, model["file"], model["spec"], start=day(45))


@pytest.fixture
def story(root: Path) -> str:
    """The story's text, on one line."""
    return re.sub(r"\s+", " ", (root / "service" / "demo" / "story.md").read_text(encoding="utf-8"))


# -- what was planted -----------------------------------------------------------------------------------------------


def test_about_three_hundred_thousand_predictions_came_and_none_was_set_aside(reads: Reads) -> None:
    covered = {row["site"]: row for row in reads.coverage(MODEL, "3", FIRST_DAY, day(DAYS + 1))}
    assert set(covered) == {plan.site for plan in PLANS}
    assert 290_000 < sum(row["kept"] for row in covered.values()) < 310_000
    assert covered[CLOUD.site]["kept"] == CLOUD.per_day * DAYS
    assert not any(row["quarantined"] or row["duplicates"] for row in covered.values())


def test_income_moves_at_branch_north_alone_from_its_day(reads: Reads) -> None:
    found = alerts_of(reads, "drift", "income")
    assert set(found) == {NORTH.site}
    assert began(found[NORTH.site]) == day(31)
    assert found[NORTH.site]["condition"] == "firing"


def test_loan_purpose_moves_wherever_one_can_tell_from_its_day(reads: Reads) -> None:
    found = alerts_of(reads, "drift", "loan_purpose")
    assert {CLOUD.site, NORTH.site, SOUTH.site} <= set(found) <= {CLOUD.site, NORTH.site, SOUTH.site, "*"}
    assert began(found[CLOUD.site]) == began(found[NORTH.site]) == day(45)
    # Its blocks are weeks, from Monday: the first one that is mostly after the move.
    assert day(45) - 7 * DAY < began(found[SOUTH.site]) <= day(45) + 7 * DAY


def test_women_at_branch_north_are_outside_in_every_window(reads: Reads) -> None:
    told = course(reads, site=NORTH.site, monitor="fairness", measure="selection_rate_ratio", about="sex")
    assert len(told) == DAYS
    assert {row["status"] for row in told} == {"outside"}
    assert {row["limit"]["value"] for row in told} == {0.80}
    assert mean(row["value"] for row in told) == pytest.approx(0.73, abs=0.005)
    assert alerts_of(reads, "fairness", "sex")[NORTH.site]["triage"] == "acknowledged"


def test_a_few_dozen_people_at_the_kiosk_cannot_tell(reads: Reads) -> None:
    newest = course(reads, site=KIOSK.site, monitor="fairness", measure="selection_rate_ratio", about="sex")[-1]
    assert newest["status"] == "unclear"
    assert newest["value"] == pytest.approx(0.71, abs=0.005)
    assert 24 <= newest["n"]["current"] <= 60
    assert newest["interval"][0] < 0.80 < 1 < newest["interval"][1]
    assert alerts_of(reads, "fairness", "sex")[KIOSK.site]["severity"] == "low"


def test_roc_auc_falls_below_its_limit_where_labels_are_known(reads: Reads) -> None:
    told = [
        row
        for row in course(reads, site=CLOUD.site, monitor="performance", measure="roc_auc")
        if row["value"] is not None
    ]
    assert {row["status"] for row in told[: (CLOUD.fading_from or 0) - 1]} == {"within"}
    assert {row["status"] for row in told[-5:]} == {"outside"}
    assert max(moment(row["window"]["to"]) for row in told) <= day(41)
    assert alerts_of(reads, "performance", None)[CLOUD.site]["condition"] == "firing"


def test_employment_years_is_missing_on_two_days(reads: Reads) -> None:
    told = course(reads, site=CLOUD.site, monitor="quality", measure="missing_rate", about="employment_years")
    gone = {moment(row["window"]["from"]) for row in told if row["status"] == "outside"}
    assert gone == {day(number) for number in CLOUD.missing_days}


def test_the_kiosk_has_been_silent_for_thirty_hours(reads: Reads) -> None:
    assert {row["site"]: row["fresh"] for row in reads.sites()}[KIOSK.site] == "silent"
    alert = alerts_of(reads, "silence", None)[KIOSK.site]
    assert alert["value"] == pytest.approx(30)
    assert alert["limit"]["value"] == 6


def test_the_budget_stands_at_eighty_percent(reads: Reads) -> None:
    spent = reads.results(monitor="privacy", measure="budget_spent_share", latest=True)
    assert [0.80 <= row["value"] < 0.81 for row in spent] == [True]


def test_what_was_not_planted_does_not_fire(reads: Reads) -> None:
    about_columns = [a for a in reads.alerts(model=MODEL) if a["monitor"] in ("drift", "prediction_drift", "quality")]
    assert len([alert for alert in about_columns if alert["about"] not in PLANTED]) <= 1


# -- the tour -------------------------------------------------------------------------------------------------------


def test_the_tour_has_six_stops_two_names_and_a_report(demo: Built) -> None:
    made = touring.tour(demo, address="http://127.0.0.1:1234")
    assert made["schema"] == "bailiwick/demo/1"
    assert len({stop["address"] for stop in made["tour"]}) == len(made["tour"]) == 6
    assert all(stop["address"].startswith("http://127.0.0.1:1234/") for stop in made["tour"])
    assert [user["name"] for user in made["users"]] == ["anna", "ben"]
    assert Path(made["report"]).read_bytes().startswith(b"%PDF")


def test_home_says_what_the_tour_says(reads: Reads) -> None:
    assert touring.home(reads) == shapes.freshness_sentence(reads.sites()).replace("\\", "")


def test_which_move_is_local_and_what_evidently_flags(reads: Reads) -> None:
    moved = [move for move in shapes.moves(reads.results(model=MODEL, version="3", monitor="drift")) if move.outside]
    sentence = touring.local_or_global(reads, "3")
    assert "income moved at branch-north alone, since 2026-10-03" in sentence
    assert {move.about: len(move.outside) for move in moved} == {"income": 1, "loan_purpose": 3}
    cloud, kiosk = peers(reads)
    assert (cloud.site, cloud.windows) == (CLOUD.site, DAYS - 44)
    assert touring.planted_columns(CLOUD, cloud.start, cloud.end) == set(cloud.flagged) == {"loan_purpose"}
    # A few dozen people: the peer's defaults flag nearly everything, of which nothing was planted.
    assert kiosk.site == KIOSK.site
    assert len(kiosk.cannot_say) == kiosk.columns
    assert len(set(kiosk.flagged) - {"loan_purpose"}) >= 4
    for told in (cloud, kiosk):
        assert f"flag {len(told.flagged)} of {told.columns} columns" in sentence


def test_rows_stayed_at_branch_north(demo: Built, reads: Reads) -> None:
    sent = reads.departures(NORTH.site)
    assert set(sent) == {"summaries"}
    bundles = list((demo.sites / NORTH.site).glob("counts-*.json"))
    assert sum(path.stat().st_size for path in bundles) == sent["summaries"]["bytes"]
    assert f"{sent['summaries']['bytes']:,} bytes" in touring.stayed(demo.hub, reads)


def test_the_planted_name_is_at_the_branch_and_nowhere_in_the_hub(demo: Built) -> None:
    stayed = pq.read_table(sorted((demo.sites / NORTH.site).glob("days-*.parquet"))[0], columns=["customer"])
    assert PLANTED_NAME in stayed.column("customer").to_pylist()
    assert search_hub_file(demo.hub, local_viewer(), text=PLANTED_NAME)["found"] == 0
    assert search_hub_file(demo.hub, local_viewer(), text=NORTH.site)["found"] > 0
    files = [path for path in demo.hub.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if PLANTED_NAME.encode() in path.read_bytes()]


def test_the_first_page_says_what_the_tour_says(demo: Built, reads: Reads) -> None:
    from pypdf import PdfReader

    page = PdfReader(demo.report["path"]).pages[0].extract_text().replace("\u200b", "")
    text = re.sub(r"\s+", " ", page)
    told = touring.first_page(demo.report["state"], reads, "3").removeprefix("The first page of the PDF: ")
    state, figures = told.split(", ", 1)
    assert state in text
    assert figures in text


# -- proof ----------------------------------------------------------------------------------------------------------


def test_the_numbers_of_the_report_are_found_again(demo: Built) -> None:
    verdict = verify_report(demo.hub, local_viewer(), path=Path(demo.report["path"]), recompute_too=True)
    assert verdict["integrity"] == "intact"
    assert verdict["recomputed"] == {"same": True, "differences": []}


def test_the_data_are_the_same_on_every_run() -> None:
    for plan in PLANS:
        for number in (1, 45, 58):
            assert decisions(plan, number).equals(decisions(plan, number))


def test_tampering_is_named_where_it_was_done_and_touches_copies_alone(demo_dir: Path) -> None:
    reports = {path: path.read_bytes() for path in (demo_dir / "reports").iterdir()}
    digit, row, own = tamper(demo_dir, environ=os.environ)["acts"]
    place = re.search(r"evidence\.json: (\S+) from (\S+) to (\S+)", digit["did"])
    assert place is not None
    named = [line for line in digit["verification"] if place[1] in line]
    assert len(named) == 1
    assert place[2] in named[0] and place[3] in named[0]
    changed = re.search(r"the decision on (\S+) from", row["did"])
    assert changed is not None
    assert [f"ids {changed[1]} to" in line for line in row["verification"]] == [True]
    assert (digit["held"], row["held"], own["held"]) == (False, False, True)
    assert {path: path.read_bytes() for path in (demo_dir / "reports").iterdir()} == reports


def test_only_what_the_demo_wrote_is_taken_over_or_removed(tmp_path: Path) -> None:
    assert find(tmp_path / "nothing") is None
    init_hub(tmp_path / "other", org="Somebody else")
    with pytest.raises(BadInput, match="a hub that the demo did not build"):
        find(tmp_path / "other")
    beside = demo_sites.folder_beside(tmp_path / "other")
    beside.mkdir()
    (beside / "letters.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(BadInput, match=r"letters\.txt"):
        demo_sites.clear(beside)
    assert (beside / "letters.txt").exists()


def test_the_story_tells_the_plan_and_what_was_measured(reads: Reads, story: str) -> None:
    covered = reads.coverage(MODEL, "3", FIRST_DAY, day(DAYS + 1))
    kept = sum(row["kept"] for row in covered if row["sharing"] != "noisy-counts")
    auc = [row for row in course(reads, site=CLOUD.site, monitor="performance", measure="roc_auc") if row["value"]]
    told = [
        f"three hours after the last of {DAYS} days. {kept:,} predictions came from three",
        f"`{CLOUD.site}` | rows | {CLOUD.per_day:,} |",
        f"`{NORTH.site}` | counts | {NORTH.per_day:,} |",
        f"`{SOUTH.site}` | noisy counts | {SOUTH.per_day:,} |",
        f"higher at `{NORTH.site}` from day {NORTH.income_from}",
        f"everywhere, from day {NORTH.purpose_from}",
        f"at {NORTH.ratio} of men's rate at `{NORTH.site}`",
        f"approved at {KIOSK.ratio} of it, of 48 people",
        f"From day {CLOUD.fading_from} the outcome at `{CLOUD.site}`",
        f"ROC AUC {auc[-1]['value']:.3f} on day {(moment(auc[-1]['window']['to']) - FIRST_DAY).days}",
        "on days {} and {}".format(*CLOUD.missing_days),
        PLANTED_NAME,
        f"{CLOCK:%Y-%m-%d %H:%M} UTC",
    ]
    assert [text for text in told if text not in story] == []
    cloud, kiosk = peers(reads)
    assert f"on the {cloud.windows} days since" in story
    assert f"they flag {len(cloud.flagged)} of {cloud.columns} columns, the one that was planted" in story
    assert f"on {kiosk.windows} windows of {kiosk.rows} people, they flag {len(kiosk.flagged)} of 7 columns" in story
    assert "loan_purpose" not in kiosk.flagged


# -- the retraining: last, for it changes the demo ------------------------------------------------------------------


def test_another_person_approves_and_a_fairer_version_comes_back_with_its_price(demo: Built, story: str) -> None:
    id_ = demo.request["id"]
    with pytest.raises(NotPermitted, match=re.escape(OWN_REQUEST)):
        approve_request(demo.hub, Viewer("anna", (Grant("data"), Grant("admin"))), id=id_)
    ben = Viewer("ben", (Grant("compliance"),))
    approve_request(demo.hub, ben, id=id_)
    done = run_request(demo.hub, ben, id=id_)
    assert (done["state"], done["new_version"]) == ("trained", "4"), done["outcome"]
    outcome = done["outcome"]
    before, after = (outcome["result"]["metrics"][when] for when in ("before", "after"))
    assert [condition["met"] for condition in outcome["gate"]] == [True]
    assert before["selection_rate_ratio"]["value"] == pytest.approx(0.73, abs=0.01)
    assert after["selection_rate_ratio"]["interval"][0] > 0.90
    difference = 100 * (after["approval_rate"]["value"] - before["approval_rate"]["value"])
    assert outcome["price"] == f"approvals {difference:+.1f} points overall"
    assert -5 < difference < 0
    for told in (*before.values(), *after.values(), *outcome["result"]["groups"]["after"].values()):
        assert told["interval"][0] < told["value"] < told["interval"][1]
    measured = outcome["result"]["measured_on"]
    assert f"on {measured['trained_on']:,} decisions" in story
    assert f"Measured on {measured['rows']:,} later decisions" in story
    assert f"Its price: {outcome['price']}." in story
    for name, line in (("selection_rate_ratio", "women's rate over men's"), ("roc_auc", "no worse than 0.02")):
        assert f"{line} | {before[name]['value']:.3f} | {after[name]['value']:.3f} |" in story
    for name, line in (("approval_rate", "approved"), ("unpaid_among_granted", "loans granted")):
        assert f"{line} | {before[name]['value']:.1%} | {after[name]['value']:.1%} |".replace("%", " %") in story
    assert {row["version"] for row in demo.hub.store.reads(local_viewer()).models()} >= {"3", "4"}
    artifact = demo.sites / NORTH.site / outcome["result"]["artifact"]["file"]
    assert artifact.exists()
    assert PLANTED_NAME.encode() not in artifact.read_bytes()
    now = next(row for row in demo.hub.store.reads(local_viewer()).requests() if row["id"] == id_)
    assert touring.asked(now).endswith("approved by ben: version 4 came back.")
