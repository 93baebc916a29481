"""Measures from counts: against the rows they were counted from, and in simulation with known truth."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitors import exact, measures, rank_tests
from monitors.count_measures import on_scale, why_not_z
from monitors.divergence import compare
from monitors.drift import judge_counts
from monitors.scales import Column, OnScale
from store.bins import QUANTUM, CategoryBins, NumberBins
from store.watch_reader import DRIFT_MEASURES

BINS = NumberBins(
    "x", tuple(np.quantile(np.random.default_rng(1).normal(size=20_000), np.linspace(0.02, 0.98, 19))), -5.0, 5.0
)
FROM_COUNTS = [name for name, measure in measures.MEASURES.items() if measure.counts]


def counted(values: np.ndarray, bins: NumberBins = BINS) -> tuple[np.ndarray, np.ndarray]:
    cells = np.bincount(np.searchsorted(bins.edges, values, side="left"), minlength=bins.partition)
    q = np.rint((np.clip(values, bins.lo, bins.hi) - bins.lo) / (bins.hi - bins.lo) * QUANTUM).astype(np.int64)
    return cells, np.array([q.sum(), (q * q >> 20).sum(), (q * q & (QUANTUM - 1)).sum()])


def column_of(reference: np.ndarray, *windows: np.ndarray, bins: NumberBins = BINS) -> Column:
    before, after = counted(reference, bins), [counted(window, bins) for window in windows]
    return Column(bins, before[0], np.array([a[0] for a in after]), (before[1], np.array([a[1] for a in after])))


def scaled(measure: str, column: Column, *, variance: float = 0.0) -> OnScale:
    noise = np.full(len(column.current), variance)
    return on_scale(measure, compare(column.reference, column.current, noise), column)


def test_the_model_file_knows_every_measure_and_every_short_name() -> None:
    assert set(measures.MEASURES) <= set(DRIFT_MEASURES)
    assert {name for name in DRIFT_MEASURES if measures.named(name) in measures.MEASURES} >= {"js", "meanshift"}


NUMBERS = st.lists(st.floats(-5, 5).map(lambda x: round(x, 2)), min_size=2, max_size=60).map(np.array)


@given(NUMBERS, NUMBERS)
@settings(max_examples=150, deadline=None)
def test_the_rows_own_numbers_lie_within_the_error_bound(reference: np.ndarray, current: np.ndarray) -> None:
    column = column_of(reference, current)
    truth = {
        "ks": rank_tests.ks(reference, current)[0],
        "mann_whitney": rank_tests.mann_whitney(reference, current)[0],
    }
    sd = float(np.std(reference, ddof=1))
    if sd > 0.02:
        truth["wasserstein"] = exact.wasserstein(reference, current) / sd
    for measure, expected in truth.items():
        found = scaled(measure, column)
        assert found.error_bound is not None
        assert abs(found.value[0] - expected) <= found.error_bound[0] + 1e-3, measure


def test_t_from_moments_is_welch_s() -> None:
    rng = np.random.default_rng(3)
    reference, current = rng.normal(size=900), rng.normal(0.3, 1.4, size=300)
    effect, p_value = rank_tests.t_test(reference, current)
    found = scaled("t", column_of(reference, current))
    assert found.error_bound is not None and found.error_bound[0] < 1e-4
    assert abs(found.value[0] - effect) <= found.error_bound[0]
    assert found.p_value[0] == pytest.approx(p_value, rel=1e-3)


@pytest.mark.parametrize("measure", FROM_COUNTS)
def test_without_drift_the_effect_is_about_nothing_at_any_size(measure: str) -> None:
    rng = np.random.default_rng(11)
    for size in (300, 3_000, 100_000):
        if measure == "z":
            shares = rng.binomial(size, 0.3, size=40)
            cells = np.stack([shares, size - shares], axis=1)
            column = Column(CategoryBins("c", ("a",)), np.array([30_000, 70_000]), cells)
        else:
            column = column_of(rng.normal(size=2_000_000), *(rng.normal(size=size) for _ in range(40)))
        found = scaled(measure, column)
        limit = measures.LIMITS[measure]
        judged = judge_counts(
            column.reference, column.current, variance=np.zeros(40), limit=limit, measure=measure, column=column
        )
        assert not (judged.status == "outside").any()
        # "unclear" is rare, and gone once the sample is large.
        assert (judged.status == "unclear").sum() <= (4 if size == 300 else 0), (size, found.effect.max())
        assert (found.p_value < 0.05).mean() <= 0.2


@pytest.mark.parametrize("measure", [name for name in FROM_COUNTS if name not in ("z", "l_infinity")])
def test_a_shift_of_half_a_standard_deviation_is_found_from_three_hundred_rows_on(measure: str) -> None:
    rng = np.random.default_rng(5)
    column = column_of(rng.normal(size=50_000), *(rng.normal(0.5, 1, size=n) for n in (300, 3_000, 300_000)))
    judged = judge_counts(
        column.reference, column.current, variance=np.zeros(3), limit=measures.LIMITS[measure], measure=measure,
        column=column,
    )  # fmt: skip
    assert judged.status.tolist() == ["outside"] * 3
    assert np.all(judged.low <= judged.effect) and np.all(judged.effect <= judged.high)


@pytest.mark.parametrize("measure", ["total_variation", "l_infinity", "hellinger", "kl", "chi_square", "g"])
def test_intervals_hold_the_truth(measure: str) -> None:
    """Known shares, many samples: the measure of the populations lies in the interval in 92 % or more."""
    rng = np.random.default_rng(8)
    q = np.array([0.2, 0.2, 0.2, 0.2, 0.2])
    for moved in (0.0, 0.05, 0.15):
        p = q + np.array([moved, 0, 0, 0, -moved])
        column = Column(
            CategoryBins("c", ("a", "b", "c", "d")), rng.multinomial(40_000, q), rng.multinomial(4_000, p, size=400)
        )
        truth = scaled(measure, Column(column.bins, (q * 1e12).astype(np.int64), (p * 1e12).astype(np.int64)[None]))
        found = scaled(measure, column)
        held = (found.low <= truth.value[0] + 1e-9) & (truth.value[0] <= found.high + 1e-9)
        assert held.mean() >= 0.92, (moved, held.mean())


def test_noise_raises_the_floor_and_is_not_read_as_drift() -> None:
    rng = np.random.default_rng(2)
    q = np.full(8, 1 / 8)
    noise = 40.0
    cells = rng.multinomial(3_000, q, size=60) + np.rint(rng.normal(0, noise, size=(60, 8))).astype(np.int64)
    column = Column(CategoryBins("c", tuple("abcdefg")), rng.multinomial(50_000, q), cells)
    for measure in ("total_variation", "l_infinity", "hellinger", "kl", "chi_square"):
        loud, quiet = scaled(measure, column, variance=noise**2), scaled(measure, column)
        assert (loud.floor > quiet.floor).all()
        judged = judge_counts(
            column.reference, column.current, variance=np.full(60, noise**2), limit=measures.LIMITS[measure],
            measure=measure, column=column,
        )  # fmt: skip
        assert not (judged.status == "outside").any()


def test_z_compares_two_values_and_no_more() -> None:
    two = Column(CategoryBins("c", ("a", "b")), np.array([300, 700, 0]), np.array([[40, 60, 0]]))
    found = scaled("z", two)
    assert why_not_z(two) is None and found.value[0] == pytest.approx(0.1)
    pooled = 340 / 1100
    assert found.statistic is not None
    assert found.statistic[0] == pytest.approx(0.1 / sqrt(pooled * (1 - pooled) * (1 / 1000 + 1 / 100)))
    three = Column(two.bins, two.reference, np.array([[40, 59, 1]]))
    assert "this column has 3" in (why_not_z(three) or "")


@pytest.mark.parametrize("measure", FROM_COUNTS)
@pytest.mark.parametrize("cells", [[0, 0], [1, 0], [5, 0], [10**12, 3]])
def test_never_a_number_that_is_none(measure: str, cells: list[int]) -> None:
    bins = NumberBins("x", (0.0,), 0.0, 1.0)
    sums = np.array([[sum(cells) * QUANTUM, sum(cells) * QUANTUM, 0]])
    for reference in ([0, 0], [7, 0], [100, 100]):
        column = Column(bins, np.array(reference), np.array([cells]), (np.array([0, 0, 0]), sums))
        found = scaled(measure, column)
        for values in (found.value, found.effect, found.floor, found.low, found.high, found.p_value):
            assert np.isfinite(values).all(), measure
