"""Which rows of a chunk are rejected, and the record that each leaves in quarantine."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.base import SHOWN_BYTES, Chunk
from connectors.sources.casts import Column

Record = tuple[int | None, str, str, bytes]
"""(line, reason, expected, bytes): one quarantined record, as `store.writes.quarantine` takes it."""
FOUND_SHOWN = 200
"""Most characters of an offending value that a message repeats."""


class Rejects:
    """Each row is rejected for the first reason that was found."""

    def __init__(self, count: int) -> None:
        self.which = np.zeros(count, np.int32)
        self.reasons: list[tuple[str, str, Column | None]] = []

    def some(self, wrong: Column | None, reason: str, expected: str, found: Column | None) -> None:
        if wrong is None:
            return
        self._mark(np.asarray(wrong, dtype=bool), reason, expected, found)

    def all(self, reason: str, expected: str) -> None:
        self._mark(np.ones(len(self.which), bool), reason, expected, None)

    def _mark(self, wrong: np.ndarray, reason: str, expected: str, found: Column | None) -> None:
        fresh = wrong & (self.which == 0)
        if fresh.any():
            self.reasons.append((reason, expected, found))
            self.which[fresh] = len(self.reasons)

    def records(self, chunk: Chunk, names: set[str]) -> Iterator[Record]:
        places = np.flatnonzero(self.which)
        kept = [name for name in chunk.table.column_names if name in names]
        columns = {name: _shown(chunk.table[name].take(pa.array(places))) for name in kept}
        shown = pa.table(columns).to_pylist() if columns else [{}] * len(places)
        for place, row in zip(places.tolist(), shown, strict=True):
            reason, expected, found = self.reasons[self.which[place] - 1]
            line = None if chunk.lines is None else chunk.lines[place].as_py()
            if found is not None and (value := _shown(found.take(pa.array([place])))[0].as_py()) is not None:
                expected = f'{expected}, found "{str(value)[:FOUND_SHOWN]}"'
            raw = json.dumps(row, ensure_ascii=False, default=str).encode("utf-8", "backslashreplace")
            yield line, reason, expected, raw[:SHOWN_BYTES]


def _shown(column: Column) -> Column:
    """Times as text: some that Arrow holds are none that Python can."""
    return pc.cast(column, pa.string()) if pa.types.is_temporal(column.type) else column
