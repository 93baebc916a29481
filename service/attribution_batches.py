"""One batch of contributions inside its transaction: a row per prediction, a column per input, named as the input.

Promises what rows promise: a row that came before is a duplicate, the same id with other values a conflict, each is
counted once. Rows without a time take that of the prediction of their id, where it is known. Of a reference only the
sums are kept, and a new delivery replaces the old one.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.normalise import Rows
from monitors.engines.attributions import count_attributions
from monitors.engines.base import Blocks
from service.batch_writing import BatchWriter
from service.counting import blocks_at
from service.releases import GRAINS, moment
from store import attribution_writes, repeats, rows
from store.attribution import ATTRIBUTION_SCHEMA
from store.errors import BadInput
from store.model_file import InputType, ModelFile
from store.receipt import Kind, Receipt
from store.row_shape import RowShape

ROLE = "attributions"
LARGEST_SUM = 10**36
"""Far above any sum of a bundle, and far enough below 38 digits that many can be added."""


def attribution_table(blocks: Sequence[dict[str, Any]], model: ModelFile, path: Path) -> pa.Table:
    """The sums of a bundle as ATTRIBUTION_SCHEMA; raises BadInput where they cannot be sums of this model."""
    inputs = {column.name for column in model.columns.inputs}
    rows_ = []
    for block in blocks:
        total, n = int(block["sum_abs"]), block["n"]
        if block["input"] not in inputs or block["grain"] not in GRAINS:
            raise BadInput(
                f"{path}: contributions of {block['input']!r} by the {block['grain']!r} are none of {model.name}",
                advice="Summarise with the model file of this version.",
            )
        if type(n) is not int or n < 0 or not 0 <= total <= LARGEST_SUM or (total and not n):
            raise BadInput(f"{path}: a sum of contributions is no sum of rows", advice="Send the bundle again.")
        kept = {"grain": block["grain"], "input": block["input"], "n": n, "sum_abs": Decimal(total)}
        rows_.append({"block": moment(block["block"]), **kept})
    return pa.Table.from_pylist(rows_, schema=ATTRIBUTION_SCHEMA)


class AttributionWriter(BatchWriter):
    """What `ingest --kind attributions` and `--kind reference-attributions` write."""

    def write(self, since: int | None) -> Receipt:
        inputs = tuple(column.name for column in self.model.columns.inputs)
        numbers = (InputType.NUMBER,) * len(inputs)
        types = tuple(str(kind) for kind in numbers)
        shape = RowShape(inputs=inputs, types=types, prediction=None, score=False, groups=(), segments=())
        normalised = self._normalised(numbers)
        rows.stage(self.tx.connection, normalised.reader(), shape, seq=self.tx.seq, site=self.delivery.site)
        if self.delivery.kind is Kind.REFERENCE_ATTRIBUTIONS:
            return self._of_reference(normalised, shape, since)
        return self._of_rows(normalised, shape)

    def _of_reference(self, normalised: Rows, shape: RowShape, since: int | None) -> Receipt:
        tally = normalised.finish()
        self.tx.connection.execute("UPDATE staged SET event_time = TIMESTAMP '1970-01-01'")
        counted = count_attributions(self.tx.connection, "staged", shape.inputs, blocks=Blocks(fixed="week"))
        attribution_writes.reference_attributions(
            self.tx,
            counted,
            model=self.model.name,
            version=self.model.version,
            since=self.tx.seq if since is None else since,
        )
        return self.recorded(tally, 0, table=None, digests=())

    def _of_rows(self, normalised: Rows, shape: RowShape) -> Receipt:
        connection = self.tx.connection
        tally = normalised.finish()
        if not normalised.times_told:
            self._take_times()
        table = self._rows_table(ROLE, shape)
        named = {f"x{at}": name for at, name in enumerate(shape.inputs)}
        columns = {"id": self.model.columns.id or "id", "event_time": self.model.columns.time or "time"}
        conflicts = repeats.settle(
            connection,
            table,
            shape,
            names={**columns, **named},
            horizon=self.hub.config.id_horizon,
            unique=not normalised.ids_told,
            received={self.tx.seq: self.tx.now},
        )
        tally = tally.without([(None, repeats.REASON, found.expected, found.row) for found in conflicts or ()])
        duplicates = repeats.drop_repeats(connection)
        rows.append_staged(connection, table, shape)
        counted = count_attributions(connection, "staged", shape.inputs, blocks=blocks_at(self.tx.now))
        attribution_writes.attributions(
            self.tx, counted, site=self.delivery.site, model=self.model.name, version=self.model.version
        )
        return self.recorded(tally, duplicates, table=table, digests=self._digests(table))

    def _take_times(self) -> None:
        """A contribution belongs to the time of its prediction; where that is not known, to the time of receipt."""
        for table, _, _ in rows.tables(self.tx.connection, self.model.name, self.model.version, "rows"):
            self.tx.connection.execute(
                f"UPDATE staged SET event_time = known.event_time FROM (SELECT id, min(event_time) AS event_time "
                f"FROM {rows.quoted(table)} WHERE site = ? AND id IN (SELECT id FROM staged) GROUP BY id) known "
                "WHERE staged.id = known.id",
                [self.delivery.site],
            )
