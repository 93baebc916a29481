"""A file of captured halves as a batch: what every serving stack's log has in common once its events can be told apart.

A file holds the events of one service (and of one node of its graph); those of another are told and not mixed in.
Events without a time take the file's modification time, and the batch notes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from connectors.base import Chunk, File, Raw, Unreadable, Wanted
from connectors.sources.captured import Half, NoEvent, Rows, as_json, half_rows
from connectors.sources.content import Content, unreadable
from connectors.sources.json_rows import Record, chunks_of, json_hints

HINT_EVENTS = 50

Event = tuple[int | None, dict[str, Any] | Unreadable]
"""(line from 1, the event)."""
Found = tuple[int | None, bytes, Half]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    file: File
    content: Content
    wanted: Wanted
    events: Callable[[], Iterator[Event]]
    half_of: Callable[[dict[str, Any]], Half | None]
    """Raises NoEvent for what is none; gives None for an event that is of another kind than the batch."""
    rows: Rows
    """The rows of a payload."""
    service: str | None = None
    node: str | None = None


def batch(log: Log, kind: str, notes: Sequence[str] = ()) -> Raw:
    """The file as a batch of the service that its first events name."""
    first = [item for item in islice(_halves(log), HINT_EVENTS) if not isinstance(item, Unreadable)]
    service = log.service or next((half.service for _, _, half in first if half.service), None)
    node = log.node or next((half.node for _, _, half in first if half.node), None)
    own = replace(log, service=service, node=node)
    rows = (row for line, record, half in first for row in half_rows(half, line, record, log.rows))
    told = list(notes)
    if any(half.time is None for _, _, half in first):
        told.append("events without a time took the file's modification time")
    return Raw(
        file=log.file,
        format=kind,
        sha256=log.content.sha256,
        size=log.content.size,
        chunks=partial(_chunks, own),
        hints=json_hints(rows, log.wanted),
        model=service,
        notes=tuple(told),
    )


def _chunks(log: Log) -> Iterator[Chunk]:
    changed = datetime.fromtimestamp(log.content.stamp[1] / 1e9, UTC).replace(tzinfo=None)
    yield from chunks_of(_rows(log, changed), log.wanted)
    log.content.check_unchanged()


def _rows(log: Log, changed: datetime) -> Iterator[Record | Unreadable]:
    for item in _halves(log):
        if isinstance(item, Unreadable):
            yield item
            continue
        line, record, half = item
        other = _differs(half.service, log.service) or _differs(half.node, log.node)
        if other:
            yield unreadable("other_model", line, f"events of {other} alone, as the file begins", record)
            continue
        timed = half if half.time is not None else replace(half, time=changed)
        yield from half_rows(timed, line, record, log.rows)


def _differs(found: str | None, wanted: str | None) -> str:
    return wanted if found and wanted and found != wanted else ""


def _halves(log: Log) -> Iterator[Found | Unreadable]:
    for line, event in log.events():
        if isinstance(event, Unreadable):
            yield event
            continue
        record = as_json(event)
        try:
            half = log.half_of(event)
        except NoEvent as error:
            yield unreadable(error.reason, line, error.expected, record)
            continue
        if half is not None:
            yield line, record, half
