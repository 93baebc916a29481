"""A batch that was read and is not yet written: what can be done before the writer's turn.

Small batches of predictions are normalised here, in memory: what is wrong with one is said before anybody waits for
it, and several can be written in one pass (service/rows_writing.py). All others are read while they are written.
`outdated` says whether what was known of the model when a batch was read no longer stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa

from connectors.base import Raw
from connectors.normalise import Tally, hints_for
from service.binning import current_spec, input_types
from service.delivery import Delivery
from service.growing import Reading
from service.known import model_file
from service.normalising import normalised_rows
from service.wiring import Hub
from store import rows
from store.bins import BinSpec
from store.canonical import make_id
from store.db import Connection
from store.model_file import InputType, ModelFile
from store.receipt import Kind
from store.row_shape import RowShape, shape_of

SMALL = 1 << 20
"""Batches of up to this many bytes are normalised in memory."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """How things stand for the rows of a model version."""

    types: tuple[InputType, ...] | None
    """Of its inputs, where a table fixed them."""
    tables: Mapping[RowShape, str]
    labels: str | None
    spec: BinSpec | None


def known_now(connection: Connection, model: ModelFile) -> Known:
    held = {role: rows.tables(connection, model.name, model.version, role) for role in ("reference", "rows")}
    names = tuple(column.name for column in model.columns.inputs)
    fixed = any(shape.inputs == names for found in held.values() for _, _, shape in found)
    return Known(
        types=input_types(connection, model, {}) if fixed else None,
        tables={shape: name for name, _, shape in held["rows"]},
        labels=rows.labels_table(connection, model.name),
        spec=current_spec(connection, model),
    )


def known_of(hub: Hub, model: ModelFile) -> Known:
    """The same as it was committed last, remembered until something changes it."""
    key = ("known", model.name, model.version)
    return hub.store.remembered(key, lambda: known_now(hub.store.cursor(), model))


def batch_id(model: ModelFile, delivery: Delivery, raw: Raw) -> str:
    # Labels belong to a model: the same ones are the same batch whichever version is the newest.
    version = None if delivery.kind is Kind.LABELS else model.version
    return make_id("batch", delivery.site, model.name, version, delivery.kind, raw.sha256)


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """One batch."""

    id: str
    actor: str
    model: ModelFile
    delivery: Delivery
    reading: Reading
    since: int | None
    """Where the delivery that it belongs to began, for a reference of several files."""
    received_at: datetime
    changes: int
    """`Store.changes` when it was read."""
    types: tuple[InputType, ...] = ()
    rows: pa.Table | None = None
    """All of them, normalised; None where they are read as they are written."""
    tally: Tally | None = None
    ids_told: bool = True

    @property
    def about(self) -> str:
        return f"{self.delivery.site}/{self.model.name}:{self.model.version}"

    @property
    def shape(self) -> RowShape:
        return shape_of(self.model, self.types)

    @property
    def shares(self) -> bool:
        """Whether it can be written in one pass with others of its model version: all is read, and tells no labels."""
        if self.rows is None:
            return False
        labels = self.rows.column("label").null_count if "label" in self.rows.column_names else self.rows.num_rows
        return bool(labels == self.rows.num_rows)


def arrive(
    hub: Hub, actor: str, model: ModelFile, delivery: Delivery, reading: Reading, *, since: int | None
) -> Arrived:
    """Reads a small batch whole; raises what is wrong with it."""
    found = Arrived(
        id=batch_id(model, delivery, reading.raw),
        actor=actor,
        model=model,
        delivery=delivery,
        reading=reading,
        since=since,
        received_at=hub.now(),
        changes=hub.store.changes,
    )
    raw = reading.raw
    if delivery.kind is not Kind.PREDICTIONS or reading.end is not None or raw.size > SMALL:
        return found
    known = known_of(hub, model)
    types = known.types or input_types(hub.store.cursor(), model, hints_for(raw, model))
    if known.spec is None or shape_of(model, types) not in known.tables:
        return found
    read = normalised_rows(hub, raw, model, delivery, types=types, received_at=found.received_at)
    table = read.table()
    return replace(found, types=types, rows=table, tally=read.finish(), ids_told=read.ids_told)


def outdated(hub: Hub, found: Arrived) -> bool:
    """Whether the model's file, or what its rows are read as, has changed since."""
    if found.changes == hub.store.changes:
        return False
    model = model_file(hub, found.model.name, found.model.version)
    known = known_of(hub, found.model)
    read_otherwise = found.rows is not None and (known.spec is None or found.shape not in known.tables)
    return model != found.model or read_otherwise
