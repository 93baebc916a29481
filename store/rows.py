"""Rows by parts: the bulk tables, and which rows a batch completes.

Inputs (part 1), prediction (part 2) and label of a row may come in different files, in any order; they meet on
(site, id). A table per model version and shape (`rows_<n>_<m>`), never altered; a table of labels per model.
`staged` is the batch in hand, a temporary table; the relations below name what it makes new, so that each row is
counted exactly once whatever the order of arrival:
    staged rows               counted into the inputs and outputs sections
    fresh_complete            rows whose parts have now met: outcomes
    fresh_labelled            rows that now have a label, weight 1, and the label they had before, weight -1
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from store import writes
from store.row_shape import RowShape, shape_from_json, shape_json

if TYPE_CHECKING:
    from store.db import Transaction


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# -- tables -----------------------------------------------------------------------------------------------------


def tables(
    connection: duckdb.DuckDBPyConnection, model: str, version: str | None, role: str
) -> list[tuple[str, str, RowShape]]:
    """(table, version, shape) of the tables of a model (of one version, or of all), oldest first."""
    rows = connection.execute(
        "SELECT name, version, columns FROM row_table WHERE model = ? AND role = ? AND (? IS NULL OR version = "
        "?) ORDER BY seq, name",
        [model, role, version, version],
    ).fetchall()
    return [(name, of, shape_from_json(text)) for name, of, text in rows]


def ensure_table(
    tx: Transaction,
    *,
    number: int,
    model: str,
    version: str,
    role: str,
    shape: RowShape,
) -> str:
    """The table for rows of this shape, made when it is the first of its kind; role is `rows` or `reference`."""
    existing = tables(tx.connection, model, version, role)
    for name, _, known in existing:
        if known == shape:
            return name
    name = f"{role}_{number}_{len(existing) + 1}"
    columns = ", ".join(f"{column} {kind}" for column, kind in shape.columns.items())
    tx.connection.execute(f"CREATE TABLE {quoted(name)} (seq BIGINT, {columns})")
    row = {"name": name, "role": role, "model": model, "version": version, "columns": shape_json(shape)}
    writes.record(tx, "row_table", row)
    tx.moved = True
    return name


def ensure_labels(tx: Transaction, *, number: int, model: str, kind: str) -> str:
    """The table of a model's labels; kind is `number` for regression, else `category`."""
    if found := labels_table(tx.connection, model):
        return found
    name = f"labels_{number}"
    type_ = "DOUBLE" if kind == "number" else "VARCHAR"
    tx.connection.execute(
        f"CREATE TABLE {quoted(name)} (seq BIGINT, n BIGINT, site VARCHAR, id VARCHAR, label {type_}, known_at "
        "TIMESTAMP)"
    )
    row = {"name": name, "role": "labels", "model": model, "version": "", "columns": shape_json_of_labels(kind)}
    writes.record(tx, "row_table", row)
    tx.moved = True
    return name


def shape_json_of_labels(kind: str) -> str:
    return shape_json(RowShape(inputs=(), types=(), prediction=kind, score=False, groups=(), segments=()))


def labels_table(connection: duckdb.DuckDBPyConnection, model: str) -> str | None:
    found = connection.execute("SELECT name FROM row_table WHERE model = ? AND role = 'labels'", [model]).fetchall()
    return str(found[0][0]) if found else None


OF_BATCH = {"seq": "BIGINT", "site": "VARCHAR"}
"""What a batch says of all its rows."""


# -- staging ----------------------------------------------------------------------------------------------------


def stage(
    connection: duckdb.DuckDBPyConnection,
    rows: pa.Table | pa.RecordBatchReader,
    shape: RowShape,
    *,
    seq: int,
    site: str,
) -> None:
    """The batch in hand as the temporary table `staged`, with every column of the shape (absent ones are null).

    Where rows bring their label along, `staged` has a `label` column as well; it goes to the table of labels. Rows of
    several batches say their own `seq` and `site`.
    """
    present = set(rows.schema.names)
    label = ", label" if "label" in present and not shape.label else ""
    own = ", ".join(name if name in present else f"?::{kind} AS {name}" for name, kind in OF_BATCH.items())
    given = [value for name, value in (("seq", seq), ("site", site)) if name not in present]
    chosen = ", ".join(
        f"{name}::{kind} AS {name}" if name in present else f"NULL::{kind} AS {name}"
        for name, kind in shape.columns.items()
        if name != "site"
    )
    connection.register("arriving", rows)
    try:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE staged AS SELECT {chosen}, {own}{label} FROM arriving", given)
    finally:
        connection.unregister("arriving")


def append_staged(connection: duckdb.DuckDBPyConnection, table: str, shape: RowShape) -> None:
    columns = ", ".join(shape.columns)
    connection.execute(f"INSERT INTO {quoted(table)} SELECT seq, {columns} FROM staged")


def kept_by_seq(connection: duckdb.DuckDBPyConnection) -> Counter[int]:
    """How many rows of each batch are staged."""
    return Counter(dict(connection.execute("SELECT seq, count(*) FROM staged GROUP BY seq").fetchall()))


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])


# -- what a batch makes new ---------------------------------------------------------------------------------------


def complete_columns(shape: RowShape, *, inputs: str, prediction: str) -> str:
    carried = [f"{inputs}.g{i}" for i in range(len(shape.groups))] + [
        f"{inputs}.s{i}" for i in range(len(shape.segments))
    ]
    own = [f"{prediction}.{name}" for name in ("site", "id", "event_time", "prediction", "score")]
    return ", ".join([*own, f"{inputs}.person", *carried])


def fresh_complete(
    connection: duckdb.DuckDBPyConnection, table: str, shape: RowShape, *, batch: str = "staged"
) -> None:
    """Temporary table of the rows whose parts have met through those of `batch`, already appended; each under the
    `seq` of the half that came last.
    """
    if not shape.parts_must_meet:
        columns = complete_columns(shape, inputs="s", prediction="s")
        select = f"SELECT s.seq, {columns} FROM {batch} s WHERE s.part & 2 = 2"
    else:
        name = quoted(table)
        select = f"""
            SELECT s.seq, {complete_columns(shape, inputs="s", prediction="s")} FROM {batch} s WHERE s.part = 3
            UNION ALL SELECT s.seq, {complete_columns(shape, inputs="s", prediction="r")}
            FROM {batch} s JOIN {name} r ON r.site = s.site AND r.id = s.id
            WHERE s.part = 1 AND r.part = 2 AND r.seq <= s.seq
            UNION ALL SELECT s.seq, {complete_columns(shape, inputs="r", prediction="s")}
            FROM {batch} s JOIN {name} r ON r.site = s.site AND r.id = s.id
            WHERE s.part = 2 AND r.part = 1 AND r.seq < s.seq"""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE fresh_complete AS {select}")


def complete_sql(table: str, shape: RowShape, *, ids: str | None = None) -> str:
    """All complete rows of a table as a query; `ids` restricts it to (site, id) of that relation."""
    name = quoted(table)
    some = f"SEMI JOIN {ids} USING (site, id)" if ids else ""
    rows = f"(SELECT * FROM {name} {some})"
    whole = "s.part & 2 = 2" if not shape.parts_must_meet else "s.part = 3"
    select = f"SELECT {complete_columns(shape, inputs='s', prediction='s')} FROM {rows} s WHERE {whole}"
    if not shape.parts_must_meet:
        return select
    return f"""{select} UNION ALL SELECT {complete_columns(shape, inputs="i", prediction="p")}
        FROM {rows} i JOIN {rows} p ON i.site = p.site AND i.id = p.id WHERE i.part = 1 AND p.part = 2"""


def latest_labels_sql(labels: str, *, before: int | None = None, ids: str | None = None) -> str:
    """The label that counts for each (site, id): the last one known (before a seq)."""
    some = f"SEMI JOIN {ids} USING (site, id)" if ids else ""
    limit = f"WHERE seq < {int(before)}" if before is not None else ""
    return f"SELECT site, id, arg_max(label, (seq, n)) AS label FROM {quoted(labels)} {some} {limit} GROUP BY site, id"


def fresh_labelled_by_rows(
    connection: duckdb.DuckDBPyConnection, labels: str | None, *, complete: str = "fresh_complete"
) -> None:
    """Temporary table `fresh_labelled`: complete rows whose label came before them."""
    if labels is None:
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE fresh_labelled AS SELECT *, NULL AS label, 1 AS weight "
            f"FROM {complete} LIMIT 0"
        )
        return
    known = latest_labels_sql(labels, ids=complete)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE fresh_labelled AS SELECT c.*, l.label, 1::BIGINT AS weight "
        f"FROM {complete} c JOIN ({known}) l USING (site, id) WHERE l.label IS NOT NULL"
    )


def stage_labels(
    connection: duckdb.DuckDBPyConnection, rows: pa.Table, labels: str, *, site: str, kind: str
) -> tuple[int, int]:
    """Temporary table `staged_labels` (the last of each id that says something new); returns (kept, duplicates).

    Labels restate by design: the latest known counts. A label that only repeats what is known is a duplicate.
    """
    connection.register("arriving", rows)
    try:
        kept = _stage_labels(connection, "arriving", labels, site=site, kind=kind)
    finally:
        connection.unregister("arriving")
    return kept, rows.num_rows - kept


def stage_labels_of_rows(connection: duckdb.DuckDBPyConnection, labels: str, *, site: str, kind: str) -> int:
    """The same for labels that came with the staged rows;
    before repeats are dropped, for an old row may bring a new label.
    """
    return _stage_labels(
        connection, "(SELECT n, id, label FROM staged WHERE label IS NOT NULL)", labels, site=site, kind=kind
    )


def _stage_labels(connection: duckdb.DuckDBPyConnection, source: str, labels: str, *, site: str, kind: str) -> int:
    type_ = "DOUBLE" if kind == "number" else "VARCHAR"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE staged_labels AS SELECT n::BIGINT AS n, ?::VARCHAR AS site, id::VARCHAR AS id, "
        f"label::{type_} AS label, NULL::{type_} AS prior FROM {source} "
        "QUALIFY row_number() OVER (PARTITION BY id ORDER BY n DESC) = 1",
        [site],
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE staged_labels AS SELECT s.* REPLACE (k.label AS prior) FROM staged_labels s "
        f"LEFT JOIN ({latest_labels_sql(labels, ids='staged_labels')}) k USING (site, id) "
        "WHERE s.label IS DISTINCT FROM k.label"
    )
    return _count(connection, "staged_labels")


def append_labels(connection: duckdb.DuckDBPyConnection, labels: str, tx: Any) -> None:
    connection.execute(
        f"INSERT INTO {quoted(labels)} SELECT ?::BIGINT, n, site, id, label, ?::TIMESTAMP FROM staged_labels "
        "ORDER BY n",
        [tx.seq, tx.now],
    )


def fresh_labelled_by_labels(connection: duckdb.DuckDBPyConnection, table: str, shape: RowShape) -> None:
    """Temporary table `fresh_labelled`: complete rows that the staged labels speak of, +1 now and -1 as it was."""
    complete = complete_sql(table, shape, ids="staged_labels")
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE fresh_labelled AS
        WITH met AS (SELECT c.*, l.label, l.prior FROM ({complete}) c JOIN staged_labels l USING (site, id))
        SELECT * EXCLUDE (prior), 1::BIGINT AS weight FROM met WHERE label IS NOT NULL
        UNION ALL
        SELECT * EXCLUDE (prior) REPLACE (prior AS label), -1::BIGINT AS weight FROM met WHERE prior IS NOT NULL"""
    )


def aligned_sql(table: str, old: RowShape, new: RowShape) -> str:
    """The rows of a table of one shape under the column names of another; what the old one lacks is null."""
    kinds = new.columns
    parts = ["seq", "n", "site", "id", "event_time", "part"]
    for prefix, had, wants in (
        ("x", old.inputs, new.inputs),
        ("g", old.groups, new.groups),
        ("s", old.segments, new.segments),
    ):
        for at, name in enumerate(wants):
            target = f"{prefix}{at}"
            source = f"{prefix}{had.index(name)}" if name in had else "NULL"
            parts.append(f"TRY_CAST({source} AS {kinds[target]}) AS {target}")
    parts += [f"TRY_CAST(prediction AS {kinds['prediction']}) AS prediction", "score", "person"]
    if new.label:
        parts.append(f"TRY_CAST({'label' if old.label else 'NULL'} AS {kinds['label']}) AS label")
    return f"SELECT {', '.join(parts)} FROM {quoted(table)}"
