"""kill -9 of servers that clients send to, and of commands: an acknowledged batch is there once, and no row twice."""

from __future__ import annotations

import http.client
import json
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from killing import check_rows, command, server, wait_for_work
from world import OWNER, hub_on_disk, populate, row, rows_of, take, write_csv

from service.commands.ingest import ingest
from service.commands.inspection import verify_audit
from service.commands.sites import issue_token
from service.wiring import open_hub

CLIENTS, ROWS = 4, 10
DEADLY = """
import os, signal, sys
from pathlib import Path
from service.commands.ingest import ingest
from service.wiring import local_viewer, open_hub
from store import trail
appended = trail.append
def deadly(connection, leaves):
    appended(connection, leaves)
    os.kill(os.getpid(), signal.SIGKILL)
trail.append = deadly
hub = open_hub(Path(sys.argv[1]), environ={})
ingest(hub, local_viewer(), paths=[Path(sys.argv[2])], site="cloud", model="loan", grows=False)
"""


@pytest.mark.parametrize("first", [True, False])
def test_killed_before_the_commit_leaves_nothing(tmp_path: Path, root: Path, first: bool) -> None:
    """first: the model's own table is made in the same transaction."""
    hub = populate(hub_on_disk(tmp_path / "hub"))
    if not first:
        take(hub, write_csv(tmp_path / "before.csv", rows_of(50, 60)))
    seq = hub.store.reads(OWNER).seq
    hub.close()
    path = write_csv(tmp_path / "a.csv", rows_of(0, 30))
    done = subprocess.run(
        [sys.executable, "-c", DEADLY, str(tmp_path / "hub"), str(path)], cwd=root, env={"PYTHONPATH": str(root)}
    )
    assert done.returncode == -signal.SIGKILL
    hub = open_hub(tmp_path / "hub", environ={})
    reads = hub.store.reads(OWNER)
    assert reads.seq == seq and len(reads.receipts()) == int(not first)
    receipt = take(hub, path)
    assert (receipt["kept"], receipt["repeated"], receipt["seq"]) == (30, False, seq + 1)
    assert verify_audit(hub, OWNER, data=True)["flaws"] == []
    hub.close()


def send(address: str, token: str, paths: list[Path], acknowledged: dict[str, int]) -> None:
    """One client until the server is gone; only what it was told counts."""
    headers = {"Authorization": f"Bearer {token}"}
    with closing(http.client.HTTPConnection(address, timeout=30)) as connection:
        for path in paths:
            try:
                connection.request(
                    "POST", "/api/v1/sites/cloud/batches?model=loan", body=path.read_bytes(), headers=headers
                )
                with connection.getresponse() as answer:
                    told = json.loads(answer.read())
            except (OSError, ValueError, http.client.HTTPException):
                return
            assert answer.status in (200, 201), told
            acknowledged[told["sha256"]] = told["rows"]


@pytest.mark.long
@pytest.mark.parametrize("kills", [100])
def test_kills_of_servers_and_commands(tmp_path: Path, root: Path, kills: int) -> None:
    chance = random.Random(20261120)
    hub = populate(hub_on_disk(tmp_path / "hub"))
    token = issue_token(hub, OWNER, site="cloud")["token"]
    hub.close()
    acknowledged: dict[str, int] = {}
    cut = 0
    for turn in range(kills):
        folder = tmp_path / f"turn-{turn}"
        folder.mkdir()
        starts = range(turn * 16 * ROWS, (turn + 1) * 16 * ROWS, ROWS)
        paths = [
            write_csv(folder / f"{first}.csv", [row(n, day=n % 20) for n in range(first, first + ROWS)])
            for first in starts
        ]
        if turn % 2:
            process = command(tmp_path / "hub", folder, root)
            wait_for_work(tmp_path / "hub", process)
            time.sleep(chance.random() * 2)
            process.send_signal(signal.SIGKILL)
            told = process.communicate()[0]
            if process.returncode == 0:
                acknowledged |= {receipt["sha256"]: receipt["rows"] for receipt in json.loads(told)["receipts"]}
            cut += process.returncode != 0
            continue
        serving, address = server(tmp_path / "hub", root)
        shares = [paths[at::CLIENTS] for at in range(CLIENTS)]
        clients = [threading.Thread(target=send, args=(address, token, own, acknowledged)) for own in shares]
        for client in clients:
            client.start()
        enough, until = len(acknowledged) + chance.randint(0, 12), time.monotonic() + 30
        while len(acknowledged) < enough and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.2)
        cut += any(client.is_alive() for client in clients)
        serving.send_signal(signal.SIGKILL)
        serving.wait()
        for client in clients:
            client.join()
    assert cut >= kills // 3 and acknowledged, "hardly any was cut short: this tried nothing"
    hub = open_hub(tmp_path / "hub", environ={})
    receipts = hub.store.reads(OWNER).receipts()
    hashes = {receipt["sha256"] for receipt in receipts}
    assert len(hashes) == len(receipts) and set(acknowledged) <= hashes
    assert all((receipt["kept"], receipt["duplicates"]) == (ROWS, 0) for receipt in receipts)
    check_rows(hub, len(receipts) * ROWS)
    assert verify_audit(hub, OWNER, data=True)["flaws"] == []
    for turn in range(kills):
        ingest(hub, OWNER, paths=[tmp_path / f"turn-{turn}"], site="cloud", model="loan", format="tabular")
    check_rows(hub, kills * 16 * ROWS)
    hub.close()
