"""KServe's logger at the door: both modes, both protocols, either order, delivered twice, and what is refused."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from asking import ask
from kserve_sender import TYPE, Logger, headers, v2
from starlette.applications import Starlette
from world import OWNER, SETTINGS, hub_on_disk, populate

from service.api import Api
from service.commands.ingest import ingest
from service.commands.models import add_model
from service.commands.sites import add_site, issue_token
from service.openapi import document
from service.wiring import Hub, open_hub

MODEL = """name: loan
version: "1"
task: binary
columns:
  prediction: {column: approved, good: 1, values: [0, 1]}
  score: probability
  inputs:
    - {name: income, type: number, range: [0, 100]}
    - {name: purpose, type: category, values: [car, home]}
watch:
  window: {every: 1d, at_least: 20, up_to: 7d}
"""
ASKED = {"instances": [[10, "car"], [20, "home"]]}
ANSWERED = {"predictions": [[1, 0.9], [0, 0.2]]}
PATH = "/api/v1/sites/cloud/events/kserve"


@dataclass(frozen=True)
class Door:
    hub: Hub
    app: Starlette
    token: str

    def send(self, payload: Any, about: dict[str, str], query: str = "", token: str | None = None) -> httpx.Response:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        secret = {"authorization": f"Bearer {self.token if token is None else token}"}
        return ask(self.app, "POST", PATH + query, content=body, headers={**about, **secret})

    def rows(self) -> list[tuple[Any, ...]]:
        table = self.hub.store.cursor().execute("SELECT name FROM row_table WHERE role = 'rows'").fetchall()
        found: list[tuple[Any, ...]] = []
        for (name,) in table:
            found += (
                self.hub.store.cursor()
                .execute(f'SELECT id, part, x0, x1, prediction, score, event_time FROM "{name}" ORDER BY part, id')
                .fetchall()
            )
        return found


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    hub = populate(hub_on_disk(tmp_path / "hub", settings=SETTINGS + '\n[limits]\nrequest = "64 KiB"\n'), model=MODEL)
    token = issue_token(hub, OWNER, site="cloud")["token"]
    yield Door(hub, Starlette(routes=list(Api(hub, "local").routes())), token)
    hub.close()


AT = datetime(2026, 10, 5)
WHOLE = [
    ("c1_0", 1, 10.0, "car", None, None, AT),
    ("c1_1", 1, 20.0, "home", None, None, AT),
    ("c1_0", 2, None, None, "1", 0.9, AT),
    ("c1_1", 2, None, None, "0", 0.2, AT),
]


@pytest.mark.parametrize("order", [("request", "response"), ("response", "request")])
def test_the_halves_of_a_call_meet_in_either_order(door: Door, order: tuple[str, str]) -> None:
    payloads = {"request": ASKED, "response": ANSWERED}
    for half in order:
        answer = door.send(payloads[half], headers("c1", half))
        assert answer.status_code == 201, answer.text
        (receipt,) = answer.json()["receipts"]
        assert (receipt["rows"], receipt["kept"], receipt["model"], receipt["format"]) == (2, 2, "loan", "kserve")
    assert door.rows() == WHOLE
    assert b"secret of the caller" not in (door.hub.folder / "hub.duckdb").read_bytes()


def test_both_protocols_and_all_modes_give_the_same_rows(door: Door) -> None:
    asked = v2({"income": [10, 20], "purpose": ["car", "home"]}, "inputs")
    answered = v2({"approved": [1, 0], "probability": [0.9, 0.2]}, "outputs")
    event = {
        "specversion": "1.0",
        "id": "c1",
        "type": "org.kubeflow.serving.inference.request",
        "source": "x",
        "time": "2026-10-05T00:00:00Z",
        "inferenceservicename": "loan",
        "data": asked,
    }
    kind = {"content-type": "application/cloudevents+json; charset=UTF-8"}
    assert door.send(event, kind).status_code == 201
    response = {**event, "type": "org.kubeflow.serving.inference.response", "data": answered}
    batch = {"content-type": "application/cloudevents-batch+json"}
    assert door.send([response], batch).status_code == 201
    assert door.rows() == WHOLE


def test_a_sender_of_2020(door: Door) -> None:
    about = {
        "ce-specversion": "0.2",
        "ce-id": '"c1"',
        "ce-type": "org.kubeflow.serving.inference.request",
        "ce-source": "http://localhost:9081/",
        "ce-time": "2026-10-05T00:00:00Z",
        "ce-inferenceservice": '"loan"',
        "content-type": "application/x-www-form-urlencoded",
    }
    assert door.send(ASKED, about).status_code == 201
    assert door.rows() == WHOLE[:2]


def test_the_same_event_again_is_repeated(door: Door) -> None:
    first = door.send(ASKED, headers("c1", "request"))
    again = {**headers("c1", "request"), "Traceparent": "00-other", "Ce-Recordedtime": "2026-11-02T03:00:09Z"}
    second = door.send(ASKED, again)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["receipts"][0]["repeated"] is True
    assert second.json()["receipts"][0]["batch"] == first.json()["receipts"][0]["batch"]
    both = door.send([_structured("c2"), _structured("c2")], {"content-type": "application/cloudevents-batch+json"})
    assert [both.json()["receipts"][0][name] for name in ("kept", "duplicates")] == [2, 2]
    assert len(door.rows()) == 4


def _structured(call: str, service: str = "loan", **changes: Any) -> dict[str, Any]:
    about = {name[3:].lower(): value for name, value in headers(call, "request", service=service).items()}
    return {**about, "data": ASKED, **changes}


def test_values_behind_the_json(door: Door) -> None:
    raw = b"".join(len(word).to_bytes(4, "little") + word for word in (b"car", b"home"))
    head = v2({"income": [10, 20]}, "inputs")
    head["inputs"].append(
        {"name": "purpose", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": len(raw)}}
    )
    body = json.dumps(head).encode()
    about = {
        **headers("c1", "request"),
        "Ce-Metadata": json.dumps({"Inference-Header-Content-Length": [str(len(body))]}),
    }
    assert door.send(body + raw, about).status_code == 201
    assert door.send(body + raw, headers("c2", "request")).status_code == 201
    assert door.rows()[:2] == WHOLE[:2]
    assert len(door.rows()) == 4


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"no json", "json"),
        (b"", "json"),
        (b"\xff\xfe\x00", "json"),
        (b'"text"', "not_tabular"),
        ({"explanations": []}, "not_tabular"),
        ({"instances": [[1, 2, 3]]}, "not_tabular"),
        ({"instances": [{"salary": 1, "years": 2}]}, "not_tabular"),
    ],
)
def test_a_payload_that_cannot_be_read_is_kept_in_quarantine(door: Door, payload: Any, reason: str) -> None:
    answer = door.send(payload, headers("c1", "request"))
    assert answer.status_code == 201, answer.text
    (receipt,) = answer.json()["receipts"]
    assert (receipt["rows"], receipt["quarantined"], receipt["reasons"]) == (1, 1, {reason: 1})
    (kept,) = door.hub.store.reads(OWNER).quarantine()
    assert kept["reason"] == reason


@pytest.mark.parametrize("missing", ["Ce-Specversion", "Ce-Id", "Ce-Type", "Ce-Inferenceservicename"])
def test_what_is_no_event_of_the_logger_is_refused(door: Door, missing: str) -> None:
    about = {name: value for name, value in headers("c1", "request").items() if name != missing}
    _refused(door, door.send(ASKED, about))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/cloudevents+json", b"{"),
        ("application/cloudevents+json", b"[]"),
        ("application/cloudevents+json", b"[" * 100_000),
        ("application/cloudevents-batch+json", b"[]"),
        ("application/cloudevents-batch+json", b"{}"),
        ("application/cloudevents-batch+json", b"[7]"),
        ("application/json", b'{"instances": []}'),
    ],
)
def test_bodies_that_are_no_events_are_refused(door: Door, kind: str, body: bytes) -> None:
    _refused(door, door.send(body, {"content-type": kind}))


def test_other_types_of_events_are_refused(door: Door) -> None:
    _refused(door, door.send(ASKED, {**headers("c1", "request"), "Ce-Type": "dev.knative.ping"}))
    _refused(door, door.send(b"x" * 70_000, headers("c1", "request")))


def _refused(door: Door, answer: httpx.Response, status: int = 400) -> None:
    assert answer.status_code == status, answer.text
    assert set(answer.json()["error"]) == {"code", "message", "advice", "details"}
    assert answer.json()["error"]["advice"]
    assert door.hub.store.reads(OWNER).receipts() == []


def test_one_request_with_events_of_two_services(door: Door) -> None:
    add_model(door.hub, OWNER, text=MODEL.replace("name: loan", "name: other", 1), source="other.yaml")
    events = [_structured("c1"), _structured("c1", "other"), _structured("c2")]
    answer = door.send(events, {"content-type": "application/cloudevents-batch+json"})
    told = [(receipt["model"], receipt["kept"]) for receipt in answer.json()["receipts"]]
    assert (answer.status_code, told) == (201, [("loan", 4), ("other", 2)])


def test_events_of_a_service_that_nobody_added_are_kept_until_somebody_does(door: Door) -> None:
    answers = [door.send(ASKED, headers(call, "request", service="later")) for call in ("c1", "c2", "c1")]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert [answer.json()["aside"][0]["rows"] for answer in answers] == [2, 2, 2]
    assert door.hub.store.reads(OWNER).receipts() == []
    add_model(door.hub, OWNER, text=MODEL.replace("name: loan", "name: later", 1), source="later.yaml")
    assert [row[:4] for row in door.rows()] == [
        (f"{call}_{at}", 1, income, purpose)
        for call in ("c1", "c2")
        for at, (income, purpose) in enumerate([(10.0, "car"), (20.0, "home")])
    ]
    assert door.send(ASKED, headers("c3", "request"), "?model=typo").status_code == 404


def test_a_table_that_was_kept_aside_keeps_its_time(door: Door, tmp_path: Path) -> None:
    body = base64.b64encode(json.dumps(ASKED).encode()).decode()
    path = tmp_path / "c1-request.csv"
    path.write_text(
        "url,bytes,contentType,reqType,id,sourceUri,inferenceService\n"
        f",{body},application/json,{TYPE}.request,c1,,later\n"
    )
    os.utime(path, (1_790_000_000, 1_790_000_000))
    assert ingest(door.hub, OWNER, paths=[path], site="cloud")["aside"]
    add_model(door.hub, OWNER, text=MODEL.replace("name: loan", "name: later", 1), source="later.yaml")
    assert {row[6] for row in door.rows()} == {datetime(2026, 9, 21, 14, 13, 20)}


def test_the_address_may_name_the_model(door: Door) -> None:
    answer = door.send(ASKED, headers("c1", "request", service="sklearn-iris"), "?model=loan:1")
    assert [receipt["model"] for receipt in answer.json()["receipts"]] == ["loan"]


def test_the_token_may_stand_in_the_address_and_speaks_for_its_site_alone(door: Door) -> None:
    body, about = json.dumps(ASKED).encode(), headers("c1", "request")
    for query, status in ((f"?token={door.token}", 201), ("?token=guessed", 401), ("?token=", 401), ("", 401)):
        assert ask(door.app, "POST", PATH + query, content=body, headers=about).status_code == status
    other = PATH.replace("cloud", "elsewhere") + f"?token={door.token}"
    assert ask(door.app, "POST", other, content=body, headers=about).status_code == 403
    batches = f"/api/v1/sites/cloud/batches?model=loan&token={door.token}"
    assert ask(door.app, "POST", batches, content=body).status_code == 401, "only where the sender cannot do otherwise"


def test_what_the_page_says_works(door: Door, root: Path) -> None:
    """The model file, the logger's address and the request of docs/connectors/kserve.md, taken as they stand there."""
    page = (root / "docs" / "connectors" / "kserve.md").read_text(encoding="utf-8")
    model, logger = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (example,) = re.findall(r"```http\n(.*?)```", page, re.DOTALL)
    add_model(door.hub, OWNER, text=model, source="page.yaml")
    url = yaml.safe_load(logger)["spec"]["predictor"]["logger"]["url"]
    assert urlsplit(url).path == PATH.replace("cloud", "cloud-eu")
    head, _, body = example.partition("\n\n")
    method, path = head.splitlines()[0].split()
    about = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    about["Ce-Time"] = "2026-10-05T00:00:00Z"  # the page's lies ahead of this hub's clock
    assert (method, path) == ("POST", urlsplit(url).path)
    add_site(door.hub, OWNER, name="cloud-eu")
    token = issue_token(door.hub, OWNER, site="cloud-eu")["token"]
    secret = {**about, "Authorization": about["Authorization"].replace("TOKEN", token)}
    answer = ask(door.app, "POST", path, content=body.encode(), headers=secret)
    assert answer.status_code == 201, answer.text
    (receipt,) = answer.json()["receipts"]
    assert (receipt["model"], receipt["kept"], receipt["quarantined"]) == ("loan-approval", 1, 0)
    in_address = f"{path}?{urlsplit(url).query}".replace("TOKEN", token)
    told = {name: value for name, value in about.items() if name != "Authorization"}
    assert ask(door.app, "POST", in_address, content=body.encode(), headers=told).json()["receipts"][0]["repeated"]


def test_an_event_that_begins_like_another_is_one_of_its_own(door: Door) -> None:
    """The spooled file has the same name each time: it is no file that grew."""
    kind = {"content-type": "application/cloudevents-batch+json"}
    assert door.send([_structured("c1")], kind).json()["receipts"][0]["kept"] == 2
    (receipt,) = door.send([_structured("c1"), _structured("c2")], kind).json()["receipts"]
    assert (receipt["rows"], receipt["kept"], receipt["duplicates"]) == (4, 2, 2)


def test_it_stands_in_the_document_of_the_api() -> None:
    assert set(document()["paths"]["/api/v1/sites/{site}/events/kserve"]["post"]["responses"]) == {
        "200",
        "201",
        "202",
        "400",
    }


# -- a real server ------------------------------------------------------------------------------------------------

DAYS, A_DAY, ROWS = 2, 12, 5


def test_a_logger_and_a_server_end_to_end(tmp_path: Path, root: Path) -> None:
    """Threads, halves in any order, every tenth event delivered twice; then drift, and no token in any log."""
    hub = populate(hub_on_disk(tmp_path / "hub", settings=SETTINGS), model=MODEL)
    reference = tmp_path / "reference.csv"
    reference.write_text("income,purpose\n" + "".join(f"{n % 60},{('car', 'home')[n % 2]}\n" for n in range(600)))
    ingest(hub, OWNER, paths=[reference], site="cloud", model="loan", kind="reference")
    token = issue_token(hub, OWNER, site="cloud")["token"]
    hub.close()
    port = _free_port()
    said = tmp_path / "said.log"
    with said.open("wb") as log:
        words = ["-m", "service.cli", "serve", "--port", str(port), "--hub", str(tmp_path / "hub")]
        server = subprocess.Popen(
            [sys.executable, *words], stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(root)}
        )
        try:
            _wait(port, server, said)
            logger = Logger(f"http://127.0.0.1:{port}{PATH}?token={token}")
            with httpx.Client(timeout=60) as client, ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(lambda half: logger.post(client, *half[:3], time=half[3]), _halves()))
                assert logger.post(client, "lost", "request", {"instances": [[1, "car"]]}, time=_at(0, 1)).is_success
            assert {answer.status_code for answer in answers} <= {200, 201}, [a.text for a in answers if a.is_error]
        finally:
            server.terminate()
            server.wait(30)
    for path in (said, *(tmp_path / "hub" / "run").iterdir()):
        assert token not in path.read_text(encoding="utf-8", errors="replace")
    _check(open_hub(tmp_path / "hub", environ={}))


def _halves() -> list[tuple[str, str, Any, str]]:
    out = []
    for day in range(DAYS):
        for call in range(A_DAY):
            values = [(call * ROWS + row) % 100 for row in range(ROWS)]
            asked = {"instances": [[value + 40 * day, ("car", "home")[value % 2]] for value in values]}
            answered = {"predictions": [[value % 2, value / 100] for value in values]}
            halves = [("request", asked), ("response", answered)]
            for half, payload in reversed(halves) if call % 3 else halves:
                out += [(f"d{day}-c{call}", half, payload, _at(day, call))] * (2 if call % 10 == 0 else 1)
    return out


def _at(day: int, call: int) -> str:
    return f"2026-10-{5 + day:02d}T{call:02d}:00:00.123456789Z"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(port: int, server: subprocess.Popen[bytes], said: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert server.poll() is None, said.read_text()
        try:
            if httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(said.read_text())


def _check(hub: Hub) -> None:
    from service.commands.monitoring import monitor

    calls = DAYS * A_DAY
    receipts = [receipt for receipt in hub.store.reads(OWNER).receipts() if receipt["kind"] == "predictions"]
    assert sum(receipt["kept"] for receipt in receipts) == calls * ROWS * 2 + 1
    assert sum(receipt["quarantined"] + receipt["duplicates"] for receipt in receipts) == 0
    assert len(receipts) == calls * 2 + 1, "each event once, however often it came"
    (covered,) = hub.store.reads(OWNER).coverage("loan", "1", AT, AT.replace(month=11))
    assert (covered["inputs_alone"], covered["predictions_alone"]) == (1, 0)
    monitor(hub, OWNER)
    drift = [r for r in hub.store.reads(OWNER).results(monitor="drift", about="income") if r["site"] == "cloud"]
    told = [(result["window"]["from"][:10], result["n"]["current"], result["status"]) for result in drift]
    assert sorted(told) == [("2026-10-05", A_DAY * ROWS + 1, "too_few"), ("2026-10-06", A_DAY * ROWS, "outside")]
    hub.close()
