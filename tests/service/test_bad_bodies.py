"""Bodies that nobody should have sent over HTTP: an answer in the one shape, never a fault of ours."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

sys.path.insert(0, str(Path(__file__).parent))
from asking import ask
from bad_input import FORMS, OWNER, cuts, flips, sample
from contract import MODEL_TEXT, row
from world import SETTINGS, hub_on_disk, populate

from service.api import Api
from service.commands.sites import issue_token
from service.wiring import Hub

LIMITS = '\n[limits]\nrequest = "2 MiB"\nrecord = "512 KiB"\n'
DEEP = b"[" * 100_000 + b"]" * 100_000
BINARY = {"ce-specversion": "1.0", "ce-id": "a", "ce-type": "org.kubeflow.serving.inference.request"}
COLLECTED = {"ce-type": "azureml.inference.model_inputs", "ce-time": "1793588400", "ce-x-request-id": "a"}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, Starlette, dict[str, str]]]:
    hub = populate(hub_on_disk(tmp_path_factory.mktemp("api") / "hub", settings=SETTINGS + LIMITS), model=MODEL_TEXT)
    token = issue_token(hub, OWNER, site="cloud")["token"]
    yield hub, Starlette(routes=list(Api(hub, "local").routes())), {"authorization": f"Bearer {token}"}
    hub.close()


def post(door: tuple[Hub, Starlette, dict[str, str]], path: str, body: bytes, **headers: str) -> dict[str, Any]:
    """The answer's document, after what must hold of any."""
    answer = ask(door[1], "POST", f"/api/v1/sites/cloud/{path}", headers={**door[2], **headers}, content=body)
    assert answer.status_code in (200, 201, 202, 400, 409), answer.text
    told: dict[str, Any] = answer.json()
    if answer.status_code >= 400:
        assert told["error"]["message"] and told["error"]["advice"]
    for receipt in told.get("receipts", [told] if "batch" in told else []):
        assert receipt["kept"] + receipt["quarantined"] + receipt["duplicates"] == receipt["rows"]
    return told


@pytest.mark.parametrize("form", sorted(FORMS))
def test_damaged_batches(door: tuple[Hub, Starlette, dict[str, str]], tmp_path: Path, form: str) -> None:
    whole = sample(FORMS[form], tmp_path, [row(n, purpose="é") for n in range(6)]).read_bytes()
    for body in (*cuts(whole, 4), *flips(whole, form, 4)):
        post(door, f"batches?model=loans&format={FORMS[form].kind}", body)
        post(door, "batches?model=loans", body)


@pytest.mark.parametrize("path", ["events/kserve?model=loans", "events/azureml?model=loans"])
@pytest.mark.parametrize(
    "kind", ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json"]
)
def test_damaged_events(door: tuple[Hub, Starlette, dict[str, str]], path: str, kind: str) -> None:
    event = {"specversion": "1.0", "id": "a", "type": BINARY["ce-type"], "data": {"instances": [row(1)]}}
    good = {
        "application/json": json.dumps({"instances": [row(1)]}),
        "application/cloudevents+json": json.dumps(event),
        "application/cloudevents-batch+json": json.dumps([event, event]),
    }[kind].encode()
    odd = [b"", b"null", b"NaN", b"[]", b"[1]", b"{}", b'"\\ud800"', b"\xff\xfe", DEEP, b'{"instances":' + DEEP + b"}"]
    for body in (good, *odd, gzip.compress(good), *cuts(good, 10), *flips(good, kind, 20)):
        post(door, path, body, **{"content-type": kind, **BINARY, **(COLLECTED if "azureml" in path else {})})


@pytest.mark.parametrize("path", ["events/kserve?model=loans", "events/azureml?model=loans"])
def test_an_event_beyond_the_limit_of_a_record_is_refused(
    door: tuple[Hub, Starlette, dict[str, str]], path: str
) -> None:
    headers = BINARY if "kserve" in path else COLLECTED
    told = post(door, path, b" " * (600 << 10), **{"content-type": "application/json", **headers})
    assert "limits.record" in told["error"]["advice"]


def test_limits_of_the_settings_hold_for_batches(door: tuple[Hub, Starlette, dict[str, str]]) -> None:
    lines = [json.dumps(row(1, id="a1")), json.dumps(row(2, purpose="x" * (600 << 10))), "[" * 70 + "]" * 70]
    told = post(door, "batches?model=loans&format=jsonl", "\n".join(lines).encode())
    assert (told["kept"], told["reasons"]) == (1, {"too_deep": 1, "too_large": 1})


def test_commands_are_no_deeper_than_their_arguments(door: tuple[Hub, Starlette, dict[str, str]]) -> None:
    for body in (DEEP, b"", b"\xff", b"{" * 1000, b"null", b"[]"):
        answer = ask(door[1], "POST", "/api/v1/commands/ack_alert", headers=door[2], content=body)
        assert answer.status_code in (400, 403)
        assert answer.json()["error"]["message"]


def test_a_zipped_body_is_what_stands_in_it(door: tuple[Hub, Starlette, dict[str, str]]) -> None:
    body = gzip.compress("".join(json.dumps(row(n, id=f"zip{n}")) + "\n" for n in range(20)).encode())
    told = post(door, "batches?model=loans", body)
    assert (told["format"], told["kept"]) == ("jsonl", 20)
