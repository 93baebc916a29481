"""Ingest: from a path to receipts. Each file is a batch, each batch one transaction: rows, counts, receipt, leaf.

Promises: a batch that is acknowledged is there once; the same bytes again give the same receipt; what could not be
read is in quarantine with its reason and its bytes. Refuses rows from a site that does not share them, before it
reads one. A file that is no log of this model is an error of its own and does not stop the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connectors import registry
from connectors.base import File, Source
from connectors.normalise import wanted_of
from connectors.options import options_of
from service.batch_writing import BatchWriter, Delivery
from service.known import known_model
from service.wiring import Hub
from store.access import Viewer
from store.errors import BadInput, BailiwickError, Refused
from store.events import Event
from store.receipt import Kind


def ingest_paths(
    hub: Hub, viewer: Viewer, paths: Sequence[Path], delivery: Delivery, *, format_name: str = "auto"
) -> tuple[list[dict[str, Any]], list[BailiwickError]]:
    """Receipts of every file at these paths, and the errors of the files that gave none."""
    receipts: list[dict[str, Any]] = []
    errors: list[BailiwickError] = []
    since: int | None = None
    for path in paths:
        source = registry.sniff(path) if format_name == "auto" else registry.load_source(format_name)
        if not path.exists():
            raise BadInput(f"{path}: no such file or folder", advice="Check the path.", details={"file": str(path)})
        for file in source.walk(path):
            try:
                receipt = _ingest_file(hub, viewer, source, file, delivery, since=since)
            except BadInput as error:
                errors.append(error)
                continue
            receipts.append(receipt)
            if since is None:
                since = receipt["seq"]
    return receipts, errors


def _ingest_file(
    hub: Hub, viewer: Viewer, source: Source, file: File, delivery: Delivery, *, since: int | None
) -> dict[str, Any]:
    model = known_model(hub, viewer, delivery.model, delivery.version)
    options = options_of(source.options, delivery.options, where=f"--format {source.kind}")
    raw = source.read(file, options, wanted_of(model, delivery.kind))
    if delivery.version is None and raw.version is not None and raw.version != model.version:
        named = hub.store.reads(viewer).model_file(delivery.model, raw.version)
        model = named or model
    # Labels belong to a model: the same ones are the same batch whichever version is the newest.
    of = None if delivery.kind is Kind.LABELS else model.version
    with hub.store.turn():
        earlier = hub.store.reads(viewer).receipt_of(
            site=delivery.site, model=model.name, version=of, kind=str(delivery.kind), sha256=raw.sha256
        )
        if earlier is not None:
            return {**earlier, "repeated": True}
        with hub.store.write(
            viewer.name, Event.BATCH_ROWS_ACCEPTED, f"{delivery.site}/{model.name}:{model.version}"
        ) as tx:
            receipt = BatchWriter(hub, tx, model, delivery, raw).write(since)
    return {**receipt.as_json(), "known_at": tx.now}


def nothing_recorded(errors: Sequence[BailiwickError]) -> BailiwickError:
    """The one error to raise where no file gave a receipt."""
    if not errors:
        return Refused(
            "there was no file to read",
            advice="Check the path and --format; a folder is walked for the format's own files.",
        )
    return errors[0]
