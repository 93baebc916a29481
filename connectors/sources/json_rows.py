"""JSON records as chunks of columns, shared by every source whose rows are JSON objects.

A record that has no place in a column (a nested value, text that is no Unicode) is an Unreadable of its own; the
others are kept. Rows that carry different parts (inputs here, a prediction there) come in different chunks, so that
a column which a row did not mention is never taken for a missing value of that row.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import pyarrow as pa

from connectors.base import Chunk, Unreadable, Wanted
from connectors.sources.content import unreadable

CHUNK_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Record:
    line: int | None
    row: dict[str, Any]
    envelope_id: str | None = None
    envelope_time: datetime | None = None


@dataclass(slots=True)
class _Pile:
    """Rows of one part, waiting to be a chunk."""

    records: list[Record] = field(default_factory=list)
    n: list[int] = field(default_factory=list)


def chunks_of(
    records: Iterable[Record | Unreadable], wanted: Wanted, *, first: int = 0, known: set[str] | None = None
) -> Iterator[Chunk]:
    """Chunks of at most CHUNK_ROWS rows; `n` counts every record from `first` on, the unreadable ones too.

    known: the columns of the file so far, where it is read in several goes; records that bring too many are told.
    """
    parts = wanted.part_of()
    seen: set[str] = set() if known is None else known
    piles: dict[int, _Pile] = {}
    others: dict[str, int] = {}
    lost: list[Unreadable] = []
    waiting = 0
    for n, record in enumerate(records, first):
        waiting += 1
        if not isinstance(record, Unreadable) and not seen.issuperset(record.row):
            record = _widening(record, seen, wanted.limits.columns)
        if isinstance(record, Unreadable):
            lost.append(record)
        else:
            part = 0
            for key in record.row:
                bit = 1 if parts is None else parts.get(key.casefold())
                if bit is None:
                    others[key] = others.get(key, 0) + 1
                else:
                    part |= bit
            pile = piles.setdefault(part, _Pile())
            pile.records.append(record)
            pile.n.append(n)
        if waiting == CHUNK_ROWS:
            yield from _chunks(piles, others, lost, parts)
            piles, others, lost, waiting = {}, {}, [], 0
    if waiting:
        yield from _chunks(piles, others, lost, parts)


def _widening(record: Record, seen: set[str], most: int) -> Record | Unreadable:
    """A record that brings columns which the file did not have; so many names cannot be the columns of a table."""
    wider = seen.union(record.row)
    if len(wider) > most:
        shown = json.dumps(dict(islice(record.row.items(), most)), ensure_ascii=True, default=str).encode()
        expected = f"at most {most} columns; this row would make {len(wider)} of the file's"
        return unreadable("too_many_columns", record.line, expected, shown)
    seen |= wider
    return record


def _chunks(
    piles: dict[int, _Pile], others: dict[str, int], lost: list[Unreadable], parts: dict[str, int] | None
) -> Iterator[Chunk]:
    told = {key.encode("utf-8", "backslashreplace").decode(): count for key, count in others.items()}
    if not piles:
        piles = {0: _Pile()}
    for pile in piles.values():
        chunk = _chunk(pile, parts, told, lost)
        told, lost = {}, []
        yield chunk


def _chunk(pile: _Pile, parts: dict[str, int] | None, others: dict[str, int], lost: list[Unreadable]) -> Chunk:
    records = pile.records
    bad: dict[int, tuple[str, str]] = {}
    names = dict.fromkeys(key for record in records for key in record.row if parts is None or key.casefold() in parts)
    for at, record in enumerate(records):
        if record.envelope_id is not None and not record.envelope_id.isascii() and not _is_unicode(record.envelope_id):
            bad[at] = ("id", "encoding")
    columns: dict[str, pa.Array] = {}
    for name in names:
        values = [record.row.get(name) for record in records]
        array = _plain(values)
        if array is None:
            array, why = _as_text(values, keep_nested=parts is None)
            bad |= {at: (name, reason) for at, reason in why.items() if at not in bad}
        columns[name.encode("utf-8", "backslashreplace").decode()] = array
    table = pa.table(columns) if columns else pa.table({"": pa.nulls(len(records))}).select([])
    gone = [_rejected(records[at], name, reason) for at, (name, reason) in bad.items()]
    keep = [at for at in range(len(records)) if at not in bad]
    chosen = [records[at] for at in keep]
    numbers = [pile.n[at] for at in keep]
    return Chunk(
        table=table.take(pa.array(keep, pa.int64())) if bad else table,
        n=pa.array(numbers, pa.int64()),
        lines=pa.array([record.line for record in chosen], pa.int64()),
        envelope_id=pa.array([record.envelope_id for record in chosen], pa.string()),
        envelope_time=pa.array([record.envelope_time for record in chosen], pa.timestamp("us")),
        others=others,
        unreadable=(*lost, *gone),
    )


def _rejected(record: Record, name: str, reason: str) -> Unreadable:
    told = name.encode("utf-8", "backslashreplace").decode()
    raw = json.dumps(record.row, ensure_ascii=True, default=str).encode()
    return unreadable(f"{reason}:{told}", record.line, "a single value" if reason == "type" else "Unicode text", raw)


def _plain(values: list[Any]) -> pa.Array | None:
    """The values as one Arrow type; None where they have no single plain one."""
    try:
        array = pa.array(values)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError, TypeError):
        return None
    return None if pa.types.is_nested(array.type) else array


def _as_text(values: list[Any], *, keep_nested: bool) -> tuple[pa.Array, dict[int, str]]:
    """Mixed values as text, and the places of those that are none, with the reason."""
    texts: list[str | None] = []
    bad: dict[int, str] = {}
    for at, value in enumerate(values):
        text = None
        if isinstance(value, str):
            text = value
        elif isinstance(value, (dict, list)):
            text = json.dumps(value, ensure_ascii=True)
            if not keep_nested:
                bad[at], text = "type", None
        elif value is not None:
            text = number_text(value)
        if text is not None and not _is_unicode(text):
            bad[at], text = "encoding", None
        texts.append(text)
    return pa.array(texts, pa.string()), bad


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def number_text(value: bool | int | float) -> str:
    """Canonical text: `true`, `false`, integral floats as integers."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isfinite(value) and value.is_integer() and abs(value) <= 1 << 53:
        return str(int(value))
    if isinstance(value, int) and value.bit_length() > 10_000:  # longer than Python turns into digits
        return repr(math.inf if value > 0 else -math.inf)
    return repr(value)


def json_hints(records: Iterable[Record | Unreadable], wanted: Wanted) -> dict[str, str]:
    """The type of each column in some records."""
    out: dict[str, str] = {}
    for chunk in chunks_of(records, wanted):
        for column in chunk.table.schema:
            if out.get(column.name, "null") == "null":
                out[column.name] = str(column.type)
    return out
