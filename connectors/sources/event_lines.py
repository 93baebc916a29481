"""Logs whose lines are JSON events: the walk over a folder of them, and their lines as objects or as what they are.

Shared by every source with one event per line; what an event holds is the source's own business.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.base import File, Unreadable
from connectors.limits import LIMITS, Limits
from connectors.sources.content import Damaged, damaged, lines, unreadable
from connectors.sources.json_text import values_in
from store.errors import BadInput

Line = tuple[int, bytes, dict[str, Any]]
"""(number from 1, the bytes, the event)."""


def walk_files(path: Path, endings: tuple[str, ...]) -> Iterator[File]:
    """The files of these endings at a path, sorted; a file stands for itself; what is hidden is left alone."""
    if path.is_file():
        yield File(path=path, root=path.parent, name=path.name)
        return
    if not path.is_dir():
        raise BadInput(f"{path}: no such file or folder", advice="Check the path.", details={"file": str(path)})
    for found in sorted(path.rglob("*")):
        inside = found.relative_to(path)
        hidden = any(part.startswith((".", "_")) for part in inside.parts)
        if not hidden and found.name.lower().endswith(endings) and found.is_file():
            yield File(path=found, root=path, name=inside.as_posix())


def events(
    path: Path, *, expected: str, most: int | None = None, limits: Limits = LIMITS
) -> Iterator[Line | Unreadable]:
    """Each line's event; a line that holds none is told with its reason. expected: what an event is, for a person."""
    try:
        for at, (number, line) in enumerate(lines(path, limits)):
            if most is not None and at >= most:
                return
            yield from _line(number, line, expected, limits)
    except Damaged as damage:
        yield damaged(damage, path)


def _line(number: int, line: bytes, expected: str, limits: Limits) -> Iterator[Line | Unreadable]:
    values = values_in(number, line, "one JSON event per line", limits)
    if isinstance(values, Unreadable):
        yield values
        return
    for value in values:
        if isinstance(value, dict):
            yield number, line, value
        else:
            yield unreadable("json", number, expected, line)


def utc_of(text: Any) -> tuple[datetime | None, bool]:
    """(naive UTC, or None where the event has no time; whether it could be read)."""
    if text is None:
        return None, True
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else datetime.fromtimestamp(text, UTC)
        return (moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)), True
    except (ValueError, TypeError, OverflowError, OSError):
        return None, False
