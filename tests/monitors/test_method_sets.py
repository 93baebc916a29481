from __future__ import annotations

import csv
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitors.method_sets import METHOD_SETS, judge_rows, rows_results
from monitors.subject import Subject
from store.bins import BinSpec, CategoryBins, NumberBins
from store.model_file import ColumnDrift, DriftWatch
from store.result import Monitor, Status, table_of

DATA = Path(os.environ.get("BAILIWICK_TEST_DATA", Path(__file__).parents[2] / "../shared/data"))
RNG = np.random.default_rng(17)


@pytest.mark.parametrize(
    ("n", "kind", "values", "measure"),
    [
        (1000, "number", 6, "ks_p"),
        (1000, "number", 5, "chi_square_p"),
        (1000, "number", 2, "z_p"),
        (1000, "category", 3, "chi_square_p"),
        (1000, "category", 2, "z_p"),
        (1001, "number", 6, "normed_wasserstein"),
        (1001, "number", 5, "jensen_shannon"),
        (1001, "category", 60, "jensen_shannon"),
    ],
)
def test_evidently_chooses_by_rows_and_distinct_values(n: int, kind: str, values: int, measure: str) -> None:
    sample = [float(i % values) if kind == "number" else f"v{i % values}" for i in range(n)]
    verdict = judge_rows("evidently-0.7", sample, sample[:500], kind=kind)
    assert verdict.measure == measure and verdict.status is Status.WITHIN
    assert verdict.limit == (0.05 if measure.endswith("_p") else 0.1)
    assert verdict.limit_op == ("at_least" if measure.endswith("_p") else "at_most")


def test_a_column_s_own_measure_and_limit() -> None:
    sample = RNG.normal(size=2000)
    psi = judge_rows(
        "evidently-0.7", sample, sample + 1, kind="number", override=ColumnDrift(measure="psi", at_most=5.0)
    )
    assert psi.measure == "psi" and psi.limit == 5.0 and psi.status is Status.WITHIN
    assert psi.method["binning"].startswith("sturges")
    ks = judge_rows("azureml", sample, sample + 1, kind="number", override=ColumnDrift(measure="ks"))
    assert ks.measure == "ks_p" and ks.limit == 0.05 and ks.status is Status.OUTSIDE


@pytest.mark.parametrize("name", [*METHOD_SETS, "evidentaly-0.7"])
def test_a_number_stands_only_under_its_own_name(name: str) -> None:
    verdict = judge_rows(name, [1.0, 2.0] * 50, [1.0, 2.0] * 50, kind="number")
    if name in ("evidently-0.7", "azureml", "nannyml-0.13", "trustyai"):
        assert verdict.value is not None and verdict.status is Status.WITHIN
    else:
        assert verdict.value is None and verdict.status is Status.NOT_COMPUTABLE and verdict.reason


def test_what_a_peer_does_not_have_is_not_computable() -> None:
    for measure in ("ks", "wasserstein", "energy", "total_variation"):
        verdict = judge_rows("evidently-0.7", ["a"], ["b"], kind="category", override=ColumnDrift(measure=measure))
        assert verdict.status is Status.NOT_COMPUTABLE and verdict.value is None and verdict.limit is None
    single = judge_rows("azureml", ["a"], ["a"], kind="category", override=ColumnDrift(measure="chi_square"))
    assert single.status is Status.NOT_COMPUTABLE


def test_no_rows_is_no_verdict() -> None:
    assert judge_rows("azureml", [1.0], [None, float("nan")], kind="number").status is Status.TOO_FEW
    assert judge_rows("azureml", [], [1.0], kind="number").status is Status.NO_REFERENCE
    assert judge_rows("evidently-0.7", [], [], kind="category").reason == "no values in the reference"


def test_results_of_every_column() -> None:
    spec = BinSpec(
        task="binary",
        inputs=(NumberBins("x", (0.0, 1.0), 0.0, 1.0), CategoryBins("c", ("a",)), CategoryBins("gone", ("a",))),
        prediction=CategoryBins("y", ("0", "1")),
        score=NumberBins("p", (0.0, 1.0), 0.0, 1.0),
    )
    before: dict[str, Any] = {"x": np.arange(100.0), "c": ["a", "b"] * 50, "y": ["0", "1"] * 50}
    after: dict[str, Any] = {"x": np.arange(100.0) + 500, "c": ["a", "b"] * 50, "y": ["1"] * 100}
    subject = Subject("m", "1", "s", None, datetime(2026, 9, 1), datetime(2026, 9, 2))
    watch = DriftWatch(method_set="azureml", columns=(("x", ColumnDrift(at_most=0.2, source="policy")),))
    made = rows_results(spec, before, after, subject=subject, watch=watch)
    assert table_of(made).num_rows == 4
    told = {r.about: (r.monitor, r.measure, r.status, r.limit_source) for r in made}
    assert told == {
        "x": ("drift", "normed_wasserstein", "outside", "policy"),
        "c": ("drift", "jensen_shannon", "within", "azureml default"),
        "gone": ("drift", "jensen_shannon", "no_reference", None),
        "y": ("prediction_drift", "jensen_shannon", "outside", "azureml default"),
    }
    only = rows_results(spec, before, after, subject=subject, watch=watch, monitor=Monitor.PREDICTION_DRIFT)
    assert [r.about for r in only] == ["y"]
    few = rows_results(spec, before, after, subject=subject, watch=watch, at_least=200)
    assert {r.status for r in few} == {"too_few", "no_reference"}
    assert few[0].value is not None and few[0].details["reason"] == "100 rows; this watch asks for at least 200"
    assert all(r.method["basis"] == "rows" and r.method["name"] == "azureml" for r in made)


# -- numbers that others published or computed ------------------------------------------------------------------

GOLDEN = {  # Evidently 0.7.23 run for real; Azure ML's formulas
    "LIMIT_BAL": {"ev": ("ks_p", 0.039056), "ev_js": 0.188324, "az_js": 0.215768, "ev_psi": 0.465016,
                  "az_psi": 0.151197, "ev_w": 0.344202, "az_w": 0.343332},
    "AGE": {"ev": ("ks_p", 0.0), "ev_js": 0.466643, "az_js": 0.550339, "ev_psi": 2.903232, "az_psi": 1.346523,
            "ev_w": 0.854812, "az_w": 0.852651},
    "BILL_AMT1": {"ev": ("ks_p", 0.030875), "ev_js": 0.142985, "az_js": 0.156718, "ev_psi": 0.208304,
                  "az_psi": 0.097271, "ev_w": 0.168687, "az_w": 0.168261},
    "PAY_AMT1": {"ev": ("ks_p", 0.889861), "ev_js": 0.156626, "az_js": 0.150565, "ev_psi": 0.345045, "az_psi": 0.044090,
                 "ev_w": 0.095104, "az_w": 0.094863},
    "SEX": {"ev": ("z_p", 0.0), "ev_js": 0.473457, "az_js": 0.568680, "ev_psi": 4.775097, "az_psi": 2.356382},
    "EDUCATION": {"ev": ("chi_square_p", 0.0), "ev_js": 0.158354, "az_js": 0.190203, "ev_psi": 0.302675,
                  "az_psi": 0.166928},
    "PAY_0": {"ev": ("chi_square_p", 0.0), "ev_js": 0.217468, "az_js": 0.261206, "ev_psi": 0.470911,
              "az_psi": 0.301311},
}  # fmt: skip


def golden_columns() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    folder = DATA / "logs/azureml_mdc/e2e/resources"
    names = ("baseline", "production")
    paths = [folder / f"mltable_test_with_timestamp_{name}_data" / f"{name}.csv" for name in names]
    if not all(path.exists() for path in paths):
        pytest.skip(f"{folder} is absent: Azure's test logs are not part of this repository")
    sides = []
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        sides.append({name: [row[name] for row in rows] for name in rows[0]})
    return sides[0], sides[1]


@pytest.mark.realdata
@pytest.mark.parametrize("column", list(GOLDEN))
def test_golden_numbers(column: str) -> None:
    baseline, production = golden_columns()
    kind = "category" if column in ("SEX", "EDUCATION", "PAY_0") else "number"
    read = float if kind == "number" else str
    before, after = ([read(text) for text in side[column]] for side in (baseline, production))
    assert (len(before), len(after)) == (198, 99)
    expected = GOLDEN[column]
    default = judge_rows("evidently-0.7", before, after, kind=kind)
    assert (default.measure, round(default.value or 0.0, 6)) == expected["ev"]
    assert default.status == (Status.WITHIN if column == "PAY_AMT1" else Status.OUTSIDE)
    for key, method_set, measure in (
        ("ev_js", "evidently-0.7", "jensen_shannon"), ("az_js", "azureml", "jensen_shannon"),
        ("ev_psi", "evidently-0.7", "psi"), ("az_psi", "azureml", "psi"),
        ("ev_w", "evidently-0.7", "wasserstein"), ("az_w", "azureml", "wasserstein"),
    ):  # fmt: skip
        if key in expected:
            verdict = judge_rows(method_set, before, after, kind=kind, override=ColumnDrift(measure=measure))
            assert verdict.value == pytest.approx(expected[key], abs=6e-7), key
    azure = judge_rows("azureml", before, after, kind=kind)
    assert (azure.status is Status.OUTSIDE) == (column in ("AGE", "SEX")), "at Azure's defaults only these two alert"


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("column", "expected"),
    [("LIMIT_BAL", 0.254007), ("AGE", 0.656939), ("BILL_AMT1", 0.182108), ("PAY_AMT1", 0.195791)],
)
def test_nannyml_s_golden_numbers(column: str, expected: float) -> None:
    before, after = ([float(text) for text in side[column]] for side in golden_columns())
    found = judge_rows("nannyml-0.13", before, after, kind="number")
    assert found.value == pytest.approx(expected, abs=6e-7) and found.measure == "jensen_shannon"
    chunks = [judge_rows("nannyml-0.13", before, before[at : at + 19], kind="number").value for at in range(0, 198, 19)]
    assert found.method["chunks"] == len(chunks) == 11, "ten of 19 rows, and the eight that are left"
    assert found.limit == pytest.approx(np.mean(chunks) + 3 * np.std(chunks))


def test_nannyml_s_cells() -> None:
    few = [float(i % 7) for i in range(1000)]
    by_value = judge_rows("nannyml-0.13", few, [9.0] * 100, kind="number")
    assert by_value.value == pytest.approx(1.0) and by_value.status is Status.OUTSIDE
    words = ["a", "b"] * 500
    same = judge_rows("nannyml-0.13", words, words[:100], kind="category")
    assert same.value == pytest.approx(0.0, abs=1e-9) and same.status is Status.WITHIN
    many = RNG.normal(size=10_000)
    estimated = judge_rows("nannyml-0.13", many, many, kind="number", override=ColumnDrift(measure="ks"))
    assert estimated.status is Status.NOT_COMPUTABLE and "10000 rows" in (estimated.reason or "")
    largest = judge_rows("nannyml-0.13", words, ["a"] * 50, kind="category", override=ColumnDrift(measure="l_infinity"))
    assert largest.value == pytest.approx(0.5)


def test_trustyai_s_numbers() -> None:
    from scipy import stats

    before, after = RNG.normal(size=400), RNG.normal(0.3, 2, size=300)
    welch = judge_rows("trustyai", before, after, kind="number")
    assert (welch.measure, welch.limit, welch.limit_op) == ("t_p", 0.05, "at_least")
    assert welch.value == pytest.approx(stats.ttest_ind(before, after, equal_var=False).pvalue, rel=1e-12)
    kernel = judge_rows("trustyai", before, after, kind="number", override=ColumnDrift(measure="jensen_shannon"))
    grid = np.linspace(min(before.min(), after.min()), max(before.max(), after.max()), 256)
    p, q = stats.gaussian_kde(before)(grid), stats.gaussian_kde(after)(grid)
    from scipy.spatial.distance import jensenshannon

    assert kernel.value == pytest.approx(jensenshannon(p / p.sum(), q / q.sum()), abs=1e-9)
    assert judge_rows("trustyai", ["a"], ["b"], kind="category").status is Status.NOT_COMPUTABLE
    assert judge_rows("trustyai", [1.0] * 9, [2.0] * 9, kind="number").status is Status.NOT_COMPUTABLE


@pytest.mark.parametrize("measure", ["energy", "cramer_von_mises", "anderson_darling"])
def test_our_own_rule_on_rows_looks_at_effect_and_test(measure: str) -> None:
    rule = ColumnDrift(measure=measure)
    before = RNG.normal(size=20_000)
    for n in (300, 20_000):
        moved = judge_rows("bailiwick", before, RNG.normal(0.6, 1, size=n), kind="number", override=rule)
        assert moved.status is Status.OUTSIDE and moved.significant is True and moved.limit_op == "at_most"
        quiet = judge_rows("bailiwick", before, RNG.normal(size=n), kind="number", override=rule)
        assert quiet.status is Status.WITHIN and quiet.details["p_value"] > 0.001
    slight = judge_rows("bailiwick", before, RNG.normal(0.07, 1, size=20_000), kind="number", override=rule)
    assert slight.status is Status.WITHIN and slight.significant is True, "borne out, and too small to matter"
    few = judge_rows("bailiwick", before, RNG.normal(size=8), kind="number", override=rule)
    assert few.status in (Status.TOO_FEW, Status.UNCLEAR)
    constant = judge_rows("bailiwick", [1.0] * 50, [1.0] * 50, kind="number", override=rule)
    assert constant.value == pytest.approx(0.0) and constant.status is not Status.OUTSIDE
