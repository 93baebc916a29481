"""Two builds of the demo tell the same: whatever no noise was added to is equal to the last digit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.demo.build import build
from service.demo.data import MODEL, SOUTH
from service.wiring import local_viewer
from store.reads import Reads

ALL_SITES = "*"


def exact(reads: Reads) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Results of the sites without noise. All sites merged hold the noisy counts of branch-south as well."""
    keys = ("site", "monitor", "measure", "about")
    return {
        (*(row[key] for key in keys), row["window"]["from"], row["window"]["to"]): (
            row["value"],
            row["interval"],
            row["status"],
            row["n"]["current"],
        )
        for row in reads.results(model=MODEL, version="3")
        if row["site"] not in (SOUTH.site, ALL_SITES)
    }


@pytest.mark.long
def test_a_second_build_tells_the_same(reads: Reads, tmp_path: Path) -> None:
    again = build(tmp_path / "hub", progress=lambda _: None)
    try:
        second = exact(again.hub.store.reads(local_viewer()))
    finally:
        again.hub.close()
    assert len(second) > 2000
    assert exact(reads) == second
