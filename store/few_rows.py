"""Rows of a few small batches that are new for sure: from memory straight into their table.

Planning a statement costs DuckDB more than ten rows cost in it, so nothing is staged here: the rows of all batches are
laid out as their table has them, `all_new` asks once whether any of them may have been told before, and one statement
appends them. Where some may have been, or where parts have to be met elsewhere, the answer is no and the rows take
the way of all others (`rows.stage`, store/repeats.py), which settles them one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from store.arrivals import ARROW
from store.row_shape import BOTH, RowShape
from store.rows import quoted


def laid_out(batches: Sequence[tuple[int, str, pa.Table]], shape: RowShape) -> pa.Table | None:
    """The rows of (seq, site, rows) as their table has them, with `seq`; None where they do not rise by n."""
    kinds = {name: ARROW[kind] for name, kind in shape.columns.items()}
    parts = []
    for seq, site, rows in batches:
        if not _rising(rows):
            return None
        count = rows.num_rows
        given = {"site": pa.repeat(pa.scalar(site), count)}
        columns = [
            given.get(name, rows.column(name).cast(kind) if name in rows.column_names else pa.nulls(count, kind))
            for name, kind in kinds.items()
        ]
        parts.append(pa.table([pa.repeat(pa.scalar(seq, pa.int64()), count), *columns], names=["seq", *kinds]))
    return pa.concat_tables(parts).combine_chunks()


def _rising(rows: pa.Table) -> bool:
    n = rows.column("n").to_numpy()
    return bool((n[1:] > n[:-1]).all())


def all_new(
    connection: duckdb.DuckDBPyConnection,
    rows: pa.Table,
    table: str,
    shape: RowShape,
    *,
    horizon: timedelta,
    labels: str | None,
) -> bool:
    """Whether no row can meet another: no id comes twice, none is stored near it, none has a label yet."""
    if not rows.num_rows:
        return True
    if shape.parts_must_meet and (rows.column("part").to_numpy() != BOTH).any():
        return False
    ids = rows.column("id").to_pylist()
    if len(set(zip(rows.column("site").to_pylist(), ids, strict=True))) < len(ids):
        return False
    ends = pc.min_max(rows.column("event_time")).as_py()
    among = "id IN (SELECT unnest(?::VARCHAR[])) LIMIT 1"
    near = f"SELECT 1 FROM {quoted(table)} WHERE event_time BETWEEN ? AND ? AND {among}"
    if connection.execute(near, [ends["min"] - horizon, ends["max"] + horizon, ids]).fetchall():
        return False
    return labels is None or not connection.execute(f"SELECT 1 FROM {quoted(labels)} WHERE {among}", [ids]).fetchall()


def append(connection: duckdb.DuckDBPyConnection, rows: pa.Table, table: str) -> None:
    connection.register("arriving", rows)
    try:
        connection.execute(f"INSERT INTO {quoted(table)} SELECT {', '.join(rows.column_names)} FROM arriving")
    finally:
        connection.unregister("arriving")
