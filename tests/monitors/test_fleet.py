"""One site or all: made fleets with known truth, and four hospitals."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from monitors.fleet import Sites, heterogeneity, verdict_of

DATA = Path(os.environ.get("BAILIWICK_TEST_DATA", Path(__file__).parents[2] / "../shared/data"))
SHARES = np.full(8, 1 / 8)
UP = SHARES * np.linspace(0.4, 1.6, 8)
DOWN = UP[::-1]


def fleet(*shares: np.ndarray, n: int = 4_000, past: np.ndarray = SHARES, noise: float = 0.0) -> Sites:
    rng = np.random.default_rng(7)
    current = np.stack([rng.multinomial(n, share / share.sum()) for share in shares])
    if noise:
        current = current + np.rint(rng.normal(0, noise, current.shape)).astype(np.int64)
    old = np.stack([rng.multinomial(n, past) for _ in shares])
    names = tuple(f"site-{i}" for i in range(len(shares)))
    return Sites(names, current, old, np.full(len(shares), noise**2))


REFERENCE = np.random.default_rng(1).multinomial(40_000, SHARES)


@pytest.mark.parametrize(
    ("shares", "verdict", "words"),
    [
        ([SHARES] * 5, "none", "None of 5 sites moved from the reference."),
        ([UP] + [SHARES] * 4, "local", "Local: site-0 moved from the reference, 4 of 5 sites did not."),
        ([UP] * 5, "fleet-wide", "Fleet-wide: all of 5 sites moved from the reference, and alike."),
        (
            [UP] * 4 + [SHARES],
            "mixed",
            "Mixed: 4 of 5 sites moved from the reference (site-0, site-1, site-2, site-3).",
        ),
        ([UP, DOWN, UP, DOWN], "mixed", "Mixed: all of 4 sites moved from the reference, and not alike."),
    ],
)
def test_the_verdict(shares: list[np.ndarray], verdict: str, words: str) -> None:
    found = verdict_of(REFERENCE, fleet(*shares), limit=0.1)
    assert (found["verdict"], found["verdict_in_words"]) == (verdict, words)


def test_without_a_reference_each_site_is_held_against_its_own_past() -> None:
    nothing = np.zeros(8, dtype=np.int64)
    found = verdict_of(nothing, fleet(UP, SHARES, SHARES), limit=0.1)
    assert found["verdict"] == "local" and "their own past" in found["verdict_in_words"]
    (site,) = found["sites"]
    assert site["site"] == "site-0" and site["from_reference"] is None
    assert site["from_the_others"]["status"] == "outside" and site["from_its_own_past"]["status"] == "outside"


def test_sites_that_cannot_tell_are_said_so() -> None:
    many = fleet(UP, SHARES, SHARES)
    few = Sites(
        many.names, np.stack([many.current[0], many.current[1], many.current[2] // 200]), many.past, many.variance
    )
    found = verdict_of(REFERENCE, few, limit=0.1)
    assert found["verdict"] == "local" and found["verdict_in_words"].endswith("1 had too few rows to tell.")
    alone = verdict_of(REFERENCE, Sites(many.names, many.current // 300, many.past, many.variance), limit=0.1)
    assert alone["verdict"] == "unknown" and "sites" not in alone


def test_the_test_of_heterogeneity_is_pearson_s() -> None:
    sites = fleet(UP, SHARES, DOWN)
    found, expected = heterogeneity(sites), stats.chi2_contingency(sites.current, correction=False)
    assert found["statistic"] == pytest.approx(expected.statistic) and found["p_value"] == pytest.approx(
        expected.pvalue
    )
    assert found["degrees"] == expected.dof
    g = stats.chi2_contingency(sites.current, correction=False, lambda_="log-likelihood")
    assert found["g"] == pytest.approx(g.statistic)
    assert heterogeneity(fleet(SHARES))["p_value"] is None


def test_its_level_is_kept() -> None:
    rng = np.random.default_rng(3)
    below = 0
    for _ in range(400):
        sites = Sites(
            ("a", "b", "c"), rng.multinomial(500, SHARES, size=3), np.zeros((3, 8), dtype=np.int64), np.zeros(3)
        )
        below += heterogeneity(sites)["p_value"] < 0.05
    assert 8 <= below <= 34


def test_noise_is_not_read_as_a_site_that_moved() -> None:
    found = verdict_of(REFERENCE, fleet(SHARES, SHARES, SHARES, noise=60.0), limit=0.1)
    assert found["verdict"] in ("none", "unknown")


@pytest.mark.realdata
def test_cholesterol_in_switzerland_is_local() -> None:
    """Switzerland wrote 0 for every cholesterol; Virginia for a quarter of its own."""
    hospitals = ("cleveland", "hungarian", "switzerland", "va")
    paths = [DATA / "medical" / f"heart_processed.{name}.data" for name in hospitals]
    if not all(path.exists() for path in paths):
        pytest.skip(f"{DATA / 'medical'} is absent")
    texts = [[line.split(",")[4] for line in path.read_text().split()] for path in paths]
    values = [np.array([float(text) for text in told if text != "?"]) for told in texts]
    edges = np.quantile(values[0], np.linspace(0.05, 0.95, 10))
    cells = np.stack([np.bincount(np.searchsorted(edges, side), minlength=11) for side in values])
    found = verdict_of(cells[0], Sites(hospitals, cells, np.zeros_like(cells), np.zeros(4)), limit=0.1)
    assert found["verdict"] == "local" and found["heterogeneity"]["p_value"] < 1e-50
    far = {site["site"]: site["from_the_others"]["psi"] for site in found["sites"]}
    assert set(far) == {"switzerland", "va"} and far["switzerland"] > 2 > far["va"]
