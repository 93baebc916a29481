"""The demo hub, served by a process of its own, for the journeys in the browser.

Built once for whoever asks: it costs some twenty seconds. What one journey changes the next one finds, so those that
need the same server stand in one file, in the order of the story.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

PASSWORD = "only-for-the-demo"  # the demo prints it


@dataclass(frozen=True)
class Console:
    """A served demo hub: where it is, what its tour promised, and the command line that talks to it."""

    address: str
    hub: Path
    tour: dict[str, Any]

    def stop(self, number: int) -> tuple[str, str]:
        """One of the tour's six: its path on this server, and the sentence to be seen there."""
        found = self.tour["tour"][number - 1]
        return str(found["address"]).split(":8501", 1)[1], str(found["sentence"])

    def cli(self, *words: object) -> subprocess.CompletedProcess[str]:
        return _cli(*words, "--hub", self.hub)


def _cli(*words: object) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "service.cli", *map(str, words)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=240, check=False)


@contextmanager
def served_demo(hub: Path) -> Iterator[Console]:
    """The demo, built and served; ended whatever happened in between."""
    built = _cli("demo", "--no-serve", "--json", "--hub", hub)
    assert built.returncode == 0, built.stderr
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    log = (hub / "served.txt").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "serve", "--hub", str(hub), "--port", str(port)],
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        _await_health(server, f"http://127.0.0.1:{port}", hub)
        yield Console(f"http://127.0.0.1:{port}", hub, json.loads(built.stdout))
    finally:
        server.terminate()
        try:
            server.wait(timeout=40)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


def _await_health(server: subprocess.Popen[bytes], address: str, hub: Path) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        if server.poll() is not None:
            break
        try:
            if httpx.get(f"{address}/health", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"the console did not come up: {(hub / 'served.txt').read_text()[-2000:]}")
