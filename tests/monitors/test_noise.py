"""Noise: its loss by OpenDP's own map, its size by a canary of known counts; nothing here is seeded."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.noise import loss_of, release, scale_for, utility
from store.errors import BadInput


@given(st.integers(1, 60), st.integers(1, 4), st.integers(1, 2000))
def test_the_loss_is_never_more_than_was_asked_for(columns: int, contributions: int, per_mille: int) -> None:
    squared_l2, rho = Fraction(contributions**2 * columns), Fraction(per_mille, 1000)
    noisy = release(np.zeros(3, dtype=np.int64), squared_l2=squared_l2, rho=rho)
    assert Fraction(noisy.loss) <= rho
    assert Fraction(noisy.loss) > rho * Fraction(999_999, 1_000_000)
    assert squared_l2 / (2 * Fraction(noisy.scale) ** 2) <= rho
    assert loss_of(noisy.mechanism_json, squared_l2=squared_l2) == noisy.loss


def test_a_canary_of_known_counts_shows_noise_of_the_stated_size() -> None:
    truth = np.arange(4000, dtype=np.int64)
    noisy = release(truth, squared_l2=Fraction(21), rho=Fraction(1, 50))
    noise = noisy.values - truth
    # 4,000 cells: the variance is within 6 of its own standard errors but once in half a billion runs.
    assert abs((noise.astype(float) ** 2).mean() / noisy.variance - 1) < 6 * math.sqrt(2 / 4000)
    assert abs(noise.mean()) < 6 * noisy.scale / math.sqrt(4000)
    assert (
        noisy.values.dtype == np.int64
        and (release(truth * 0, squared_l2=Fraction(1), rho=Fraction(1, 2)).values < 0).any()
    )


def test_two_releases_differ() -> None:
    counts = np.zeros(200, dtype=np.int64)
    first, second = (release(counts, squared_l2=Fraction(4), rho=Fraction(1, 100)).values for _ in range(2))
    assert (first != second).any()


def test_the_stored_mechanism_is_opendps_own() -> None:
    noisy = release(np.zeros(5, dtype=np.int64), squared_l2=Fraction(1), rho=Fraction(1, 100))
    document = json.loads(noisy.mechanism_json)
    assert document["__function__"] == "make_gaussian"
    document["__kwargs__"]["scale"] /= 2
    assert loss_of(json.dumps(document), squared_l2=Fraction(1)) > 3.9 * noisy.loss


@pytest.mark.parametrize("text", ["", "[]", '{"__function__": "make_laplace"}', "null"])
def test_what_is_no_mechanism_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        loss_of(text, squared_l2=Fraction(1))


@pytest.mark.parametrize(
    "counts",
    [np.zeros((2, 2), dtype=np.int64), np.zeros(3), np.zeros(0, dtype=np.int64), np.array([2**62 + 1])],
    ids=["table", "floats", "empty", "too large"],
)
def test_what_is_no_vector_of_counts_is_refused(counts: np.ndarray) -> None:
    with pytest.raises(BadInput):
        release(counts, squared_l2=Fraction(1), rho=Fraction(1))


def test_a_loss_of_nothing_is_refused() -> None:
    with pytest.raises(BadInput):
        scale_for(squared_l2=Fraction(1), rho=Fraction(0))


def test_a_release_that_could_tell_nothing_is_known_before_it_is_paid_for() -> None:
    assert utility(3000, bins=10, sigma=31.6).enough
    too_few = utility(500, bins=10, sigma=31.6)
    assert not too_few.enough and too_few.needed == 2212 and "2,212" in too_few.sentence
