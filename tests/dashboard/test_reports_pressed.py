"""The library, its steps, the evidence and the check of a file, pressed as people of each role would."""

from __future__ import annotations

from typing import Any

import pytest
from drawing import drawn, text
from fake_reports import GAP, REPORTS, report
from fake_story import NOW

from dashboard.report_shapes import chosen, control_cell, matrix, newest_of_periods, next_step
from reports.packs import load_pack

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def keys(at: Any) -> set[str]:
    return {str(button.key) for button in at.button}


def step(stage: str, viewer: str, **more: Any) -> tuple[str, str]:
    found = next_step(report(9, stage, **more), viewer=viewer, may_build=True, may_issue=True)
    return found.name, found.why_not


def test_the_library_says_how_many_stand_where_and_names_gaps() -> None:
    told = text(drawn("reports"))
    assert "6 reports: 1 draft, 1 ready, 1 in review, 1 reviewed, 1 flagged and 1 issued." in told
    assert GAP in told and "models at edge-kiosk" in told and "The period leaves out the *outage*." in told


@pytest.mark.parametrize(
    ("stage", "viewer", "expected"),
    [
        ("draft", "dana", ("", "")),
        ("ready", "dana", ("submit", "")),
        ("ready", "kim", ("submit", "dana prepared it, and submits it")),
        ("in review", "kim", ("review", "")),
        ("in review", "dana", ("review", "you prepared it, and another person reviews it")),
        ("reviewed", "carla", ("approve", "")),
        ("reviewed", "kim", ("approve", "you reviewed it, and another person approves it")),
        ("reviewed", "dana", ("approve", "you prepared it, and another person approves it")),
        ("flagged", "dana", ("submit", "")),
        ("issued", "dana", ("", "")),
    ],
)
def test_the_next_step_is_offered_to_whom_it_belongs(stage: str, viewer: str, expected: tuple[str, str]) -> None:
    assert step(stage, viewer) == expected


def test_a_flagged_report_with_gaps_is_not_offered_to_be_submitted() -> None:
    assert step("flagged", "dana", gaps=[GAP]) == ("", "")


def test_who_prepared_it_submits_and_cannot_approve() -> None:
    at = drawn("reports")
    assert "submit report_2" in keys(at) and "approve report_3" not in keys(at)
    assert "Approve: you prepared it, and another person approves it." in text(at)
    at.button(key="submit report_2").click().run()
    assert at.session_state["actions"].pressed[-1][:2] == ("submit_report", ("report_2",))


def test_a_third_person_approves() -> None:
    at = drawn("reports", user="carla", role="compliance")
    at.button(key="approve report_3").click().run()
    assert at.session_state["actions"].pressed[-1][:2] == ("approve_report", ("report_3",))


def test_a_regulator_reads_and_is_offered_no_step() -> None:
    at = drawn("reports", user="rita", role="regulator")
    assert {key.split()[0] for key in keys(at) if "report_" in key} == {"get"}
    assert "Build a report" not in text(at)


def test_data_may_not_approve() -> None:
    assert "approve report_3" not in keys(drawn("reports", user="carla", role="data"))


def test_a_flag_takes_the_words_of_who_flags() -> None:
    at = drawn("reports", user="kim", role="compliance")
    at.text_area(key="Flag text report_4").set_value("The window is wrong.")
    next(b for b in at.button if b.label == "Flag" and "report_4" in str(b.form_id)).click().run()
    assert at.session_state["actions"].pressed[-1][:2] == ("flag_report", ("report_4", "The window is wrong."))


def test_filters_search_controls_people_and_stages() -> None:
    every = dict.fromkeys(("stage", "pack", "model", "period", "control"), "all")
    asking = {"general": ["G-01"], "committee": ["C-01"]}

    def ids(sought: str = "", **wanted: str) -> list[str]:
        found = chosen(REPORTS, {**every, **wanted}, sought=sought, asking=asking, every="all")
        return [r["id"] for r in found]

    assert ids() == [r["id"] for r in REPORTS]
    assert ids(sought="g-10") == ["report_6"]
    assert ids(stage="flagged") == ["report_5"]
    assert ids(pack="committee") == ids(model="models at edge-kiosk") == ["report_2"]
    assert ids(control="C-01") == ["report_2"] and ids(control="G-01", pack="committee") == []
    assert ids(period="2026-10-03 to 2026-11-02") == ["report_4", "report_3"]
    assert ids(sought="KIM") == ["report_5", "report_3"]
    assert ids(sought="nobody") == []


def test_the_pack_decides_what_is_asked_for() -> None:
    at = drawn("reports")
    assert "build model" in {box.key for box in at.selectbox}
    at.selectbox(key="build pack").select("committee").run()
    assert {"build site"} == {box.key for box in at.selectbox if box.key in ("build model", "build site")}
    at.selectbox(key="build site").select("edge-kiosk").run()
    at.button(key="build").click().run()
    name, _, given = next(p for p in reversed(at.session_state["actions"].pressed) if p[0] == "build_report")
    assert name == "build_report" and given["site"] == "edge-kiosk" and "model" not in given


# -- the evidence ---------------------------------------------------------------------------------------------------


def test_the_matrix_has_a_line_for_each_control_and_names_gaps() -> None:
    told = text(drawn("reports", query={"section": "evidence"}))
    assert "declared] by dana, 12 days ago" in told.replace("\u00a0", " ")
    assert "G-04 Every site of the model sent data: nothing from edge-kiosk; ask credit-risk." in told
    assert "not asked" in told.replace("\u00a0", " ")
    assert "<b>loans</b>" in told, "shown as written"


def test_a_cell_never_calls_missing_or_unknown_green() -> None:
    for status in ("missing", "not applicable"):
        assert "green" not in control_cell({"status": status, "owner": ""}, NOW)
    assert "green" not in control_cell(None, NOW)
    (line,) = matrix(load_pack("general").controls[:1], [None], NOW)
    assert "file gone or changed" in line[2].replace("\u00a0", " ")


def test_the_newest_report_of_each_period_stands_for_it() -> None:
    general = [r for r in REPORTS if r["pack"] == "general"]
    assert [r["id"] for r in newest_of_periods(general)] == ["report_4", "report_6", "report_5"]


def test_declaring_a_control_says_it_under_your_name() -> None:
    at = drawn("reports", query={"section": "evidence"})
    at.text_area[0].set_value("Decides small loans")
    next(b for b in at.button if b.label == "Declare").click().run()
    name, _, given = next(p for p in reversed(at.session_state["actions"].pressed) if p[0] == "declare_control")
    assert (name, given["model"], given["pack"]) == ("declare_control", "loan-approval", "general")
    assert given["text"] == "Decides small loans" and given["control"] in {c.id for c in load_pack("general").controls}
    rita = drawn("reports", query={"section": "evidence"}, user="rita", role="regulator")
    assert not [b for b in rita.button if b.label == "Declare"]


def test_two_periods_side_by_side() -> None:
    at = drawn("reports", query={"section": "comparison"})
    told = text(at)
    assert "differences" in told and "120 within limits, 2 outside limits" in told
    at.selectbox(key="after").select_index(3).run()
    assert "no longer in the hub's folder, or it was changed" in text(at)


def test_one_report_cannot_be_compared() -> None:
    at = drawn("reports", query={"section": "comparison"})
    at.selectbox(key="of_pack").select("committee").run()
    assert "A comparison takes two reports" in text(at)


# -- the check of a file --------------------------------------------------------------------------------------------


def test_the_check_tells_integrity_signature_and_completeness_apart() -> None:
    at = drawn("verify", user="rita", role="regulator")
    at.file_uploader[0].upload("from outside.pdf", b"%PDF-1.7 hello", "application/pdf").run()
    told = text(at)
    assert "integrity: changed" in told and "signature: broken" in told and "completeness: gaps" in told
    assert "page 7 was changed" in told and "could not be done" in told.replace("\u00a0", " ")
    assert "from <b>outside</b>.pdf" in told
    name, given, _ = at.session_state["actions"].pressed[-1]
    assert (name, given) == ("check_file", (b"%PDF-1.7 hello", "from outside.pdf"))
