"""KServe's logger at the door: CloudEvents over HTTP become batches, one for each inference service that they name.

Taken: binary mode (`Ce-*` headers around the raw payload), structured mode, and batches of structured events. An event
is brought into one form that holds what is read of it and nothing else (no trace, no headers of the caller), so that
the same event delivered again has the same bytes and gives the same receipt. What is no event of the logger is refused
with 400 and not kept; an event whose payload cannot be read goes to quarantine like any other record. The answer comes
after the commit.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request

from connectors.sources.captured import plain
from connectors.sources.kserve import HALF, header_length, service_of
from service.commands.ingest import ingest
from service.wiring import Hub
from store.access import Viewer
from store.errors import BadInput

ATTRIBUTES = ("type", "source", "id", "time", "namespace", "component", "endpoint")
"""Kept as they came, without the quotes of old senders. Trace, caller's headers and annotations are not."""
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
LENGTH = "inference-header-content-length"
MOST_EVENTS = 10_000
ADVICE = "Point the logger's url here; see docs/connectors/kserve.md."


@dataclass(frozen=True)
class Posted:
    """One request as far as it matters here."""

    headers: Mapping[str, str]
    body: bytes
    model: str
    """`NAME` or `NAME:VERSION` as the address says; empty where the events say it."""


async def posted(request: Request, limit: int) -> Posted:
    """The request with its body; raises BadInput where that is larger than the limit."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise BadInput(
                f"the body is larger than {limit} bytes",
                advice="Send smaller batches, or raise limits.record and limits.request.",
            )
        pieces.append(piece)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Posted(headers, b"".join(pieces), request.query_params.get("model", ""))


def take_events(hub: Hub, viewer: Viewer, site: str, sent: Posted) -> dict[str, Any]:
    """A receipt for each inference service, or what was kept aside because nobody added a model of that name.

    Raises BadInput for what is no event of the logger.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for event in events_of(sent):
        groups.setdefault(event.get("inferenceservicename", ""), []).append(event)
    if not sent.model and "" in groups:
        raise BadInput(
            "the event names no inference service",
            advice="Send Ce-Inferenceservicename, or name the model in the address: ?model=NAME.",
        )
    answers = [_ingest(hub, viewer, site, sent.model, name, events) for name, events in groups.items()]
    return {
        "schema": "bailiwick/receipts/1",
        "receipts": [answer for answer in answers if "aside" not in answer],
        "aside": [answer for answer in answers if "aside" in answer],
    }


def _ingest(
    hub: Hub, viewer: Viewer, site: str, asked: str, service: str, events: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """A model that the address names must be there; one that the events name may be added later."""
    name, _, version = asked.partition(":")
    with tempfile.TemporaryDirectory(dir=hub.folder / "spool") as folder:
        path = Path(folder) / "events.jsonl"
        path.write_bytes(b"".join(_line(event) for event in events))
        done = ingest(
            hub,
            viewer,
            paths=[path],
            site=site,
            model=name or service,
            version=version or None,
            format="kserve",
            keep_unknown=not asked,
            grows=False,
        )
    found: dict[str, Any] = (done["receipts"] + done["aside"])[0]
    return found


def _line(event: dict[str, Any]) -> bytes:
    return json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


# -- from HTTP to events ------------------------------------------------------------------------------------------


def events_of(sent: Posted) -> list[dict[str, Any]]:
    """The events of a request in the one form; raises BadInput, naming the first that is none."""
    kind = sent.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == STRUCTURED:
        return [_structured(_json(sent.body), 0)]
    if kind == BATCH:
        found = _json(sent.body)
        if not isinstance(found, list) or not 0 < len(found) <= MOST_EVENTS:
            raise BadInput(f"a batch holds 1 to {MOST_EVENTS} events in a JSON array", advice="Send smaller batches.")
        return [_structured(event, at) for at, event in enumerate(found)]
    attributes = {name[3:]: value for name, value in sent.headers.items() if name.startswith("ce-")}
    event = _envelope(attributes, 0)
    length = sent.headers.get(LENGTH) or header_length(attributes.get("metadata"))
    return [{**event, **_data(sent.body, length)}]


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput("the body is no JSON", advice=ADVICE) from error


def _structured(event: Any, at: int) -> dict[str, Any]:
    if not isinstance(event, dict):
        raise BadInput(f"event {at} is no JSON object", advice=ADVICE, details={"event": at})
    envelope = _envelope(event, at)
    length = header_length(event.get("metadata"))
    kept = {name: event[name] for name in ("data", "data_base64") if event.get(name) is not None}
    return {**envelope, **kept, **({} if length is None else {"metadata": {LENGTH: length}})}


def _envelope(attributes: Mapping[str, Any], at: int) -> dict[str, Any]:
    kept = {name: told for name in ATTRIBUTES if (told := plain(attributes.get(name))) is not None}
    service = service_of(dict(attributes))
    wrong = ""
    if not attributes.get("specversion"):
        wrong = "it has no specversion"
    elif not HALF.search(kept.get("type", "")):
        wrong = f'its type is "{kept.get("type", "")[:100]}"'
    elif "id" not in kept:
        wrong = "it has no id"
    if wrong:
        raise BadInput(
            f"event {at} is none of KServe's logger: {wrong}",
            advice=f"Expected specversion, id and a type such as org.kubeflow.serving.inference.request. {ADVICE}",
            details={"event": at},
        )
    return {"specversion": "1.0", **kept, **({} if service is None else {"inferenceservicename": service})}


def _data(body: bytes, length: str | int | None) -> dict[str, Any]:
    """The payload as JSON, or as bytes where it is none; a source tells what is wrong with those."""
    if length is None:
        try:
            payload = json.loads(body.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            payload = None
        if payload is not None and not isinstance(payload, str):
            return {"data": payload}
    bytes_ = {"data_base64": base64.b64encode(body).decode()}
    return bytes_ if length is None else {**bytes_, "metadata": {LENGTH: length}}
