"""Two reports side by side: what differs is named, what is equal is not, and nothing measured is no zero."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reports.periods import CONTROLS, COVERAGE, STATUSES, Change, changes_between, told_of


def document(**more: Any) -> dict[str, Any]:
    owner = {"id": "G-01", "title": "The model has an owner", "status": "declared", "why": "credit-risk", "by": "anna"}
    row = {"site": "north", "rows": 1200, "kept": 1100, "quarantined": 100, "silent_hours": 0, "label_share": 0.5}
    drift = {"monitor": "drift", "status": "within", "limit": {"at_most": 0.2}}
    return {"period": {}, "controls": [owner], "coverage": [row], "results": [drift], **more}


def test_equal_evidence_has_no_differences() -> None:
    assert changes_between(told_of(document()), told_of(document())) == []


def test_a_control_that_is_no_longer_answered_is_named_with_both_answers() -> None:
    missing = {"id": "G-01", "title": "The model has an owner", "status": "missing", "why": "nobody is named"}
    found = changes_between(told_of(document()), told_of(document(controls=[missing])))
    told = ("G-01 The model has an owner", "declared: credit-risk", "missing: nobody is named")
    assert found == [Change(CONTROLS, *told)]


def test_a_control_of_a_newer_pack_was_not_asked_before() -> None:
    more = {"id": "G-99", "title": "Something new", "status": "met", "why": "it is"}
    found = changes_between(told_of(document()), told_of(document(controls=[*document()["controls"], more])))
    assert found == [Change(CONTROLS, "G-99 Something new", "not asked", "met: it is")]


def test_coverage_says_what_changed_and_where() -> None:
    row = document()["coverage"][0]
    later: dict[str, Any] = {**row, "rows": 900, "label_share": None}
    found = changes_between(told_of(document()), told_of(document(coverage=[later, {**row, "site": "kiosk"}])))
    assert Change(COVERAGE, "rows received, north", "1,200", "900") in found
    assert Change(COVERAGE, "outcomes, north", "50.0 %", "no outcomes") in found
    assert Change(COVERAGE, "rows kept, kiosk", "not part of it", "1,100") in found
    assert {change.area for change in found} == {COVERAGE}


def test_statuses_are_counted_and_a_number_without_a_limit_is_not_judged() -> None:
    results = [{"monitor": "drift", "status": "outside", "limit": {"at_most": 0.2}}]
    results += [{"monitor": "fairness", "status": "within", "limit": None}]
    (drift, fairness) = changes_between(told_of(document()), told_of(document(results=results)))
    assert drift == Change(STATUSES, "drift", "1 within limits", "1 outside limits")
    assert (fairness.before, "within" in fairness.after) == ("not measured", False)


def test_monitors_are_named_in_words_and_models_as_they_are() -> None:
    results = [{"monitor": "prediction_drift", "status": "within", "limit": {"at_most": 0.2}}]
    models = [{"model": "loan_small", "version": "3", "statuses": {"within": 4}}]
    found = changes_between(told_of({}), told_of({"results": results, "models": models}))
    assert [change.what for change in found] == ["loan_small 3", "prediction drift"]


def test_a_report_on_all_models_is_told_by_model_and_site() -> None:
    models = [{"model": "loan", "version": "3", "statuses": {"within": 4}}]
    told = told_of({"models": models, "coverage": [{"model": "loan", "version": "3", "site": "north", "rows": 5}]})
    assert told["statuses"] == {"loan 3": {"within": 4}} and list(told["coverage"]) == ["loan 3 at north"]


json = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(st.dictionaries(st.sampled_from(["controls", "coverage", "results", "models", "period"]), json))
def test_evidence_of_any_shape_is_drawn_from_without_an_error(found: dict[str, Any]) -> None:
    """A file of an earlier version is told as far as it can be."""
    told = told_of(found)
    assert changes_between(told, told) == []
