"""A small world for tests of the service: a hub, sites, a lender's model, and rows of it made by counting."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from service.commands.hubs import init_hub
from service.commands.ingest import ingest
from service.commands.models import add_model
from service.commands.sites import add_site
from service.config import parse
from service.wiring import Hub, local_viewer, memory_hub, open_hub
from store.access import Grant, Viewer
from store.summary import SummaryBlocks

NOW = datetime(2026, 11, 2, 3)
FIRST = datetime(2026, 10, 5)
"""A Monday, four weeks before NOW: its days are counted by the day, not by the hour."""
SETTINGS = """[hub]
org = "Harbour Credit"
clock = "2026-11-02T03:00:00Z"

[people.customers]
epsilon = "3"
delta = "1e-6"
per = "30d"
block = "7d"
"""
MODEL = """name: loan
version: "1"
title: Loans
owner: {team: credit-risk}
tier: {level: 1, why: test}
task: binary
columns:
  id: id
  time: at
  prediction: {column: approved, good: 1, values: [0, 1]}
  score: probability
  outcome: {column: repaid, expected_after: 5d}
  inputs:
    - {name: income, type: number, range: [0, 100]}
    - {name: purpose, type: category, values: [car, home]}
  groups: {sex: {values: [F, M]}}
  segments: [channel]
  person: customer
watch:
  window: {every: 1d, at_least: 20, up_to: 7d}
  fairness: [{measure: selection_rate_ratio, of: sex, at_least: 0.8, source: policy}]
  quality: {missing: 0.05, unseen: 0.01}
privacy: {people: customers, unit: user-day, contributions: 1}
"""
OWNER = local_viewer()
INPUT_COLUMNS = ("id", "at", "income", "purpose", "sex", "channel", "customer")
OUTPUT_COLUMNS = ("id", "at", "approved", "probability")


def row(n: int, *, day: int | None = None, **other: Any) -> dict[str, Any]:
    """The nth row: everything in it follows from n, 40 a day, each 31 minutes after the one before."""
    on = n // 40 if day is None else day
    return {
        "id": f"r{n:05d}",
        "at": (FIRST + timedelta(days=on, minutes=31 * (n % 40))).isoformat() + "Z",
        "income": (n * 37) % 101,
        "purpose": ("car", "home", "boat")[(n * 7) % 3],
        "sex": "FM"[n % 2],
        "channel": ("web", "branch")[(n // 3) % 2],
        "customer": f"C{n % 25:03d}",
        "approved": int((n * 13) % 5 < 3),
        "probability": ((n * 29) % 100) / 100,
        **other,
    }


def rows_of(start: int, stop: int) -> list[dict[str, Any]]:
    return [row(n) for n in range(start, stop)]


def label(n: int, *, value: int | None = None) -> dict[str, Any]:
    return {"id": f"r{n:05d}", "repaid": int(n % 4 != 0) if value is None else value}


def part(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> list[dict[str, Any]]:
    return [{name: found[name] for name in columns} for found in rows]


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_lines(path: Path, rows: Iterable[dict[str, Any] | str]) -> Path:
    texts = [found if isinstance(found, str) else json.dumps(found) for found in rows]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def populate(hub: Hub, *, model: str = MODEL, sites: Sequence[tuple[str, str]] = (("cloud", "rows"),)) -> Hub:
    for name, sharing in sites:
        add_site(hub, OWNER, name=name, sharing=sharing)
    add_model(hub, OWNER, text=model, source="loan.yaml")
    return hub


def hub_in_memory(now: datetime = NOW) -> Hub:
    """Without a folder: what it takes in goes nowhere but into its tables."""
    return memory_hub(parse(SETTINGS, environ={}), lambda: now, b"salt")


def hub_on_disk(path: Path, *, settings: str = SETTINGS) -> Hub:
    init_hub(path, settings=settings)
    return open_hub(path, environ={})


def take(
    hub: Hub, path: Path, *, site: str = "cloud", kind: str = "predictions", viewer: Viewer = OWNER
) -> dict[str, Any]:
    """The one receipt of one file."""
    done = ingest(hub, viewer, paths=[path], site=site, model="loan", kind=kind)
    assert not done["errors"] and len(done["receipts"]) == 1
    receipt: dict[str, Any] = done["receipts"][0]
    return receipt


def viewer_with(*grants: Grant, name: str = "someone") -> Viewer:
    return Viewer(name, grants)


Sums = dict[tuple[str, str | None, str, str], list[int]]


def summaries(hub: Hub, *, site: str = "cloud", as_of: int | None = None) -> Sums:
    """(section, segment, start, end) to its merged counts; all-zero blocks left out, so that +1 -1 is nothing."""
    reads = hub.store.reads(OWNER, as_of)
    spec = reads.spec("loan", "1")
    if spec is None:
        return {}
    out: Sums = {}
    for segment in (None, *reads.segments("loan", "1", spec)):
        for section in spec.widths:
            for blocks in reads.summary_blocks("loan", "1", spec, section, segment):
                if blocks.site == site:
                    out |= _cells(blocks)
    return out


def _cells(blocks: SummaryBlocks) -> Sums:
    told = zip(blocks.starts.tolist(), blocks.ends.tolist(), blocks.counts.tolist(), strict=True)
    return {
        (blocks.section, blocks.segment, str(start), str(end)): counts for start, end, counts in told if any(counts)
    }
