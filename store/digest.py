"""Digests of stored rows, so that the trail can say which rows were changed.

Rows are hashed in the order they come, in stretches of STRETCH rows, over the values and not over how Arrow happens
to hold them: chunking, offsets and what lies under a null do not matter. The Merkle root over the stretches is what
a batch's leaf carries; the stretches stand beside the batch and name the place of a change.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from store import merkle

STRETCH = 1024
AT_ONCE = 64 * STRETCH
"""Most rows whose columns are laid out together; a whole number of stretches."""

Bytes: TypeAlias = "bytes | memoryview"
Slices = Callable[[int, int], Iterator[Bytes]]
"""The bytes of a column's rows [start, stop): validity, then values with nulls as zero; texts and lists as their
lengths, then their content."""


def stretches(rows: pa.Table | pa.RecordBatchReader, columns: Sequence[str], *, rising: str | None = None) -> list[str]:
    """SHA-256 (hex) of each stretch of the rows, over the named columns, in order. A reader is never held whole.

    rising: a column of whole numbers that must rise from row to row, else `OutOfOrder`.
    """
    running = Stretches(rows.schema, columns, rising=rising)
    for batch in rows.to_batches() if isinstance(rows, pa.Table) else rows:
        running.add(batch)
    return running.finish()


def stretches_apart(rows: pa.Table, columns: Sequence[str], starts: Sequence[int]) -> list[list[str]]:
    """The same of parts of a table, each from its start to the next, as if each had come alone; laid out once."""
    whole = rows.select(list(columns)).combine_chunks()
    header = _header(rows.schema, columns)
    laid_out = [_slices(_one(whole.column(name))) for name in columns]
    return [
        [_digest(header, laid_out, at, min(at + STRETCH, end)) for at in range(start, end, STRETCH)]
        for start, end in itertools.pairwise([*starts, rows.num_rows])
    ]


class OutOfOrder(Exception):
    """Rows came otherwise than by rising `n`."""


class Stretches:
    """The digests of rows that come batch by batch; less than a stretch is held."""

    def __init__(self, schema: pa.Schema, columns: Sequence[str], *, rising: str | None = None) -> None:
        self._columns, self._rising = list(columns), rising
        self._header = _header(schema, columns)
        self._held: list[pa.RecordBatch] = []
        self._count = 0
        self._last: int | None = None
        self._digests: list[str] = []

    def add(self, batch: pa.RecordBatch) -> None:
        if not batch.num_rows:
            return
        if self._rising is not None:
            self._check(batch.column(self._rising).to_numpy(zero_copy_only=False))
        for start in range(0, batch.num_rows, AT_ONCE):
            part = batch.slice(start, AT_ONCE).select(self._columns)
            self._held.append(part)
            self._count += part.num_rows
            if self._count >= STRETCH:
                self._hash(self._count // STRETCH * STRETCH)

    def finish(self) -> list[str]:
        if self._count:
            self._hash(self._count)
        return self._digests

    def _check(self, values: Any) -> None:
        if (self._last is not None and values[0] <= self._last) or (values[1:] <= values[:-1]).any():
            raise OutOfOrder
        self._last = int(values[-1])

    def _hash(self, count: int) -> None:
        """Hashes the first rows of those held; the others are kept."""
        # One batch is laid out where it lies; only what was left of the one before is copied.
        whole = self._held[0] if len(self._held) == 1 else pa.Table.from_batches(self._held).combine_chunks()
        laid_out = [_slices(_one(whole.column(name))) for name in self._columns]
        for start in range(0, count, STRETCH):
            self._digests.append(_digest(self._header, laid_out, start, min(start + STRETCH, count)))
        self._count -= count
        rest = whole.slice(count)
        self._held = rest.to_batches() if isinstance(rest, pa.Table) else [rest] if rest.num_rows else []


def _header(schema: pa.Schema, columns: Sequence[str]) -> bytes:
    return "\x1f".join(f"{name}:{schema.field(name).type}" for name in columns).encode()


def _digest(header: bytes, laid_out: Sequence[Slices], start: int, stop: int) -> str:
    sha = hashlib.sha256(header)
    for column in laid_out:
        for piece in column(start, stop):
            sha.update(piece)
    return sha.hexdigest()


def _one(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def rows_root(digests: Sequence[str]) -> str:
    """Merkle root (hex) over the stretches."""
    return merkle.root([merkle.leaf_hash(bytes.fromhex(text)) for text in digests]).hex()


def _slices(column: Any) -> Slices:
    """How one column gives the bytes of a stretch; laid out once, sliced many times."""
    valid = column.is_valid().to_numpy(zero_copy_only=False) if column.null_count else None

    def validity(start: int, stop: int) -> bytes:
        if valid is None or valid[start:stop].all():
            return b"\xff"
        return np.packbits(valid[start:stop]).tobytes()

    content = _content(column)

    def slices(start: int, stop: int) -> Iterator[Bytes]:
        yield validity(start, stop)
        yield from content(start, stop)

    return slices


def _content(column: Any) -> Slices:
    kind = column.type
    if pa.types.is_null(kind):
        return lambda start, stop: iter((b"\x00" + (stop - start).to_bytes(8, "little"),))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _texts(pc.fill_null(column, "").cast(pa.large_binary()))
    if pa.types.is_list(kind):
        return _lists(column)
    if pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
    values = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
    ordered = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return lambda start, stop: iter((ordered[start:stop].data,))


def _texts(column: Any) -> Slices:
    """A column without nulls, its text as large_binary: the offsets say where each one's bytes lie."""
    offsets = np.frombuffer(column.buffers()[1], np.int64)[column.offset : column.offset + len(column) + 1]
    lengths = np.diff(offsets).astype("<i8", copy=False)
    joined = memoryview(column.buffers()[2] or b"")

    def texts(start: int, stop: int) -> Iterator[Bytes]:
        yield lengths[start:stop].data
        yield joined[offsets[start] : offsets[stop]]

    return texts


def _lists(column: Any) -> Slices:
    lengths = pc.fill_null(pc.list_value_length(column), -1).to_numpy(zero_copy_only=False).astype("<i8")
    ends = np.concatenate([[0], np.cumsum(np.maximum(lengths, 0))])
    inner = _slices(column.flatten())

    def lists(start: int, stop: int) -> Iterator[Bytes]:
        yield lengths[start:stop].data
        yield from inner(int(ends[start]), int(ends[stop]))

    return lists
