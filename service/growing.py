"""Files that grow: how far each was read is remembered with its batch, and of the next delivery only the rest is taken.

Remembered per (site, model, kind, name): the length, the hash of that beginning, the position of the next row, and
the name under which ids are derived. A file that no longer begins with those bytes is a file of its own. A file that
refers to payloads beside it is read whole again: what was there is a duplicate, for its derived ids are the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from connectors.base import File, Raw
from connectors.sources import growing as files
from service.delivery import Delivery
from service.wiring import Hub
from store.access import Viewer
from store.errors import Retryable
from store.receipt import Kind

FOLDERS_KEPT = 8
"""Folders above a file that are kept with a copy: they tell a format (endpoint/deployment/collection/yyyy/MM/dd/HH)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a file is to be taken this time."""

    raw: Raw
    first_n: int = 0
    end: files.End | None = None
    """None: it is no file that could grow."""
    sha256: str = ""
    """Of the bytes up to the end."""
    after: int | None = None
    """The seq of the delivery that it goes on from."""

    def position(self, count: int) -> dict[str, Any] | None:
        """What to remember, once `count` rows were read; None where there is nothing to go on from."""
        if self.end is None or not (self.end.half or (self.end.length and count > self.end.rows_again)):
            return None
        return {
            "stream": self.raw.stream or self.raw.sha256,
            "length": self.end.length,
            "sha256": self.sha256,
            "next_n": self.first_n + count - self.end.rows_again,
        }


def place_like(path: Path, parts: int, folder: Path) -> Path:
    """The folder that stands for the root of a walk in a copy under `folder`: the names above the file are kept."""
    above = path.parts[1 : len(path.parts) - parts]
    return folder.joinpath(*above[-FOLDERS_KEPT:])


@contextmanager
def reading(
    hub: Hub, viewer: Viewer, raw: Raw, model: str, delivery: Delivery, *, read: Callable[[File], Raw]
) -> Iterator[Reading]:
    """The rest of a file that has grown, or all of it. The rest stands in the hub's spool while it is read."""
    if (
        delivery.kind not in (Kind.PREDICTIONS, Kind.LABELS)
        or not delivery.grows
        or raw.more_than_bytes
        or not files.is_line_file(raw)
    ):
        yield Reading(raw)
        return
    size = raw.file.path.stat().st_size if raw.beside else raw.size
    end = files.end_of(raw, size)
    known = _known(hub, viewer, raw, model, delivery, size)
    places = {row["length"] for row in known} | ({end.length, size} if known or raw.beside or end.half else set())
    if end.length != size or raw.format in files.SEPARATED:
        places |= {end.length}
    found = files.marks(raw.file.path, places)
    if known and not raw.beside and found[size].sha256 != raw.sha256:
        raise Retryable(f"{raw.file.name} changed while it was read", advice="Ingest it again.")
    sha256 = found[end.length].sha256 if end.length in found else raw.sha256
    if raw.format in files.SEPARATED and found[end.length].quotes % 2:
        end = files.End(0, 0)  # it ends inside a cell, and nobody can say where the cell will
    before = next((row for row in known if found[row["length"]].sha256 == row["sha256"]), None)
    if before is None:
        yield Reading(files.telling_half(raw, end.half), end=end, sha256=sha256)
        return
    if raw.beside:
        yield Reading(
            files.telling_half(replace(raw, stream=before["stream"]), end.half),
            end=end,
            sha256=sha256,
            after=before["seq"],
        )
        return
    with tempfile.TemporaryDirectory(dir=hub.path / "spool" if hub.path else None) as folder:
        name = Path(raw.file.name)
        path = raw.file.path.resolve()
        place = place_like(path, len(name.parts), Path(folder)) / name
        rest = files.rest_of(raw, found[before["length"]], first_n=before["next_n"], size=size, place=place, read=read)
        whole = replace(rest, file=raw.file, stream=before["stream"])
        yield Reading(
            files.telling_half(whole, end.half), before["next_n"], end=end, sha256=sha256, after=before["seq"]
        )


def _known(hub: Hub, viewer: Viewer, raw: Raw, model: str, delivery: Delivery, size: int) -> list[dict[str, Any]]:
    """How far files of this name were read, the longest first; only those that this one can have grown from."""
    return hub.store.reads(viewer).file_positions(
        site=delivery.site, model=model, kind=str(delivery.kind), source=raw.file.name, most=size
    )


def still_newest(hub: Hub, viewer: Viewer, found: Reading) -> bool:
    """Whether nobody went on from the same place meanwhile."""
    return found.after is None or hub.store.reads(viewer).stream_end(found.raw.stream) == found.after
