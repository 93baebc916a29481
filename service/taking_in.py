"""Taking in what was kept aside, once somebody has added the model or the version that it names."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from connectors import registry
from connectors.base import File
from service.delivery import Delivery
from service.ingest import ingest_file
from service.known import known_site, refuse_rows_unless_shared
from service.wiring import Hub
from store import writes
from store.access import Viewer
from store.errors import BadInput, BailiwickError
from store.events import Event
from store.receipt import Kind


def take_in(hub: Hub, viewer: Viewer, *, model: str, version: str) -> dict[str, Any] | None:
    """Every file kept aside for this model version, in the order they came: each a batch with its own receipt.

    One that still cannot be taken in stays aside, and its error is told. None where nothing was kept.
    """
    reads = hub.store.reads(viewer)
    waiting = reads.rows(
        "SELECT * FROM aside_at(?) WHERE state = 'kept' AND model = ? AND (version IS NULL OR version = ?) "
        "ORDER BY seq",
        [reads.seq, model, version],
    )
    receipts, errors = [], []
    for held in waiting:
        try:
            receipts.append(_take(hub, viewer, held))
        except BailiwickError as error:
            errors.append(error.as_json()["error"])
    return {"receipts": receipts, "errors": errors} if waiting else None


def _take(hub: Hub, viewer: Viewer, held: dict[str, Any]) -> dict[str, Any]:
    site = known_site(hub, viewer, held["site"])
    kind = Kind(held["kind"])
    refuse_rows_unless_shared(site, kind)
    root = hub.folder / "quarantine" / held["folder"]
    file = File(path=root / held["file"], root=root, name=held["file"])
    if not file.path.is_file():
        raise BadInput(
            f"{held['source']}, kept aside as {held['id']}, is no longer in the hub's quarantine folder",
            advice="Ingest the file again from where it came.",
            details={"aside": held["id"]},
        )
    delivery = Delivery(
        site=held["site"],
        timezone=site["timezone"],
        clock_skew=timedelta(seconds=site["clock_skew_s"]),
        kind=kind,
        model=held["model"],
        version=held["version"],
        options=json.loads(held["options"]),
    )
    receipt = ingest_file(hub, viewer, registry.load_source(held["reader"]), file, delivery, since=None)
    columns = {name: held[name] for name in held if name not in ("seq", "known_at", "state", "batch")}
    with hub.store.write(viewer.name, Event.ASIDE_BATCH_TAKEN, f"{held['site']}/{held['model']}") as tx:
        writes.aside(tx, **columns, state="taken", batch=receipt["batch"])
    return receipt
