"""From what a source found to the normalised relation that the store keeps and the engines count.

Promises: accepted + rejected is every row of the batch; a row is rejected for a reason that names its column;
nothing depends on how a file was cut into chunks. Columns meet by exact name, then without case. Typed numbers pass
through untouched; text is typed by the model file. Refuses (BadInput) a batch in which no declared column is there.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.base import Chunk, Raw
from connectors.rejects import Record, Rejects
from connectors.retyped import Retyped
from connectors.roles import CONTRIBUTIONS, TIMELESS, Role, fields_of, label_name, schema_of, wanted_of
from connectors.sources.casts import Casts, Column
from store.attribution import LARGEST
from store.errors import BadInput, BailiwickError
from store.model_file import InputType, ModelFile
from store.receipt import Kind

__all__ = ["Record", "Rows", "Tally", "hints_for", "normalise", "schema_of", "wanted_of"]


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

    def without(self, conflicts: Sequence[Record]) -> Tally:
        """The same batch where rows that were well read are set aside all the same, for what is known already."""
        if not conflicts:
            return self
        rejects = (*self.rejects, *conflicts)
        return replace(self, accepted=self.accepted - len(conflicts), rejects=rejects, reasons=_reasons(rejects))


def _reasons(rejects: Sequence[Record]) -> dict[str, int]:
    return dict(sorted(Counter(reason for _, reason, _, _ in rejects).items()))


class Rows:
    """One batch, normalised. Read `reader()` (or `table()`) once to its end, then call `finish()`."""

    def __init__(
        self,
        raw: Raw,
        model: ModelFile,
        *,
        kind: Kind,
        types: tuple[InputType, ...],
        received_at: datetime,
        latest: datetime | None,
        timezone: str | None,
        retyped: Mapping[str, Retyped],
        salt: bytes,
    ) -> None:
        self._raw, self._model, self._kind = raw, model, kind
        self._received_at, self._latest, self._salt = received_at, latest, salt
        self._retyped = retyped
        self._casts = Casts(timezone=timezone)
        self._fields = fields_of(model, kind, types)
        self.schema = schema_of(model, kind, types)
        self._stopped: BailiwickError | None = None
        self._rejects: list[Record] = []
        self._ignored: Counter[str] = Counter()
        self._notes: dict[str, None] = {}
        self._found: dict[str, None] = {}
        self._met: set[str] = set()
        self._parts = 0
        self._accepted = 0
        self._labels: list[pa.Table] = []
        self.ids_told = False
        self.times_told = False
        """Whether any row brought an id of its own, so that it may come twice."""
        self._first: datetime | None = None
        self._last: datetime | None = None

    def reader(self) -> pa.RecordBatchReader:
        """The accepted rows as a stream that DuckDB can scan."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def table(self) -> pa.Table:
        """The same in memory."""
        return pa.Table.from_batches(self._batches(), schema=self.schema)

    @property
    def labels_told(self) -> bool:
        """Whether any accepted row brought a label, once they were read."""
        return bool(self._labels)

    def labels(self) -> pa.Table | None:
        """n and label of the accepted rows that brought one, once they were read; None where none is declared."""
        if "label" not in self.schema.names:
            return None
        schema = pa.schema([self.schema.field("n"), self.schema.field("label")])
        return pa.concat_tables([schema.empty_table(), *self._labels])

    def finish(self) -> Tally:
        """What became of every row. Raises what stopped the reading, or BadInput if no declared column was there."""
        if self._stopped is not None:
            raise self._stopped
        relevant = {f.column for f in self._fields if f.role.counts}
        if self._found and not self._met & relevant:
            raise self._nothing_declared(relevant)
        return Tally(
            rows=self._accepted + len(self._rejects),
            accepted=self._accepted,
            rejects=tuple(self._rejects),
            reasons=_reasons(self._rejects),
            ignored=dict(sorted(self._ignored.items())),
            absent=self._absent(),
            first_event=self._first,
            last_event=self._last,
            notes=tuple(dict.fromkeys((*self._raw.notes, *self._notes, *self._told()))),
        )

    def _nothing_declared(self, relevant: set[str]) -> BadInput:
        found = ", ".join(list(self._found)[:20])
        expected = ", ".join(f.column for f in self._fields if f.column in relevant)
        return BadInput(
            f"{self._raw.file.name}: none of the columns that {self._model.name} declares is there; found {found}",
            advice=f"Expected some of: {expected}. Is this the right file, model and kind ({self._kind})?",
            details={"file": self._raw.file.name, "found": list(self._found), "expected": sorted(relevant)},
        )

    def _told(self) -> list[str]:
        return [found.told(column) for column, found in self._retyped.items()]

    def _absent(self) -> tuple[str, ...]:
        """A part that did not come at all is not absent: it may come in another file."""
        if not self._met:
            return ()
        parts = self._parts if self._kind is Kind.PREDICTIONS else 3
        optional = (Role.ID, Role.TIME, Role.LABEL, Role.PERSON)
        missing = [
            f.column
            for f in self._fields
            if (f.column not in self._met or f.column in self._retyped)
            and f.role.part & parts
            and f.role not in optional
        ]
        if self._kind is Kind.REFERENCE:
            missing = [name for name in missing if name in {f.column for f in self._fields if f.role is Role.INPUT}]
        return tuple(dict.fromkeys(missing))

    # -- one chunk ------------------------------------------------------------------------------------------------

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for chunk in self._raw.chunks():
                self._notes |= dict.fromkeys(chunk.notes)
                self._rejects += [(u.line, u.reason, u.expected, u.bytes) for u in chunk.unreadable]
                table = self._chunk(chunk)
                self._accepted += table.num_rows
                self._note_labels(table)
                yield from table.to_batches()
        except BailiwickError as error:
            # A scan inside DuckDB would dress it up as its own; finish() raises it as it is.
            self._stopped = error

    def _chunk(self, chunk: Chunk) -> pa.Table:
        self._casts.empty_is_missing = chunk.empty_is_missing
        places = self._places(chunk)
        count = len(chunk.n)
        part = 0
        for f in self._fields:
            part |= f.role.part if f.column in places and f.role.counts else 0
        self._parts |= part if count else 0
        bad = Rejects(count)
        if part == 0 and count:
            bad.all("no_columns", "at least one declared column")
        columns = {f.name: self._column(f.role, f.name, f.column, places, chunk, bad) for f in self._fields}
        columns |= {"n": chunk.n, "part": pa.array(np.full(count, part, np.uint8))}
        table = pa.table([columns.get(f.name, pa.nulls(count, f.type)) for f in self.schema], schema=self.schema)
        if bad.reasons:
            people = {places.get(f.column) for f in self._fields if f.role is Role.PERSON}
            self._rejects += bad.records(chunk, set(places.values()) - people)
            table = table.filter(pa.array(bad.which == 0))
        self._note_times(table)
        return table

    def _places(self, chunk: Chunk) -> dict[str, str]:
        """Declared column -> the file's own name for it; what nobody declared is counted."""
        names = chunk.table.column_names
        folded: dict[str, str] = {}
        for name in names:
            folded.setdefault(name.casefold(), name)
        places = {}
        for column in dict.fromkeys(f.column for f in self._fields if f.column):
            own = column if column in names else folded.get(column.casefold())
            if own is not None:
                places[column] = own
        self._found |= dict.fromkeys([*names, *chunk.others])
        self._met |= set(places)
        self._ignored.update(chunk.others)
        self._ignored.update({name: len(chunk.n) for name in names if name not in places.values()})
        return places

    def _column(self, role: Role, name: str, column: str, places: dict[str, str], chunk: Chunk, bad: Rejects) -> Column:
        raw = chunk.table[places[column]] if column in places and column not in self._retyped else None
        if role is Role.ID:
            return self._ids(raw, chunk, bad)
        if role is Role.TIME:
            return self._times(raw, chunk, bad)
        if raw is None:
            return pa.nulls(len(chunk.n), self.schema.field(name).type)
        if pa.types.is_floating(self.schema.field(name).type):
            typed, wrong = self._casts.number(raw)
            bad.some(wrong, f"type:{column}", "a number", raw)
            return self._contributions(typed, raw, column, bad) if self._kind in CONTRIBUTIONS else typed
        typed, wrong = self._casts.text(raw)
        bad.some(wrong, f"type:{column}", "a single value", raw)
        return self._hashed(typed) if role is Role.PERSON else typed

    def _contributions(self, typed: Column, raw: Column, column: str, bad: Rejects) -> Column:
        """NaN is how tables of contributions write missing; what no sum could hold is told."""
        told = pc.if_else(pc.is_nan(typed), pa.scalar(None, typed.type), typed)
        wrong = pc.fill_null(pc.greater(pc.abs(told), LARGEST), False)
        bad.some(wrong, f"range:{column}", f"a contribution between -{LARGEST:g} and {LARGEST:g}", raw)
        return told

    def _ids(self, raw: Column | None, chunk: Chunk, bad: Rejects) -> Column:
        count = len(chunk.n)
        self.ids_told |= raw is not None or chunk.envelope_id is not None
        if raw is not None:
            ids, wrong = self._casts.text(raw)
            bad.some(wrong, "type:id", "a single value", raw)
            if self._kind not in TIMELESS:
                missing = pc.or_(pc.is_null(ids), pc.fill_null(pc.equal(ids, ""), True))
                bad.some(missing, "no_id", "a row id", raw)
            return ids
        if self._kind in TIMELESS:
            return pa.nulls(count, pa.string())
        derived = pc.binary_join_element_wise(
            (self._raw.stream or self._raw.sha256)[:12], pc.cast(chunk.n, pa.string()), "-"
        )
        if self._kind is Kind.LABELS and chunk.envelope_id is None:
            bad.all("no_id", "a row id: labels are joined on it")
        return derived if chunk.envelope_id is None else pc.coalesce(chunk.envelope_id, derived)

    def _times(self, raw: Column | None, chunk: Chunk, bad: Rejects) -> Column:
        received = pa.scalar(self._received_at, pa.timestamp("us"))
        reference = self._kind in TIMELESS
        self.times_told |= raw is not None or chunk.envelope_time is not None
        if raw is not None:
            times, wrong = self._casts.time(raw)
            if reference:
                return times if wrong is None else pc.if_else(wrong, pa.scalar(None, pa.timestamp("us")), times)
            bad.some(wrong, "time", "a time such as 2026-01-31T12:00:00Z", raw)
            bad.some(pc.is_null(times), "time", "a time; this one is missing", raw)
            return self._not_ahead(times, bad)
        if reference:
            return pa.nulls(len(chunk.n), pa.timestamp("us"))
        if chunk.envelope_time is None:
            return pa.array(np.full(len(chunk.n), np.datetime64(self._received_at, "us")))
        return self._not_ahead(pc.fill_null(chunk.envelope_time, received), bad)

    def _not_ahead(self, times: Column, bad: Rejects) -> Column:
        """A clock that runs ahead would make the site look fresh, and open windows that are not over."""
        if self._latest is not None and len(times):
            ahead = pc.fill_null(pc.greater(times, pa.scalar(self._latest, pa.timestamp("us"))), False)
            bad.some(ahead, "future", f"a time up to {self._latest:%Y-%m-%dT%H:%M:%SZ}", times)
        return times

    def _hashed(self, people: Column) -> pa.Array:
        """Salted SHA-256 of each person; the text goes no further."""
        column = people.combine_chunks() if isinstance(people, pa.ChunkedArray) else people
        coded = column.dictionary_encode()
        hashes = [
            hashlib.sha256(self._salt + b"\0" + value.encode()).hexdigest() for value in coded.dictionary.to_pylist()
        ]
        return pc.take(pa.array(hashes, pa.string()), coded.indices)

    def _note_labels(self, table: pa.Table) -> None:
        if self._kind is Kind.PREDICTIONS and "label" in table.column_names:
            told = table.select(["n", "label"]).filter(pc.is_valid(table["label"]))
            self._labels += [told] if told.num_rows else []

    def _note_times(self, table: pa.Table) -> None:
        if "event_time" not in table.column_names or not table.num_rows:
            return
        ends = pc.min_max(table["event_time"]).as_py()
        for value in (ends["min"], ends["max"]):
            if value is not None:
                self._first = value if self._first is None else min(self._first, value)
                self._last = value if self._last is None else max(self._last, value)


def hints_for(raw: Raw, model: ModelFile) -> dict[str, str]:
    """The types that the file seems to hold, under the names that the model declares."""
    folded = {name.casefold(): kind for name, kind in reversed(list(raw.hints.items()))}
    names = [column.name for column in model.columns.inputs]
    found = {name: raw.hints.get(name) or folded.get(name.casefold()) for name in names}
    return {name: kind for name, kind in found.items() if kind}


def normalise(
    raw: Raw,
    model: ModelFile,
    *,
    kind: Kind,
    types: tuple[InputType, ...],
    received_at: datetime,
    latest: datetime | None = None,
    timezone: str | None = None,
    retyped: Mapping[str, Retyped] = MappingProxyType({}),
    salt: bytes = b"",
) -> Rows:
    """The rows of a batch as the normalised relation.

    Predictions: n, id, event_time, part, x0.., prediction, score, g0.., s0.., person, and label where the model
    declares an outcome (null where the file does not tell it). Labels: n, id, label. Reference: as predictions, id
    and event_time null where the file has none.

    Attributions: n, id, event_time, part, x0.. as numbers: contributions; NaN is missing.

    types: of the inputs, in order (`store.bin_learning.resolve_types(model, hints_for(raw, model))`).
    latest: naive UTC; rows from after it are rejected as `future`.
    received_at: naive UTC, the time of rows that carry none. timezone: of times without zone; None is UTC.
    retyped: columns that are no longer what they were declared as (connectors/retyped.py): missing in every row.
    salt: for the hash of `person`; the text itself never leaves this module.
    """
    if kind not in (Kind.PREDICTIONS, Kind.LABELS, Kind.REFERENCE, *CONTRIBUTIONS):
        raise BadInput(
            f"{kind} hold no rows of a model", advice="Rows are predictions, labels, reference, attributions."
        )
    if kind is Kind.LABELS:
        label_name(model)
    return Rows(
        raw,
        model,
        kind=kind,
        types=types,
        received_at=received_at,
        latest=latest,
        timezone=timezone,
        retyped=retyped,
        salt=salt,
    )
