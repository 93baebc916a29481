"""Rows appended to their table as they arrive, and hashed as they pass: nothing of a batch is held.

Nearly every batch is new as a whole. It is appended at once, `none_known` then says whether that was right, and where
it was not, `withdraw` takes the rows back into the temporary table `staged`, to be settled one by one
(store/repeats.py) and appended again. All in one transaction: nobody sees what is taken back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import duckdb
import pyarrow as pa

from store.digest import OutOfOrder, Stretches
from store.row_shape import RowShape
from store.rows import complete_columns, quoted

ARROW = {
    "BIGINT": pa.int64(),
    "UTINYINT": pa.uint8(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "TIMESTAMP": pa.timestamp("us"),
}
"""The types of a table of rows, as Arrow has them."""


def append(
    connection: duckdb.DuckDBPyConnection,
    rows: pa.RecordBatchReader,
    table: str,
    shape: RowShape,
    *,
    seq: int,
    site: str,
) -> list[str] | None:
    """Appends the batch in hand at once, as the temporary view `arrived`; returns the digests of its rows.

    None where they did not come by rising n, or as the table has them: they are then to be read back. Nothing is
    held: memory does not grow with the batch. Where some of it turns out to be known, `withdraw` takes it back.
    """
    columns = {name: ARROW[kind] for name, kind in shape.columns.items()}
    names = set(rows.schema.names)
    alike = all(rows.schema.field(name).type == kind for name, kind in columns.items() if name in names)
    running = Stretches(pa.schema(list(columns.items())), list(columns), rising="n") if alike else None

    def whole(batch: pa.RecordBatch) -> pa.RecordBatch:
        count = batch.num_rows
        given = {"site": pa.repeat(pa.scalar(site), count)}
        arrays = [
            given[name] if name in given else batch.column(name) if name in names else pa.nulls(count, kind)
            for name, kind in columns.items()
        ]
        return pa.RecordBatch.from_arrays(arrays, list(columns))

    def passing() -> Iterator[pa.RecordBatch]:
        nonlocal running
        for batch in rows:
            if running is not None:
                try:
                    running.add(whole(batch))
                except OutOfOrder:
                    running = None
            yield batch

    chosen = ", ".join(
        "?" if name == "site" else name if name in names else f"NULL::{kind}" for name, kind in shape.columns.items()
    )
    connection.register("arriving", pa.RecordBatchReader.from_batches(rows.schema, passing()))
    try:
        connection.execute(f"INSERT INTO {quoted(table)} SELECT ?::BIGINT, {chosen} FROM arriving", [seq, site])
    finally:
        connection.unregister("arriving")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW arrived AS SELECT * FROM {quoted(table)} WHERE seq = {int(seq)}")
    return None if running is None else running.finish()


def none_known(
    connection: duckdb.DuckDBPyConnection, table: str, *, seq: int, site: str, horizon: timedelta, unique: bool
) -> bool:
    """Whether what `arrived` is new for sure: no id came twice, and none is stored within the horizon.

    Hashes are compared: equal ids have equal ones, so none in common means no id in common. unique: no id can come
    twice in it.
    """
    rows, hashes, first, last = connection.execute(
        f"SELECT count(*), {'count(*)' if unique else 'count(DISTINCT hash(id))'}, min(event_time), max(event_time) "
        "FROM arrived"
    ).fetchall()[0]
    if hashes < rows:
        return False
    near = f"FROM {quoted(table)} WHERE seq <> ? AND site = ? AND event_time >= ? AND event_time <= ?"
    bounds = [seq, site, first - horizon, last + horizon] if rows else []
    if not rows or not connection.execute(f"SELECT 1 {near} LIMIT 1", bounds).fetchall():
        return True
    met = f"SELECT 1 {near} AND hash(id) IN (SELECT hash(id) FROM arrived) LIMIT 1"
    return not connection.execute(met, bounds).fetchall()


def withdraw(connection: duckdb.DuckDBPyConnection, table: str, *, seq: int, labels: pa.Table | None) -> None:
    """Takes what `arrived` out of its table and into `staged`, to be looked at row by row.

    labels: n and label of the rows that brought one, None where the model has no outcome.
    """
    told, joined = "", ""
    if labels is not None:
        connection.register("labels_told", labels)
        told, joined = ", l.label", "LEFT JOIN labels_told l USING (n)"
    try:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE staged AS SELECT a.*{told} FROM arrived a {joined}")
    finally:
        if labels is not None:
            connection.unregister("labels_told")
    connection.execute(f"DELETE FROM {quoted(table)} WHERE seq = ?", [seq])


def complete_together(shape: RowShape) -> str | None:
    """The rows of `arrived` whose parts came together, as a query; None where they may have to be met elsewhere."""
    columns = complete_columns(shape, inputs="s", prediction="s")
    return None if shape.parts_must_meet else f"(SELECT s.seq, {columns} FROM arrived s WHERE s.part & 2 = 2)"
