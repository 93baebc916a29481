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
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from store.arrivals import ARROW
from store.row_shape import BOTH, RowShape
from store.rows import quoted


def laid_out(batches: Sequence[tuple[int, str, pa.Table]], shape: RowShape) -> pa.Table | None:
    """The rows of (seq, site, rows) as their table has them, with `seq`; None where those of one do not rise by n."""
    counts = [rows.num_rows for _, _, rows in batches]
    together = pa.concat_tables([rows for _, _, rows in batches]).combine_chunks()
    seqs = np.repeat(np.array([seq for seq, _, _ in batches], np.int64), counts)
    n = together.column("n").to_numpy()
    if ((n[1:] <= n[:-1]) & (seqs[1:] == seqs[:-1])).any():
        return None
    columns = {"seq": pa.array(seqs)}
    for name, kind in ((name, ARROW[kind]) for name, kind in shape.columns.items()):
        if name == "site":
            columns[name] = pa.array(np.repeat([site for _, site, _ in batches], counts), kind)
        elif name not in together.column_names:
            columns[name] = pa.nulls(len(seqs), kind)
        else:
            column = together.column(name)
            columns[name] = column if column.type == kind else column.cast(kind)
    return pa.table(columns)


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
