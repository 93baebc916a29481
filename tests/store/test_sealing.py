"""Tables behind the trail's back: any edit of any column, any row added or taken out, is named by table and row."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import writes
from store.db import Store, open_store
from store.events import Event
from store.flaw import Flaw
from store.sealing import broken_seals, record_digest, record_tables

NOW = datetime(2026, 11, 2, 3)
VALUES: dict[str, Any] = {
    "BIGINT": 7,
    "INTEGER": 3,
    "DOUBLE": 2.0,
    "BOOLEAN": True,
    "VARCHAR": "true words",
    "TIMESTAMP": datetime(2026, 10, 1, 2, 3, 4, 5),
    "BLOB": b"\x00\xff",
    "BIGINT[]": [1, -2],
    "VARCHAR[]": ["a", "b"],
    "DECIMAL(38,0)": Decimal(2**100),
}
OTHERS = {
    "BIGINT": "coalesce({c}, 0) + 1",
    "INTEGER": "coalesce({c}, 0) + 1",
    "DOUBLE": "coalesce({c}, 0) + 0.5",
    "BOOLEAN": "NOT coalesce({c}, FALSE)",
    "VARCHAR": "coalesce({c}, '') || ' '",
    "TIMESTAMP": "coalesce({c}, TIMESTAMP '2026-01-01') + INTERVAL 1 MICROSECOND",
    "BLOB": "'\\x01'::BLOB",
    "BIGINT[]": "[9]",
    "VARCHAR[]": "['x']",
    "DECIMAL(38,0)": "coalesce({c}, 0) + 1",
}
BULK = {"attribution", "result", "summary"}


def columns(store: Store, table: str) -> dict[str, str]:
    rows = store.cursor().execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index", [table]
    )
    return {name: kind for name, kind in rows.fetchall() if name != "seq"}


@pytest.fixture(scope="module")
def store() -> Store:
    """A record in every table of the record (two under one event, one under another), every column filled."""
    made = open_store(None, now=lambda: NOW, random_bytes=lambda count: b"\x07" * count)
    for table in record_tables(made.cursor()):
        if table in BULK or table == "row_table":
            continue
        kinds = columns(made, table)
        for ids in (("a", "b"), ("c",)):
            with made.write("anna", Event.SITE_RECORD_ADDED, table) as tx:
                for id_ in ids:
                    row = {name: VALUES[kind] for name, kind in kinds.items()}
                    first = next(name for name, kind in kinds.items() if kind == "VARCHAR")
                    writes.record(tx, table, {**row, first: f"{table}-{id_}"})
    return made


TABLES = [
    "alert_version", "batch", "bin_spec", "ledger_entry", "model_version", "quarantine", "reference_batch",
    "reference_summary", "reference_attribution", "report", "report_step",
    "request_version", "site_version", "token_version", "user_version",
]  # fmt: skip


def flaws_after(store: Store, *statements: str) -> list[Flaw]:
    cursor = store.cursor()
    cursor.execute("BEGIN")
    try:
        for statement in statements:
            cursor.execute(statement)
        rows = cursor.execute("SELECT seq, leaf, digests FROM audit_leaf").fetchall()
        seals = {seq: json.loads(leaf)["tables"] for seq, leaf, _ in rows}
        return broken_seals(cursor, seals, {seq: digests for seq, _, digests in rows})[1]
    finally:
        cursor.execute("ROLLBACK")


def seqs(store: Store, table: str) -> list[int]:
    rows = store.cursor().execute(f"SELECT DISTINCT seq FROM {table} ORDER BY seq").fetchall()
    return [seq for (seq,) in rows]


def test_the_list_above_is_whole(store: Store) -> None:
    filled = {table for table in record_tables(store.cursor()) if seqs(store, table)}
    assert filled >= set(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_no_column_can_be_changed(store: Store, table: str) -> None:
    two, one = seqs(store, table)
    first = next(name for name, kind in columns(store, table).items() if kind == "VARCHAR")
    for name, kind in columns(store, table).items():
        for value in (OTHERS[kind].format(c=name), "NULL"):
            (flaw,) = flaws_after(store, f"UPDATE {table} SET {name} = {value} WHERE seq = {one}")
            assert flaw.what == "a record was changed", (name, value)
            assert flaw.where.startswith(f"table {table}, event {one}: "), (name, value)
    (flaw,) = flaws_after(store, f"UPDATE {table} SET seq = {one} WHERE seq = {two} AND {first} = '{table}-b'")[1:]
    assert flaw.what == "records were added or removed" and f"{table}-b" in flaw.where


@pytest.mark.parametrize("table", TABLES)
def test_the_changed_one_of_several_is_named(store: Store, table: str) -> None:
    two, _ = seqs(store, table)
    kinds = columns(store, table)
    first = next(name for name, kind in kinds.items() if kind == "VARCHAR")
    name, kind = next((n, k) for n, k in reversed(list(kinds.items())) if n != first)
    edit = f"UPDATE {table} SET {name} = {OTHERS[kind].format(c=name)} WHERE seq = {two} AND {first} = '{table}-b'"
    (flaw,) = flaws_after(store, edit)
    assert flaw.what == "a record was changed"
    if first in ("id", "batch", "site", "token", "model"):
        assert f"{table}-b" in flaw.where and f"{table}-a" not in flaw.where


@pytest.mark.parametrize("table", TABLES)
def test_rows_added_or_taken_out_are_found(store: Store, table: str) -> None:
    _, one = seqs(store, table)
    (flaw,) = flaws_after(store, f"INSERT INTO {table} SELECT * FROM {table} WHERE seq = {one}")
    assert (flaw.what, flaw.expected, flaw.found) == ("records were added or removed", "1 rows", "2 rows")
    (flaw,) = flaws_after(store, f"DELETE FROM {table} WHERE seq = {one}")
    assert flaw.what == "records are gone" and flaw.where == f"table {table}, event {one}"
    (flaw,) = flaws_after(store, f"INSERT INTO {table} SELECT * REPLACE (777 AS seq) FROM {table} WHERE seq = {one}")
    assert flaw.what == "rows without an event" and "event 777" in flaw.where
    assert [flaw.what for flaw in flaws_after(store, f"DROP TABLE {table}")][:2] == ["a table is gone"] * 2


def test_digests_beside_a_leaf_name_rows_only_while_the_leaf_vouches_for_them(store: Store) -> None:
    two, _ = seqs(store, "site_version")
    forged = json.dumps({"site_version": ["00" * 32, "11" * 32]})
    edits = (
        f"UPDATE audit_leaf SET digests = '{forged}' WHERE seq = {two}",
        f"UPDATE site_version SET title = 'x' WHERE seq = {two} AND site = 'site_version-b'",
    )
    (flaw,) = flaws_after(store, *edits)
    assert "site_version-a" in flaw.where and "site_version-b" in flaw.where
    for broken in ("{", "[]", "7", '{"site_version": 3}'):
        (flaw,) = flaws_after(store, f"UPDATE audit_leaf SET digests = '{broken}' WHERE seq = {two}", edits[1])
        assert flaw.what == "a record was changed"


@given(
    whole=st.integers(-(2**63), 2**63 - 1),
    number=st.floats(),
    text=st.text(st.characters(exclude_categories=("Cs",))),
    at=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)),
    raw=st.binary(max_size=40),
    counts=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5),
)
def test_what_is_read_back_has_the_digest_of_what_was_written(
    whole: int, number: float, text: str, at: datetime, raw: bytes, counts: list[int]
) -> None:
    row = {"a": whole, "b": number, "c": text, "d": at, "e": raw, "f": counts, "g": None, "h": whole % 1000}
    cursor = MEMORY.cursor()
    cursor.execute("CREATE OR REPLACE TEMP TABLE t (a BIGINT, b DOUBLE, c VARCHAR, d TIMESTAMP, e BLOB, f BIGINT[], g "
                   "VARCHAR, h DOUBLE)")  # fmt: skip
    cursor.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?)", list(row.values()))
    found = cursor.execute("SELECT * FROM t").fetchall()[0]
    assert record_digest(dict(zip(row, found, strict=True))) == record_digest(row)


MEMORY = open_store(None, now=lambda: NOW, random_bytes=lambda count: b"\x07" * count)


@pytest.mark.parametrize("value", [1 + 2j, object(), {"a": 1}, NOW.date()])
def test_what_no_column_holds_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        record_digest({"x": value})
