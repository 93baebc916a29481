from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from monitors import exact

DATA = Path(os.environ.get("BAILIWICK_TEST_DATA", Path(__file__).parents[2] / "../shared/data"))
LARGE = np.random.default_rng(8).normal(size=200_000)
SAMPLES = st.lists(st.one_of(st.integers(-5, 5).map(float), st.floats(-1e6, 1e6)), min_size=1, max_size=60).map(
    lambda values: np.array(values, dtype=np.float64)
)


@given(SAMPLES, SAMPLES)
def test_wasserstein_is_scipy_s(a: Any, b: Any) -> None:
    expected = stats.wasserstein_distance(a, b)
    assert exact.wasserstein(a, b) == pytest.approx(expected, rel=1e-9, abs=1e-9 * max(1.0, np.abs(a).max()))


@given(SAMPLES, SAMPLES)
def test_wasserstein_is_a_distance(a: Any, b: Any) -> None:
    assert exact.wasserstein(a, b) == pytest.approx(exact.wasserstein(b, a), rel=1e-9, abs=1e-9)
    assert exact.wasserstein(a, a) == 0
    assert exact.wasserstein(a, a + 3) == pytest.approx(3, abs=1e-6)


@pytest.mark.parametrize(("n", "m"), [(1, 100_000), (3, 70_001), (99_999, 100_000), (65_536, 32_768), (40_000, 90_000)])
def test_wasserstein_over_many_stretches(n: int, m: int) -> None:
    a, b = LARGE[:n], LARGE[-m:] * 1.1 + 0.2
    assert exact.wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-10)
    assert exact.wasserstein(b, a) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-10)


def test_wasserstein_of_a_million_rows_needs_no_more_than_its_copies() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=1_000_000), rng.normal(0.1, 1, 700_000)
    expected = stats.wasserstein_distance(a, b)
    tracemalloc.start()
    value = exact.wasserstein(a, b)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert value == pytest.approx(expected, rel=1e-9)
    assert peak < 150e6


def test_the_standard_deviation_has_a_floor_and_a_divisor() -> None:
    a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0])
    assert exact.normed_wasserstein(a, b, ddof=0) == pytest.approx(1 / np.std(a))
    assert exact.normed_wasserstein(a, b, ddof=1) == pytest.approx(1 / np.std(a, ddof=1))
    assert exact.normed_wasserstein(np.full(5, 1.0), np.full(5, 1.5), ddof=0) == 500
    assert exact.normed_wasserstein(np.array([1.0]), np.array([1.5]), ddof=1) == 500


def test_jensen_shannon_in_both_bases() -> None:
    pair = np.array([5.0, 0.0, 3.0]), np.array([1.0, 2.0, 0.0])
    assert exact.jensen_shannon(pair) == pytest.approx(distance.jensenshannon(*pair), rel=1e-12)
    assert exact.jensen_shannon(pair, base=2) == pytest.approx(distance.jensenshannon(*pair, 2), rel=1e-12)
    assert exact.jensen_shannon((np.array([1.0, 0.0]), np.array([0.0, 1.0])), base=2) == 1


def test_numbers_are_counted_without_what_is_no_number() -> None:
    assert exact.clean_numbers([1, None, float("nan"), float("inf"), 2.5]).tolist() == [1.0, 2.5]
    keys, (before, after) = exact.value_counts(["b", None, "a", "b"], ["c", "a"])
    assert keys == ["a", "b", "c"] and before.tolist() == [1, 2, 0] and after.tolist() == [1, 0, 1]


def test_arrow_columns_count_like_lists() -> None:
    texts = pa.chunked_array([["b", None], ["a", "b"]])
    for column in (texts, texts.dictionary_encode()):
        keys, (before, _) = exact.value_counts(column, pa.array(["c", "a"]))
        assert keys == ["a", "b", "c"] and before.tolist() == [1, 2, 0]
    assert exact.clean_numbers(pa.chunked_array([[1, None], [3, 4]])).tolist() == [1.0, 3.0, 4.0]


def test_distinct_values_are_counted_as_far_as_needed() -> None:
    assert exact.distinct_above(5, np.arange(6.0), np.array([1.0]))
    assert not exact.distinct_above(5, np.arange(5.0), np.array([1.0]))
    assert exact.distinct_above(5, np.zeros(2_000), np.concatenate([np.zeros(1_500), np.arange(6.0)]))


def test_one_value_is_one_bin_and_has_no_chi_square() -> None:
    pair = exact.smaller_sturges(np.full(9, 2.0), np.full(4, 2.0))
    assert [counts.tolist() for counts in pair] == [[9.0], [4.0]]
    assert exact.chi_square_p(pair) is None and exact.proportions_z_p(pair) == 1


# -- the peers' own unit tests ----------------------------------------------------------------------------------


def peer_cases(*methods: str) -> list[dict[str, Any]]:
    path = DATA / "drift/peer_expected_values.json"
    if not path.exists():
        pytest.skip(f"{path} is absent: the peers' published cases are not part of this repository")
    cases: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cases"]
    return [c for c in cases if c["method"].startswith(methods) and isinstance(c["reference"], list)]


@pytest.mark.realdata
def test_chi_square_of_the_peers() -> None:
    cases = [c for c in peer_cases("chisquare p-value") if c["peer"] == "evidently"]
    assert len(cases) >= 6
    for case in cases:
        _, pair = exact.value_counts(case["reference"], case["current"])
        assert exact.chi_square_p(pair) == pytest.approx(case["evidently_0_7_23"], abs=case["tolerance"]), case["note"]


@pytest.mark.realdata
def test_z_test_of_the_peers() -> None:
    """A row without a value is dropped before the test, as Evidently's report does; its bare function keeps it."""
    whole = [c for c in peer_cases("two-proportion z-test", "z-test") if None not in c["reference"] + c["current"]]
    assert len(whole) >= 2
    for case in whole:
        _, pair = exact.value_counts(case["reference"], case["current"])
        assert exact.proportions_z_p(pair) == pytest.approx(case["expected"], abs=case["tolerance"])


@pytest.mark.realdata
def test_psi_and_wasserstein_of_the_peers() -> None:
    (psi,) = peer_cases("PSI (categorical, empty bin")
    _, pair = exact.value_counts(psi["reference"], psi["current"])
    assert exact.psi_filled(pair) == pytest.approx(psi["evidently_0_7_23"], abs=1e-9)
    (moved,) = peer_cases("EMD (wasserstein)")
    found = exact.wasserstein(exact.clean_numbers(moved["reference"]), exact.clean_numbers(moved["current"]))
    assert found == pytest.approx(moved["expected"], abs=moved["tolerance"])
    for case in peer_cases("earth mover distance scaled"):
        a, b = exact.clean_numbers(case["reference"]), exact.clean_numbers(case["current"])
        spread = max(a.max(), b.max()) - min(a.min(), b.min())
        assert exact.wasserstein(a, b) / spread == pytest.approx(case["expected"], abs=case["tolerance"])


@pytest.mark.realdata
def test_numeric_distances_of_evidently() -> None:
    cases = [c for c in peer_cases("PSI", "jensen") if c["peer"] == "evidently" and c["column_kind"] == "num"]
    for case in cases:
        a, b = exact.clean_numbers(case["reference"]), exact.clean_numbers(case["current"])
        pair = exact.pooled_sturges(a, b) if exact.distinct_above(20, a) else exact.by_value(a, b)
        value = exact.psi_filled(pair) if case["method"].startswith("PSI") else exact.jensen_shannon(pair)
        assert value == pytest.approx(case["evidently_0_7_23"], abs=1e-9)


def test_cramer_von_mises_where_values_are_tied_and_where_not() -> None:
    from scipy import stats

    from monitors import rank_tests

    rng = np.random.default_rng(6)
    for shift in (0.0, 0.1, 0.4):
        reference, current = rng.normal(size=700), rng.normal(shift, 1, size=500)
        effect, p_value = rank_tests.cramer_von_mises_with_ties(reference, current)
        theirs = stats.cramervonmises_2samp(reference, current, method="asymptotic")
        assert effect == pytest.approx(rank_tests.cramer_von_mises(reference, current)[0], rel=1e-9)
        assert p_value == pytest.approx(theirs.pvalue, abs=0.005), "SciPy corrects for the size of the sample"
    assert rank_tests.cramer_von_mises_with_ties(np.ones(50), np.ones(80)) == (0.0, 1.0)
    tied = [rng.integers(0, 4, 300).astype(float) for _ in range(400)]
    level = np.mean(
        [rank_tests.cramer_von_mises_with_ties(a, b)[1] < 0.05 for a, b in zip(tied[::2], tied[1::2], strict=True)]
    )
    assert level <= 0.08
