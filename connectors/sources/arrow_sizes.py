"""How much an Arrow IPC file says that its compressed buffers expand to, before any of them is expanded.

Arrow expands a batch whole, so a few kilobytes could take gigabytes before anybody sees a row. Each compressed buffer
stands behind its own length in eight bytes; where the buffers are is told by the batch's metadata, a flatbuffer, of
which nothing else is read here. What cannot be followed ends the count: the reader of the file then says what is wrong.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MARK = b"\xff\xff\xff\xff"
MAGIC = b"ARROW1\x00\x00"
DICTIONARY_BATCH, RECORD_BATCH = 2, 3
LARGEST_METADATA = 64 << 20


def told_size(path: Path) -> int:
    """Bytes of all compressed buffers once they are expanded; 0 where none is compressed."""
    total = 0
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            file.seek(0)
        try:
            for length in _lengths(file):
                total += max(length, 0)
        except (struct.error, IndexError, OverflowError, ValueError, OSError):
            return total
    return total


def _lengths(file: BinaryIO) -> Iterator[int]:
    """What stands before each compressed buffer; -1 is a buffer that was left as it is."""
    while True:
        mark, size = struct.unpack("<4si", file.read(8))
        if mark != MARK or not 0 < size <= LARGEST_METADATA:
            return
        metadata = file.read(size)
        body = file.tell()
        for offset, length in _buffers(metadata):
            if length >= 8:
                file.seek(body + offset)
                yield struct.unpack("<q", file.read(8))[0]
        at = _Table(metadata, _u32(metadata, 0)).field(3)
        length = struct.unpack_from("<q", metadata, at)[0] if at else 0
        if length < 0:
            return  # back to where it was, again and again
        file.seek(body + length)


def _buffers(metadata: bytes) -> Iterator[tuple[int, int]]:
    """(place in the body, length) of the buffers of a batch that is compressed."""
    message = _Table(metadata, _u32(metadata, 0))
    kind, header = message.field(1), message.field(2)
    if not kind or not header or metadata[kind] not in (DICTIONARY_BATCH, RECORD_BATCH):
        return
    batch = _Table(metadata, header + _u32(metadata, header))
    if metadata[kind] == DICTIONARY_BATCH:
        data = batch.field(1)
        if not data:
            return
        batch = _Table(metadata, data + _u32(metadata, data))
    vector, compression = batch.field(2), batch.field(3)
    if not vector or not compression:
        return
    start = vector + _u32(metadata, vector)
    for at in range(_u32(metadata, start)):
        offset, length = struct.unpack_from("<qq", metadata, start + 4 + 16 * at)
        yield offset, length


class _Table:
    """A table of a flatbuffer: its fields are found through a list of offsets that stands elsewhere."""

    def __init__(self, raw: bytes, at: int) -> None:
        self._raw, self._at = raw, at
        self._list = at - int(struct.unpack_from("<i", raw, at)[0])
        if self._list < 0:
            raise ValueError("a list of offsets before the start")

    def field(self, number: int) -> int:
        """Where a field is; 0 where it is left out."""
        size = int(struct.unpack_from("<H", self._raw, self._list)[0])
        if 4 + 2 * number >= size:
            return 0
        offset = int(struct.unpack_from("<H", self._raw, self._list + 4 + 2 * number)[0])
        return self._at + offset if offset else 0


def _u32(raw: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", raw, at)[0])
