"""kill -9 at any moment of ingest: what was acknowledged is there once, nothing is there twice, the trail holds."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path

import pytest
from killing import check_rows, command, wait_for_work
from world import OWNER, hub_on_disk, populate, rows_of, write_csv

from service.commands.ingest import ingest
from service.commands.inspection import verify_audit
from service.wiring import open_hub

FILES, ROWS = 4, 10


@pytest.fixture
def started(tmp_path: Path) -> Path:
    hub = populate(hub_on_disk(tmp_path / "hub"))
    hub.close()
    return tmp_path / "hub"


@pytest.mark.parametrize("kills", [8, pytest.param(30, marks=pytest.mark.long)])
def test_kills_lose_nothing_and_double_nothing(started: Path, tmp_path: Path, root: Path, kills: int) -> None:
    chance = random.Random(20261102)
    acknowledged: dict[str, int] = {}
    longest = 1.5
    cut = 0
    for turn in range(kills):
        folder = tmp_path / f"turn-{turn}"
        folder.mkdir()
        for at in range(FILES):
            first = (turn * FILES + at) * ROWS
            write_csv(folder / f"{at}.csv", rows_of(first, first + ROWS))
        process = command(started, folder, root)
        began = time.monotonic()
        wait_for_work(started, process)
        time.sleep(chance.random() * longest)
        process.send_signal(signal.SIGKILL)
        told = process.communicate()[0]
        if process.returncode == 0:
            longest = min(longest, (time.monotonic() - began) * 0.6)
            acknowledged |= {receipt["sha256"]: receipt["rows"] for receipt in json.loads(told)["receipts"]}
        else:
            cut += 1
            longest = min(longest * 1.4, 12)  # on a slow machine a run needs longer to have something to lose
    assert cut >= kills // 3, "hardly any run was cut short: this tried nothing"
    hub = open_hub(started, environ={})
    receipts = hub.store.reads(OWNER).receipts()
    assert len({receipt["sha256"] for receipt in receipts}) == len(receipts)
    assert set(acknowledged) <= {receipt["sha256"] for receipt in receipts}
    assert all((receipt["kept"], receipt["duplicates"]) == (ROWS, 0) for receipt in receipts)
    check_rows(hub, len(receipts) * ROWS)
    assert verify_audit(hub, OWNER, data=True)["flaws"] == []
    for turn in range(kills):  # sending everything again brings what was cut off, and only that
        ingest(hub, OWNER, paths=[tmp_path / f"turn-{turn}"], site="cloud", model="loan", format="tabular")
    check_rows(hub, kills * FILES * ROWS)
    assert len(hub.store.reads(OWNER).receipts()) == kills * FILES
    hub.close()
