"""A silence that lasts is one result that is told again by the hour, not one more at every round."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from service.commands.hubs import init_hub
from service.commands.ingest import ingest
from service.commands.models import add_model
from service.commands.monitoring import monitor
from service.commands.sites import add_site
from service.wiring import local_viewer, open_hub

START = datetime(2026, 3, 1)


def test_a_lasting_silence_is_one_result(tmp_path: Path) -> None:
    init_hub(tmp_path / "hub")
    hub, owner, clock = open_hub(tmp_path / "hub", environ={}), local_viewer(), [START]
    hub.store.now = lambda: clock[0]
    hub = replace(hub, now=hub.store.now)
    add_site(hub, owner, name="s", contact_window=timedelta(hours=6))
    columns = {"id": "id", "time": "t", "inputs": [{"name": "x", "range": [0, 1]}]}
    add_model(hub, owner, text=json.dumps({"name": "m", "version": "1", "columns": columns}), source="m.json")
    (tmp_path / "rows.csv").write_text("id,t,x\na,2026-02-28T20:00:00Z,0.5\n")
    ingest(hub, owner, paths=[tmp_path / "rows.csv"], site="s", model="m")
    seen = []
    for minutes in (0, 5, 150, 155, 160, 600):
        clock[0] = START + timedelta(minutes=minutes)
        monitor(hub, owner)
        (told,) = hub.store.reads(owner).results(monitor="silence")
        seen.append((told["status"], round(told["value"], 2)))
    assert seen == [("within", 4), ("within", 4), ("stale", 6.5), ("stale", 6.5), ("stale", 6.5), ("stale", 14)]
    recorded = hub.store.reads(owner).results(monitor="silence", history=True)
    assert [row["value"] for row in recorded] == [4, 6.5, 14]
    (alert,) = hub.store.reads(owner).alerts()
    assert (alert["condition"], alert["count"]) == ("firing", 1)
    assert "silent for 14 hours" in alert["sentence"]
    hub.close()
