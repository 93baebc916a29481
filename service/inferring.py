"""What the columns of somebody's data look like: the facts from which `model infer` drafts a model file.

Reads through the connectors, at most `MOST_ROWS` rows, and keeps counts and a few values only.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors import registry
from connectors.base import Chunk, Wanted
from store.errors import BadInput
from store.model_draft import MOST_VALUES, ColumnFacts
from store.model_file import InputType

MOST_ROWS = 200_000
MOST_DISTINCT = 10_000
"""Different values that are told apart; from there on a column has "that many or more"."""


def slug_of(file_name: str) -> str:
    """A model's name from a file's."""
    stem = re.sub(r"[^a-z0-9._-]+", "-", Path(file_name).stem.lower()).strip("-._")
    return stem[:63] or "model"


@dataclass
class _Seen:
    rows: int = 0
    missing: int = 0
    numbers: bool = True
    time: bool = False
    low: float | None = None
    high: float | None = None
    values: Counter[str] = field(default_factory=Counter)


class Columns:
    """The facts of every column, as chunks of rows go by."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self.rows = 0

    def look(self, chunk: Chunk) -> None:
        for name in chunk.table.column_names:
            _look(self._seen.setdefault(name, _Seen()), chunk.table.column(name), chunk.empty_is_missing)
        self.rows += chunk.table.num_rows

    def facts(self) -> list[ColumnFacts]:
        """In the order in which the data has them."""
        return [_facts(name, column) for name, column in self._seen.items()]


def column_facts(path: Path, *, format_name: str = "auto") -> list[ColumnFacts]:
    """The facts of every column, in the order in which the data has them. Raises BadInput where nothing can be read."""
    source = registry.sniff(path) if format_name == "auto" else registry.load_source(format_name)
    columns = Columns()
    for file in source.walk(path):
        for chunk in source.read(file, source.options(), Wanted()).chunks():
            columns.look(chunk)
            if columns.rows >= MOST_ROWS:
                return columns.facts()
    if not columns.rows:
        raise BadInput(f"{path}: no rows were found", advice="Name the format with --format, or another file.")
    return columns.facts()


def _look(seen: _Seen, column: pa.ChunkedArray, empty_is_missing: bool) -> None:
    seen.rows += len(column)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) and empty_is_missing:
        column = pc.if_else(pc.equal(column, ""), None, column)
    present = pc.drop_null(column)
    seen.missing += len(column) - len(present)
    if not len(present):
        return
    seen.time = seen.time or pa.types.is_temporal(column.type)
    numbers = _as_numbers(present)
    if numbers is None:
        seen.numbers = False
    elif seen.numbers:
        limits = pc.min_max(numbers).as_py()
        if limits["min"] is not None:
            seen.low = limits["min"] if seen.low is None else min(seen.low, limits["min"])
            seen.high = limits["max"] if seen.high is None else max(seen.high, limits["max"])
    if len(seen.values) < MOST_DISTINCT:
        counted = pc.value_counts(present.slice(0, MOST_DISTINCT)).to_pylist()
        seen.values.update({_text(item["values"]): item["counts"] for item in counted})


def _as_numbers(present: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The values as finite doubles, or None where some are no numbers."""
    if pa.types.is_boolean(present.type) or pa.types.is_temporal(present.type) or pa.types.is_nested(present.type):
        return None
    try:
        numbers = present.cast(pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    return numbers.filter(pc.is_finite(numbers))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _facts(name: str, seen: _Seen) -> ColumnFacts:
    number = seen.numbers and not seen.time and seen.missing < seen.rows
    return ColumnFacts(
        name=name,
        type=InputType.NUMBER if number else InputType.CATEGORY,
        time=seen.time,
        rows=seen.rows,
        missing=seen.missing,
        distinct=len(seen.values),
        low=seen.low if number else None,
        high=seen.high if number else None,
        values=() if number else tuple(value for value, _ in seen.values.most_common(MOST_VALUES)),
    )
