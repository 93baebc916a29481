"""Ingest: from a path to receipts. Each file is a batch; its rows, counts, receipt and leaf are there together or not.

Promises: a batch that is acknowledged is there once; the same bytes again give the same receipt; what could not be
read is in quarantine with its reason and its bytes. Refuses rows from a site that does not share them, before it
reads one. A file that is no log of this model is an error of its own and does not stop the others; one that names a
model or version which nobody added is kept aside (service/aside.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from connectors.base import File, Raw, Source, Wanted
from connectors.normalise import wanted_of
from connectors.options import options_of
from connectors.roles import TIMELESS
from service.arriving import SMALL, arrive, batch_id
from service.aside import Unknown, keep_aside
from service.delivery import Delivery
from service.group_writing import earlier_answer, write_group
from service.growing import reading
from service.known import model_file, newest_version, only_model
from service.stores import visiting
from service.wiring import Hub
from store.access import Viewer
from store.errors import BadInput, BailiwickError, Refused
from store.model_file import ModelFile
from store.receipt import Kind


def ingest_paths(
    hub: Hub, viewer: Viewer, paths: Sequence[Path | str], delivery: Delivery, *, format_name: str = "auto"
) -> tuple[list[dict[str, Any]], list[BailiwickError]]:
    """Receipts of every file at these paths, and the errors of the files that gave none. Text is an address of an
    object store, where it has a scheme.

    A file that names a model or version which nobody added has no receipt: its answer has `aside` in place of `batch`.
    """
    receipts: list[dict[str, Any]] = []
    errors: list[BailiwickError] = []
    since: int | None = None
    for path in paths:
        with visiting(path, hub.config) as place:
            source = place.source(format_name)
            for found in place.files(source):
                try:
                    with place.brought(found, source) as file:
                        receipt = ingest_file(hub, viewer, source, file, delivery, since=since)
                except BadInput as error:
                    errors.append(error)
                    continue
                receipts.append(receipt)
                if since is None and "aside" not in receipt:
                    since = receipt["seq"]
    return receipts, errors


def ingest_file(
    hub: Hub, viewer: Viewer, source: Source, file: File, delivery: Delivery, *, since: int | None
) -> dict[str, Any]:
    """The receipt of one file; or, where it names a model or version that nobody added, what was kept aside."""
    options = options_of(source.options, delivery.options, where=f"--format {source.kind}")

    def read(wanted: Wanted) -> Raw:
        return source.read(file, options, replace(wanted, limits=hub.config.limits))

    while True:
        raw, model = _settled(hub, viewer, read, delivery)
        if isinstance(model, Unknown):
            return keep_aside(hub, viewer, source, raw, delivery, options=options, unknown=model)
        if receipt := _taken(hub, viewer, source, options, raw, model, delivery, since=since):
            return receipt


def _taken(
    hub: Hub,
    viewer: Viewer,
    source: Source,
    options: Any,
    raw: Raw,
    model: ModelFile,
    delivery: Delivery,
    *,
    since: int | None,
) -> dict[str, Any]:
    """The receipt of a batch, the one it has or a new one; empty where it was overtaken: by another delivery of a
    growing file, or by a change to its model.
    """
    id_ = batch_id(model, delivery, raw)
    if raw.size > SMALL and delivery.key_sha256 is None and (earlier := earlier_answer(hub, id_)):
        return earlier
    wanted = replace(wanted_of(model, delivery.kind), limits=hub.config.limits)
    with reading(hub, viewer, raw, model.name, delivery, read=lambda file: source.read(file, options, wanted)) as found:
        try:
            arrived = arrive(hub, viewer.name, model, delivery, found, since=since)
        except BadInput:
            if earlier := earlier_answer(hub, id_):
                return earlier  # it was taken when it could be read
            raise
        if arrived.rows is not None and not hub.store.has_turn:
            receipt: dict[str, Any] = hub.store.together.submit(arrived, partial(write_group, hub))
            return receipt
        told = write_group(hub, [arrived])[0]
        if isinstance(told, Exception):
            raise told
        return told


def _settled(
    hub: Hub, viewer: Viewer, read: Callable[[Wanted], Raw], delivery: Delivery
) -> tuple[Raw, ModelFile | Unknown]:
    """The content of a file, and whose rows it holds: what the caller says, else what the log says, else the newest."""
    named, version = delivery.model, delivery.version
    if named is None:
        raw = read(Wanted())
        named = raw.model or only_model(hub, viewer)
    model = model_file(hub, named, version or newest_version(hub, named) or "")
    if model is None:
        raw = read(Wanted())
        of = None if delivery.kind is Kind.LABELS else version or raw.version
        return raw, Unknown(named, of)
    raw = read(wanted_of(model, delivery.kind))
    if version is not None or raw.version in (None, model.version) or delivery.kind is Kind.LABELS:
        return raw, model
    other = model_file(hub, named, str(raw.version))
    if other is not None:
        return read(wanted_of(other, delivery.kind)), other
    if delivery.kind in TIMELESS:
        # Whoever brings a reference means the model that they named.
        return raw, model
    return read(Wanted()), Unknown(named, raw.version, model.columns.time or "")


def nothing_recorded(errors: Sequence[BailiwickError]) -> BailiwickError:
    """The one error to raise where no file gave a receipt."""
    if not errors:
        return Refused(
            "there was no file to read",
            advice="Check the path and --format; a folder is walked for the format's own files.",
        )
    return errors[0]
