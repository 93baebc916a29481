"""docs/method.md names every measure, with its default limit, as the code has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitors.measures import MEASURES
from monitors.performance import MEASURES as PERFORMANCE

TEXT = (Path(__file__).parents[2] / "docs" / "method.md").read_text(encoding="utf-8")


def rows_of(heading: str) -> dict[str, list[str]]:
    part = TEXT.split(f"\n## {heading}", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return {
        cells[1].strip().strip("`"): [cell.strip() for cell in cells] for cells in (line.split("|") for line in lines)
    }


@pytest.mark.parametrize("name", list(MEASURES))
def test_every_drift_measure_stands_with_its_limit_and_what_it_needs(name: str) -> None:
    row = rows_of("Drift, method set `bailiwick`")[name]
    assert float(row[3]) == MEASURES[name].limit
    assert row[5] == ("counts" if MEASURES[name].counts else "rows")
    assert all(row[1:7])


@pytest.mark.parametrize("name", list(PERFORMANCE))
def test_every_measure_of_performance_has_its_formula(name: str) -> None:
    assert f"`{name}`" in TEXT.split("\n## Performance", 1)[1].split("\n## ", 1)[0]
