"""Performance from counts: equal to scikit-learn's on the rows behind them, with the statuses of the contract."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from sklearn import metrics

from monitors.performance import MEASURES, performance_results
from monitors.subject import Subject
from store.bins import QUANTUM, BinSpec, CategoryBins, GroupBins, NumberBins
from store.model_file import Columns, Input, ModelFile, Outcome, PerformanceWatch, Prediction, Task, Watch
from store.result import Result
from store.summary import Counts

SUBJECT = Subject("loans", "3", "cloud-eu", None, datetime(2026, 10, 1), datetime(2026, 10, 2))
EDGES = tuple(i / 20 for i in range(21))
BINARY = BinSpec(
    task="binary",
    inputs=(NumberBins("income", (0.0, 1.0), 0.0, 1.0),),
    prediction=CategoryBins("approved", ("0", "1")),
    score=NumberBins("probability", EDGES, 0.0, 1.0),
    groups=(GroupBins("sex", ("F", "M")),),
    good="1",
    outcome=True,
)
REGRESSION = BinSpec(
    task="regression",
    inputs=BINARY.inputs,
    prediction=NumberBins("price", (0.0, 50.0, 100.0), 0.0, 100.0),
    outcome=True,
)


def model(*watches: PerformanceWatch, task: Task = Task.BINARY) -> ModelFile:
    columns = Columns(
        inputs=(Input(name="income"),), prediction=Prediction(column="approved"), outcome=Outcome(column="repaid")
    )
    return ModelFile(name="loans", version="3", columns=columns, task=task, watch=Watch(performance=watches))


def rows(n: int, seed: int = 1, lift: float = 1.2) -> tuple[Counts, np.ndarray, np.ndarray]:
    """Labels and scores of n rows; the scores know something of the labels."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    score = 1 / (1 + np.exp(-(rng.normal(0, 1, n) + lift * (label - 0.5))))
    return label, score, rng.integers(0, 2, n)


def high_low(q: np.ndarray) -> tuple[int, int]:
    squares = [int(x) ** 2 for x in q]
    return sum(x >> 20 for x in squares), sum(x & (QUANTUM - 1) for x in squares)


def labelled(label: np.ndarray, score: np.ndarray, sex: np.ndarray) -> Counts:
    joint = np.zeros(BINARY.labelled_shape, dtype=np.int64)
    np.add.at(joint, (sex, (score > 0.5).astype(int), label), 1)
    cells = np.zeros(BINARY.score_label_shape, dtype=np.int64)
    np.add.at(cells, (np.searchsorted(EDGES, score, side="left"), label, sex), 1)
    logs = np.round(-np.log(np.where(label == 1, score, 1 - score)) * QUANTUM).astype(np.int64)
    squares = np.round((score - label) ** 2 * QUANTUM).astype(np.int64)
    losses = [len(label), logs.sum(), *high_low(logs), squares.sum(), *high_low(squares)]
    return np.concatenate([joint.ravel(), cells.ravel(), np.array(losses, dtype=np.int64)])


def measured(counts: Counts, *watches: PerformanceWatch, spec: BinSpec = BINARY, **more: object) -> dict[str, Result]:
    task = Task(spec.task)
    results = performance_results(SUBJECT, model=model(*watches, task=task), spec=spec, labelled=counts, **more)
    assert len({result.measure for result in results}) == len(results)
    return {result.measure: result for result in results}


def declared(*names: str) -> tuple[PerformanceWatch, ...]:
    return tuple(PerformanceWatch(measure=name, at_least=0.0) for name in names)


def test_measures_are_those_of_the_rows() -> None:
    label, score, sex = rows(3000)
    found = measured(labelled(label, score, sex), *declared("balanced_accuracy", "precision", "recall", "f1"))
    guess = score > 0.5
    assert found["accuracy"].value == metrics.accuracy_score(label, guess)
    assert found["balanced_accuracy"].value == pytest.approx(metrics.balanced_accuracy_score(label, guess))
    assert found["precision"].value == metrics.precision_score(label, guess)
    assert found["recall"].value == metrics.recall_score(label, guess)
    assert found["f1"].value == pytest.approx(metrics.f1_score(label, guess))
    assert found["log_loss"].value == pytest.approx(metrics.log_loss(label, score), abs=1e-6)
    assert found["brier"].value == pytest.approx(metrics.brier_score_loss(label, score), abs=1e-6)
    area = found["roc_auc"]
    assert abs(area.value - metrics.roc_auc_score(label, score)) <= area.method["error_bound"]
    losses = -np.log(np.where(label == 1, score, 1 - score))
    half = 1.959964 * losses.std(ddof=1) / 3000**0.5
    assert found["log_loss"].interval_high == pytest.approx(losses.mean() + half, abs=1e-6)
    for result in found.values():
        assert result.interval_low < result.value < result.interval_high


@pytest.mark.parametrize(
    ("at_least", "status", "significant"), [(0.5, "within", False), (0.80, "unclear", False), (0.95, "outside", True)]
)
def test_outside_means_that_the_interval_excludes_the_limit(at_least: float, status: str, significant: bool) -> None:
    watch = PerformanceWatch(measure="roc_auc", at_least=at_least, source="policy")
    result = measured(labelled(*rows(400)), watch)["roc_auc"]
    assert 0.76 < result.value < 0.80
    assert (result.status, result.significant, result.limit_source) == (status, significant, "policy")


def test_without_a_limit_nothing_is_judged() -> None:
    result = measured(labelled(*rows(400)))["accuracy"]
    assert (result.status, result.limit_op, result.significant) == ("within", None, None)
    assert result.details["limit"] == "none set"


def test_no_labels_is_said_of_every_measure() -> None:
    counts = np.zeros(BINARY.losses.stop, dtype=np.int64)
    found = measured(counts, *declared("roc_auc"), outcomes=np.array([500]))
    assert {result.status for result in found.values()} == {"no_labels"}
    assert all(result.value is None and result.details["reason"] for result in found.values())
    assert found["roc_auc"].limit_value == 0.0


@pytest.mark.parametrize("n", [300, 3000])
def test_average_precision_and_calibration_are_those_of_the_rows_within_their_bounds(n: int) -> None:
    label, score, sex = rows(n)
    found = measured(labelled(label, score, sex), *declared("average_precision", "calibration_error"))
    precision = found["average_precision"]
    truth = metrics.average_precision_score(label, score)
    assert abs(precision.value - truth) <= precision.method["error_bound"] < 0.1
    by_cell = np.searchsorted(EDGES, score, side="left")
    assert precision.value == pytest.approx(metrics.average_precision_score(label, by_cell), abs=1e-12)
    places = [by_cell == cell for cell in np.unique(by_cell)]
    gaps = [here.mean() * abs(score[here].mean() - label[here].mean()) for here in places]
    error = found["calibration_error"]
    assert abs(error.value - sum(gaps)) <= error.method["error_bound"] == pytest.approx(0.025)
    assert error.details["expected_when_calibrated"] > 0
    for result in (precision, error):
        assert result.interval_low < result.value < result.interval_high


def test_average_precision_covers_as_often_as_promised() -> None:
    watch = declared("average_precision", "calibration_error")
    truth = measured(labelled(*rows(200_000, seed=99)), *watch)
    for name in ("average_precision", "calibration_error"):
        held = 0
        for seed in range(200):
            result = measured(labelled(*rows(300, seed=seed)), *watch)[name]
            held += result.interval_low <= truth[name].value <= result.interval_high
        assert held >= 184, (name, held)


def test_label_coverage_stands_in_the_details() -> None:
    found = measured(labelled(*rows(400)), outcomes=np.array([600, 200]))
    assert found["accuracy"].details["label_share"] == 0.5
    assert found["accuracy"].details["maturity"] == "50 % of outcomes are in"


def test_few_labels_give_no_verdict() -> None:
    found = measured(labelled(*rows(29)))
    assert {result.status for result in found.values()} == {"too_few"}
    _, score, sex = rows(400)
    rare = np.concatenate([np.ones(20, dtype=int), np.zeros(380, dtype=int)])
    found = measured(labelled(rare, score, sex))
    assert (found["roc_auc"].status, found["accuracy"].status) == ("too_few", "within")
    assert "20 good" in found["roc_auc"].details["reason"]


@pytest.mark.parametrize("name", ["r2", "rmse"])
def test_what_counts_cannot_give_is_not_computable(name: str) -> None:
    result = measured(labelled(*rows(400)), *declared(name))[name]
    assert result.status == "not_computable" and name in result.details["reason"]


def test_noisy_counts_carry_no_labels() -> None:
    found = measured(labelled(*rows(400)), variance=100.0)
    assert {result.status for result in found.values()} == {"not_computable"}


def test_a_model_without_outcome_says_so_where_a_limit_was_set() -> None:
    spec = BinSpec(task="binary", inputs=BINARY.inputs, prediction=BINARY.prediction, good="1")
    nothing = np.zeros(0, dtype=np.int64)
    assert measured(nothing, spec=spec) == {}
    assert measured(nothing, *declared("accuracy"), spec=spec)["accuracy"].status == "no_labels"


def test_other_classes_bound_the_error_of_accuracy() -> None:
    spec = BinSpec(
        task="multiclass", inputs=BINARY.inputs, prediction=CategoryBins("species", ("a", "b", "c")), outcome=True
    )
    table = np.array([[30, 0, 0, 0], [0, 30, 5, 0], [0, 0, 30, 0], [0, 0, 0, 5]])
    result = measured(table.ravel(), spec=spec)["accuracy"]
    assert result.value == pytest.approx(0.9)
    assert result.method["error_bound"] == pytest.approx(0.05) and not result.method["exact"]


def test_regression_errors() -> None:
    rng = np.random.default_rng(5)
    errors = np.abs(rng.normal(0, 8, 2000))
    q = np.round(np.minimum(errors / 100, 1) * QUANTUM).astype(np.int64)
    joint = np.zeros(int(np.prod(REGRESSION.labelled_shape)), dtype=np.int64)
    joint[0] = 2000
    labels = np.clip(rng.normal(50, 15, 2000), 0, 100)
    y = np.round(labels / 100 * QUANTUM).astype(np.int64)
    sums = [2000, q.sum(), *high_low(q), y.sum(), *high_low(y)]
    counts = np.concatenate([joint, np.array(sums, dtype=np.int64)])
    at_most = PerformanceWatch(measure="mae", at_most=5.0)
    found = measured(counts, at_most, *declared("accuracy", "r2"), spec=REGRESSION)
    assert found["r2"].value == pytest.approx(1 - (errors**2).mean() / labels.var(), abs=1e-5)
    assert found["r2"].interval_low < found["r2"].value < found["r2"].interval_high
    same = np.concatenate([joint, np.array([2000, q.sum(), *high_low(q), 0, 0, 0], dtype=np.int64)])
    assert measured(same, *declared("r2"), spec=REGRESSION)["r2"].status == "not_computable"
    assert found["mae"].value == pytest.approx(errors.mean(), abs=1e-3)
    assert found["rmse"].value == pytest.approx(np.sqrt((errors**2).mean()), abs=1e-3)
    assert found["mae"].status == "outside" and found["accuracy"].status == "not_computable"
    assert found["rmse"].interval_low < found["rmse"].value < found["rmse"].interval_high


def test_intervals_cover_as_often_as_promised() -> None:
    truth = measured(labelled(*rows(200_000, seed=99)))
    covered = dict.fromkeys(("roc_auc", "accuracy", "log_loss", "brier"), 0)
    for seed in range(300):
        for name, result in measured(labelled(*rows(300, seed=seed))).items():
            covered[name] += result.interval_low <= truth[name].value <= result.interval_high
    assert all(270 <= count <= 299 for count in covered.values()), covered


def test_every_known_measure_is_computed_or_refused() -> None:
    from store.watch_reader import PERFORMANCE_MEASURES

    assert set(MEASURES) <= set(PERFORMANCE_MEASURES)
    found = measured(labelled(*rows(400)), *declared(*PERFORMANCE_MEASURES))
    assert set(found) == set(PERFORMANCE_MEASURES)
    assert SUBJECT.window_to - SUBJECT.window_from == timedelta(days=1)
