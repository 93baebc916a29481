"""Counting on DuckDB: every row of a relation, once, into the cells of a bin spec.

Satisfies `monitors.engines.base.Engine` on a connection it is given. A relation is the name of a table or view, or
`(SELECT ...)`: text of ours, never of a user. A column that the relation lacks is missing in every row. Rows without
an event time (a reference's may have none) are counted in a block whose start is null. Memory grows with blocks x
segments x cells, never with rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa

from monitors.engines import duckdb_text as sql
from monitors.engines.base import MISSING_SEGMENT, Blocks
from monitors.engines.duckdb_columns import count_columns
from monitors.engines.duckdb_joint import count_joint
from monitors.engines.duckdb_profile import profile
from monitors.engines.duckdb_query import Keyed, Source, column_kinds
from store.bins import BinSpec, Section
from store.summary import SUMMARY_SCHEMA, Counts

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
        return _schema(apart).empty_table()
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
        tables.append(_table(parts, section, blocks, apart, segment=segment))
    if total:
        # Every row is in exactly one segment of a name, so their sum spares a scan.
        tables.insert(0, _table(_merged(parts) if parts else keyed(None), section, blocks, apart))
    return pa.concat_tables(tables) if tables else _schema(apart).empty_table()


def _merged(parts: Keyed) -> Keyed:
    """The segments of each block together."""
    keys, row = np.unique(np.stack([parts.starts.view(np.int64), parts.aparts]), axis=1, return_inverse=True)
    counts: Counts = np.zeros((keys.shape[1], parts.counts.shape[1]), dtype=np.int64)
    np.add.at(counts, row, parts.counts)
    return Keyed(keys[0].view(parts.starts.dtype), keys[1], [None] * keys.shape[1], counts)


def _schema(apart: str | None) -> pa.Schema:
    return SUMMARY_SCHEMA.append(pa.field(apart, pa.int64())) if apart else SUMMARY_SCHEMA


def _table(
    keyed: Keyed, section: Section, blocks: Blocks, apart: str | None, *, segment: str | None = None
) -> pa.Table:
    rows, width = keyed.counts.shape
    starts = pa.array(keyed.starts, type=pa.timestamp("us"), from_pandas=True)
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * np.int32(width))
    columns = {
        "block": starts,
        "grain": [blocks.grain(start) for start in starts.to_pylist()],
        "segment": [f"{segment}={value}" if segment else None for value in keyed.segments],
        "section": [section.value] * rows,
        "counts": pa.ListArray.from_arrays(offsets, pa.array(keyed.counts.reshape(-1))),
    }
    if apart:
        columns[apart] = pa.array(keyed.aparts, pa.int64())
    return pa.table(columns, schema=_schema(apart))
