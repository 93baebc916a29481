"""Labels that come in the same file as predictions are in the trail as those that come alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from service.commands.hubs import init_hub
from service.commands.ingest import ingest
from service.commands.models import add_model
from service.commands.sites import add_site
from service.wiring import Hub, local_viewer, open_hub
from store import trail
from store.bins import Section

COLUMNS = {
    "id": "id",
    "time": "t",
    "prediction": "y",
    "outcome": "z",
    "inputs": [{"name": "x", "range": [0, 1]}],
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    init_hub(tmp_path / "hub", settings=f'[hub]\nclock = "{datetime(2026, 3, 1).isoformat()}Z"\n')
    opened = open_hub(tmp_path / "hub", environ={})
    owner = local_viewer()
    add_site(opened, owner, name="s")
    add_model(opened, owner, text=json.dumps({"name": "m", "version": "1", "columns": COLUMNS}), source="m.json")
    lines = "".join(f"r{i},2026-01-01,{i % 2},0.5,{i % 2}\n" for i in range(40))
    (tmp_path / "rows.csv").write_text("id,t,y,x,z\n" + lines)
    ingest(opened, owner, paths=[tmp_path / "rows.csv"], site="s", model="m")
    yield opened
    opened.close()


def test_they_are_counted_and_hold(hub: Hub) -> None:
    reads = hub.store.reads(local_viewer())
    spec = reads.spec("m", "1")
    assert spec is not None
    (blocks,) = reads.summary_blocks("m", "1", spec, Section.LABELLED)
    assert blocks.counts[:, spec.labelled_joint].sum() == 40
    assert reads.verify_trail(data=True).holds


@pytest.mark.parametrize(
    "change",
    ["UPDATE labels_1 SET label = '1' WHERE id = 'r2'", "DELETE FROM labels_1", "UPDATE labels_1 SET id = 'q' || id"],
)
def test_a_changed_label_is_found(hub: Hub, change: str) -> None:
    cursor = hub.store.cursor()
    cursor.execute("BEGIN")
    cursor.execute(change)
    whats = [flaw.what for flaw in trail.verify(cursor, data=True).flaws]
    cursor.execute("ROLLBACK")
    assert whats == ["labels that came with rows were changed"]
