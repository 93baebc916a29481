"""Events of Azure ML's collector by the thousand: parsed by Arrow where they all have the plain shape, else not at all.

The plain shape is what the collector writes: an event per line, rows in `data` as objects of single values, every row
with the same columns, an id and a time that reads. What is given is then exactly what the careful reader would give
(tests hold the two equal); anything else is None, and the careful reader's. Nothing is guessed and nothing is mended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from connectors.base import Chunk, Wanted

IDS = ("correlationid", "xrequestid", "id")
"""What names a request, the first that an event has."""
EXACT = 1 << 53
DEEPEST = 256
"""Objects in a line that Arrow's parser may nest without harm."""
FIRST_LINES = 200
"""Lines that tell which texts look like times, so that they are left as text."""
_MINUS_ZERO = re.compile(rb"-0[,} \t]")
PLAIN_TIME = r"^(19|20)\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
"""Times that Arrow reads as everybody does."""

TimeOf = Callable[[Any], tuple[datetime | None, bool]]


class _NotPlain(Exception):
    """These events are for the careful reader."""


def bulk_chunk(text: bytes, *, line: int, n: int, wanted: Wanted, time_of: TimeOf) -> Chunk | None:
    """The rows of some whole lines; None where they are not of the plain shape.

    line: the number of the first line; n: the place of the first row; time_of: how an event's time is read.
    """
    parts = wanted.part_of()
    if parts is None:
        return None
    try:
        return _chunk(text, _numbers(text, line), n, parts, time_of)
    except (_NotPlain, pa.ArrowException, UnicodeDecodeError):
        return None


def _ask(holds: object) -> None:
    if not holds:
        raise _NotPlain


def _numbers(text: bytes, first: int) -> np.ndarray:
    """The numbers of the lines that are not blank. Each is one object with one list: Arrow is never handed what is
    deeply nested, for its parser would go as deep as its stack."""
    _ask(not _MINUS_ZERO.search(text))
    _ask(text.isascii() or text.decode())
    codes = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(codes == ord("\n"))
    if not text.endswith(b"\n"):
        ends = np.append(ends, len(codes))
    starts = np.concatenate([[0], ends[:-1] + 1])
    if _simple(codes, starts, ends):
        return np.arange(first, first + len(ends))
    numbers = []
    for at, piece in enumerate(text.split(b"\n"), first):
        if held := piece.strip(b"\r"):
            _ask(held[:1] == b"{" and held[-1:] == b"}" and held.count(b"[") == 1)
            # Objects in the list stand after its bracket or a comma: none is the value of a key.
            objects = held.count(b"{")
            _ask(objects <= DEEPEST or objects == 1 + held.count(b"[{") + held.count(b",{"))
            numbers.append(at)
    return np.array(numbers, np.int64)


def _simple(codes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> bool:
    """Whether every line is an object with one list and few objects, by their places alone; False: ask each line."""
    if (ends <= starts).any() or (codes[starts] != ord("{")).any() or (codes[ends - 1] != ord("}")).any():
        return False
    lists = np.flatnonzero(codes == ord("["))
    if len(lists) != len(ends) or (lists < starts).any() or (lists > ends).any():
        return False
    objects = np.searchsorted(np.flatnonzero(codes == ord("{")), ends)
    return bool((np.diff(objects, prepend=0) <= DEEPEST).all())


def _chunk(text: bytes, numbers: np.ndarray, n: int, parts: dict[str, int], time_of: TimeOf) -> Chunk:
    _ask(len(numbers))
    events = _parsed(text)
    _ask(events.num_rows == len(numbers) and "data" in events.column_names and _all_rows(events))
    data = _one(events["data"])
    _ask(data.null_count == 0 and pa.types.is_list(data.type) and pa.types.is_struct(data.type.value_type))
    rows = data.flatten()
    _ask(len(rows) and rows.null_count == 0)
    counts = pc.list_value_length(data).to_numpy(zero_copy_only=False)
    parent = np.repeat(np.arange(len(counts)), counts)
    index = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    same = _same_keys(text, events, rows)
    columns: dict[str, pa.Array] = {}
    others: dict[str, int] = {}
    for at, name in enumerate(field.name for field in rows.type):
        column = rows.field(at)
        _ask(_is_plain(column) and (same or column.null_count == 0 or _everywhere(text, name, len(rows), events)))
        if name.casefold() in parts:
            columns[name] = column
        else:
            others[name] = len(rows)
    _ask(columns)
    own = _ids(events).take(pa.array(parent))
    return Chunk(
        table=pa.table(columns),
        n=pa.array(np.arange(n, n + len(rows), dtype=np.int64)),
        lines=pa.array(numbers[parent]),
        envelope_id=pc.binary_join_element_wise(own, pc.cast(pa.array(index), pa.string()), "_"),
        envelope_time=_times(events, time_of).take(pa.array(parent)),
        others=others,
    )


def _parsed(text: bytes) -> pa.Table:
    head = text
    end = -1
    for _ in range(FIRST_LINES):
        if (end := text.find(b"\n", end + 1)) < 0:
            break
    head = text if end < 0 else text[: end + 1]
    schema = pa.schema([_untimed(field) for field in _read(head, None).schema])
    return _read(text, schema)


def _read(text: bytes, schema: pa.Schema | None) -> pa.Table:
    return pj.read_json(
        pa.BufferReader(text),
        read_options=pj.ReadOptions(use_threads=False, block_size=max(len(text), 1)),
        parse_options=pj.ParseOptions(explicit_schema=schema),
    )


def _untimed(field: pa.Field) -> pa.Field:
    """Arrow takes text that looks like a time for one; here it stays text. Types that are still open stay open."""
    return pa.field(field.name, _text_for_times(field.type))


def _text_for_times(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_temporal(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_text_for_times(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([_untimed(field) for field in kind])
    return kind


def _all_rows(events: pa.Table) -> bool:
    """No event says that it is no table of rows, or that its rows are elsewhere."""
    names = events.column_names
    if "datainblob" in names:
        told = pc.cast(_one(events["datainblob"]), pa.string())
        if pc.any(pc.equal(pc.utf8_lower(told), "true"), min_count=0).as_py():
            return False
    if "type" not in names:
        return True
    kinds = _one(events["type"])
    if not pa.types.is_string(kinds.type):
        return False
    return not bool(pc.any(pc.match_substring(kinds, "tracing_spans"), min_count=0).as_py())


def _is_plain(column: pa.Array) -> bool:
    """A column that Python's reader would give with the same type and values: no time, nothing nested, no number
    beyond those that a double tells apart."""
    kind = column.type
    if pa.types.is_floating(kind):
        ends = pc.min_max(column).as_py()
        return all(end is None or abs(end) < EXACT or abs(end) == float("inf") for end in ends.values())
    kinds = (pa.types.is_string, pa.types.is_null, pa.types.is_boolean, pa.types.is_integer)
    return any(is_it(kind) for is_it in kinds)


def _same_keys(text: bytes, events: pa.Table, rows: pa.StructArray) -> bool:
    """Whether all rows for sure have all columns: there are as many keys as that takes. A quote before a colon ends a
    key, where no text holds a quote or begins with a colon."""
    keys = events.num_columns * events.num_rows + rows.type.num_fields * len(rows)
    if any(column.null_count for column in events.columns) or (b"\\" in text and b'\\"' in text):
        return False
    codes = np.frombuffer(text, np.uint8)
    if np.count_nonzero((codes[:-1] == ord('"')) & (codes[1:] == ord(":"))) != keys:
        return False
    columns = [*map(_one, events.columns), *(rows.field(at) for at in range(rows.type.num_fields))]
    texts = [column for column in columns if pa.types.is_string(column.type)]
    return not any(pc.any(pc.starts_with(column, ":"), min_count=0).as_py() for column in texts)


def _everywhere(text: bytes, name: str, rows: int, events: pa.Table) -> bool:
    """Whether a column with empty values stands in every row, for a column that a row does not have is not empty."""
    key = json.dumps(name).encode() + b":"
    return name not in events.column_names and text.count(key) == rows


def _ids(events: pa.Table) -> pa.Array:
    for name in IDS:
        if name in events.column_names:
            ids = _one(events[name])
            _ask(pa.types.is_string(ids.type) and ids.null_count == 0 and not pc.any(pc.equal(ids, "")).as_py())
            return ids
    raise _NotPlain


def _times(events: pa.Table, time_of: TimeOf) -> pa.Array:
    if "time" not in events.column_names:
        return pa.nulls(events.num_rows, pa.timestamp("us"))
    coded = _one(events["time"])
    _ask(pa.types.is_string(coded.type))
    if not coded.null_count and pc.all(pc.match_substring_regex(coded, PLAIN_TIME)).as_py():
        return pc.cast(pc.cast(coded, pa.timestamp("us", "UTC")), pa.timestamp("us"))
    coded = coded.dictionary_encode()
    read: Sequence[tuple[datetime | None, bool]] = [time_of(text) for text in coded.dictionary.to_pylist()]
    _ask(all(fine for _, fine in read))
    return pa.array([moment for moment, _ in read], pa.timestamp("us")).take(coded.indices)


def _one(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
