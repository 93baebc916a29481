"""Line files that are appended to (a collector's hour, a CSV that a job writes): where one ends, and only its rest.

A file that begins with the bytes that were read before has grown; its rest is read under the header it has, with
positions and line numbers going on where they were, so that derived ids stay what they were. A last line without its
end is read as it is, and remembered as not read: when the file has grown it is read again, and what it told before is
a duplicate. Where it is half a line of JSON it is set aside as `unfinished` until then. Zipped files, UTF-16 and JSON
arrays do not grow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from connectors.base import SHOWN_BYTES, Chunk, File, Raw, Unreadable
from connectors.limits import LIMITS
from connectors.sources.content import BLOCK, Damaged, blocks
from connectors.sources.csv_text import sniff_dialect
from connectors.sources.json_text import parse_records
from store.errors import Retryable

SEPARATED = ("csv", "tsv")
EVENTS = ("jsonl", "azureml")
UNFINISHED = "unfinished"
_NOT_LINES = (b"\x1f\x8b", b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands before a place in a file."""

    length: int
    sha256: str
    lines: int
    quotes: int


@dataclass(frozen=True, slots=True)
class End:
    """Up to where a file counts as read."""

    length: int
    rows_again: int
    """Rows behind it that were read all the same, and will be read again."""
    half: bytes = b""
    """A last line that is no JSON yet."""


def is_line_file(raw: Raw) -> bool:
    """Whether a file can be read on from where it ended."""
    if raw.format not in SEPARATED + EVENTS or raw.file.path.suffix.lower() == ".json":
        return False
    with raw.file.path.open("rb") as stream:
        head = stream.read(4096)
    return not head.startswith(_NOT_LINES) and not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def marks(path: Path, lengths: Iterable[int]) -> dict[int, Mark]:
    """What stands before each of these places, in one pass; places beyond the end are left out."""
    out: dict[int, Mark] = {}
    hashed, at, lines, quotes = hashlib.sha256(), 0, 0, 0
    with path.open("rb") as stream:
        for length in sorted(set(lengths)):
            while at < length and (block := stream.read(min(BLOCK, length - at))):
                hashed.update(block)
                at, lines, quotes = at + len(block), lines + block.count(b"\n"), quotes + block.count(b'"')
            if at < length:
                break
            out[length] = Mark(length, hashed.copy().hexdigest(), lines, quotes)
    return out


def end_of(raw: Raw, size: int) -> End:
    """Where the last line that has its end, or is a whole JSON value, ends."""
    start, tail = _tail(raw.file.path, size)
    if not tail.strip():
        return End(size, 0)
    if raw.format in SEPARATED:
        return End(start, 1)
    try:
        if size - start > LIMITS.record:
            raise ValueError("too long to be held")
        parse_records(tail.decode())
    except ValueError:
        return End(start, 1, tail.strip(b"\r"))
    return End(size, 0)


def _tail(path: Path, size: int) -> tuple[int, bytes]:
    """(where the last line end is, what stands behind it); of a line beyond the limit its beginning."""
    with path.open("rb") as stream:
        start = size
        while start:
            before = max(0, start - BLOCK)
            stream.seek(before)
            if end := stream.read(start - before).rfind(b"\n") + 1:
                start = before + end
                break
            start = before
        stream.seek(start)
        return start, stream.read(min(size - start, LIMITS.record))


def rest_of(raw: Raw, mark: Mark, *, first_n: int, size: int, place: Path, read: Callable[[File], Raw]) -> Raw:
    """The batch behind a mark, as a file of its own at `place`; it keeps the name and the sha256 of the whole."""
    path, lines = raw.file.path, mark.lines
    place.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as old, place.open("wb") as new:
        if raw.format in SEPARATED:
            header = _header(raw)
            new.write(header)
            lines -= header.count(b"\n")
        old.seek(mark.length)
        left = size - mark.length
        while left and (block := old.read(min(BLOCK, left))):
            new.write(block)
            left -= len(block)
    found = read(File(path=place, root=place.parent, name=raw.file.name))

    def chunks() -> Iterator[Chunk]:
        for chunk in found.chunks():
            yield _shifted(chunk, n=first_n, lines=lines)

    return replace(found, sha256=raw.sha256, size=size - mark.length, chunks=chunks)


def _header(raw: Raw) -> bytes:
    try:
        head = next(blocks(raw.file.path), b"")
    except Damaged as damage:
        raise Retryable(f"{raw.file.name} changed while it was read", advice="Ingest it again.") from damage
    header = head[: sniff_dialect(head, "\t" if raw.format == "tsv" else None).bytes]
    return header if header.endswith(b"\n") else header + b"\n"


def _shifted(chunk: Chunk, *, n: int, lines: int) -> Chunk:
    return replace(
        chunk,
        n=pc.add(chunk.n, pa.scalar(n, pa.int64())),
        lines=None if chunk.lines is None else pc.add(chunk.lines, pa.scalar(lines, pa.int64())),
        unreadable=tuple(
            lost if lost.line is None else replace(lost, line=lost.line + lines) for lost in chunk.unreadable
        ),
    )


def telling_half(raw: Raw, half: bytes) -> Raw:
    """The same batch; its half last line is set aside as what it is."""

    def told(lost: Unreadable) -> Unreadable:
        if lost.reason not in ("json", "encoding") or lost.bytes != half[:SHOWN_BYTES]:
            return lost
        return replace(
            lost, reason=UNFINISHED, expected="the rest of this line: it is read again when the file has grown"
        )

    def chunks() -> Iterator[Chunk]:
        for chunk in raw.chunks():
            yield replace(chunk, unreadable=tuple(told(lost) for lost in chunk.unreadable))

    return replace(raw, chunks=chunks) if half else raw
