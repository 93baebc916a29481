"""Processes that are killed, and what must be in the hub afterwards."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from service.wiring import Hub


def command(hub: Path, data: Path, root: Path) -> subprocess.Popen[str]:
    arguments = ["ingest", str(data), "--site", "cloud", "--model", "loan", "--hub", str(hub), "--json"]
    return subprocess.Popen(
        [sys.executable, "-m", "service.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )


def wait_for_work(hub: Path, process: subprocess.Popen[str]) -> None:
    """Until the process has the hub's file open: to be killed while it still imports tries nothing."""
    until = time.monotonic() + 20
    links = Path(f"/proc/{process.pid}/fd")
    while process.poll() is None and time.monotonic() < until:
        try:
            if any(os.readlink(link) == str(hub / "hub.duckdb") for link in links.iterdir()):
                return
        except OSError:
            pass
        time.sleep(0.005)


def check_rows(hub: Hub, expected: int) -> None:
    cursor = hub.store.cursor()
    tables = cursor.execute("SELECT name FROM row_table WHERE role = 'rows'").fetchall()
    held = [cursor.execute(f"SELECT count(*), count(DISTINCT id) FROM {name}").fetchall()[0] for (name,) in tables]
    # Where every run was cut short before its first commit, there is no table yet either.
    assert (held or [(0, 0)]) == [(expected, expected)]


def server(hub: Path, root: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A server of this hub and its address, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "serve", "--port", str(port), "--hub", str(hub)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", "/ready")
                told = json.loads((hub / "run" / "server.json").read_text())
                with connection.getresponse() as answer:
                    if answer.status == 200 and told["pid"] == process.pid:
                        return process, f"127.0.0.1:{port}"
        except (OSError, ValueError, http.client.HTTPException):
            time.sleep(0.1)
    process.kill()
    raise AssertionError("the server did not answer")
