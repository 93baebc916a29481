"""The pure part of the console: what is picked and said from lists of dicts."""

from __future__ import annotations

import pytest
from fake_decisions import ALERTS
from fake_reads import FakeReads
from fake_story import result

from dashboard import shapes, words
from dashboard.settings import APP_SCRIPT, LOGO, PAGE_ICON, STREAMLIT_CONFIG
from dashboard.views import home, model
from dashboard.views.model_measures import performance_sentence


def test_a_number_without_a_limit_is_never_called_within() -> None:
    told = result(site="a", monitor="fairness", measure="selection_rate", about="sex=F", value=0.5, status="within")
    assert shapes.status_of(told) == "no_limit"
    assert shapes.status_of({**told, "status": "too_few"}) == "too_few"


def test_since_reaches_back_over_windows_that_could_not_say() -> None:
    def at(day: int, status: str) -> dict[str, object]:
        return result(day=day, site="a", monitor="drift", measure="psi", about="x", value=None, status=status)

    rows = [at(1, "outside"), at(2, "within"), at(3, "outside"), at(4, "too_few"), at(5, "outside"), at(6, "unclear")]
    assert shapes.outside_since(rows) == shapes.window_start(rows[2])
    assert shapes.outside_since(rows[:2]) is None


def test_a_site_that_cannot_say_is_not_counted_among_those_that_stayed() -> None:
    drift = FakeReads().results(monitor="drift")
    income = next(move for move in shapes.moves(drift) if move.about == "income")
    assert income.outside == ["branch-north"]
    assert "edge-kiosk cannot say." in shapes.move_sentence(income)
    assert "edge-kiosk" not in shapes.move_sentence(income).split("stayed within")[0]


def test_health_never_turns_silence_or_absence_green() -> None:
    table = dict(model.health(FakeReads().results(), ["branch-north", "edge-kiosk"]))
    states = {monitor: [cell.status for cell in cells] for monitor, cells in table.items()}
    assert states["silence"] == ["no_data", "stale"]
    assert states["fairness"] == ["outside", "unclear"]
    assert states["performance"] == ["no_data", "no_labels"]


def test_only_measures_with_a_limit_decide_a_cell() -> None:
    limit = {"op": "at_least", "value": 0.8, "source": "x"}

    def at(measure: str, status: str, limited: bool = True) -> dict[str, object]:
        held = limit if limited else None
        return result(site="a", monitor="fairness", measure=measure, about="sex", value=0.9, status=status, limit=held)

    ratio, gap = at("selection_rate_ratio", "within"), at("true_positive_rate_difference", "no_labels", limited=False)
    assert model.worst([ratio, gap]) == model.HealthCell("within")
    assert model.worst([ratio, at("x", "too_few")]) == model.HealthCell("within", 1)
    assert model.worst([at("x", "too_few"), at("y", "no_labels"), gap]).status == "no_labels"
    assert model.worst([ratio, at("x", "unclear"), at("y", "outside")]).status == "outside"
    assert model.worst([gap]).status == "no_labels"
    assert model.worst([]).status == "no_data"


def test_a_pairs_rates_are_not_taken_for_one_attributes() -> None:
    assert shapes.attribute_of({"about": "sex=F"}) == "sex"
    assert shapes.attribute_of({"about": "sex=F & age=30-45"}) == "sex & age"


def test_performance_names_who_cannot_say() -> None:
    told = shapes.newest_each(FakeReads().results(monitor="performance"))
    assert "Cannot say at" in performance_sentence(told) and "edge-kiosk" in performance_sentence(told)


def test_one_line_per_cause_on_home() -> None:
    cases = home._cases(ALERTS, {"edge-kiosk"})
    assert [len(case) for case in cases] == [1, 1, 4]
    assert all(alert["monitor"] != "silence" for case in cases for alert in case)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 minutes"), (60, "1 minute"), (108_000, "30 hours"), (90_000 * 7, "7 days"), (-5, "0 minutes")],
)
def test_spans(seconds: float, told: str) -> None:
    assert words.span(seconds) == told


def test_plain_takes_the_meaning_out_of_markdown_and_html() -> None:
    assert words.plain("[x](javascript:alert(1)) <img>") == r"\[x\]\(javascript\:alert\(1\)\) \<img\>"
    assert words.plain("- a") == r"\- a" and words.plain("branch-north") == "branch-north"
    assert "\u202e" not in words.plain("a\u202eb")


def test_a_window_that_waits_for_outcomes_stands_back() -> None:
    def at(day: int, status: str) -> dict[str, object]:
        return result(
            day=day, site="a", monitor="performance", measure="roc_auc", about=None, value=None, status=status
        )

    rows = [at(1, "within"), at(2, "outside"), at(3, "no_labels")]
    assert shapes.newest(rows) == rows[1]
    assert shapes.newest(rows[2:]) == rows[2]


def test_the_setup_is_closed_and_its_pictures_are_there() -> None:
    assert STREAMLIT_CONFIG["browser.gatherUsageStats"] is False
    assert STREAMLIT_CONFIG["client.showErrorDetails"] == "none"
    assert STREAMLIT_CONFIG["runner.magicEnabled"] is False
    assert APP_SCRIPT.exists() and PAGE_ICON.exists() and all(path.exists() for path in LOGO.values())


def test_streamlit_knows_every_setting() -> None:
    from streamlit import config

    known = set(config.get_config_options())
    assert set(STREAMLIT_CONFIG) <= known


def test_a_version_just_trained_does_not_hide_the_one_at_work() -> None:
    rows = [{"model": "m", "version": "4", "last_event": None}, {"model": "m", "version": "3", "last_event": "x"}]
    assert model.in_use(rows, "m") == "3"
    assert model.in_use(rows[:1], "m") == "4"
    assert model.in_use(rows, "other") is None
