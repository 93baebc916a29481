"""The command that reads a quarantined record again, after the model file or the log was mended."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from service.delivery import Delivery
from service.ingest import ingest_paths
from service.known import known_site, refuse_rows_unless_shared
from service.wiring import Hub
from store.access import Permission, Viewer, require
from store.errors import Refused, UnknownName
from store.events import Event
from store.receipt import Kind

ALONE = (".jsonl", ".ndjson", ".json")
"""Formats of which one record can be read by itself."""


def retry_quarantine(hub: Hub, viewer: Viewer, *, id: str) -> dict[str, Any]:
    """Ingests the bytes of one record as a batch of its own; the record stays where it is, with its reason."""
    reads = hub.store.reads(viewer)
    held = reads.one("SELECT * FROM quarantine WHERE seq <= ? AND id = ?", [reads.seq, id])
    if held is None or not reads.may(Permission.QUARANTINE_READ, site=held["site"], model=held["model"]):
        raise UnknownName(f"nothing in quarantine is called {id}", advice="See `bailiwick quarantine list`.")
    require(viewer, Permission.INGEST_WRITE, site=held["site"], model=held["model"])
    batch = reads.one(
        "SELECT kind, version, format FROM batch WHERE seq <= ? AND batch = ?", [reads.seq, held["batch"]]
    )
    if batch is None or held["line"] is None or not held["source"].lower().removesuffix(".gz").endswith(ALONE):
        raise Refused(
            f"{id} cannot be read by itself: {held['source']} is not a file of one record a line",
            advice="Mend the file and ingest it again; rows that are here already count as duplicates.",
        )
    site, kind = known_site(hub, viewer, held["site"]), Kind(batch["kind"])
    refuse_rows_unless_shared(site, kind)
    delivery = Delivery(
        site=held["site"], timezone=site["timezone"], kind=kind, model=held["model"], version=batch["version"]
    )
    with tempfile.TemporaryDirectory(dir=hub.folder / "spool") as folder:
        path = Path(folder) / f"{id}.jsonl"
        path.write_bytes(bytes(held["bytes"]))
        receipts, errors = ingest_paths(hub, viewer, [path], delivery, format_name=batch["format"])
    if errors:
        raise errors[0]
    kept = sum(receipt["kept"] for receipt in receipts if not receipt["repeated"])
    details = {"quarantine": id, "batch": held["batch"], "kept": kept}
    with hub.store.write(viewer.name, Event.QUARANTINE_BATCH_RETRIED, held["site"], details) as tx:
        pass
    return {"schema": "bailiwick/quarantine-retry/1", "id": id, "kept": kept, "receipts": receipts, "seq": tx.seq}
