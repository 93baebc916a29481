"""Files whose rows name a model or a version that nobody added: kept aside whole, shown, and taken in later.

Promises: the bytes stand in the hub's quarantine/ before the record of them is committed; the same file again is the
same record; nothing of it is counted until somebody adds the model. service/taking_in.py takes it in then.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from connectors.base import Chunk, File, Raw, Source, Wanted
from connectors.sources.casts import Casts
from service.delivery import Delivery
from service.growing import place_like
from service.wiring import Hub
from store import writes
from store.access import Viewer
from store.canonical import canonical_json, make_id
from store.errors import Retryable
from store.events import Event

SCHEMA = "bailiwick/aside/1"


@dataclass(frozen=True)
class Unknown:
    """What a file names and nobody added."""

    model: str
    version: str | None
    time_column: str = ""
    """Where the model's newest version keeps the event time, as the best guess for this one."""

    @property
    def called(self) -> str:
        return self.model if self.version is None else f"{self.model}:{self.version}"


def keep_aside(
    hub: Hub, viewer: Viewer, source: Source, raw: Raw, delivery: Delivery, *, options: Any, unknown: Unknown
) -> dict[str, Any]:
    """Keeps a file until its model is added. The answer is no receipt: nothing was counted."""
    file = raw.file
    id_ = make_id("aside", delivery.site, unknown.model, unknown.version, delivery.kind, raw.sha256)
    with hub.store.turn():
        held = hub.store.reads(viewer).aside_of(id_)
        if held is not None and held["state"] == "kept":
            return _answer(held, repeated=True)
        folder = f"aside/{id_}"
        place = hub.folder / "quarantine" / folder
        kept = _copy(file, raw, place)
        copied = source.read(kept, options, Wanted(limits=hub.config.limits))
        if copied.sha256 != raw.sha256:
            shutil.rmtree(place)
            raise Retryable(
                f"{file.name} changed while it was read", advice="Ingest it again once it is no longer written to."
            )
        count, first, last = _extent(copied.chunks(), unknown.time_column, delivery.timezone)
        row = {
            "id": id_,
            "state": "kept",
            "site": delivery.site,
            "model": unknown.model,
            "version": unknown.version,
            "kind": str(delivery.kind),
            "format": raw.format,
            "sha256": raw.sha256,
            "source": file.name,
            "bytes": raw.size,
            "rows": count,
            "first_event": first,
            "last_event": last,
            "folder": f"{folder}/{kept.root.relative_to(place).as_posix()}",
            "file": file.name,
            "reader": source.kind,
            "options": canonical_json(dict(delivery.options)),
            "batch": None,
        }
        about = f"{delivery.site}/{unknown.called}"
        with hub.store.write(viewer.name, Event.ASIDE_BATCH_KEPT, about) as tx:
            writes.aside(tx, **row)
    return _answer({**row, "seq": tx.seq, "known_at": tx.now}, repeated=False)


def _answer(row: dict[str, Any], *, repeated: bool) -> dict[str, Any]:
    names = ("site", "model", "version", "kind", "format", "rows", "bytes", "seq", "sha256", "source", "known_at")
    return {
        "schema": SCHEMA,
        "aside": row["id"],
        **{name: row[name] for name in names},
        **{name: _text(row[name]) for name in ("first_event", "last_event")},
        "repeated": repeated,
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat() + "Z"


def _copy(file: File, raw: Raw, place: Path) -> File:
    """The file and what it refers to, under the folders that tell what it is; on disk before it returns."""
    name = Path(file.name)
    path = file.path.resolve()
    root = place_like(path, len(name.parts), place)
    for found, wanted in ((path, root / name), *((p, root / p.relative_to(file.root.resolve())) for p in raw.beside)):
        wanted.parent.mkdir(parents=True, exist_ok=True)
        with found.open("rb") as old, wanted.open("wb") as new:
            shutil.copyfileobj(old, new, 1 << 20)
            new.flush()
            os.fsync(new.fileno())
        shutil.copystat(found, wanted)  # rows without a time take the file's
    return File(path=root / name, root=root, name=file.name)


def _extent(
    chunks: Iterable[Chunk], time_column: str, timezone: str | None
) -> tuple[int, datetime | None, datetime | None]:
    """Rows, the unreadable ones too, and the first and last event as far as they can be told without a model."""
    casts = Casts(timezone=timezone)
    count, moments = 0, []
    for chunk in chunks:
        count += len(chunk.n) + len(chunk.unreadable)
        times = chunk.envelope_time
        if time_column in chunk.table.column_names:
            casts.empty_is_missing = chunk.empty_is_missing
            times, wrong = casts.time(chunk.table[time_column])
            times = times if wrong is None else pc.if_else(wrong, None, times)
        if times is not None:
            ends = pc.min_max(times).as_py()
            moments += [moment for moment in ends.values() if moment is not None]
    return count, min(moments, default=None), max(moments, default=None)
