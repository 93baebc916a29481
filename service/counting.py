"""From rows to summaries: which relations a batch makes new, counted under the frozen bin spec.

Freezing a spec counts what is at hand; every later batch adds its deltas in its own transaction. A change of spec is
a marked break: rows that are still here are counted again under the new one, what came as counts stays under the old.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from monitors.engines import duckdb as engine
from monitors.engines import few
from monitors.engines.base import Blocks
from store import rows, summary_writes
from store.bins import BinSpec, CategoryBins, Section
from store.db import Connection, Transaction
from store.row_shape import BOTH, INPUTS, PREDICTION, RowShape
from store.summary import SUMMARY_SCHEMA

HOURS_KEPT = timedelta(days=7)
"""Blocks are hours for the last week, days before it."""


def blocks_at(now: datetime) -> Blocks:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Blocks(hours_from=midnight - HOURS_KEPT)


def count_sections(
    connection: Connection,
    spec: BinSpec,
    shape: RowShape,
    blocks: Blocks,
    *,
    parts: str | None,
    complete: str,
    labelled: str,
    apart: str | None = None,
) -> pa.Table:
    """Deltas of all sections. `parts`: relation of rows with their `part`, or None where only labels came. `apart`: a
    column of theirs whose values are counted apart.
    """
    counted = []
    segments = shape.segments

    def count(relation: str, section: Section, **options: Any) -> None:
        if spec.widths[section]:
            counted.append(engine.count(connection, relation, spec, section, blocks=blocks, apart=apart, **options))

    if parts is not None:
        for name, bit in (("parts_inputs", INPUTS), ("parts_outputs", PREDICTION)):
            connection.execute(
                f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {parts} WHERE part & {bit} = {bit}"
            )
        count("parts_inputs", Section.INPUTS, segments=segments)
        count("parts_outputs", Section.OUTPUTS)
        if segments:
            count(complete, Section.OUTPUTS, segments=segments, total=False)
        count(complete, Section.OUTCOMES, segments=segments)
    count(labelled, Section.LABELLED, segments=segments, weight="weight")
    return pa.concat_tables(counted) if counted else SUMMARY_SCHEMA.empty_table()


def count_few(connection: Connection, rows_: pa.Table, spec: BinSpec, shape: RowShape, blocks: Blocks) -> pa.Table:
    """The same deltas of rows in memory, each under its own `seq`: rows that nothing met, and that have no label yet.

    A row is complete when its parts came together; where parts may have to be met elsewhere, all of these did.
    """
    if not few.takes(rows_, spec, blocks):
        return _count_registered(connection, rows_, spec, shape, blocks)
    part = rows_.column("part").to_numpy()
    both = (part & BOTH == BOTH).all()
    inputs, outputs = (rows_ if both else rows_.filter(pa.array(part & bit == bit)) for bit in (INPUTS, PREDICTION))
    segments = shape.segments
    counted = [
        few.count(inputs, spec, Section.INPUTS, blocks=blocks, apart="seq", segments=segments),
        few.count(outputs, spec, Section.OUTPUTS, blocks=blocks, apart="seq", segments=segments),
        few.count(outputs, spec, Section.OUTCOMES, blocks=blocks, apart="seq", segments=segments),
    ]
    return pa.concat_tables(counted)


def _count_registered(
    connection: Connection, rows_: pa.Table, spec: BinSpec, shape: RowShape, blocks: Blocks
) -> pa.Table:
    connection.register("few", rows_)
    try:
        complete = f"(SELECT * FROM few WHERE part & {PREDICTION} = {PREDICTION})"
        none = "(SELECT *, NULL AS label, 1 AS weight FROM few LIMIT 0)"
        return count_sections(
            connection, spec, shape, blocks, parts="few", complete=complete, labelled=none, apart="seq"
        )
    finally:
        connection.unregister("few")


def recount(tx: Transaction, spec: BinSpec, shape: RowShape, *, model: str, version: str) -> int:
    """Counts every row at hand of a model version under a newly frozen spec; returns the deltas written."""
    connection, written = tx.connection, 0
    for table, _, own in rows.tables(connection, model, version, "rows"):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE recounted AS {rows.aligned_sql(table, own, shape)}")
        for (site,) in connection.execute("SELECT DISTINCT site FROM recounted ORDER BY site").fetchall():
            connection.execute(
                "CREATE OR REPLACE TEMP TABLE recounted_site AS SELECT * FROM recounted WHERE site = ?", [site]
            )
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE fresh_complete AS {rows.complete_sql('recounted_site', shape)}"
            )
            rows.fresh_labelled_by_rows(connection, rows.labels_table(connection, model))
            counted = count_sections(
                connection,
                spec,
                shape,
                blocks_at(tx.now),
                parts="recounted_site",
                complete="fresh_complete",
                labelled="fresh_labelled",
            )
            summary_writes.summaries(tx, counted, site=site, model=model, version=version, spec_hash=spec.spec_hash)
            written += counted.num_rows
    return written


def count_reference(connection: Connection, spec: BinSpec, relation: str) -> pa.Table:
    """The reference's vectors of inputs, outputs and labels, one row per section, whatever its times.

    Training data often say the label and no prediction: such rows count under the prediction `(other)`, for only their
    labels are looked at.
    """
    timeless = "reference_without_times"
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {timeless} AS SELECT * REPLACE (TIMESTAMP '1970-01-01' AS event_time) "
        f"FROM {relation}"
    )
    parts = []
    for section in (Section.INPUTS, Section.OUTPUTS):
        if spec.widths[section]:
            parts.append(engine.count(connection, timeless, spec, section, blocks=Blocks(fixed="week")))
    names = [name for name, *_ in connection.execute(f"DESCRIBE {timeless}").fetchall()]
    if spec.widths[Section.LABELLED] and "label" in names:
        labelled = "reference_with_labels"
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {labelled} AS SELECT * REPLACE (coalesce(prediction, {_absent(spec)}) AS "
            f"prediction) FROM {timeless} WHERE label IS NOT NULL"
        )
        parts.append(engine.count(connection, labelled, spec, Section.LABELLED, blocks=Blocks(fixed="week")))
    table = pa.concat_tables(parts) if parts else SUMMARY_SCHEMA.empty_table()
    return table.filter(pc.is_null(table.column("segment")))


def _absent(spec: BinSpec) -> str:
    """What stands for a prediction that is not there: no class is called by the empty text; a number has none."""
    return "''" if isinstance(spec.prediction, CategoryBins) else "NULL"
