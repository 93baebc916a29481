"""How many outcomes that are due have come, and how long they took: numbers per site and model."""

from __future__ import annotations

from pathlib import Path

import pytest
from world import FIRST, NOW, OWNER, hub_in_memory, label, populate, row, rows_of, take, viewer_with, write_csv

from reports.words import arrivals
from store.access import Grant


def test_the_share_of_those_due_and_the_time_they_took(tmp_path: Path) -> None:
    clock = [NOW]
    hub = populate(hub_in_memory(), sites=(("cloud", "rows"), ("north", "rows"), ("branch", "counts")))
    object.__setattr__(hub.store, "now", lambda: clock[0])
    # Ten days of 40 rows, an outcome is expected after five: at FIRST + 8 d 12 h, three whole days are due.
    take(hub, write_csv(tmp_path / "a.csv", rows_of(0, 400)))
    take(hub, write_csv(tmp_path / "n.csv", rows_of(0, 40)), site="north")
    clock[0] = FIRST.replace(day=FIRST.day + 6)
    take(hub, write_csv(tmp_path / "l1.csv", [label(n) for n in range(30)]), kind="labels")
    clock[0] = FIRST.replace(day=FIRST.day + 8, hour=12)
    take(hub, write_csv(tmp_path / "l2.csv", [label(n) for n in range(20, 60)]), kind="labels")
    cloud, north = hub.store.reads(OWNER).label_arrivals()
    assert (cloud["site"], cloud["due"], cloud["labelled"], cloud["share"]) == ("cloud", 120, 60, 0.5)
    first, then = FIRST.replace(day=FIRST.day + 6), clock[0]
    took = sorted(
        (known - FIRST).total_seconds() - (n // 40) * 86_400 - 31 * 60 * (n % 40)
        for known, labelled in ((first, range(30)), (then, range(30, 60)))
        for n in labelled
    )
    assert cloud["latency_median_s"] == pytest.approx(took[29]) or cloud["latency_median_s"] == pytest.approx(took[30])
    assert took[53] <= cloud["latency_p90_s"] <= took[54]
    assert (north["site"], north["due"], north["labelled"], north["share"]) == ("north", 40, 0, 0.0)
    assert north["latency_median_s"] is None
    assert arrivals(north) == "0.0 % of 40 due"
    assert arrivals(cloud).startswith("50.0 % of 120 due, median after 6 days, nine in ten within")
    assert hub.store.reads(OWNER).label_arrivals("north") == [north]
    assert hub.store.reads(viewer_with(Grant("data", site="north"))).label_arrivals() == [north]
    hub.close()


def test_where_nothing_is_due_there_is_no_share(tmp_path: Path) -> None:
    hub = populate(hub_in_memory())
    assert hub.store.reads(OWNER).label_arrivals() == []
    take(hub, write_csv(tmp_path / "a.csv", [row(0, at="2026-11-01T12:00:00Z")]))
    assert hub.store.reads(OWNER).label_arrivals() == []
    hub.close()
