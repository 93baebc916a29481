"""The rows of batches against the digests that their leaves vouch for; asked when the trail is verified with data.

A batch's rows stand in a table of their model and shape, hashed in stretches; the digests stand in `batch`, their
root in the leaf. Labels that came in the same file stand in the model's table of labels, under a root of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from store.digest import AT_ONCE, STRETCH, OutOfOrder, rows_root, stretches
from store.flaw import Flaw
from store.receipt import Kind
from store.sealing import digests_by_seq


def batch_digests(connection: duckdb.DuckDBPyConnection, table: str, seq: int) -> list[str]:
    """The digests of the stored rows of one batch, by rising n; the batch is never held whole."""
    rows = connection.sql(f'SELECT * EXCLUDE (seq) FROM "{table}" WHERE seq = ?', params=[seq])
    try:
        # They lie as they were appended, which is by n nearly always: sorting a whole batch costs more than hashing it.
        with rows.to_arrow_reader(AT_ONCE) as reader:
            return stretches(reader, rows.columns, rising="n")
    except OutOfOrder:
        rows = rows.order("n")
        with rows.to_arrow_reader(AT_ONCE) as reader:
            return stretches(reader, rows.columns)


def staged_digests(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> dict[int, list[str]]:
    """By seq, the digests that the staged rows have once they are stored under these columns."""
    found = connection.sql(f"SELECT seq, {', '.join(columns)} FROM staged ORDER BY seq, n").to_arrow_table()
    return {seq: digests for seq, (_, digests) in digests_by_seq(found).items()}


def batch_flaws(connection: duckdb.DuckDBPyConnection, documents: dict[int, dict[str, Any]]) -> tuple[int, list[Flaw]]:
    """The digests of each batch against its leaf, then its rows against the digests."""
    columns = "seq, batch, site, model, kind, source, kept, table_name, digests"
    found = connection.sql(f"SELECT {columns} FROM batch ORDER BY seq").to_arrow_table().to_pylist()
    flaws = _strays(connection, {row["seq"] for row in found})
    for row in found:
        where = f"batch {row['batch']} of site {row['site']} ({row['source']}, event {row['seq']})"
        details = documents.get(row["seq"], {}).get("details", {})
        if row["table_name"] is not None:
            flaws += _row_flaws(connection, row, details, where)
        if row["kind"] == Kind.PREDICTIONS:
            flaws += _label_flaws(connection, row, details, where)
    return len(found), flaws


def _strays(connection: duckdb.DuckDBPyConnection, batches: set[int]) -> list[Flaw]:
    """Rows that no batch brought. That a batch is gone is told by the seal of its table."""
    flaws = []
    for (table,) in connection.execute("SELECT name FROM row_table ORDER BY name").fetchall():
        if not _exists(connection, table):
            flaws.append(Flaw("a table of rows is gone", f"table {table}"))
            continue
        for (seq,) in connection.execute(f'SELECT DISTINCT seq FROM "{table}" ORDER BY seq').fetchall():
            if seq not in batches:
                flaws.append(Flaw("rows without a batch", f"table {table}, event {seq}"))
    return flaws


def _row_flaws(
    connection: duckdb.DuckDBPyConnection, batch: dict[str, Any], details: dict[str, Any], where: str
) -> list[Flaw]:
    table, seq, signed, digests = batch["table_name"], batch["seq"], details.get("rows_root"), batch["digests"] or []
    if not _exists(connection, table):
        return [Flaw("the rows of a batch are gone", where, f"table {table}", "no such table")]
    flaws = []
    if (held := _root(digests)) != signed:
        flaws.append(Flaw("the digests of a batch are not those of its leaf", where, str(signed), held))
    stored = connection.execute(f'SELECT count(*) FROM "{table}" WHERE seq = ?', [seq]).fetchall()[0][0]
    if stored != batch["kept"]:
        return [
            *flaws,
            Flaw("rows of a batch were added or removed", where, f"{batch['kept']} rows", f"{stored} rows"),
        ]
    for index, (old, new) in enumerate(zip(digests, batch_digests(connection, table, seq), strict=False)):
        if old != new:
            first = index * STRETCH
            found = connection.execute(
                f'SELECT id FROM "{table}" WHERE seq = ? ORDER BY n LIMIT {STRETCH} OFFSET {first}', [seq]
            ).fetchall()
            named = f"rows {first + 1} to {min(first + STRETCH, stored)} of {where}"
            flaws.append(Flaw("stored rows were changed", f"{named}, ids {found[0][0]} to {found[-1][0]}", old, new))
    return flaws


def _exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether it is one of the tables of rows: whoever edits the file may have written any name into `batch`."""
    found = connection.execute(
        "SELECT 1 FROM row_table r JOIN duckdb_tables() t ON t.table_name = r.name WHERE r.name = ?", [table]
    )
    return bool(found.fetchall())


def _root(digests: list[Any]) -> str:
    try:
        return rows_root(digests)
    except (TypeError, ValueError):
        return "no digests"


def _label_flaws(
    connection: duckdb.DuckDBPyConnection, batch: dict[str, Any], details: dict[str, Any], where: str
) -> list[Flaw]:
    """Labels that came along with rows stand in the model's own table of labels; their digest is in the same leaf."""
    found = connection.execute(
        "SELECT name FROM row_table WHERE model = ? AND role = 'labels'", [batch["model"]]
    ).fetchall()
    there = found and _exists(connection, found[0][0])
    digests = batch_digests(connection, found[0][0], batch["seq"]) if there else []
    signed, stored = details.get("labels_root"), rows_root(digests) if digests else None
    if signed == stored:
        return []
    return [Flaw("labels that came with rows were changed", where, str(signed), str(stored))]
