"""What a leaf says of the tables: for each table that a transaction wrote, how many rows, and one root over them.

A record is hashed by itself: SHA-256 of the canonical JSON of its columns without `seq` and without nulls, so that
anybody can compute it from the row. Tables of IN_BULK are hashed by columns, in stretches (`store.digest`). Where a
table got more than one digest they stand beside the leaf, so that a change can be traced to its row.

`sealed` is called by the writer before the leaf is made; `broken_seals` by whoever verifies: it finds rows that were
changed, added or removed, and tables with rows under a seq whose leaf does not speak of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from store.canonical import canonical_json, sha256_hex
from store.digest import STRETCH, rows_root, stretches_apart
from store.flaw import Flaw

IN_BULK = ("attribution", "result", "summary")
_TOLD = {"attribution": "* EXCLUDE (seq) REPLACE (sum_abs::VARCHAR AS sum_abs)"}
"""Where a column has a type that is not hashed by columns."""
NAMED_BY = ("id", "batch", "name", "site", "token", "model", "spec_hash", "size")
"""Columns that tell a record from others, in the order in which they are looked for."""
NAMED_AT_MOST = 5

Seal = dict[str, dict[str, Any]]
"""Table to {rows, root}: what the leaf carries."""


def record_digest(row: Mapping[str, Any]) -> str:
    """The same before a row is stored and after it was read back; TypeError for a value no column holds."""
    return sha256_hex(canonical_json({name: _plain(value) for name, value in row.items() if value is not None}))


def _plain(value: Any) -> Any:
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, float):
        return int(value) if value.is_integer() else repr(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [None if item is None else _plain(item) for item in value]
    raise TypeError(f"a {type(value).__name__} is in no column of the record")


def sealed(
    connection: duckdb.DuckDBPyConnection,
    written: Mapping[int, Mapping[str, Sequence[str]]],
    in_bulk: Mapping[int, set[str]],
    digested: Mapping[int, Mapping[str, tuple[int, list[str]]]],
) -> dict[int, tuple[Seal, dict[str, list[str]]]]:
    """By seq: what the leaf says of the tables, and the digests that stand beside it. The seqs follow each other.

    in_bulk: tables of IN_BULK, to be read back. digested: others of them, as `digests_by_seq` gives them.
    """
    out = {}
    bulk = {
        table: _bulk_digests(connection, table, min(written), max(written))
        for table in sorted(set().union(*in_bulk.values()))
    }
    for seq, tables in written.items():
        found = {table: (len(digests), sorted(digests)) for table, digests in tables.items()}
        found |= digested[seq]
        found |= {table: bulk[table].get(seq, (0, [])) for table in in_bulk[seq]}
        seal: Seal = {table: {"rows": rows, "root": rows_root(digests)} for table, (rows, digests) in found.items()}
        out[seq] = seal, {table: digests for table, (_, digests) in found.items() if len(digests) > 1}
    return out


def bulk_digests(connection: duckdb.DuckDBPyConnection, table: str, seq: int) -> tuple[int, list[str]]:
    """Rows and the digest of each stretch of them, of what one transaction wrote into a table of IN_BULK."""
    return _bulk_digests(connection, table, seq, seq).get(seq, (0, []))


def _bulk_digests(
    connection: duckdb.DuckDBPyConnection, table: str, first: int, last: int
) -> dict[int, tuple[int, list[str]]]:
    columns = _TOLD.get(table, "* EXCLUDE (seq)")
    rows = connection.sql(
        f"SELECT seq, {columns} FROM {table} WHERE seq BETWEEN ? AND ? ORDER BY ALL", params=[first, last]
    )
    return digests_by_seq(rows.to_arrow_table())


def digests_by_seq(rows: pa.Table) -> dict[int, tuple[int, list[str]]]:
    """By seq, how many rows there are and the digests of their stretches; they come in the order of their `seq`, and
    within it as `ORDER BY ALL` has them, or by n.
    """
    if not rows.num_rows:
        return {}
    seqs = rows.column("seq").to_numpy()
    starts = [0, *(np.flatnonzero(np.diff(seqs)) + 1).tolist()]
    counts = np.diff([*starts, len(seqs)]).tolist()
    found = stretches_apart(rows, [name for name in rows.column_names if name != "seq"], starts)
    return {int(seqs[at]): (count, own) for at, count, own in zip(starts, counts, found, strict=True)}


def record_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Every table whose rows carry a seq, but for the leaves and the tables of rows, which batches vouch for."""
    found = connection.execute(
        "SELECT table_name FROM duckdb_columns() WHERE column_name = 'seq' AND NOT internal AND database_name = "
        "current_database() AND table_name NOT IN ('audit_leaf', 'audit_private') AND table_name NOT IN "
        "(SELECT name FROM row_table) AND table_name IN (SELECT table_name FROM duckdb_tables() WHERE NOT temporary) "
        "ORDER BY 1"
    ).fetchall()
    return [name for (name,) in found]


def broken_seals(
    connection: duckdb.DuckDBPyConnection, seals: Mapping[int, Seal], beside: Mapping[int, str | None]
) -> tuple[int, list[Flaw]]:
    """Every table against what the leaves say of it; (tables looked at, what does not hold)."""
    tables = record_tables(connection)
    sealed_in: dict[str, dict[int, dict[str, Any]]] = {table: {} for table in tables}
    flaws: list[Flaw] = []
    for seq, seal in seals.items():
        for table, told in seal.items():
            if table in sealed_in:
                sealed_in[table][seq] = told
            else:
                flaws.append(
                    Flaw("a table is gone", f"table {table}, event {seq}", f"{told.get('rows')} rows", "no table")
                )
    for table in tables:
        check = _bulk_flaws if table in IN_BULK else _record_flaws
        flaws += check(connection, table, sealed_in[table], beside)
    return len(tables), flaws


def _beside(beside: Mapping[int, str | None], seq: int, table: str, told: Mapping[str, Any]) -> list[str] | None:
    """The digests beside a leaf, where they are those that the leaf vouches for."""
    try:
        digests = json.loads(beside.get(seq) or "{}").get(table)
        return digests if digests and rows_root(digests) == told.get("root") else None
    except (ValueError, TypeError, AttributeError):
        return None


# -- records ------------------------------------------------------------------------------------------------------


def _record_flaws(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    told: Mapping[int, Mapping[str, Any]],
    beside: Mapping[int, str | None],
) -> Iterator[Flaw]:
    seen: set[int] = set()
    for seq, rows in _by_seq(connection, table):
        seen.add(seq)
        where = f"table {table}, event {seq}"
        if seq not in told:
            yield Flaw("rows without an event", f"{where}: {_named(rows)}", "no rows", f"{len(rows)} rows")
            continue
        digests = [record_digest(row) for row in rows]
        if rows_root(sorted(digests)) == told[seq].get("root"):
            continue
        expected, found = told[seq].get("rows"), len(rows)
        known = Counter(_beside(beside, seq, table, told[seq]) or [])
        strange = [row for row, digest in zip(rows, digests, strict=True) if digest not in known]
        named = f"{where}: {_named(strange or rows)}"
        if found == expected:
            yield Flaw("a record was changed", named, str(told[seq].get("root")), rows_root(sorted(digests)))
        else:
            yield Flaw("records were added or removed", named if found else where, f"{expected} rows", f"{found} rows")
    for seq in sorted(set(told) - seen):
        yield Flaw("records are gone", f"table {table}, event {seq}", f"{told[seq].get('rows')} rows", "0 rows")


def _by_seq(connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    result = connection.execute(f'SELECT * FROM "{table}" ORDER BY seq')
    names = [column[0] for column in result.description or []]
    held: list[dict[str, Any]] = []
    for values in result.fetchall():
        row = dict(zip(names, values, strict=True))
        if held and held[0]["seq"] != row["seq"]:
            yield held[0]["seq"], [{k: v for k, v in one.items() if k != "seq"} for one in held]
            held = []
        held.append(row)
    if held:
        yield held[0]["seq"], [{k: v for k, v in one.items() if k != "seq"} for one in held]


def _named(rows: Sequence[Mapping[str, Any]]) -> str:
    """The ids of rows, or what else tells them apart."""
    names = []
    for row in rows[:NAMED_AT_MOST]:
        told = [f"{column} {row[column]}" for column in NAMED_BY if row.get(column) is not None]
        names.append(" ".join(told[:2]) or "a row")
    return ", ".join(names) + (f" and {len(rows) - NAMED_AT_MOST} more" if len(rows) > NAMED_AT_MOST else "")


# -- tables in bulk -----------------------------------------------------------------------------------------------


def _bulk_flaws(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    told: Mapping[int, Mapping[str, Any]],
    beside: Mapping[int, str | None],
) -> Iterator[Flaw]:
    counted = dict(connection.execute(f"SELECT seq, count(*) FROM {table} GROUP BY seq").fetchall())
    for seq in sorted(set(counted) - set(told), key=str):
        yield Flaw("rows without an event", f"table {table}, event {seq}", "no rows", f"{counted[seq]} rows")
    for seq, seal in sorted(told.items()):
        where = f"table {table}, event {seq}"
        rows, digests = bulk_digests(connection, table, seq)
        if rows != seal.get("rows"):
            yield Flaw("rows were added or removed", where, f"{seal.get('rows')} rows", f"{rows} rows")
        elif rows_root(digests) != seal.get("root"):
            kept = _beside(beside, seq, table, seal) or digests
            at = next((i for i, (old, new) in enumerate(zip(kept, digests, strict=False)) if old != new), 0)
            named = f"{where}: {_bulk_named(connection, table, seq, at)}"
            yield Flaw("stored rows were changed", named, str(seal.get("root")), rows_root(digests))


def _bulk_named(connection: duckdb.DuckDBPyConnection, table: str, seq: int, stretch: int) -> str:
    """The first stretch that is not as it was, by what its first and last rows are called."""
    rows = connection.execute(
        f"SELECT * EXCLUDE (seq) FROM {table} WHERE seq = ? ORDER BY ALL LIMIT {STRETCH} OFFSET {stretch * STRETCH}",
        [seq],
    )
    names = [column[0] for column in rows.description or []]
    held = [dict(zip(names, values, strict=True)) for values in rows.fetchall()]
    if len(held) < 2:
        return _named(held)
    first = stretch * STRETCH + 1
    return f"rows {first} to {first + len(held) - 1}, {_named(held[:1])} to {_named(held[-1:])}"
