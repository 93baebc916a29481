"""Folders named `key=value`, as Hive, Spark and Athena write them: their values become columns of the rows below.

A column that the file has itself comes first. A value joins only rows of its own part: a file of predictions below
`channel=web` does not become a file of inputs for it. Where the model declares such a column, the batch's sha256 covers
the values as well: the same bytes below another folder are other rows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from urllib.parse import unquote

import pyarrow as pa

from connectors.base import Chunk, Raw, Wanted

MISSING = "__HIVE_DEFAULT_PARTITION__"
_NUMBER = re.compile(r"[+-]?(0|[1-9]\d*|\d*\.\d+|\d+\.\d*)([eE][+-]?\d+)?")


def partitions_of(name: str) -> dict[str, str | None]:
    """The values that the folders of a path under the walked root say, outermost first."""
    found: dict[str, str | None] = {}
    for part in PurePosixPath(name).parent.parts:
        key, equals, value = part.partition("=")
        if equals and key:
            found[unquote(key)] = None if value == MISSING else unquote(value)
    return found


def with_partitions(raw: Raw, wanted: Wanted) -> Raw:
    """The content of a file with the values that its folders say."""
    values = partitions_of(raw.file.name)
    if not values:
        return raw
    parts = wanted.part_of()
    chosen = {key: value for key, value in values.items() if parts is None or key.casefold() in parts}
    others = [key for key in values if key not in chosen]
    known = {name.casefold() for name in raw.hints}
    kinds = {key: _kind(value) for key, value in chosen.items() if key.casefold() not in known}
    changed = replace(raw, chunks=partial(_chunks, raw, chosen, others, parts), hints={**raw.hints, **kinds})
    if not chosen:
        return changed
    folded = hashlib.sha256(raw.sha256.encode())
    for key, value in sorted(chosen.items()):
        folded.update(f"\n{key}={MISSING if value is None else value}".encode("utf-8", "backslashreplace"))
    return replace(changed, sha256=folded.hexdigest(), more_than_bytes=True)


def _kind(value: str | None) -> str:
    return "double" if value is not None and _NUMBER.fullmatch(value) else "string"


def _chunks(
    raw: Raw, chosen: dict[str, str | None], others: list[str], parts: dict[str, int] | None
) -> Iterator[Chunk]:
    for chunk in raw.chunks():
        count = len(chunk.n)
        own = {name.casefold() for name in chunk.table.column_names}
        bits = 0
        for name in own:
            bits |= (parts or {}).get(name, 0)
        table = chunk.table
        for key, value in chosen.items():
            part = 0 if parts is None else parts[key.casefold()]
            if key.casefold() in own or (part and bits and not part & bits) or not count:
                continue
            table = table.append_column(key, pa.array([value] * count, pa.string()))
        yield replace(chunk, table=table, others={**chunk.others, **{key: count for key in others if count}})
