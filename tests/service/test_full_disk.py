"""A disk that is full or read-only: a clear error, nothing half, and with room again everything goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

sys.path.insert(0, str(Path(__file__).parent))
from asking import ask
from killing import check_rows
from world import OWNER, hub_on_disk, populate, row, take, write_csv

from service.api import Api
from service.commands.inspection import verify_audit
from service.commands.sites import issue_token
from service.exits import ExitCode
from service.wiring import Hub, open_hub
from store.errors import Unwritable

DISK = 64 << 20
ROWS = 5_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    made = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)], capture_output=True, check=False
    )
    if not made or made.returncode:
        pytest.skip("no small file system can be mounted here: that takes root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path, free: int) -> Path:
    """Takes all room but so many bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb") as stream:
        left = shutil.disk_usage(disk).free - free
        while left > 0:
            left -= stream.write(bytes(min(left, 1 << 20)))
    return ballast


def batch(folder: Path, number: int, rows: int = ROWS) -> Path:
    first = number * rows
    return write_csv(folder / f"{number}.csv", [row(n, day=n % 20) for n in range(first, first + rows)])


def command(hub: Path, root: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """(exit code, the document, what was said beside it)."""
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments, "--hub", str(hub), "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    return done.returncode, json.loads(done.stdout), done.stderr


def check_holds(hub: Hub, rows: int) -> None:
    if rows:
        check_rows(hub, rows)
    assert verify_audit(hub, OWNER, data=True)["flaws"] == []


@pytest.mark.parametrize("free", [0, 100 << 10, 600 << 10, pytest.param(3 << 20, marks=pytest.mark.long)])
def test_a_full_disk_records_all_of_a_batch_or_nothing(disk: Path, tmp_path: Path, free: int) -> None:
    hub = populate(hub_on_disk(disk / "hub"))
    take(hub, batch(tmp_path, 0))
    ballast = fill(disk, free)
    acknowledged, refused = 1, ""
    for number in range(1, 9):
        try:
            take(hub, batch(tmp_path, number, 5 * ROWS if free > 1 << 20 else ROWS))
            acknowledged += 1
        except Unwritable as error:
            refused = f"{error.message} {error.advice}"
            break
    assert "the disk is full" in refused and "Make room" in refused
    receipts = hub.store.reads(OWNER).receipts()
    assert len(receipts) == acknowledged
    check_holds(hub, sum(receipt["kept"] for receipt in receipts))
    ballast.unlink()
    assert not take(hub, batch(tmp_path, 9))["repeated"], "with room again it goes on, without a restart"
    hub.close()
    hub = open_hub(disk / "hub", environ={})
    check_holds(hub, sum(receipt["kept"] for receipt in hub.store.reads(OWNER).receipts()))
    assert len(hub.store.reads(OWNER).receipts()) == acknowledged + 1
    hub.close()


@pytest.mark.parametrize("free", [0, 4 << 10, 300 << 10])
def test_http_says_that_the_disk_is_full(disk: Path, tmp_path: Path, free: int) -> None:
    hub = populate(hub_on_disk(disk / "hub"))
    app = Starlette(routes=list(Api(hub, "local").routes()))
    headers = {"authorization": f"Bearer {issue_token(hub, OWNER, site='cloud')['token']}"}
    address, body = "/api/v1/sites/cloud/batches?model=loan&format=csv", batch(tmp_path, 0, 20_000).read_bytes()
    ballast = fill(disk, free)
    answer = ask(app, "POST", address, headers=headers, content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "unwritable")
    assert hub.store.reads(OWNER).receipts() == []
    ballast.unlink()
    assert ask(app, "POST", address, headers=headers, content=body).status_code == 201
    check_holds(hub, 20_000)
    hub.close()


@pytest.mark.parametrize("free", [0, 300 << 10])
def test_the_command_line_says_that_the_disk_is_full(disk: Path, tmp_path: Path, root: Path, free: int) -> None:
    populate(hub_on_disk(disk / "hub")).close()
    data = batch(tmp_path, 0, 20_000)
    ballast = fill(disk, free)
    ingest = ("ingest", str(data), "--site", "cloud", "--model", "loan")
    code, told, said = command(disk / "hub", root, *ingest)
    assert (code, told["error"]["code"]) == (ExitCode.USAGE, "unwritable")
    assert "the disk is full" in said and "Traceback" not in said
    ballast.unlink()
    code, told, _ = command(disk / "hub", root, *ingest)
    assert (code, told["receipts"][0]["kept"], told["receipts"][0]["repeated"]) == (0, 20_000, False)
    hub = open_hub(disk / "hub", environ={})
    check_holds(hub, 20_000)
    hub.close()


def test_a_disk_that_becomes_read_only_is_said(disk: Path, tmp_path: Path, root: Path) -> None:
    hub = populate(hub_on_disk(disk / "hub"))
    take(hub, batch(tmp_path, 0))
    hub.close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    data = batch(tmp_path, 1)
    for arguments in (("ingest", str(data), "--site", "cloud", "--model", "loan"), ("site", "list")):
        code, told, said = command(disk / "hub", root, *arguments)
        assert (code, told["error"]["code"]) == (ExitCode.USAGE, "unwritable")
        assert "the disk is read-only" in said and "Traceback" not in said
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    hub = open_hub(disk / "hub", environ={})
    check_holds(hub, ROWS)
    take(hub, data)
    check_holds(hub, 2 * ROWS)
    hub.close()


def test_a_file_of_the_hub_that_cannot_be_written_is_said(disk: Path, tmp_path: Path, root: Path) -> None:
    """The file alone, mounted onto itself read-only: what a wrong mode is to those who are not root."""
    populate(hub_on_disk(disk / "hub")).close()
    file = disk / "hub" / "hub.duckdb"
    subprocess.run(["mount", "--bind", str(file), str(file)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(file)], check=True)
        data = batch(tmp_path, 0)
        code, told, said = command(disk / "hub", root, "ingest", str(data), "--site", "cloud", "--model", "loan")
    finally:
        subprocess.run(["umount", "-l", str(file)], check=True)
    assert (code, told["error"]["code"]) == (ExitCode.USAGE, "unwritable")
    assert "Traceback" not in said
    hub = open_hub(disk / "hub", environ={})
    assert take(hub, data)["kept"] == ROWS
    hub.close()
