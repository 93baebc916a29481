"""Batches of rows from Arrow for the counting in NumPy: columns without a copy, and the runs that rows fall into.

Rows of one block come together in most logs, and runs are found where keys change; where they are mixed the batch is
put in the order of its keys first.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from monitors.engines.cells import Bools, Doubles, Places, Runs

HOUR = 3_600_000_000
"""Microseconds; every block starts at a full one."""
SHORT = 256
"""Rows of a run below which putting rows in order costs less than many runs."""
_NULL = np.iinfo(np.int64).min
_MANY = 1 << 20


class Key(NamedTuple):
    block: int | None
    """Its start, in microseconds."""
    apart: int
    segment: str | None


# -- columns ----------------------------------------------------------------------------------------------------


def doubles(column: pa.Array) -> Doubles:
    """The values; anything where they are missing."""
    return np.frombuffer(column.buffers()[1], np.float64, len(column), column.offset * 8)


def codes(column: pa.DictionaryArray) -> npt.NDArray[Any]:
    """The places in the dictionary; anything where they are missing."""
    kind = column.type.index_type.to_pandas_dtype()
    return np.frombuffer(column.buffers()[1], kind, len(column), column.offset * np.dtype(kind).itemsize)


def where(column: pa.BooleanArray) -> Bools:
    """The values of a column that misses none."""
    end = column.offset + len(column)
    packed = np.frombuffer(column.buffers()[1], np.uint8, (end + 7) // 8)
    return np.unpackbits(packed, count=end, bitorder="little")[column.offset :].view(np.bool_)


def without(column: pa.Array) -> Places:
    """Rows without a value."""
    if not column.null_count:
        return np.empty(0, np.int64)
    packed = np.frombuffer(column.buffers()[0], np.uint8, (column.offset + len(column) + 7) // 8)
    gaps = np.flatnonzero(packed != 0xFF)  # bytes in which a row is missing: few in most columns
    inside = np.flatnonzero(np.unpackbits(~packed[gaps], bitorder="little"))
    rows: Places = gaps[inside >> 3] * 8 + (inside & 7) - column.offset
    return rows[np.searchsorted(rows, 0) : np.searchsorted(rows, len(column))]


# -- runs -------------------------------------------------------------------------------------------------------


def batch_runs(batch: pa.RecordBatch, *, apart: bool, segment: bool) -> tuple[pa.RecordBatch, Runs, list[Key]]:
    """A batch with the columns `block`, `apart` and `segment`, perhaps in another order; its runs; a key for each."""
    blocks = batch.column("block").to_numpy(zero_copy_only=False).view(np.int64)
    parts: list[Places] = [blocks]
    parts += [batch.column("apart").to_numpy(zero_copy_only=False)] if apart else []
    names = pc.dictionary_encode(batch.column("segment")) if segment else None
    parts += [names.indices.to_numpy(zero_copy_only=False).astype(np.int64)] if names is not None else []
    starts = _changes(parts)
    if len(starts) > 1 and len(blocks) < SHORT * len(starts):
        order = _order(parts)
        ordered = [part[order] for part in parts]
        if len(found := _changes(ordered)) < len(starts):
            batch, parts, starts = batch.take(pa.array(order)), ordered, found
    return batch, Runs(starts, len(blocks)), _keys([part[starts].tolist() for part in parts], names, apart=apart)


def _keys(columns: list[list[int]], names: pa.DictionaryArray | None, *, apart: bool) -> list[Key]:
    spelled = names.dictionary.to_pylist() if names is not None else None
    return [
        Key(
            block=None if values[0] == _NULL else values[0],
            apart=values[1] if apart else 0,
            segment=spelled[values[-1]] if spelled is not None else None,
        )
        for values in zip(*columns, strict=True)
    ]


def _changes(parts: list[Places]) -> Places:
    changed = np.ones(len(parts[0]), dtype=np.bool_)
    changed[1:] = False
    for part in parts:
        changed[1:] |= part[1:] != part[:-1]
    return np.flatnonzero(changed)


def _order(parts: list[Places]) -> Places:
    """An order of rows in which equal keys stand together."""
    code, kinds = np.zeros(len(parts[0]), np.int64), 1
    for at, part in enumerate(parts):
        small, span = _small(part, HOUR if at == 0 else 1)
        code, kinds = code * span + small, kinds * span
    return np.argsort(code.astype(np.uint16), kind="stable") if kinds <= 1 << 16 else np.argsort(code)


def _small(values: Places, step: int) -> tuple[Places, int]:
    """Equal numbers for equal values, and a bound that they are below."""
    low = int(values.min())
    span = (int(values.max()) - low) // step + 1
    if span <= _MANY:
        return (values - low) // step, span
    distinct, places = np.unique(values, return_inverse=True)
    return places, len(distinct)
