"""The bytes of a file: hashed once, unzipped, as UTF-8, and cut where records end. Memory stays bounded.

What is damaged ends in `Damaged`, after everything before the damage was given; a file that changes while it is read
is `Retryable`, for its sha256 would be a lie.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from connectors.base import SHOWN_BYTES, Unreadable
from connectors.limits import LIMITS, Limits
from store.errors import BadInput, Retryable

BLOCK = 1 << 20
SEGMENT = 8 << 20
"""Text is handed on in pieces of about this many bytes."""
LONGEST_QUOTED = 16 << 20
"""A cell in quotes that does not end within this has no end: its lines are records again."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Damaged(Exception):
    """The rest of a file cannot be decompressed or decoded; `damaged` turns it into an Unreadable."""

    def __init__(self, expected: str, reason: str = "file") -> None:
        super().__init__(expected)
        self.reason = reason


class Cut(bytes):
    """The beginning of a record that is longer than the limit; the rest of it was left out."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Content:
    path: Path
    sha256: str
    size: int
    stamp: tuple[int, int]
    limits: Limits = LIMITS

    def check_unchanged(self) -> None:
        if _stamp(self.path) != self.stamp:
            raise Retryable(
                f"{self.path.name} changed while it was read",
                advice="Ingest it again once it is no longer written to.",
                details={"file": str(self.path)},
            )


def examine(path: Path, limits: Limits = LIMITS) -> Content:
    """Hashes a file. Raises BadInput where it cannot be opened."""
    try:
        stamp = _stamp(path)
        hashed = hashlib.sha256()
        with path.open("rb") as stream:
            while block := stream.read(BLOCK):
                hashed.update(block)
        return Content(path, hashed.hexdigest(), stamp[0], stamp, limits)
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be read: {error.strerror or error}",
            advice="Check that the file is there and that you may read it.",
            details={"file": str(path)},
        ) from error


def _stamp(path: Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def blocks(path: Path, limits: Limits = LIMITS) -> Iterator[bytes]:
    """The text of a file as UTF-8 bytes without a byte order mark; raises Damaged where it breaks off, or swells."""
    size, given = 0, 0
    try:
        with path.open("rb") as stream:
            zipped = stream.read(2) == b"\x1f\x8b"
            size = os.fstat(stream.fileno()).st_size
        with gzip.open(path, "rb") if zipped else path.open("rb") as plain:
            first = plain.read(BLOCK)
            mark, encoding = next(((b, e) for b, e in _BOMS if first.startswith(b)), (b"", "utf-8"))
            first = first[len(mark) :]
            decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)("surrogatepass")
            block = first
            while block:
                given += len(block)
                if zipped and limits.swells(size, given):
                    raise Damaged(limits.swollen, "expansion")
                # Lone surrogates become bytes that are not UTF-8, so that the line they stand in is told as such.
                yield block if decoder is None else decoder.decode(block).encode("utf-8", "surrogatepass")
                block = plain.read(BLOCK)
            if decoder is not None and (last := decoder.decode(b"", final=True)):
                yield last.encode("utf-8", "surrogatepass")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Damaged(f"a complete gzip file ({error})") from error
    except UnicodeDecodeError as error:
        raise Damaged(f"text in {error.encoding} ({error.reason})") from error


def last_newline(text: bytes) -> int:
    """Where the last complete line ends; 0 if none does."""
    return text.rfind(b"\n") + 1


def segments(
    path: Path, cut: Callable[[bytes], int] = last_newline, *, limits: Limits = LIMITS, size: int = SEGMENT
) -> Iterator[bytes]:
    """The text of a file in pieces that end where a record does.

    A line that does not end within the limit comes as a piece of its own, a Cut; what follows it is read on.
    """
    waiting: list[bytes] = []
    held = 0
    beyond: bytes | None = None
    one_line = False
    for block in blocks(path, limits):
        if beyond is not None:
            end = block.find(b"\n") + 1
            if not end:
                continue
            yield Cut(beyond + b"\n")
            beyond, block = None, block[end:]
        waiting.append(block)
        held += len(block)
        if held < size or (one_line and held <= limits.record and b"\n" not in block):
            continue
        rest = b"".join(waiting)
        end = cut(rest) or (last_newline(rest) if len(rest) > min(LONGEST_QUOTED, limits.record) else 0)
        if not end and len(rest) > limits.record:
            beyond, end = rest[:SHOWN_BYTES], len(rest)
        elif end:
            yield rest[:end]
        rest = rest[end:]
        waiting, held = [rest], len(rest)
        one_line = b"\n" not in rest
    if beyond is not None:
        yield Cut(beyond)
    if held:
        yield b"".join(waiting)


def lines(path: Path, limits: Limits = LIMITS) -> Iterator[tuple[int, bytes]]:
    """(number from 1, line without its end), the blank ones left out; of a line beyond the limit a Cut."""
    number = 1
    for segment in segments(path, limits=limits):
        yield from lines_of(segment, number, limits)
        number += line_count(segment)


def lines_of(segment: bytes, first: int, limits: Limits = LIMITS) -> Iterator[tuple[int, bytes]]:
    """The same of some whole lines, of which the first has that number."""
    if isinstance(segment, Cut):
        yield first, Cut(segment.rstrip(b"\r\n"))
        return
    for number, piece in enumerate(segment.split(b"\n"), first):
        line = piece.strip(b"\r")
        if len(line) > limits.record:
            yield number, Cut(line[:SHOWN_BYTES])
        elif line.strip():
            yield number, line


def line_count(segment: bytes) -> int:
    return segment.count(b"\n") + (not segment.endswith(b"\n"))


def unreadable(reason: str, line: int | None, expected: str, record: bytes) -> Unreadable:
    return Unreadable(reason=reason, line=line, expected=expected, bytes=record[:SHOWN_BYTES])


def damaged(damage: Damaged, path: Path) -> Unreadable:
    """The rest of a file, told with how the file begins."""
    return unreadable(damage.reason, None, str(damage), beginning(path))


def beginning(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(SHOWN_BYTES)
