"""Azure's own collector at the door: what `azureml-ai-monitoring` posts to its sidecar becomes batches here.

The package posts a data frame's rows as a JSON list, with the event's attributes as `ce-*` headers, to
`http://HOST:PORT/modeldata/log`: an address without a site, and no header of ours. So that path is served too, and
site, model and token stand where its host does (`AZUREML_MDC_HOST=SITE%2FMODEL:TOKEN@HOST`): it sends them as Basic.
An event is brought into the form of the collector's log, attributes that are not read left out, so that the same event
delivered again gives the same receipt. The answer comes after the commit.
"""

from __future__ import annotations

import base64
import binascii
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.sources.azureml import collection_in
from service.commands.ingest import ingest
from service.kserve_events import Posted
from service.wiring import Hub
from store.access import Viewer
from store.errors import BadInput

PATH = "/modeldata/log"
TYPE = "azureml.inference."
ADVICE = "Point the collector here; see docs/connectors/azureml.md."


def basic(header: str) -> tuple[str, str, str] | None:
    """(site, model or empty, token) of a Basic authorization; None where there is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    site, _, model = user.partition("/")
    return site, model, token


def take_collected(hub: Hub, viewer: Viewer, site: str, sent: Posted) -> dict[str, Any]:
    """The receipt of one post, as a list of one; raises BadInput for what is no event of the collector."""
    event = event_of(sent)
    name, _, version = sent.model.partition(":")
    collection = collection_in(event["type"]) or event["type"].removeprefix(TYPE)
    with tempfile.TemporaryDirectory(dir=hub.folder / "spool") as folder:
        path = Path(folder) / "events.jsonl"
        path.write_text(json.dumps(event, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")
        done = ingest(
            hub,
            viewer,
            paths=[path],
            site=site,
            model=name or None,
            version=version or None,
            format="azureml",
            options=[f"collection={collection}"],
        )
    return {"schema": "bailiwick/receipts/1", "receipts": done["receipts"], "aside": done.get("aside", [])}


def event_of(sent: Posted) -> dict[str, Any]:
    """The event in the form of the collector's log; raises BadInput."""
    headers = sent.headers
    kind = headers.get("ce-type", "")
    if not kind.startswith(TYPE):
        raise BadInput(f"no event of the collector: ce-type is {kind!r}, not {TYPE}...", advice=ADVICE)
    if headers.get("content-type", "").partition(";")[0].strip().lower() == "application/octet-stream":
        raise BadInput(
            "the event is in the collector's compact form, which is text for people",
            advice="Unset AZUREML_MDC_FORMAT_COMPACT.",
        )
    try:
        data = json.loads(sent.body)
    except (ValueError, RecursionError) as error:
        raise BadInput("the event's body is no JSON", advice=ADVICE) from error
    event = {"specversion": "1.0", "type": kind, "time": _time(headers.get("ce-time")), "data": data}
    told = {"id": "trace-id", "correlationid": "ce-x-request-id", "modelversion": "ce-model-version"}
    return {**event, **{name: headers[header] for name, header in told.items() if headers.get(header)}}


def _time(text: str | None) -> str:
    """The collector writes whole seconds since 1970."""
    try:
        return datetime.fromtimestamp(float(text or ""), UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        raise BadInput(f"ce-time is no time in seconds: {text!r}", advice=ADVICE) from None
