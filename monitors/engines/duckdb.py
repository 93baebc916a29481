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
from store.summary import SUMMARY_SCHEMA

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
) -> pa.Table:
    """One section's counts of every row, as SUMMARY_SCHEMA, a row per block and segment, oldest first.

    `outcomes` takes the rows that have a prediction, `labelled` those that have a prediction and a label. segments:
    the names of s0, s1 ...; weight: a column of whole numbers, for these two (ValueError for the others).
    """
    if not spec.widths[section]:
        return SUMMARY_SCHEMA.empty_table()
    if weight and section not in JOINT:
        raise ValueError(f"{section} are not weighted: a row is counted once, and stays")
    kinds = column_kinds(connection, relation)

    def keyed(segment: str) -> Keyed:
        source = Source(connection, relation, kinds, sql.keys(blocks, segment))
        if section in JOINT:
            return count_joint(source, spec, section, weight=weight)
        return count_columns(source, spec, section)

    tables, parts = [SUMMARY_SCHEMA.empty_table()], None
    for k, segment in enumerate(segments):
        value = f"coalesce({sql.as_text(f's{k}', kinds.get(f's{k}'))}, {sql.text(MISSING_SEGMENT)})"
        parts = keyed(value)
        tables.append(_table(parts, section, blocks, segment=segment))
    if total:
        # Every row is in exactly one segment of a name, so their sum spares a scan.
        tables.insert(1, _table(_merged(parts) if parts else keyed("NULL::VARCHAR"), section, blocks))
    return pa.concat_tables(tables)


def _merged(parts: Keyed) -> Keyed:
    """The segments of each block together."""
    places: dict[tuple[int, bool], int] = {}
    for key in zip(parts.starts.view(np.int64).tolist(), parts.fine.tolist(), strict=True):
        places.setdefault(key, len(places))
    row = [places[key] for key in zip(parts.starts.view(np.int64).tolist(), parts.fine.tolist(), strict=True)]
    counts = np.zeros((len(places), parts.counts.shape[1]), dtype=np.int64)
    np.add.at(counts, row, parts.counts)
    starts = np.array([start for start, _ in places], dtype=np.int64).view(parts.starts.dtype)
    return Keyed(starts, np.array([fine for _, fine in places], dtype=np.bool_), [None] * len(places), counts)


def _table(keyed: Keyed, section: Section, blocks: Blocks, *, segment: str | None = None) -> pa.Table:
    rows, width = keyed.counts.shape
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * np.int32(width))
    return pa.table(
        {
            "block": pa.array(keyed.starts, type=pa.timestamp("us"), from_pandas=True),
            "grain": pa.array([sql.grain(blocks, fine=fine) for fine in keyed.fine.tolist()], type=pa.string()),
            "segment": pa.array([f"{segment}={v}" if segment else None for v in keyed.segments], type=pa.string()),
            "section": pa.array([section.value] * rows, type=pa.string()),
            "counts": pa.ListArray.from_arrays(offsets, pa.array(keyed.counts.reshape(-1))),
        },
        schema=SUMMARY_SCHEMA,
    )
