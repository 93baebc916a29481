"""Digests of stored rows, so that the trail can say which rows were changed.

Rows are hashed in the order they came, in stretches of STRETCH rows, over the values and not over how Arrow happens
to hold them: chunking, offsets and what lies under a null do not matter. The Merkle root over the stretches is what
a batch's leaf carries; the stretches stand beside the batch and name the place of a change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from store import merkle

STRETCH = 1024


def _column_bytes(column: Any) -> bytes:
    """Validity, then values with nulls as zero; texts and lists as lengths, then content."""
    valid: bytes = (
        np.packbits(column.is_valid().to_numpy(zero_copy_only=False)).tobytes() if column.null_count else b"\xff"
    )
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = pc.fill_null(column, "").cast(pa.large_binary())
        lengths: bytes = pc.binary_length(texts).to_numpy(zero_copy_only=False).astype("<i8").tobytes()
        content: bytes = b"".join(texts.to_pylist())
        return valid + lengths + content
    if pa.types.is_list(kind):
        lengths = pc.fill_null(pc.list_value_length(column), -1).to_numpy(zero_copy_only=False).astype("<i8").tobytes()
        return valid + lengths + _column_bytes(column.flatten())
    if pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    if pa.types.is_timestamp(kind):
        numbers = pc.fill_null(column.cast(pa.timestamp("us")).cast(pa.int64()), 0)
    elif pa.types.is_null(kind):
        return b"\x00" + len(column).to_bytes(8, "little")
    else:
        numbers = pc.fill_null(column, 0)
    values = numbers.to_numpy(zero_copy_only=False)
    ordered: bytes = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
    return valid + ordered


def stretches(rows: pa.Table, columns: Sequence[str]) -> list[str]:
    """SHA-256 (hex) of each stretch of the rows, over the named columns, in order."""
    table = rows.select(columns).combine_chunks()
    header = "\x1f".join(f"{name}:{table.schema.field(name).type}" for name in columns).encode()
    out = []
    for start in range(0, table.num_rows, STRETCH):
        part = table.slice(start, STRETCH).combine_chunks()
        sha = hashlib.sha256(header)
        for name in columns:
            column = part.column(name)
            chunk = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
            sha.update(_column_bytes(chunk))
        out.append(sha.hexdigest())
    return out


def rows_root(digests: Sequence[str]) -> str:
    """Merkle root (hex) over the stretches."""
    return merkle.root([merkle.leaf_hash(bytes.fromhex(text)) for text in digests]).hex()
