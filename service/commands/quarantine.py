"""The command that reads a quarantined record again, after the model file or the log was mended."""

from __future__ import annotations

import tempfile
from datetime import timedelta
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
from store.repeats import REASON as CONFLICT

ALONE = (".jsonl", ".ndjson", ".json")
"""Formats of which one record can be read by itself."""
TABLES = ("csv", "tsv", "parquet", "arrow", "jsonl")
OF_ROWS = ("future", "no_id", "range", "time", "type")
"""Reasons for which a row is set aside that could be read."""


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
    reader = _reader(held, batch)
    if batch is None or reader is None:
        raise Refused(
            f"{id} cannot be read by itself: {held['source']} is not a file of one record a line",
            advice="Mend the file and ingest it again; rows that are here already count as duplicates.",
        )
    site, kind = known_site(hub, viewer, held["site"]), Kind(batch["kind"])
    refuse_rows_unless_shared(site, kind)
    delivery = Delivery(
        site=held["site"],
        timezone=site["timezone"],
        clock_skew=timedelta(seconds=site["clock_skew_s"]),
        kind=kind,
        model=held["model"],
        version=batch["version"],
        grows=False,
    )
    with tempfile.TemporaryDirectory(dir=hub.folder / "spool") as folder:
        path = Path(folder) / f"{id}.jsonl"
        # The same bytes would be the same batch, and have the receipt of the try that failed.
        tried = reads.one("SELECT count(*) AS n FROM batch WHERE source = ? AND kept + duplicates = 0", [path.name])
        path.write_bytes(bytes(held["bytes"]) + b"\n" * (tried or {"n": 0})["n"])
        receipts, errors = ingest_paths(hub, viewer, [path], delivery, format_name=reader)
    if errors:
        raise errors[0]
    kept = sum(receipt["kept"] for receipt in receipts if not receipt["repeated"])
    details = {"quarantine": id, "batch": held["batch"], "kept": kept}
    with hub.store.write(viewer.name, Event.QUARANTINE_BATCH_RETRIED, held["site"], details) as tx:
        pass
    return {"schema": "bailiwick/quarantine-retry/1", "id": id, "kept": kept, "receipts": receipts, "seq": tx.seq}


def _reader(held: dict[str, Any], batch: dict[str, Any] | None) -> str | None:
    """The format that reads this record by itself; None where none does.

    A row that could be read but not accepted stands there as JSON, whatever its file was.
    """
    if batch is None or held["reason"] == CONFLICT:
        return None
    if held["line"] is not None and held["source"].lower().removesuffix(".gz").endswith(ALONE):
        return str(batch["format"])
    if batch["format"] in TABLES and held["reason"].partition(":")[0] in OF_ROWS:
        return "jsonl"
    return None
