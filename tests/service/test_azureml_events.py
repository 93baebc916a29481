"""Azure's collector at the door: its own package against a real server, and what is refused."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from asking import ask
from starlette.applications import Starlette
from world import OWNER, SETTINGS, hub_on_disk, populate

from service.api import Api
from service.commands.sites import issue_token
from service.openapi import document
from service.wiring import Hub, open_hub

MODEL = """name: loan
version: "1"
task: binary
columns:
  prediction: {column: approved, good: 1, values: [0, 1]}
  outcome: repaid
  inputs:
    - {name: income, type: number, range: [0, 100]}
    - {name: purpose, type: category, values: [car, home]}
"""
PATH = "/api/v1/sites/cloud/events/azureml"
AT = datetime(2026, 10, 5)
SECONDS = "1791158400"
ASKED = [{"income": 10, "purpose": "car"}, {"income": 20, "purpose": "home"}]
ANSWERED = [{"approved": 1}, {"approved": 0}]
ROWS = [
    ("c1_0", 1, 10.0, "car", None, AT),
    ("c1_1", 1, 20.0, "home", None, AT),
    ("c1_0", 2, None, None, "1", AT),
    ("c1_1", 2, None, None, "0", AT),
]


def headers(collection: str = "model_inputs", **changes: str | None) -> dict[str, str]:
    whole = {
        "content-type": "application/json",
        "trace-id": f"t-{collection}",
        "ce-time": SECONDS,
        "ce-type": f"azureml.inference.{collection}",
        "ce-collect-data-type": "pandas.DataFrame",
        "ce-agent": "azureml-ai-monitoring/1.0.0",
        "ce-x-request-id": "c1",
        "ce-model-version": "default",
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def basic(user: str, token: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(f'{user}:{token}'.encode()).decode()}"}


@dataclass(frozen=True)
class Door:
    hub: Hub
    app: Starlette
    token: str

    def send(self, data: Any, about: dict[str, str], path: str = PATH, **secret: str) -> httpx.Response:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        return ask(self.app, "POST", path, content=body, headers={**about, **(secret or self.bearer())})

    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


def stored(hub: Hub) -> list[tuple[Any, ...]]:
    (name,) = hub.store.cursor().execute("SELECT name FROM row_table WHERE role = 'rows'").fetchall()[0]
    columns = "id, part, x0, x1, prediction, event_time"
    return hub.store.cursor().execute(f'SELECT {columns} FROM "{name}" ORDER BY part, id').fetchall()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    hub = populate(hub_on_disk(tmp_path / "hub", settings=SETTINGS + '\n[limits]\nrequest = "64 KiB"\n'), model=MODEL)
    token = issue_token(hub, OWNER, site="cloud")["token"]
    yield Door(hub, Starlette(routes=list(Api(hub, "local").routes())), token)
    hub.close()


def test_inputs_and_outputs_of_a_call_meet(door: Door) -> None:
    for data, collection in ((ASKED, "model_inputs"), (ANSWERED, "model_outputs")):
        answer = door.send(data, headers(collection))
        assert answer.status_code == 201, answer.text
        (receipt,) = answer.json()["receipts"]
        assert (receipt["kept"], receipt["format"], receipt["model"]) == (2, "azureml", "loan")
    assert stored(door.hub) == ROWS
    assert door.send(ASKED, headers()).status_code == 200


def test_it_says_at_once_what_is_wanting(door: Door) -> None:
    (receipt,) = door.send(ASKED, headers()).json()["receipts"]
    version, outcomes = sorted(receipt["notes"], reverse=True)
    assert "--model M:V" in version and "columns.id" in outcomes
    (named,) = door.send(ASKED, headers(**{"trace-id": "x"}), PATH + "?model=loan:1").json()["receipts"]
    assert named["notes"] == [outcomes]


def test_the_collectors_own_address(door: Door) -> None:
    answer = door.send(ASKED, headers(), "/modeldata/log", **basic("cloud/loan", door.token))
    assert answer.status_code == 201, answer.text
    assert door.send(ASKED, headers(), "/modeldata/log", **basic("cloud", door.token)).status_code == 200
    for secret in (basic("cloud", "wrong"), door.bearer(), {"authorization": "Basic %"}, {"x": "y"}):
        assert door.send(ASKED, headers(), "/modeldata/log", **secret).status_code == 401
    assert door.send(ASKED, headers(), "/modeldata/log", **basic("branch/loan", door.token)).status_code == 403


@pytest.mark.parametrize(
    ("data", "changes", "status"),
    [
        (ASKED, {"ce-type": None}, 400),
        (ASKED, {"ce-type": "org.other"}, 400),
        (ASKED, {"ce-time": "soon"}, 400),
        (ASKED, {"ce-time": None}, 400),
        (ASKED, {"ce-time": "1e300"}, 400),
        (b"{", {}, 400),
        (b"   income purpose", {"content-type": "application/octet-stream"}, 400),
        (b'["' + b"x" * 70_000 + b'"]', {}, 400),
    ],
)
def test_what_is_no_event_is_refused_whole(door: Door, data: Any, changes: dict[str, str | None], status: int) -> None:
    before = door.hub.store.reads(OWNER).seq
    answer = door.send(data, headers(**changes))
    assert (answer.status_code, door.hub.store.reads(OWNER).seq) == (status, before), answer.text
    assert answer.json()["error"]["advice"]


def test_a_payload_without_rows_goes_to_quarantine(door: Door) -> None:
    (receipt,) = door.send("text of a prompt", headers("request")).json()["receipts"]
    assert (receipt["kept"], receipt["reasons"]) == (0, {"not_tabular": 1})


def test_an_unknown_model_in_the_address_is_refused(door: Door) -> None:
    assert door.send(ASKED, headers(), PATH + "?model=lone").status_code == 404


def test_it_is_told_in_the_openapi_document() -> None:
    assert set(document()["paths"]["/api/v1/sites/{site}/events/azureml"]["post"]["responses"]) == {"200", "201", "202"}


# -- Azure's own package, and a real server -----------------------------------------------------------------------

SENDER = """
import pandas
from azureml.ai.monitoring import Collector
from azureml.ai.monitoring.context import BasicCorrelationContext
from azureml.ai.monitoring.init import teardown

def fail(error):
    raise error

inputs, outputs = Collector(name="model_inputs", on_error=fail), Collector(name="model_outputs", on_error=fail)
call = BasicCorrelationContext(id="c1", timestamp=1791158400, headers={"secret": "of the caller"})
context = inputs.collect(pandas.DataFrame({"income": [10, 20], "purpose": ["car", "home"]}), call)
outputs.collect(pandas.DataFrame({"approved": [1, 0]}), context)
teardown(wait_for_flush=True)
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert server.poll() is None, "the server ended"
        try:
            if httpx.get(f"http://127.0.0.1:{port}/ready", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError("the server never answered")


def test_the_official_collector_drives_our_api(tmp_path: Path, root: Path) -> None:
    hub = populate(hub_on_disk(tmp_path / "hub"), model=MODEL)
    token = issue_token(hub, OWNER, site="cloud")["token"]
    hub.close()
    port = _free_port()
    words = ["-m", "service.cli", "serve", "--port", str(port), "--hub", str(tmp_path / "hub")]
    ours = {**os.environ, "PYTHONPATH": str(root)}
    server = subprocess.Popen(
        [sys.executable, *words], cwd=root, env=ours, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(port, server)
        collector = {
            "AZUREML_MDC_ENABLED": "true",
            "AZUREML_MDC_HOST": f"cloud%2Floan:{token}@127.0.0.1",
            "AZUREML_MDC_PORT": str(port),
        }
        sent = subprocess.run(
            [sys.executable, "-c", SENDER], env={**os.environ, **collector}, capture_output=True, timeout=60
        )
        assert sent.returncode == 0 and b"failed" not in sent.stderr, sent.stderr.decode()
    finally:
        server.terminate()
        server.wait(30)
    opened = open_hub(tmp_path / "hub")
    assert stored(opened) == ROWS
    opened.close()
    assert b"of the caller" not in (tmp_path / "hub" / "hub.duckdb").read_bytes()
