"""Clocks: rows from the future are set aside, late ones go to the block of their event and re-open its windows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_aside import collector_log
from world import (
    MODEL,
    NOW,
    OWNER,
    SETTINGS,
    hub_on_disk,
    populate,
    row,
    rows_of,
    summaries,
    take,
    write_csv,
    write_lines,
)

from service.commands.ingest import ingest
from service.commands.models import add_model
from service.commands.monitoring import monitor
from service.commands.quarantine import retry_quarantine
from service.commands.sites import add_site
from service.wiring import Hub, open_hub


def at(**ahead: float) -> str:
    return (NOW + timedelta(**ahead)).isoformat() + "Z"


@pytest.fixture
def hub(tmp_path: Path) -> Any:
    made = populate(hub_on_disk(tmp_path / "hub"))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("allowance", "kept"), [(timedelta(0), 1), (timedelta(minutes=10), 2), (timedelta(hours=2), 3)]
)
def test_rows_from_beyond_the_sites_allowance_are_set_aside(
    hub: Hub, tmp_path: Path, allowance: timedelta, kept: int
) -> None:
    add_site(hub, OWNER, name="edge", clock_skew=allowance)
    rows = [row(0, at=at()), row(1, at=at(minutes=10)), row(2, at=at(minutes=61))]
    receipt = take(hub, write_csv(tmp_path / "a.csv", rows), site="edge")
    assert (receipt["kept"], receipt["quarantined"]) == (kept, 3 - kept)
    assert receipt["reasons"] == ({"future": 3 - kept} if kept < 3 else {})
    assert receipt["last_event"] == rows[kept - 1]["at"]
    assert hub.store.reads(OWNER).site("edge")["clock_skew_s"] == allowance.total_seconds()  # type: ignore[index]


def test_the_time_of_an_envelope_is_held_to_the_same_clock(hub: Hub, tmp_path: Path) -> None:
    add_model(hub, OWNER, text=MODEL.replace("  time: at\n", "").replace('"1"', '"2"'), source="loan.yaml")
    path = collector_log(tmp_path / "logs", [row(0, at=at(hours=3)), row(1, at=at(hours=-3))], version="2")
    assert take(hub, path)["reasons"] == {"future": 1}


@pytest.mark.parametrize("write", [write_csv, write_lines])
def test_a_row_from_the_future_can_be_read_again_when_its_time_has_come(hub: Hub, tmp_path: Path, write: Any) -> None:
    path = tmp_path / f"a.{'csv' if write is write_csv else 'jsonl'}"
    take(hub, write(path, [row(0), row(1, at=at(hours=1))]))
    held = hub.store.reads(OWNER).quarantine()[0]
    assert held["reason"] == "future" and "2026-11-02T03:10:00Z" in held["expected"]
    assert retry_quarantine(hub, OWNER, id=held["id"])["kept"] == 0
    hub.close()
    (tmp_path / "hub" / "bailiwick.toml").write_text(SETTINGS.replace("T03:00", "T05:00"))
    later = open_hub(tmp_path / "hub", environ={})
    try:
        assert retry_quarantine(later, OWNER, id=held["id"])["kept"] == 1
        assert later.store.reads(OWNER).verify_trail(data=True).holds
    finally:
        later.close()


def test_late_rows_go_to_the_block_of_their_event_and_reopen_its_windows_alone(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "a.csv", [*rows_of(0, 30), *rows_of(400, 440)]))
    monitor(hub, OWNER)
    before = summaries(hub)
    results = {(r["window"]["to"], r["monitor"], r["about"], r["segment"]): r for r in hub.store.reads(OWNER).results()}
    assert monitor(hub, OWNER)["results"] == 0
    late = write_csv(tmp_path / "late.csv", list(reversed(rows_of(30, 40))))
    take(hub, late)
    changed = {key[2] for key, counts in summaries(hub).items() if before.get(key) != counts}
    assert changed == {"2026-10-05 00:00:00"}
    assert monitor(hub, OWNER)["results"] > 0
    now = {(r["window"]["to"], r["monitor"], r["about"], r["segment"]): r for r in hub.store.reads(OWNER).results()}
    again = {key for key, found in now.items() if key not in results or found["seq"] != results[key]["seq"]}
    # A day's window may reach back a week where it has too few rows of its own; those of later weeks stand.
    assert {key[0][:10] for key in again} == {"2026-10-06"}


def test_small_batches_without_a_name_are_held_to_the_clock_too(hub: Hub, tmp_path: Path) -> None:
    for number in range(3):
        path = write_lines(tmp_path / "batch.jsonl", [row(2 * number), row(2 * number + 1, at=at(hours=number + 1))])
        done = ingest(hub, OWNER, paths=[path], site="cloud", model="loan", grows=False)
        assert done["receipts"][0]["reasons"] == {"future": 1}
