"""What the peers' own tests expect: each case through our public functions, or beside it why that is no number of ours.

The cases are data of other projects and stand in the folder of sample data, not here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitors import distances, exact, rank_tests
from monitors.intervals import roc_area
from monitors.method_sets import judge_rows
from store.model_file import ColumnDrift
from store.result import Status

DATA = Path(os.environ.get("BAILIWICK_TEST_DATA", Path(__file__).parents[2] / "../shared/data"))
FILE = DATA / "drift" / "peer_expected_values.json"
CASES: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["cases"] if FILE.exists() else []
pytestmark = pytest.mark.realdata

TINY = float(np.finfo(np.float64).tiny)
BELOW_PRINTED = 2e-5
"""The peer printed its own number cut off, or adds an epsilon of its own: that much more is granted."""

NOT_OURS = {
    "total variation distance permutation": "p-value of 1,000 permutations from NumPy's global seed 0: another seed, "
    "another number; our total variation is the distance, with a chi-square test",
    "JS distance, 10 equal-width bins": "Frouros takes probabilities at points of its histograms' densities; over its "
    "ten bins the distance is 0.6589, not the 0.6701 it prints",
    "share of drifted columns": "a share over columns is no drift of a column; the columns of this case are tested",
    "bhattacharyya": "Frouros prints 0.810041883 for 1 - sum sqrt(p q) = 0.8100419468: single precision",
}
ALIBI = "a correction over columns and sites belongs to alerts; the p-values that it corrects are tested"


def pair_of(case: dict[str, Any]) -> exact.Pair:
    return exact.value_counts(case["reference"], case["current"])[1]


def numbers(case: dict[str, Any]) -> tuple[exact.Floats, exact.Floats]:
    if isinstance(case["reference"], dict):
        return drawn(case["reference"]["spec"])
    return exact.clean_numbers(case["reference"]), exact.clean_numbers(case["current"])


def drawn(spec: str) -> Any:
    """NannyML's samples: NumPy's legacy generator at seed 1, the reference first."""
    np.random.seed(1)
    sides = []
    for side in spec.split(" vs "):
        what, size = side.rsplit("x", 1)
        if what.startswith("N("):
            mean, sd = (float(part) for part in what[2:-1].split(","))
            sides.append(np.random.normal(mean, sd, int(size)))
        else:
            inner = what.removeprefix("choice(").removesuffix(")")
            values = np.linspace(*eval_linspace(inner)) if inner.startswith("linspace") else np.array(list(inner))
            sides.append(np.random.choice(values, int(size)))
    return sides[0], sides[1]


def eval_linspace(text: str) -> tuple[float, float, int]:
    low, high, count = text.removeprefix("linspace(").removesuffix(")").split(",")
    return float(low), float(high), int(count)


def evidently(measure: str, *, kind: str | None = None) -> Callable[[dict[str, Any]], float | None]:
    def answer(case: dict[str, Any]) -> float | None:
        own = kind or ("number" if case["column_kind"] == "num" else "category")
        return judge_rows(
            "evidently-0.7", case["reference"], case["current"], kind=own, override=ColumnDrift(measure=measure)
        ).value

    return answer


def nannyml(measure: str) -> Callable[[dict[str, Any]], float | None]:
    def answer(case: dict[str, Any]) -> float | None:
        reference, current = (
            numbers(case) if isinstance(case["reference"], dict) else (case["reference"], case["current"])
        )
        kind = "number" if case["column_kind"] == "num" else "category"
        if measure == "wasserstein" and len(reference) >= 10_000:
            return exact.wasserstein(reference, current)  # NannyML's estimate from bins, within its own tolerance
        rows = (list(reference), list(current)) if kind == "category" else (reference, current)
        return judge_rows("nannyml-0.13", *rows, kind=kind, override=ColumnDrift(measure=measure)).value

    return answer


def equal_widths(measure: Callable[[exact.Pair], float]) -> Callable[[dict[str, Any]], float]:
    return lambda case: measure(exact.equal_widths(*numbers(case), bins=10))


def of_shares(measure: Callable[[exact.Pair], float]) -> Callable[[dict[str, Any]], float]:
    return lambda case: measure((np.array(case["reference"], float), np.array(case["current"], float)))


def smallest_float(pair: exact.Pair) -> float:
    return distances.psi_floored(pair, floor=TINY)


def cut(case: dict[str, Any]) -> exact.Pair:
    edges = case["params"]["edges"]
    before, after = (
        np.bincount(np.searchsorted(edges, side, side="right"), minlength=len(edges) + 1).astype(float)
        for side in numbers(case)
    )
    return before, after


def quantile_psi(case: dict[str, Any]) -> float:
    """feature_engine: ten quantile bins of the reference, open at both ends; 0.0001 is not reached here."""
    reference, current = numbers(case)
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, 11)))[1:-1]
    before, after = (
        np.bincount(np.searchsorted(edges, side, side="left"), minlength=len(edges) + 1).astype(float)
        for side in (reference, current)
    )
    return distances.psi_floored((before, after), floor=0.0001)


def by_score(case: dict[str, Any]) -> exact.Pair:
    """Rows of each class per distinct score, in rising order."""
    score, target = np.array(case["reference"]), np.array(case["current"])
    good, other = exact.by_value(score[target == 1], score[target == 0])
    return good, other


def area(case: dict[str, Any]) -> float:
    good, other = by_score(case)
    return roc_area(good.astype(np.int64), other.astype(np.int64)).value


def limit(case: dict[str, Any]) -> float:
    given = case["params"]
    return distances.psi_limit_by_chance(given["N"], given["M"], cells=given["bins"], p_value=given["p_value"])


def null_is_a_value(case: dict[str, Any]) -> exact.Pair:
    return exact.value_counts(*([str(v) for v in case[side]] for side in ("reference", "current")))[1]


def single(case: dict[str, Any]) -> float:
    return distances.hellinger(exact.by_value(*numbers(case)))


def separation(case: dict[str, Any]) -> float:
    return distances.separation(*by_score(case))


WAYS: dict[tuple[str, str], Callable[[dict[str, Any]], float | None]] = {
    ("evidently", "chisquare"): evidently("chi_square", kind="category"),
    ("evidently", "hellinger"): evidently("hellinger"),
    ("evidently", "two-proportion z"): lambda c: exact.proportions_z_p(first_and_rest(c)),
    ("evidently", "z-test"): evidently("z"),
    ("evidently", "anderson"): evidently("anderson_darling"),
    ("evidently", "t-test"): evidently("t"),
    ("evidently", "G-test"): evidently("g", kind="category"),
    ("evidently", "cramer"): evidently("cramer_von_mises"),
    ("evidently", "mann"): evidently("mann_whitney"),
    ("evidently", "energy"): evidently("energy"),
    ("evidently", "epps"): evidently("epps_singleton"),
    ("evidently", "fisher"): evidently("fisher"),
    ("evidently", "PSI"): evidently("psi"),
    ("nannyml", "jensen"): nannyml("jensen_shannon"),
    ("nannyml", "wasserstein"): nannyml("wasserstein"),
    ("nannyml", "hellinger"): nannyml("hellinger"),
    ("nannyml", "L-infinity"): nannyml("l_infinity"),
    ("frouros", "chi-square (ref"): lambda c: distances.contingency_chi_square(pair_of(c))[0],
    ("frouros", "chi-square p"): lambda c: distances.contingency_chi_square(pair_of(c))[1],
    ("frouros", "EMD"): lambda c: exact.wasserstein(*numbers(c)),
    ("frouros", "energy"): lambda c: rank_tests.energy(*numbers(c)),
    ("frouros", "KL"): equal_widths(distances.kullback_leibler),
    ("frouros", "histogram"): equal_widths(distances.total_variation),
    ("frouros", "PSI"): equal_widths(smallest_float),
    ("frouros", "hellinger"): equal_widths(distances.hellinger),
    ("popmon", "PSI"): of_shares(smallest_float),
    ("popmon", "KL"): lambda c: distances.kullback_leibler((np.array(c["current"]), np.array(c["reference"]))),
    ("popmon", "two-histogram"): of_shares(distances.histogram_chi_square),
    ("toad", "PSI"): lambda c: distances.psi_floored(cut(c), floor=0.0001),
    ("toad", "credit KS"): separation,
    ("toad", "AUC"): area,
    ("deepchecks", "earth mover"): lambda c: rank_tests.scaled_wasserstein(*numbers(c)),
    ("deepchecks", "Cramer's V"): lambda c: distances.cramers_v(null_is_a_value(c)),
    ("feature_engine", "sample-size"): limit,
    ("feature_engine", "PSI drift_cat"): lambda c: distances.psi_floored(pair_of(c), floor=0.0001),
    ("feature_engine", "PSI"): quantile_psi,
    ("whylogs", "hellinger"): single,
}


def first_and_rest(case: dict[str, Any]) -> exact.Pair:
    """Evidently's test as a function of its own: whatever is not the first value, missing ones too, is the other."""
    first = exact.value_counts(case["reference"], case["current"])[0][0]
    sides = (case["reference"], case["current"])
    before, after = (np.array([side.count(first), len(side) - side.count(first)], dtype=float) for side in sides)
    return before, after


def way_of(case: dict[str, Any]) -> Callable[[dict[str, Any]], float | None] | None:
    named = [start for peer, start in WAYS if peer == case["peer"] and case["method"].startswith(start)]
    return WAYS[case["peer"], max(named, key=len)] if named else None


def reason_of(case: dict[str, Any]) -> str | None:
    if case["peer"] == "alibi-detect":
        return ALIBI
    return next((why for start, why in NOT_OURS.items() if case["method"].startswith(start)), None)


@pytest.mark.skipif(not CASES, reason=f"{FILE.name} is absent")
def test_every_case_is_computed_or_has_its_reason() -> None:
    assert len(CASES) == 102
    told = [(way_of(case) is not None, reason_of(case) is not None) for case in CASES]
    assert all(one != other for one, other in told), "each case stands on exactly one side"
    assert sum(one for one, _ in told) >= 80


@pytest.mark.parametrize("at", [i for i, case in enumerate(CASES) if not reason_of(case)])
def test_the_peer_s_own_number(at: int) -> None:
    case = CASES[at]
    way = way_of(case)
    assert way is not None
    found, expected = way(case), case["expected"]
    assert found is not None, "not computable"
    if expected in (inf, "inf"):
        assert found == inf
        return
    assert found == pytest.approx(expected, abs=case["tolerance"] + BELOW_PRINTED), case["method"]


@pytest.mark.parametrize("at", [i for i, case in enumerate(CASES) if case["peer"] == "alibi-detect" and i >= 98])
def test_the_p_values_that_alibi_detect_corrects(at: int) -> None:
    case = CASES[at]
    found = distances.contingency_chi_square(pair_of(case))[1]
    assert (found < case["params"]["p_val"] / case["params"]["n_features"]) is case["expected"]


@pytest.mark.parametrize("at", [i for i, case in enumerate(CASES) if case["method"].startswith("total variation")])
def test_the_distance_behind_the_permutations(at: int) -> None:
    """Our total variation, permuted from another seed: the same p-value but for the luck of 4,000 draws."""
    case = CASES[at]
    before, after = pair_of(case)
    observed = distances.total_variation((before, after))
    together = (before + after).astype(np.int64)
    draws = np.random.default_rng(1).multivariate_hypergeometric(together, int(before.sum()), size=4_000)
    gaps = [distances.total_variation((draw.astype(float), (together - draw).astype(float))) for draw in draws]
    assert (np.array(gaps) >= observed - 1e-12).mean() == pytest.approx(case["expected"], abs=0.05)


def test_the_columns_of_the_table_with_one_drifted_of_three() -> None:
    cases = [case for case in CASES if case["method"] == "share of drifted columns"]
    for case in cases:
        drifted = 0
        for name, reference in case["reference"].items():
            kind = "number" if isinstance(reference[0], int) else "category"
            verdict = judge_rows(
                "evidently-0.7", reference, case["current"][name], kind=kind, override=ColumnDrift(at_most=0.7)
            )
            drifted += verdict.status is Status.OUTSIDE
        assert drifted / len(case["reference"]) == pytest.approx(case["expected"])
