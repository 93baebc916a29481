"""Counting on DuckDB: every row of a relation, once, into the cells of a bin spec.

Satisfies `monitors.engines.base.Engine` on a connection it is given, and profiles references. A relation is the name of
a table or view, or `(SELECT ...)`: text of ours, never of a user. A column that the relation lacks is missing in every
row. Rows without an event time (a reference's may have none) are counted in a block whose start is null. Memory grows
with blocks x segments x cells, never with rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from monitors.engines import duckdb_text as sql
from monitors.engines.base import MISSING_SEGMENT, Blocks
from monitors.engines.duckdb_columns import count_columns
from monitors.engines.duckdb_joint import count_joint
from monitors.engines.duckdb_profile import profile
from monitors.engines.duckdb_query import Source, column_kinds
from monitors.engines.keyed import Keyed, merged, schema, table
from store.bins import BinSpec, Section

__all__ = ["count", "profile"]

JOINT = (Section.OUTCOMES, Section.LABELLED)


def count(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    spec: BinSpec,
    section: Section,
    *,
    blocks: Blocks,
    segments: Sequence[str] = (),
    total: bool = True,
    weight: str | None = None,
    apart: str | None = None,
) -> pa.Table:
    """One section's counts of every row, as SUMMARY_SCHEMA, a row per block and segment, oldest first.

    `outcomes` takes the rows that have a prediction, `labelled` those that have a prediction and a label. segments:
    the names of s0, s1 ...; weight: a column of whole numbers, for these two (ValueError for the others). apart: a
    column of whole numbers whose values are counted apart; the answer has it too.
    """
    if not spec.widths[section]:
        return schema(apart).empty_table()
    if weight and section not in JOINT:
        raise ValueError(f"{section} are not weighted: a row is counted once, and stays")
    kinds = column_kinds(connection, relation)

    start = sql.block_start(blocks)

    def keyed(segment: str | None) -> Keyed:
        source = Source(connection, relation, kinds, start, segment, apart)
        if section in JOINT:
            return count_joint(source, spec, section, weight=weight)
        return count_columns(source, spec, section)

    tables: list[pa.Table] = []
    parts = None
    for k, segment in enumerate(segments):
        parts = keyed(f"coalesce({sql.as_text(f's{k}', kinds.get(f's{k}'))}, {sql.text(MISSING_SEGMENT)})")
        tables.append(table(parts, section, blocks, segment=segment, apart=apart))
    if total:
        # Every row is in exactly one segment of a name, so their sum spares a scan.
        tables.insert(0, table(merged(parts) if parts else keyed(None), section, blocks, apart=apart))
    return pa.concat_tables(tables) if tables else schema(apart).empty_table()
