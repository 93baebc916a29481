from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from monitors.divergence import FEW_WINDOWS, compare
from monitors.drift import Judgement, drift_results, judge_counts, moved_cells
from monitors.subject import Subject
from store.bins import BinSpec, CategoryBins, NumberBins, Section
from store.model_file import ColumnDrift, DriftWatch
from store.result import Monitor, Result, Status, table_of

START = datetime(2026, 9, 1)
UNIFORM = np.full(20, 0.05)


def tilted(share: np.ndarray, by: float) -> np.ndarray:
    moved = share * np.exp(by * np.linspace(-1, 1, len(share)))
    return np.asarray(moved / moved.sum())


def judged(reference: Sequence[int], current: Sequence[int], *, variance: float = 0.0, **options: Any) -> Judgement:
    given = {"limit": 0.1, **options}
    return judge_counts(np.array(reference), np.array([current]), variance=np.array([variance]), **given)


def test_windows_together_give_what_each_gives_alone() -> None:
    """Few windows are merged one by one, many side by side: to the last bit the same."""
    rng = np.random.default_rng(5)
    share = rng.dirichlet(np.full(24, 0.2))
    reference = rng.multinomial(3_000, share)
    many = np.array([rng.multinomial(rows, share) for rows in rng.integers(0, 5_000, FEW_WINDOWS + 4)])
    variance = rng.choice([0.0, 9.0, 400.0], len(many))
    together = compare(reference, many, variance)
    for at in range(len(many)):
        alone = compare(reference, many[at : at + 1], variance[at : at + 1])
        for name in ("size", "current", "reference"):
            assert (getattr(alone.merged, name)[0] == getattr(together.merged, name)[at]).all()
        assert (alone.psi[0], alone.cells[0]) == (together.psi[at], together.cells[at])


def test_the_numbers_are_the_textbook_s() -> None:
    reference, current = np.array([400, 300, 200, 100]), np.array([100, 300, 250, 150])
    found = compare(reference, current[None, :], np.zeros(1))
    q, p = (reference + 0.5) / (1000 + 2), (current + 0.5) / (800 + 2)
    assert found.psi[0] == pytest.approx(np.sum((p - q) * np.log(p / q)), abs=1e-12)
    assert found.js[0] == pytest.approx(distance.jensenshannon(p, q, 2), abs=1e-12)
    expected = stats.chi2_contingency(np.array([reference, current]), correction=False)
    assert found.chi_square[0] == pytest.approx(expected.statistic, rel=1e-12)
    assert found.p_value[0] == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.degrees[0] == expected.dof


def test_a_published_psi() -> None:
    """popmon's own test: 0.85, 0.05, 0.05, 0.05 against a quarter each is 1.6998."""
    big = 10**9
    found = compare(np.array([85, 5, 5, 5]) * big, np.array([[25, 25, 25, 25]]) * big, np.zeros(1))
    assert found.psi[0] == pytest.approx(1.699815077214137, abs=1.5e-4), "popmon adds a small epsilon"


def test_the_test_on_noisy_counts_becomes_chi_square_as_the_noise_goes() -> None:
    reference, current = np.array([400, 300, 200, 100]), np.array([[100, 300, 250, 150]])
    exact = compare(reference, current, np.zeros(1))
    nearly = compare(reference, current, np.full(1, 1e-9))
    for name in ("psi", "chi_square", "p_value", "bias", "low", "high"):
        assert getattr(nearly, name)[0] == pytest.approx(getattr(exact, name)[0], rel=1e-6), name


def test_the_noise_floor_is_the_one_in_theory() -> None:
    """Uniform cells: (B-1)(1/n + 1/m) + B(B-1) sigma^2 / n^2."""
    found = compare(np.full(10, 10_000), np.full((1, 10), 1_000), np.full(1, 400.0))
    assert found.bias[0] == pytest.approx(9 * (1 / 10_000 + 1 / 100_000) + 90 * 400 / 10_000**2, rel=1e-3)


@pytest.mark.parametrize(("n", "sigma"), [(2_000, 0.0), (300, 0.0), (2_000, 31.6), (10_000, 31.6)])
def test_level_and_coverage(n: int, sigma: float) -> None:
    rng = np.random.default_rng(11)
    tests: list[np.ndarray] = []
    covered: list[np.ndarray] = []
    for shift in (0.0, 0.6):
        q = np.full(10, 0.1)
        p = tilted(q, shift)
        true = float(np.sum((p - q) * np.log(p / q)))
        for _ in range(30):
            counts = rng.multinomial(n, p, size=40) + np.rint(rng.normal(0, sigma, size=(40, 10))).astype(int)
            found = compare(rng.multinomial(10_000, q), counts, np.full(40, sigma**2))
            covered.append((found.low <= true) & (true <= found.high))
            if not shift:
                tests.append(found.p_value < 0.05)
    assert 0.02 < np.mean(tests) < 0.09
    assert 0.92 < np.mean(covered) < 0.99


def test_outside_needs_effect_and_test() -> None:
    reference = [500] * 20
    moved = (tilted(UNIFORM, 0.9) * 4000).astype(int)
    assert judged(reference, moved.tolist()).status[0] == Status.OUTSIDE
    small = (tilted(UNIFORM, 0.15) * 400_000).astype(int)
    told = judged(reference, small.tolist())
    assert told.significant[0] and told.status[0] == Status.WITHIN, "significant, and far too small to matter"


def test_unclear_is_an_effect_that_may_be_chance() -> None:
    told = judged([500, 500], [3, 14])
    assert told.effect[0] > 0.1 and not told.significant[0]
    assert told.status[0] == Status.UNCLEAR


def test_within_is_said_only_at_an_n_that_could_have_told() -> None:
    assert judged([500] * 20, [50] * 20).status[0] == Status.WITHIN
    few = judged([500] * 20, [5] * 20)
    assert few.status[0] == Status.TOO_FEW and "rows sampling could" in (few.reason[0] or "")
    noisy = judged([500] * 20, [50] * 20, variance=100.0**2)
    assert noisy.status[0] == Status.TOO_FEW and "noise" in (noisy.reason[0] or "")
    short = judged([500] * 20, [5] * 20, at_least=200)
    assert short.reason[0] == "100 rows; this watch asks for at least 200"
    assert judged([500] * 20, [0] * 20).reason[0] == "no rows in this window"
    assert judged([0] * 20, [50] * 20).status[0] == Status.NO_REFERENCE


def test_a_constant_that_stays_is_within_and_one_that_moves_is_outside() -> None:
    assert judged([0, 1000, 0], [0, 1000, 0]).status[0] == Status.WITHIN
    assert judged([0, 1000, 0], [0, 0, 1000]).status[0] == Status.OUTSIDE
    assert judged([0, 1000, 0], [0, 60, 0]).status[0] == Status.TOO_FEW, "a tenth could hide in the empty cells"


def test_a_value_that_the_reference_never_had_stays_a_cell_of_its_own() -> None:
    told = judged([5000, 5000, 0], [350, 350, 300])
    assert told.compared.cells[0] == 3 and told.status[0] == Status.OUTSIDE
    small = judged([50_000, 50_000, 0], [70, 70, 60])
    assert small.compared.cells[0] == 3 and small.status[0] == Status.OUTSIDE


def test_sparse_cells_do_not_make_false_alarms() -> None:
    rng = np.random.default_rng(3)
    share = np.array([0.5, 0.3, 0.1, 0.05, 0.02, 0.015, 0.008, 0.004, 0.002, 0.001])
    for n in (50, 200, 1000):
        counts = rng.multinomial(n, share, size=4000)
        found = compare(rng.multinomial(20_000, share), counts, np.zeros(4000))
        assert np.mean(found.p_value < 0.001) < 0.004, n


@given(st.lists(st.integers(0, 400), min_size=2, max_size=12), st.lists(st.integers(0, 400), min_size=12, max_size=12))
def test_order_of_windows_and_the_identity(reference: list[int], current: list[int]) -> None:
    old, new = np.array(reference), np.array(current[: len(reference)])
    both = compare(old, np.stack([new, old]), np.zeros(2))
    turned = compare(old, np.stack([old, new]), np.zeros(2))
    assert both.psi.tolist() == turned.psi[::-1].tolist()
    assert both.psi[1] == pytest.approx(0, abs=1e-12) and both.p_value[1] == 1
    assert both.psi[0] >= 0 and 0 <= both.js[0] <= 1
    assert np.all((both.low <= both.high) & (both.low >= 0))
    assert np.isfinite([both.psi, both.chi_square, both.p_value, both.bias, both.low, both.high]).all()


# -- results ----------------------------------------------------------------------------------------------------

SPEC = BinSpec(
    task="binary",
    inputs=(NumberBins("income", (0.0, 1.0, 2.0), 0.0, 2.0), CategoryBins("purpose", ("car", "home"))),
    prediction=CategoryBins("approved", ("0", "1")),
    score=NumberBins("p", (0.0, 0.5, 1.0), 0.0, 1.0),
    outcome=True,
)
#                     missing, non-finite, below, two bins, above, moments;    missing, car, home, other
REFERENCE = np.array([9, 9, 0, 2000, 2000, 0, 7, 7, 7, 7, 0, 2000, 2000, 0], dtype=np.int64)
CURRENT = np.array(
    [
        [0, 0, 0, 1000, 1000, 0, 1, 1, 1, 1, 0, 1000, 1000, 0],
        [5, 0, 0, 200, 1800, 0, 1, 1, 1, 1, 0, 1000, 1000, 0],
    ],
    dtype=np.int64,
)
DAYS = [START + timedelta(days=i) for i in range(3)]
SUBJECTS = [Subject("loan", "3", "north", None, DAYS[i], DAYS[i + 1]) for i in range(2)]


def results(watch: DriftWatch | None = None, **options: Any) -> dict[tuple[str | None, int], Result]:
    given = {"variance": np.zeros(2), "subjects": SUBJECTS, "watch": watch or DriftWatch()}
    made = drift_results(SPEC, Section.INPUTS, REFERENCE, CURRENT, **{**given, **options})
    assert table_of(made).num_rows == 4
    return {(result.about, DAYS.index(result.window_from)): result for result in made}


def test_a_result_says_what_it_stands_on() -> None:
    made = results()
    moved, still = made["income", 1], made["purpose", 1]
    assert (moved.status, still.status, made["income", 0].status) == ("outside", "within", "within")
    assert moved.monitor == Monitor.DRIFT and moved.measure == "psi"
    assert moved.n_reference == 4000 and moved.n_current == 2000, "missing values are quality's"
    assert moved.method["basis"] == "counts" and moved.method["exact"]
    assert moved.details["moved"][0] == {"cell": "(0, 1]", "reference": 0.5, "current": 0.1}
    assert moved.limit_value == 0.1 and moved.limit_source == "bailiwick default"
    assert moved.interval_low < moved.details["psi_debiased"] < moved.interval_high


def test_a_column_s_own_limit_and_measure() -> None:
    rule = ColumnDrift(at_most=5.0, source="policy MR-1")
    made = results(DriftWatch(columns=(("income", rule),)))["income", 1]
    assert made.status == "within" and made.limit_source == "policy MR-1"
    js = results(DriftWatch(columns=(("income", ColumnDrift(measure="jensen_shannon")),)))["income", 1]
    assert js.measure == "jensen_shannon" and js.value == js.details["js"] and js.status == "outside"
    assert js.method["log_base"] == 2
    ks = results(DriftWatch(columns=(("income", ColumnDrift(measure="energy")),)))["income", 1]
    assert ks.status == "not_computable" and ks.value is None and "counts" in ks.details["reason"]


def test_a_peer_s_method_set_on_counts_is_never_another_number_under_its_name() -> None:
    made = results(DriftWatch(method_set="evidently-0.7"))["income", 1]
    assert made.status == "not_computable" and made.value is None
    assert made.details == {"reason": "the method set evidently-0.7 needs rows; only counts are at hand"}
    assert made.method["name"] == "evidently-0.7"


def test_noisy_counts_say_so() -> None:
    made = results(variance=np.array([0.0, 25.0]), rho="1/100")
    exact, noisy = made["income", 0], made["income", 1]
    assert exact.noise is None and exact.method["basis"] == "counts"
    assert noisy.noise == {"mechanism": "discrete_gaussian", "scale": 5.0, "variance": 25.0, "rho": "1/100"}
    assert noisy.method["basis"] == "noisy" and not noisy.method["exact"]
    assert noisy.status == "outside" and noisy.value == noisy.details["psi_debiased"]


def test_prediction_score_and_label() -> None:
    outputs = np.array([[0, 900, 1100, 0, 0, 0, 0, 900, 1100, 0, 0, 0, 0, 0]], dtype=np.int64)
    before = np.array([0, 1500, 500, 0, 0, 0, 0, 1500, 500, 0, 0, 0, 0, 0], dtype=np.int64)
    shared: dict[str, Any] = {"variance": np.zeros(1), "subjects": SUBJECTS[:1], "watch": DriftWatch()}
    made = drift_results(SPEC, Section.OUTPUTS, before, outputs, **shared)
    assert [(r.about, r.monitor, r.status) for r in made] == [
        ("approved", "prediction_drift", "outside"),
        ("p", "prediction_drift", "outside"),
    ]
    labelled = np.zeros((1, SPEC.widths[Section.LABELLED]), dtype=np.int64)
    labelled[0, :9] = [100, 300, 0, 200, 400, 0, 0, 0, 0]
    (label,) = drift_results(SPEC, Section.LABELLED, None, labelled, outcome="repaid", **shared)
    assert (label.about, label.monitor, label.status) == ("repaid", "label_drift", "no_reference")
    assert label.n_current == 1000
    (label,) = drift_results(SPEC, Section.LABELLED, labelled[0], labelled, outcome="repaid", **shared)
    assert label.status == "within" and label.value == 0
    regression = replace(SPEC, task="regression", prediction=NumberBins("y", (0.0, 1.0), 0.0, 1.0), score=None)
    empty = np.zeros((1, regression.widths[Section.LABELLED]), dtype=np.int64)
    assert drift_results(regression, Section.LABELLED, None, empty, **shared) == []


def test_moved_cells_show_no_negative_share() -> None:
    told = moved_cells(CategoryBins("c", ("a", "b")), np.array([50, 50, 0]), np.array([90, 20, -10]))
    assert told[0] == {"cell": "a", "reference": 0.5, "current": round(90 / 110, 6)}
    assert all(cell["current"] >= 0 for cell in told)


def test_the_distance_is_debiased_on_its_own_scale() -> None:
    told = judged([500] * 20, [50] * 20, limit=0.1, measure="jensen_shannon")
    assert told.effect[0] == 0 and told.value[0] < sqrt(0.04 / (8 * log(2)))


def test_ten_million_rows_do_not_make_every_column_drift_and_fifty_do_not_hide_one() -> None:
    """A shift of a hundredth of a standard deviation is certain at ten million rows, and matters to nobody; chi-square
    alone would fire. Half the rows in one cell are seen in fifty."""
    from scipy.stats import norm

    edges = norm.ppf(np.linspace(0, 1, 21)[1:-1])
    rng = np.random.default_rng(4)
    reference = rng.multinomial(10_000_000, np.diff([0, *norm.cdf(edges), 1]))
    slight = rng.multinomial(10_000_000, np.diff([0, *norm.cdf(edges - 0.01), 1]), size=20)
    found = judge_counts(reference, slight, variance=np.zeros(20), limit=0.1)
    assert found.significant.all() and set(found.status) == {"within"}
    broken = 0.5 * np.full(20, 0.05) + 0.5 * np.eye(20)[7]
    few = judge_counts(reference, rng.multinomial(50, broken, size=200), variance=np.zeros(200), limit=0.1)
    assert (few.status == "outside").mean() > 0.95
    quiet = judge_counts(reference, rng.multinomial(50, np.full(20, 0.05), size=400), variance=np.zeros(400), limit=0.1)
    assert not (quiet.status == "outside").any() and not (quiet.status == "within").any(), "fifty rows cannot tell"
