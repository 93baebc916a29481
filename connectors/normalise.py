"""From what a source found to the normalised relation that the store keeps and the engines count.

Promises: `rows + rejects` is every row of the batch; a row is rejected for a reason that names its column; nothing
depends on how a file was cut into chunks. Columns meet by exact name, then without case. Typed numbers pass through
untouched; text is typed by the model file. Refuses (BadInput) a batch in which no declared column is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from connectors.base import Raw, Wanted
from store.model_file import InputType, ModelFile
from store.receipt import Kind

Record = tuple[int | None, str, str, bytes]
"""(line, reason, expected, bytes): one quarantined record, as `store.writes.quarantine` takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a batch held; rows = accepted + len(rejects)."""

    rows: int
    accepted: int
    rejects: tuple[Record, ...]
    reasons: Mapping[str, int]
    ignored: Mapping[str, int]
    """Columns nobody declared, each with the rows that carried it."""
    absent: tuple[str, ...]
    """Declared columns of the parts that came, which were not there: counted as missing."""
    first_event: datetime | None
    last_event: datetime | None
    notes: tuple[str, ...] = field(default=())


class Rows:
    """One batch, normalised. Read `reader()` (or `table()`) once to its end, then call `finish()`."""

    schema: pa.Schema

    def reader(self) -> pa.RecordBatchReader:
        """The accepted rows as a stream that DuckDB can scan."""
        raise NotImplementedError

    def table(self) -> pa.Table:
        """The same in memory."""
        raise NotImplementedError

    def finish(self) -> Tally:
        """What became of every row. Raises what stopped the reading, or BadInput if no declared column was there."""
        raise NotImplementedError


def wanted_of(model: ModelFile, kind: Kind) -> Wanted:
    """The columns to read for this kind of batch."""
    raise NotImplementedError


def normalise(
    raw: Raw,
    model: ModelFile,
    *,
    kind: Kind,
    types: tuple[InputType, ...],
    received_at: datetime,
    timezone: str | None = None,
    salt: bytes = b"",
) -> Rows:
    """The rows of a batch as the normalised relation.

    Predictions: n, id, event_time, part, x0.., prediction, score, g0.., s0.., person. Labels: n, id, label.
    Reference: the columns of predictions, id and event_time null where the file has none.
    types: of the inputs, in order (`store.bin_learning.resolve_types(model, raw.hints)`).
    received_at: naive UTC, the time of rows that carry none. timezone: of times without zone; None is UTC.
    salt: for the hash of `person`; the text itself never leaves this module.
    """
    raise NotImplementedError


def schema_of(model: ModelFile, kind: Kind, types: tuple[InputType, ...]) -> pa.Schema:
    """The columns that `normalise` gives."""
    raise NotImplementedError


__all__ = ["Record", "Rows", "Tally", "Iterator", "normalise", "schema_of", "wanted_of"]
