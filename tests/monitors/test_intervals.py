"""Intervals against published values, other implementations, and their own promise of 95 %."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from monitors.intervals import (
    Share,
    difference_interval,
    mean_interval,
    parity_p_value,
    ratio_interval,
    roc_area,
    wilson,
)

counts = st.integers(0, 400)


def test_wilson_is_that_of_the_textbook() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_newcombe_gives_the_interval_of_his_paper() -> None:
    # Newcombe 1998, method 10: 56/70 against 48/80
    assert difference_interval(Share(48, 80), Share(56, 70)) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_katz_by_hand() -> None:
    low, high = ratio_interval(Share(60, 200), Share(100, 200))
    spread = 1.959964 * (1 / 60 - 1 / 200 + 1 / 100 - 1 / 200) ** 0.5
    assert (low, high) == pytest.approx((0.6 * np.exp(-spread), 0.6 * np.exp(spread)))


def test_a_ratio_with_an_empty_cell_still_has_an_interval_around_it() -> None:
    low, high = ratio_interval(Share(0, 40), Share(20, 40))
    assert 0 < high < 1 and low == 0.0


def test_parity_test_agrees_with_chi_square() -> None:
    from scipy.stats import chi2_contingency

    expected = chi2_contingency([[60, 140], [100, 100]], correction=False).pvalue
    assert parity_p_value(Share(60, 200), Share(100, 200)) == pytest.approx(expected)


@given(st.integers(1, 500), st.data())
def test_an_interval_holds_its_value(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    low, high = wilson(hits, n)
    assert 0 <= low <= hits / n <= high <= 1


@pytest.mark.parametrize(("n", "sigma"), [(200, 5.0), (200, 10.0), (1000, 31.6), (10_000, 31.6)])
def test_noisy_shares_are_covered_as_often_as_promised(n: int, sigma: float) -> None:
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(2000):
        hits = rng.binomial(n, 0.3)
        a, b = hits + rng.normal(0, sigma), n - hits + rng.normal(0, sigma)
        low, high = Share(a, a + b, sigma**2).interval
        covered += low <= 0.3 <= high
    assert 0.93 <= covered / 2000 <= 0.99


def test_noisy_ratios_are_covered_as_often_as_promised() -> None:
    rng = np.random.default_rng(8)
    covered = excluded = 0
    for _ in range(2000):
        shares = []
        for rate in (0.4, 0.5):
            hits = rng.binomial(1500, rate)
            a, b = hits + rng.normal(0, 20), 1500 - hits + rng.normal(0, 20)
            shares.append(Share(a, a + b, 400.0))
        low, high = ratio_interval(*shares)
        covered += low <= 0.8 <= high
        excluded += not low <= 1 <= high
    assert 0.93 <= covered / 2000 <= 0.975
    assert excluded / 2000 > 0.9


def test_the_parity_test_keeps_its_level_on_noisy_counts() -> None:
    rng = np.random.default_rng(9)
    fired = 0
    for _ in range(2000):
        cells = [rng.binomial(500, 0.5) for _ in range(2)]
        noisy = [(hits + rng.normal(0, 20), 500 - hits + rng.normal(0, 20)) for hits in cells]
        fired += parity_p_value(*(Share(a, a + b, 400.0) for a, b in noisy)) < 0.05
    assert 0.03 <= fired / 2000 <= 0.07


@given(st.lists(st.tuples(counts, counts), min_size=2, max_size=12))
def test_area_from_cells_is_the_area_of_scores_with_ties(cells: list[tuple[int, int]]) -> None:
    good, other = np.array(cells, dtype=np.int64).T
    if not good.sum() or not other.sum():
        return
    place = np.arange(len(cells))
    expected = roc_auc_score([1] * len(place) + [0] * len(place), [*place, *place], sample_weight=[*good, *other])
    area = roc_area(good, other)
    assert area.value == pytest.approx(expected, abs=1e-12)
    assert 0 <= area.interval[0] <= area.value + 1e-12 and area.value - 1e-12 <= area.interval[1] <= 1


def test_the_area_of_the_scores_lies_within_the_error_bound() -> None:
    rng = np.random.default_rng(3)
    good, other = rng.normal(0.8, 1, 4000), rng.normal(0, 1, 4000)
    exact = roc_auc_score([1] * 4000 + [0] * 4000, [*good, *other])
    edges = np.quantile(np.concatenate([good, other]), np.linspace(0, 1, 21)[1:-1])
    area = roc_area(*(np.bincount(np.searchsorted(edges, x), minlength=20) for x in (good, other)))
    assert abs(area.value - exact) <= area.error_bound < 0.03


def test_delongs_variance_by_brute_force() -> None:
    rng = np.random.default_rng(4)
    good, other = rng.integers(0, 6, 60), rng.integers(0, 5, 80)
    wins = (good[:, None] > other[None, :]) + 0.5 * (good[:, None] == other[None, :])
    variance = wins.mean(axis=1).var(ddof=1) / 60 + wins.mean(axis=0).var(ddof=1) / 80
    area = roc_area(np.bincount(good, minlength=6), np.bincount(other, minlength=6))
    assert area.value == pytest.approx(wins.mean())
    assert area.interval == pytest.approx(
        (wins.mean() - 1.959964 * variance**0.5, min(1.0, wins.mean() + 1.959964 * variance**0.5)), abs=1e-6
    )


def test_perfect_separation_is_not_certainty() -> None:
    area = roc_area(np.array([0, 40]), np.array([40, 0]))
    assert area.value == 1.0 and area.interval[0] < 0.95


def test_mean_interval_is_normal() -> None:
    assert mean_interval(10.0, 4.0, 100) == pytest.approx((9.608, 10.392), abs=1e-3)
