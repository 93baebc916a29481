"""NannyML's car-loan set: drift and the drop in performance are found from where they begin, and not before.

The set lies in NannyML's wheel, which `.ci/test-tools` fetches and nothing installs. Its second half (from row 25,000
of the rows served, 31 March 2019) has dearer cars, longer loans and less accurate predictions.
"""

from __future__ import annotations

import os
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from service.commands.hubs import init_hub
from service.commands.ingest import ingest
from service.commands.models import add_model
from service.commands.monitoring import monitor
from service.commands.sites import add_site
from service.wiring import local_viewer, open_hub

OWNER = local_viewer()
DRIFTED = "2019-04-01"
"""The first week that lies wholly in the second half."""
MODEL = """name: car-loan
version: "1"
task: binary
columns:
  id: id
  time: timestamp
  prediction: {column: y_pred, good: "1", values: ["0", "1"]}
  score: y_pred_proba
  outcome: {column: repaid, expected_after: 1d}
  inputs:
    - {name: car_value, type: number}
    - {name: salary_range, type: category}
    - {name: debt_to_income_ratio, type: number}
    - {name: loan_length, type: number}
    - {name: repaid_loan_on_prev_car, type: category}
    - {name: size_of_downpayment, type: category}
    - {name: driver_tenure, type: number}
watch:
  window: {every: 7d, at_least: 200}
  performance: [{measure: accuracy, at_least: 0.935}]
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, root: Path) -> list[dict[str, Any]]:
    wheels = Path(os.environ.get("BAILIWICK_TEST_WHEELS", root / ".venv" / "wheels"))
    wheel = next(iter(wheels.glob("nannyml-*.whl")), None)
    if wheel is None:
        pytest.skip(f"NannyML's wheel is not in {wheels}; .ci/test-tools fetches it")
    folder = tmp_path_factory.mktemp("cars")
    init_hub(folder / "hub", org="Example Bank")
    hub = open_hub(folder / "hub", environ={"BAILIWICK_HUB_CLOCK": "2019-09-10T00:00:00Z"})
    try:
        add_site(hub, OWNER, name="cloud", sharing="rows")
        add_model(hub, OWNER, text=MODEL, source="car-loan.yaml")
        kinds = {"reference": "reference", "analysis": "predictions", "analysis_target": "labels"}
        for name, kind in kinds.items():
            path = folder / f"{name}.csv"
            with zipfile.ZipFile(wheel) as archive:
                path.write_bytes(archive.read(f"nannyml/datasets/data/synthetic_car_loan_{name}.csv"))
            done = ingest(hub, OWNER, paths=[path], site="cloud", model="car-loan", kind=kind)
            assert [receipt["kept"] for receipt in done["receipts"]] == [50_000]
        monitor(hub, OWNER)
        found: list[dict[str, Any]] = hub.store.reads(OWNER).results(model="car-loan", site="cloud")
        return found
    finally:
        hub.close()


def outside(results: list[dict[str, Any]], *monitors: str) -> dict[str, set[str]]:
    """By the window's first day: what was outside its limit."""
    told: dict[str, set[str]] = defaultdict(set)
    for result in results:
        if result["monitor"] in monitors:
            told[result["window"]["from"][:10]] |= (
                {result["about"] or result["measure"]} if result["status"] == "outside" else set()
            )
    return told


@pytest.mark.realdata
def test_drift_is_found_from_where_it_begins(results: list[dict[str, Any]]) -> None:
    told = outside(results, "drift")
    before = [names for start, names in told.items() if start < DRIFTED]
    after = [names for start, names in told.items() if start >= DRIFTED]
    assert len(before) == 22 and not any(before)
    moved = {"car_value", "loan_length", "repaid_loan_on_prev_car", "salary_range"}
    assert len(after) == 22 and all(names == moved for names in after)


@pytest.mark.realdata
def test_the_drop_in_performance_is_found_and_not_before(results: list[dict[str, Any]]) -> None:
    told = outside(results, "performance")
    assert not any(names for start, names in told.items() if start < DRIFTED)
    found = [start for start, names in told.items() if start >= DRIFTED and "accuracy" in names]
    assert found[0] == DRIFTED and len(found) >= 14
