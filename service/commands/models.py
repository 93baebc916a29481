"""Commands about model files: adding, revising, and handing a site what it needs to count by itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from service.binning import freeze_if_known
from service.delivery import Delivery
from service.ingest import ingest_paths
from service.known import known_model
from service.replaying import replay_revision
from service.taking_in import take_in
from service.wiring import Hub
from store import writes
from store.access import Permission, Viewer, require
from store.errors import BadInput
from store.events import Event
from store.model_changes import changes, needs_reason
from store.model_file import ModelFile
from store.model_reader import read_model_file
from store.receipt import Kind


def add_model(
    hub: Hub, viewer: Viewer, *, text: str, source: str, reason: str = "", folder: Path | None = None
) -> dict[str, Any]:
    """Adds a model version, or revises one. A revision that moves a limit needs a reason.

    folder: where a `reference: {file: ...}` of the model file is looked for; it is ingested with the model. None: it
    is left to `ingest --kind reference`.
    """
    file = read_model_file(text, source=source)
    require(viewer, Permission.MODEL_WRITE, model=file.name)
    if file.privacy is not None:
        hub.config.budget(file.privacy.people)
    with hub.store.turn():
        reads = hub.store.reads(viewer)
        old = reads.model_file(file.name, file.version)
        found = changes(old, file) if old else []
        if old is not None and not found:
            row = reads.one(
                "SELECT seq, revision FROM model_at(?) WHERE model = ? AND version = ?",
                [reads.seq, file.name, file.version],
            )
            told = {**_told(file), **(row or {}), "changes": [], "unchanged": True}
            return {**told, "taken_in": take_in(hub, viewer, model=file.name, version=file.version)}
        if needs_reason(found) and not reason.strip():
            moved = ", ".join(change.path for change in found if change.moves_limit)
            raise BadInput(
                f"{source}: this revision of {file.name}:{file.version} moves {moved}",
                advice='Say why with --reason "..."; every report will show it.',
                details={"changes": [change.as_json() for change in found]},
            )
        replayed = replay_revision(hub, reads, old, file, found) if old else ""
        event = Event.MODEL_FILE_REVISED if old else Event.MODEL_FILE_ADDED
        with hub.store.write(viewer.name, event, f"{file.name}:{file.version}") as tx:
            number = reads.model_number(file.name, file.version) or writes.next_model_number(tx)
            found_revision = reads.one(
                "SELECT max(revision) AS revision FROM model_version WHERE model = ? AND version = ?",
                [file.name, file.version],
            )
            revision = ((found_revision or {}).get("revision") or 0) + 1
            moves = [change.as_json() for change in found]
            writes.model(tx, file, number=number, revision=revision, reason=reason, changes=moves, replay=replayed)
            if old is not None and any(re.match(r"columns|reference", change.path) for change in found):
                freeze_if_known(tx, file, replace_spec=True)
    out = {**_told(file), "seq": tx.seq, "revision": revision, "changes": moves, "replay": replayed, "unchanged": False}
    if old is None:
        out["reference"] = _bring_reference(hub, viewer, file, folder)
    out["taken_in"] = take_in(hub, viewer, model=file.name, version=file.version)
    return out


def _told(file: ModelFile) -> dict[str, Any]:
    return {
        "schema": "bailiwick/model-added/1",
        "model": file.name,
        "version": file.version,
        "title": file.title or file.name,
    }


def _bring_reference(hub: Hub, viewer: Viewer, file: ModelFile, folder: Path | None) -> dict[str, Any] | None:
    """Ingests the reference that a new model file names; None where it names none, or came without a folder of its own:
    whoever sends a model file over HTTP does not choose files of this machine.
    """
    if file.reference.file is None or folder is None:
        return None
    path = folder / file.reference.file
    if not path.exists():
        raise BadInput(
            f"{file.name}:{file.version} was added, but its reference {path} is not there",
            advice="Ingest it with `bailiwick ingest FILE --kind reference`.",
        )
    sites = [row["site"] for row in hub.store.reads(viewer).sites() if row["sharing"] == "rows"]
    if not sites:
        raise BadInput(
            f"{file.name}:{file.version} was added, but there is no site yet to take its reference from",
            advice="Add a site, then `bailiwick ingest FILE --kind reference --site NAME`.",
        )
    delivery = Delivery(site=sites[0], timezone=None, kind=Kind.REFERENCE, model=file.name, version=file.version)
    receipts, errors = ingest_paths(hub, viewer, [path], delivery)
    if errors:
        raise errors[0]
    return {"receipts": receipts}


def export_model(hub: Hub, viewer: Viewer, *, name: str, version: str | None = None) -> dict[str, Any]:
    """What a site needs to count beside its data: the model file, the frozen bins and their hash."""
    require(viewer, Permission.MODEL_READ, model=name)
    file = known_model(hub, viewer, name, version)
    spec = hub.store.reads(viewer).spec(name, file.version)
    if spec is None:
        with hub.store.write(viewer.name, Event.MODEL_BINS_FROZEN, f"{name}:{file.version}") as tx:
            spec = freeze_if_known(tx, file, force=True)
        assert spec is not None  # force either freezes or raises
    return {
        "schema": "bailiwick/model-export/1",
        "model": file.name,
        "version": file.version,
        "file": file.document,
        "bins": spec.as_json(),
        "spec_hash": spec.spec_hash,
    }
