"""What the general report says, and what it must never say."""

from __future__ import annotations

from dataclasses import replace

from sample import empty_facts, facts

from reports.build.controls import gaps
from reports.build.coverage import silence_of
from reports.build.evidence import evidence, evidence_bytes, substance_digest
from reports.build.general import build
from reports.elements import Report, Section, Table, TimeSeries
from reports.render.json import render_json

FORBIDDEN = ("healthy", "compliant", "proven", "breach", "guarantee", "unbiased", "is fair")


def section(report: Report, name: str) -> Section:
    return next(section for section in report.sections if section.id == name)


def table(report: Report, name: str, title: str) -> Table:
    found = section(report, name).elements
    return next(element for element in found if isinstance(element, Table) and element.title.startswith(title))


def texts(found: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in found.rows]


def test_coverage_comes_right_after_what_this_is() -> None:
    assert [s.id for s in build(facts()).sections[:3]] == ["about", "coverage", "not_looked_at"]


def test_coverage_adds_up_and_no_data_is_no_percentage() -> None:
    told = texts(table(build(facts()), "coverage", "What came in"))
    assert told[-1][:1] == ["all sites"] and told[0][0] == "branch-north"
    nothing = texts(table(build(empty_facts()), "coverage", "What came in"))
    assert nothing == [["cloud-eu", "rows", "0", *["no data"] * 5]]


def test_halves_that_never_met_stand_in_the_coverage() -> None:
    report = build(facts())
    assert texts(table(report, "coverage", "Requests and responses that never met")) == [["edge-kiosk", "12", "1"]]
    assert "12 requests without response" in str(section(report, "not_looked_at"))
    assert texts(table(build(empty_facts()), "coverage", "Requests and responses that never met")) == []


def test_what_no_report_can_tell_yet_is_said_in_each() -> None:
    for found in (facts(), empty_facts()):
        assert "Lineage: from which data" in str(section(build(found), "not_looked_at"))


def test_one_hour_is_one_hour() -> None:
    assert silence_of({"silent_hours": 1.0}) == "1 hour without anything at the end of the period."
    assert silence_of({"silent_hours": 27}).startswith("27 hours")
    assert silence_of({"silent_hours": 0}) == silence_of({}) == ""


def test_drift_is_told_per_column_and_site_with_the_worst_window() -> None:
    report = build(facts())
    first = texts(table(report, "drift", "Drift per column"))[0]
    assert first[:2] == ["income", "branch-north"] and first[5] == "outside limits" and first[6] == "29"
    charts = [e for e in section(report, "drift").elements if isinstance(e, TimeSeries)]
    assert charts and charts[0].title == "income at branch-north: 29 windows of 60 outside"


def test_a_number_without_a_limit_is_not_called_within() -> None:
    rates = texts(table(build(facts()), "fairness", "Rates per group"))
    assert {row[4] for row in rates} == {"no limit set"}


def test_too_few_people_is_watch_beside_the_clear_gap() -> None:
    told = {row[1]: row for row in texts(table(build(facts()), "fairness", "Gaps judged")) if row[0] == "sex"}
    assert told["branch-north"][5] == "outside limits" and told["branch-north"][3] == "0.730 (0.700 to 0.760, n 9,120)"
    assert told["edge-kiosk"][5] == "watch"


def test_none_is_said_aloud() -> None:
    report = build(empty_facts())
    assert table(report, "limits", "Changes to limits").empty.startswith("none")
    told = render_json(report).decode()
    assert "Alerts in this period: none." in told and "Requests for retraining up to this report: none." in told


def test_decisions_are_those_of_people() -> None:
    told = texts(table(build(facts()), "alerts", "What people decided"))
    assert [(row[1], row[2]) for row in told] == [("ben", "acknowledged"), ("ben", "assigned to anna")]


def test_forbidden_words_stay_out() -> None:
    for made in (build(facts()), build(empty_facts())):
        said = render_json(replace(made, evidence={})).decode().lower()
        assert not [word for word in FORBIDDEN if word in said]


def test_the_evidence_is_a_function_of_the_record_alone() -> None:
    full = facts()
    later = replace(full, built_at="2027-01-01T00:00:00Z", built_by="ben")
    assert substance_digest(evidence(full)) == substance_digest(evidence(later))
    assert evidence_bytes(evidence(full)) != evidence_bytes(evidence(later))
    assert full.report_id == later.report_id


def test_gaps_name_what_is_missing() -> None:
    assert gaps(facts()) == []
    assert [gap.split()[0] for gap in gaps(empty_facts())] == ["G-01", "G-02", "G-03", "G-04", "G-05", "G-06", "G-11"]
