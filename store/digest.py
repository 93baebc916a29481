"""Digests of stored rows, so that the trail can say which rows were changed.

Rows are hashed in the order they come, in stretches of STRETCH rows, over the values and not over how Arrow happens
to hold them: chunking, offsets and what lies under a null do not matter. The Merkle root over the stretches is what
a batch's leaf carries; the stretches stand beside the batch and name the place of a change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from store import merkle

STRETCH = 1024
AT_ONCE = 64 * STRETCH
"""Rows whose columns are laid out together; a whole number of stretches."""

Slices = Callable[[int, int], Iterator[bytes]]
"""The bytes of a column's rows [start, stop): validity, then values with nulls as zero; texts and lists as their
lengths, then their content."""


def stretches(rows: pa.Table | pa.RecordBatchReader, columns: Sequence[str]) -> list[str]:
    """SHA-256 (hex) of each stretch of the rows, over the named columns, in order. A reader is never held whole."""
    header = "\x1f".join(f"{name}:{rows.schema.field(name).type}" for name in columns).encode()
    out = []
    for part in _parts(rows, columns):
        laid_out = [_slices(part.column(name).combine_chunks()) for name in columns]
        for start in range(0, part.num_rows, STRETCH):
            sha = hashlib.sha256(header)
            for column in laid_out:
                for piece in column(start, min(start + STRETCH, part.num_rows)):
                    sha.update(piece)
            out.append(sha.hexdigest())
    return out


def rows_root(digests: Sequence[str]) -> str:
    """Merkle root (hex) over the stretches."""
    return merkle.root([merkle.leaf_hash(bytes.fromhex(text)) for text in digests]).hex()


def _parts(rows: pa.Table | pa.RecordBatchReader, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The rows in tables of AT_ONCE rows, the last one shorter, however they arrive."""
    held: list[pa.RecordBatch] = []
    count = 0
    batches = rows.to_batches(max_chunksize=AT_ONCE) if isinstance(rows, pa.Table) else rows
    for batch in batches:
        held.append(batch.select(list(columns)))
        count += batch.num_rows
        while count >= AT_ONCE:
            table = pa.Table.from_batches(held)
            yield table.slice(0, AT_ONCE).combine_chunks()
            held = table.slice(AT_ONCE).to_batches()
            count -= AT_ONCE
    if count:
        yield pa.Table.from_batches(held).combine_chunks()


def _slices(column: Any) -> Slices:
    """How one column gives the bytes of a stretch; laid out once, sliced many times."""
    valid = column.is_valid().to_numpy(zero_copy_only=False) if column.null_count else None

    def validity(start: int, stop: int) -> bytes:
        if valid is None or valid[start:stop].all():
            return b"\xff"
        return np.packbits(valid[start:stop]).tobytes()

    content = _content(column)

    def slices(start: int, stop: int) -> Iterator[bytes]:
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
    return lambda start, stop: iter((ordered[start:stop].tobytes(),))


def _texts(column: Any) -> Slices:
    lengths = pc.binary_length(column).to_numpy(zero_copy_only=False).astype("<i8")
    ends = np.concatenate([[0], np.cumsum(lengths)])
    # Sliced and filled arrays share buffers with what they came from: joined once, they are the values alone.
    joined = b"".join(column.to_pylist())

    def texts(start: int, stop: int) -> Iterator[bytes]:
        yield lengths[start:stop].tobytes()
        yield joined[ends[start] : ends[stop]]

    return texts


def _lists(column: Any) -> Slices:
    lengths = pc.fill_null(pc.list_value_length(column), -1).to_numpy(zero_copy_only=False).astype("<i8")
    ends = np.concatenate([[0], np.cumsum(np.maximum(lengths, 0))])
    inner = _slices(column.flatten())

    def lists(start: int, stop: int) -> Iterator[bytes]:
        yield lengths[start:stop].tobytes()
        yield from inner(int(ends[start]), int(ends[stop]))

    return lists
