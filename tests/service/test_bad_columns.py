"""Columns that break other tools: each gives results with a status; never a NaN, never a crash, under any rules."""

from __future__ import annotations

import csv
import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from world import OWNER, hub_in_memory, populate, take

from service.commands.monitoring import monitor

NUMBERS = ("plain", "constant", "gone", "endless", "huge", "alone")
CATEGORIES = ("word", "fresh", "many", "empty")
MODEL = """name: loan
version: "1"
task: binary
columns:
  time: at
  prediction: {{column: approved, good: 1, values: [0, 1]}}
  inputs:
{inputs}
watch:
  window: {{every: 1d, at_least: 20, up_to: 7d}}
  drift: {drift}
"""
START = datetime(2026, 10, 5)
KNOWN = {"within", "outside", "unclear", "too_few", "no_labels", "no_reference", "not_computable", "stale"}


def rows(n: int, *, current: bool) -> list[dict[str, Any]]:
    out = []
    zones = ("Z", "+02:00", "-05:30", "")
    for i in range(n):
        out.append({
            "at": (START + timedelta(minutes=i % 600)).isoformat() + zones[i % 4 if current else 0],
            "approved": i % 2,
            "plain": (i * 37) % 101 / 7,
            "constant": 7,
            "gone": "" if current else i % 9,
            "endless": ("inf", "-inf", "NaN", str(i))[i % 4],
            "huge": 2**53 + i if current else i % 50,
            "alone": i if i == 3 else "",
            "word": "ab"[i % 2],
            "fresh": f"new {i % 3}" if current else "old",
            "many": f"v{i}",
            "empty": "",
        })  # fmt: skip
    return out


def write(path: Path, found: list[dict[str, Any]], *, without: tuple[str, ...] = ()) -> Path:
    names = [name for name in found[0] if name not in without]
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(found)
    return path


def judged(
    tmp_path: Path, drift: str, *, reference: int = 400, current: int = 400, without: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    lines = [f"    - {{name: {name}, type: number}}" for name in NUMBERS]
    lines += [f"    - {{name: {name}, type: category}}" for name in CATEGORIES]
    hub = populate(hub_in_memory(), model=MODEL.format(inputs="\n".join(lines), drift=drift))
    try:
        if reference:
            take(hub, write(tmp_path / "reference.csv", rows(reference, current=False)), kind="reference")
        take(hub, write(tmp_path / "rows.csv", rows(current, current=True), without=without))
        monitor(hub, OWNER)
        return hub.store.reads(OWNER).results()
    finally:
        hub.close()


def checked(results: list[dict[str, Any]]) -> dict[tuple[str, str], set[str]]:
    said: dict[tuple[str, str], set[str]] = {}
    for result in results:
        assert result["status"] in KNOWN
        for value in (result["value"], *(result["interval"] or ())):
            assert value is None or math.isfinite(value), result
        _no_nan(result["details"])
        said.setdefault((result["monitor"], result["about"]), set()).add(result["status"])
    return said


def _no_nan(value: Any) -> None:
    if isinstance(value, dict):
        for inner in value.values():
            _no_nan(inner)
    elif isinstance(value, list):
        for inner in value:
            _no_nan(inner)
    elif isinstance(value, float):
        assert math.isfinite(value)


MEASURES = (
    "psi", "jensen_shannon", "hellinger", "kl", "total_variation", "l_infinity", "chi_square", "g", "ks", "wasserstein",
    "mann_whitney", "t", "z", "energy", "cramer_von_mises", "anderson_darling",
)  # fmt: skip


@pytest.mark.parametrize("method_set", ["bailiwick", "evidently-0.7", "azureml", "nannyml-0.13", "trustyai"])
def test_every_set_of_rules_says_something_of_every_column(tmp_path: Path, method_set: str) -> None:
    said = checked(judged(tmp_path, method_set))
    assert {about for monitor_, about in said if monitor_ == "drift"} == {*NUMBERS, *CATEGORIES}
    assert said["drift", "empty"] & {"no_reference", "too_few", "not_computable"}
    assert not said["drift", "constant"] & {"outside", "unclear"}, "nothing moved"
    assert "outside" in said["drift", "huge"] or method_set == "nannyml-0.13"


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_says_something_of_every_column(tmp_path: Path, measure: str) -> None:
    own = ", ".join(f"{name}: {{measure: {measure}}}" for name in (*NUMBERS, *CATEGORIES))
    said = checked(judged(tmp_path, f"{{columns: {{{own}}}}}"))
    assert {about for monitor_, about in said if monitor_ == "drift"} == {*NUMBERS, *CATEGORIES}
    assert not said["drift", "constant"] & {"outside", "unclear"}
    assert not said["drift", "gone"] & {"within", "outside"}, "nothing came, so nothing is said"


@pytest.mark.parametrize("method_set", ["bailiwick", "evidently-0.7", "azureml", "nannyml-0.13", "trustyai"])
@pytest.mark.parametrize(("reference", "current"), [(1, 1), (1, 400), (400, 1), (0, 50)])
def test_one_row_and_no_reference(tmp_path: Path, method_set: str, reference: int, current: int) -> None:
    said = checked(judged(tmp_path, method_set, reference=reference, current=current))
    assert {about for monitor_, about in said if monitor_ == "drift"} == {*NUMBERS, *CATEGORIES}
    if current == 1:
        assert not any("within" in statuses for (kind, _), statuses in said.items() if kind == "drift")


def test_a_column_that_production_lacks_is_one_result_of_quality(tmp_path: Path) -> None:
    results = judged(tmp_path, "bailiwick", without=("plain", "word"))
    said = checked(results)
    assert said["drift", "plain"] == {"too_few"} and said["quality", "plain"] == {"outside"}
    told = [r for r in results if r["monitor"] == "quality" and r["about"] == "plain"]
    assert told and all(r["details"]["absent"] is True and r["value"] == 1.0 for r in told)


def test_a_hundred_thousand_categories(tmp_path: Path) -> None:
    said = checked(judged(tmp_path, "bailiwick", reference=100_000, current=3_000))
    assert said["drift", "many"] <= {"within", "outside", "too_few"}
