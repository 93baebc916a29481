"""Fairness on count tables: equal to Fairlearn on the rows behind them, and the statuses of the contract."""

from __future__ import annotations

import builtins
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    demographic_parity_ratio,
    equalized_odds_difference,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from monitors.fairness import fairlearn_rate, fairness_results, label_gap_results
from monitors.intervals import ratio_interval
from monitors.subject import Subject
from store.bins import BinSpec, CategoryBins, GroupBins, NumberBins
from store.model_file import Columns, FairnessWatch, Group, Input, ModelFile, Prediction, Watch
from store.result import Result, table_of
from store.summary import Counts

SUBJECT = Subject("loans", "3", "branch-north", None, datetime(2026, 10, 1), datetime(2026, 10, 2))
SPEC = BinSpec(
    task="binary",
    inputs=(NumberBins("income", (0.0, 1.0), 0.0, 1.0),),
    prediction=CategoryBins("approved", ("0", "1")),
    groups=(GroupBins("sex", ("F", "M")), GroupBins("race", ("A", "B", "C"))),
    good="1",
    outcome=True,
)
RATIO = FairnessWatch(measure="selection_rate_ratio", of="sex", at_least=0.80, source="policy MR-14")
Found = dict[tuple[str | None, str], Result]


def model(*watches: FairnessWatch) -> ModelFile:
    prediction = Prediction(column="approved", good="1", good_means="loan granted")
    columns = Columns(
        inputs=(Input(name="income"),), prediction=prediction, groups=(Group(name="sex"), Group(name="race"))
    )
    return ModelFile(name="loans", version="3", columns=columns, watch=Watch(fairness=watches))


def table(*cells: tuple[int, int, int, int]) -> Counts:
    """(sex, race, approved, rows) into the outcomes section; sex 2 is other, 3 missing."""
    counts = np.zeros(SPEC.outcomes_shape, dtype=np.int64)
    for sex, race, approved, rows in cells:
        counts[sex, race, approved] += rows
    return counts.ravel()


def by_sex(women: tuple[int, int], men: tuple[int, int]) -> Counts:
    """(approved, of) per sex."""
    return table(
        (0, 0, 1, women[0]), (0, 0, 0, women[1] - women[0]), (1, 0, 1, men[0]), (1, 0, 0, men[1] - men[0])
    )  # fmt: skip


def judged(outcomes: Counts, *watches: FairnessWatch, **more: Any) -> Found:
    results = fairness_results(SUBJECT, model=model(*watches), spec=SPEC, outcomes=outcomes, **more)
    table_of(results)
    found = {(result.about, result.measure): result for result in results}
    assert len(found) == len(results)
    return found


def by_labels(labelled: Counts, *watches: FairnessWatch, **more: Any) -> Found:
    results = label_gap_results(SUBJECT, model=model(*watches), spec=SPEC, labelled=labelled, **more)
    return {(result.about, result.measure): result for result in results}


rows_of_people = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 1), st.integers(0, 1)), min_size=150, max_size=400
)


@settings(max_examples=15)
@given(rows_of_people)
def test_counts_give_what_fairlearn_gives_on_rows(rows: list[tuple[int, int, int, int]]) -> None:
    sex, race, approved, repaid = np.array(rows).T
    outcomes = np.zeros(SPEC.outcomes_shape, dtype=np.int64)
    np.add.at(outcomes, (sex, race, approved), 1)
    labelled = np.zeros(SPEC.labelled_shape, dtype=np.int64)
    np.add.at(labelled, (sex, race, approved, repaid), 1)
    found = judged(outcomes.ravel()) | by_labels(labelled.ravel())
    metrics = {"rate": selection_rate, "tpr": true_positive_rate, "fpr": false_positive_rate}
    for name, groups in (("sex", sex), ("race", race)):
        frame = MetricFrame(metrics=metrics, y_true=repaid, y_pred=approved, sensitive_features=groups)
        expected = {
            "selection_rate_ratio": demographic_parity_ratio(repaid, approved, sensitive_features=groups),
            "selection_rate_difference": demographic_parity_difference(repaid, approved, sensitive_features=groups),
            "true_positive_rate_difference": frame.difference()["tpr"],
            "false_positive_rate_difference": frame.difference()["fpr"],
            "equalized_odds_difference": equalized_odds_difference(repaid, approved, sensitive_features=groups),
        }
        for measure, value in expected.items():
            result = found[name, measure]
            if result.value is None:
                assert result.status in ("too_few", "not_computable")
            else:
                assert result.value == pytest.approx(value, abs=1e-12)


def test_fairlearn_and_our_own_arithmetic_agree() -> None:
    result = judged(by_sex((365, 1000), (500, 1000)), RATIO)["sex", "selection_rate_ratio"]
    assert result.value == pytest.approx(365 / 500, abs=1e-15)
    low, high = result.details["lowest"], result.details["highest"]
    assert (low["group"], low["n"], low["rate"]) == ("sex=F", 1000, 0.365)
    assert (high["group"], high["n"], high["rate"]) == ("sex=M", 1000, 0.5)
    assert result.method["library"].startswith("fairlearn ") and result.method["interval"] == "katz-log"


@pytest.mark.parametrize(
    ("women", "men", "status", "significant"),
    [
        ((730, 2000), (1000, 2000), "outside", True),  # 0.73, thousands of people
        ((10, 28), (15, 30), "unclear", False),  # 0.71, a few dozen people
        ((950, 2000), (1000, 2000), "within", False),
        ((860, 2000), (1000, 2000), "within", True),  # 0.86: not parity, and inside the limit
        ((14, 30), (15, 30), "too_few", False),  # inside the limit, where nothing could have been seen
        ((3, 9), (15, 30), "too_few", None),
        ((0, 500), (0, 500), "not_computable", None),
    ],
)
def test_the_status_table(women: tuple[int, int], men: tuple[int, int], status: str, significant: bool | None) -> None:
    result = judged(by_sex(women, men), RATIO)["sex", "selection_rate_ratio"]
    assert (result.status, result.significant) == (status, significant)
    assert (result.limit_value, result.limit_source) == (0.80, "policy MR-14")
    if status in ("too_few", "not_computable"):
        assert result.details["reason"]


def test_a_difference_is_judged_by_its_own_limit() -> None:
    watch = FairnessWatch(measure="selection_rate_difference", of="sex", at_most=0.05)
    result = judged(by_sex((365, 1000), (500, 1000)), watch)["sex", "selection_rate_difference"]
    assert result.status == "outside" and result.value == pytest.approx(0.135)
    assert result.interval_low < 0.135 < result.interval_high


def test_missing_and_other_are_told_and_never_compared() -> None:
    counts = by_sex((500, 1000), (500, 1000)) + table((2, 0, 0, 400), (3, 0, 0, 300))
    found = judged(counts, RATIO)
    result = found["sex", "selection_rate_ratio"]
    assert result.value == 1.0 and result.status == "within"
    assert result.details["not_compared"] == [{"group": "sex=(other)", "n": 400}, {"group": "sex=(missing)", "n": 300}]
    assert ("sex=(missing)", "selection_rate") not in found


def test_small_groups_show_no_rate() -> None:
    found = judged(table((0, 0, 1, 100), (0, 1, 1, 100), (0, 2, 1, 9), (0, 0, 0, 100), (0, 1, 0, 100)))
    assert found["race=C", "selection_rate"].status == "too_few" and found["race=C", "selection_rate"].value is None
    assert found["race=A", "selection_rate"].value == 0.5
    ratio = found["race", "selection_rate_ratio"]
    assert ratio.value == 1.0 and ratio.details["too_small"] == [{"group": "race=C", "n": 9}]


def test_pairs_are_always_measured_and_judged_where_a_limit_names_them() -> None:
    watch = FairnessWatch(measure="selection_rate_ratio", of="sex & race", at_least=0.8)
    cells = [(sex, race, 1, 300) for sex in (0, 1) for race in (0, 1, 2)]
    cells += [(sex, race, 0, 300 if (sex, race) != (0, 1) else 900) for sex in (0, 1) for race in (0, 1, 2)]
    unasked = judged(table(*cells))["sex & race", "selection_rate_ratio"]
    found = judged(table(*cells), watch)
    assert unasked.value == found["sex & race", "selection_rate_ratio"].value and unasked.limit_value is None
    result = found["sex & race", "selection_rate_ratio"]
    assert result.details["lowest"]["group"] == "sex=F & race=B" and result.status == "outside"
    assert result.details["comparisons"] == 15
    assert found["sex=F & race=B", "selection_rate"].value == 0.25


def test_a_handful_at_the_extreme_does_not_hide_many_behind_them() -> None:
    watch = FairnessWatch(measure="selection_rate_ratio", of="race", at_least=0.8)
    cells = [(0, 0, 1, 600), (0, 0, 0, 400), (0, 1, 1, 300), (0, 1, 0, 700), (0, 2, 1, 3), (0, 2, 0, 8)]
    result = judged(table(*cells), watch)["race", "selection_rate_ratio"]
    assert result.details["lowest"]["group"] == "race=C" and result.details["p_adjusted"] > 0.05
    assert result.status == "outside" and result.significant
    assert result.details["clear_pair"]["lowest"] == "race=B"
    assert result.details["clear_pair"]["value"] == pytest.approx(0.5)


def test_many_groups_pay_for_the_pairs_they_compare() -> None:
    """Chance alone finds a lowest and a highest group; the more groups, the further apart they look."""
    rng = np.random.default_rng(11)
    watch = FairnessWatch(measure="selection_rate_ratio", of="race", at_least=0.99)
    fired = 0
    for _ in range(400):
        cells = [(0, race, approved, 0) for race in range(3) for approved in (0, 1)]
        hits = rng.binomial(300, 0.5, 3)
        cells = [(0, r, 1, int(h)) for r, h in enumerate(hits)] + [(0, r, 0, 300 - int(h)) for r, h in enumerate(hits)]
        fired += judged(table(*cells), watch)["race", "selection_rate_ratio"].status == "outside"
    assert fired / 400 < 0.06


def test_no_labels_is_said_and_noisy_labels_are_refused() -> None:
    nothing = np.zeros(int(np.prod(SPEC.labelled_shape)), dtype=np.int64)
    found = by_labels(nothing)
    assert set(found) == {
        (about, f"{measure}_difference")
        for about in ("sex", "race", "sex & race")
        for measure in ("true_positive_rate", "false_positive_rate", "equalized_odds")
    }
    assert {result.status for result in found.values()} == {"no_labels"}
    assert {result.status for result in by_labels(nothing, variance=4.0).values()} == {"not_computable"}


def test_noise_is_in_every_interval_and_test() -> None:
    counts = by_sex((380, 1000), (500, 1000))
    exact = judged(counts, RATIO)["sex", "selection_rate_ratio"]
    noisy = judged(counts, RATIO, variance=900.0, noise={"rho": "1/100"})["sex", "selection_rate_ratio"]
    assert exact.status == "outside" and noisy.status == "unclear" and noisy.value == exact.value
    assert noisy.noise == {"rho": "1/100"} and noisy.method["basis"] == "noisy"
    assert noisy.interval_high - noisy.interval_low > exact.interval_high - exact.interval_low


def test_noisy_parity_rarely_fires() -> None:
    rng = np.random.default_rng(12)
    watch = FairnessWatch(measure="selection_rate_ratio", of="sex", at_least=0.99)
    statuses = []
    for _ in range(300):
        noise = np.rint(rng.normal(0, 10, int(np.prod(SPEC.outcomes_shape)))).astype(np.int64)
        women, men = int(rng.binomial(2000, 0.5)), int(rng.binomial(2000, 0.5))
        counts = by_sex((women, 2000), (men, 2000)) + noise
        statuses.append(judged(counts, watch, variance=100.0)["sex", "selection_rate_ratio"].status)
    assert statuses.count("outside") / 300 < 0.08


def test_negative_weights_never_reach_fairlearn() -> None:
    met = fairlearn_rate()
    assert met is not None
    with pytest.raises(ValueError, match="negative"):
        met[0]((1, 0), (-1.0, 5.0))
    counts = by_sex((160, 400), (-12, 400))
    result = judged(counts, RATIO, variance=100.0)["sex", "selection_rate_ratio"]
    assert result.value == 0.0 and result.status == "outside"


def test_without_fairlearn_the_answer_is_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("fairlearn"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    found = judged(by_sex((365, 1000), (500, 1000)), RATIO)
    result = found["sex", "selection_rate_ratio"]
    assert result.status == "not_computable" and result.details["advice"] == "pip install 'bailiwick[hub]'"
    assert found["sex=F", "selection_rate"].value == 0.365


def test_without_a_good_prediction_there_is_nothing_to_compare() -> None:
    spec = BinSpec(task="multiclass", inputs=SPEC.inputs, prediction=SPEC.prediction, groups=SPEC.groups)
    results = fairness_results(SUBJECT, model=model(RATIO), spec=spec, outcomes=by_sex((1, 2), (1, 2)))
    assert [(result.measure, result.status) for result in results] == [("selection_rate_ratio", "not_computable")]


@given(st.integers(1, 300), st.integers(1, 300))
def test_the_interval_holds_the_ratio(women: int, men: int) -> None:
    from monitors.intervals import Share

    low, high = ratio_interval(Share(women, 300), Share(men, 300))
    assert low <= women / men <= high
