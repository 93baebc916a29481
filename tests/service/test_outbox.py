"""Notices: written down before the run is committed, sent once each, kept while a sink is away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from service import outbox
from service.commands.hubs import init_hub
from service.commands.ingest import ingest
from service.commands.models import add_model
from service.commands.monitoring import monitor
from service.commands.sites import add_site
from service.wiring import Hub, local_viewer, open_hub

NOW = datetime(2026, 3, 1)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub whose only site has been silent for weeks, with a sink that writes into a folder."""
    settings = f'[hub]\nclock = "{NOW.isoformat()}Z"\n[sinks.desk]\nkind = "folder"\npath = "{tmp_path / "desk"}"\n'
    init_hub(tmp_path / "hub", settings=settings)
    opened = open_hub(tmp_path / "hub", environ={})
    owner = local_viewer()
    add_site(opened, owner, name="s")
    columns = {"id": "id", "time": "t", "inputs": [{"name": "x", "range": [0, 1]}]}
    text = json.dumps({"name": "m", "version": "1", "columns": columns})
    add_model(opened, owner, text=text, source="m.json")
    rows = tmp_path / "rows.csv"
    rows.write_text("id,t,x\n" + "".join(f"{i},2026-01-01T00:00:00Z,0.{i}\n" for i in range(10, 60)))
    ingest(opened, owner, paths=[rows], site="s", model="m")
    yield opened
    opened.close()


def test_an_alert_that_opens_is_told_once(hub: Hub, tmp_path: Path) -> None:
    monitor(hub, local_viewer())
    told = [json.loads(path.read_text()) for path in (tmp_path / "desk").glob("*.json")]
    assert [notice["data"]["monitor"] for notice in told] == ["silence"]
    assert "has been silent for" in told[0]["text"]
    assert told[0]["link"].endswith(f"/alert?id={told[0]['data']['id']}")
    monitor(hub, local_viewer())
    assert len(list((tmp_path / "desk").glob("*.json"))) == 1
    assert not list((hub.folder / "spool" / "notices").rglob("*.json"))


def test_what_cannot_be_sent_yet_waits(hub: Hub, tmp_path: Path) -> None:
    desk = tmp_path / "desk"
    desk.write_text("a file where a folder should be")
    monitor(hub, local_viewer())
    assert len(list((hub.folder / "spool" / "notices").rglob("*.json"))) == 1
    assert outbox.deliver(hub) == {"sent": 0, "waiting": 1, "failed": 0}
    desk.unlink()
    assert outbox.deliver(hub) == {"sent": 1, "waiting": 0, "failed": 0}
    assert len(list(desk.glob("*.json"))) == 1
