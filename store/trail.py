"""The audit trail: an append-only Merkle log of leaves in the hub's file, and the check that re-derives it.

A leaf is canonical JSON. Who acted, and words that people wrote, stand beside it in `audit_private`; the leaf
carries their hash under a random salt, so that erasing them later keeps every proof.

`verify` re-derives, in this order, and names each place that does not hold:
 (1) seq runs from 0 without a gap;
 (2) each leaf is canonical, and its columns say what the leaf says;
 (3) each leaf hash is the RFC 6962 hash of the leaf;
 (4) what stands beside a leaf has the hash that the leaf carries (absent is "erased", not "changed");
 (5) with data: the receipt, rows and counts of each batch, and the results of each run, are those of their leaves,
     and there are no others.
The caller must compare the root with a checkpoint kept elsewhere: a file rewritten as a whole is consistent in itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from store import merkle
from store.canonical import canonical_json, sha256_hex
from store.digest import AT_ONCE, STRETCH, OutOfOrder, rows_root, stretches
from store.events import Event
from store.receipt import Kind

LEAF_SCHEMA = "bailiwick/leaf/1"
RECEIPT_IN_LEAF = ("site", "model", "version", "kind", "sha256", "rows", "kept", "quarantined", "duplicates")
"""What of a receipt its leaf repeats."""


def next_seq(connection: duckdb.DuckDBPyConnection) -> int:
    found = connection.execute("SELECT max(seq) FROM audit_leaf").fetchall()[0][0]
    return 0 if found is None else int(found) + 1


def append(
    connection: duckdb.DuckDBPyConnection,
    *,
    seq: int,
    known_at: datetime,
    event: Event,
    about: str,
    details: dict[str, Any],
    private: dict[str, Any],
    salt: str,
) -> None:
    beside = canonical_json(private)
    leaf = canonical_json(
        {
            "schema": LEAF_SCHEMA,
            "seq": seq,
            "known_at": known_at.isoformat(timespec="microseconds") + "Z",
            "event": str(event),
            "about": about,
            "details": details,
            "private_sha256": sha256_hex(salt + beside),
        }
    )
    hashed = merkle.leaf_hash(leaf.encode()).hex()
    connection.execute(
        "INSERT INTO audit_leaf VALUES (?, ?, ?, ?, ?, ?)", [seq, known_at, str(event), about, leaf, hashed]
    )
    connection.execute("INSERT INTO audit_private VALUES (?, ?, ?)", [seq, salt, beside])


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that does not hold: what, where, and what was expected and found."""

    what: str
    where: str
    expected: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    size: int
    root: str
    flaws: tuple[Flaw, ...] = ()
    checked: dict[str, int] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return not self.flaws

    def as_json(self) -> dict[str, Any]:
        flaws = [{"what": f.what, "where": f.where, "expected": f.expected, "found": f.found} for f in self.flaws]
        return {
            "schema": "bailiwick/verification/1",
            "holds": self.holds,
            "size": self.size,
            "root": self.root,
            "checked": self.checked,
            "flaws": flaws,
            "signature": "unsigned",
        }


def leaf_hashes(connection: duckdb.DuckDBPyConnection, *, size: int | None = None) -> list[bytes]:
    """The stored leaf hashes in order, of the first `size` leaves."""
    rows = connection.execute(
        "SELECT leaf_hash FROM audit_leaf WHERE seq < coalesce(?, 9223372036854775807) ORDER BY seq", [size]
    ).fetchall()
    return [bytes.fromhex(row[0]) for row in rows]


def verify(connection: duckdb.DuckDBPyConnection, *, data: bool = False) -> Verification:
    rows = connection.execute(
        "SELECT a.seq, a.known_at, a.event, a.about, a.leaf, a.leaf_hash, p.salt, p.private "
        "FROM audit_leaf a LEFT JOIN audit_private p USING (seq) ORDER BY a.seq"
    ).fetchall()
    flaws: list[Flaw] = []
    documents: dict[int, dict[str, Any]] = {}
    for expected, row in enumerate(rows):
        flaws += _leaf_flaws(expected, row, documents)
    root = merkle.root([merkle.leaf_hash(row[4].encode()) for row in rows]).hex()
    checked = {"leaves": len(rows)}
    if data:
        for count_name, found in (
            ("batches", _batch_flaws),
            ("summaries", _summary_flaws),
            ("runs", _run_flaws),
            ("attributions", _attribution_flaws),
        ):
            count, more = found(connection, documents)
            checked[count_name] = count
            flaws += more
    return Verification(len(rows), root, tuple(flaws), checked)


def _leaf_flaws(expected: int, row: tuple[Any, ...], documents: dict[int, dict[str, Any]]) -> list[Flaw]:
    """Steps (1) to (4) for one leaf."""
    seq, known_at, event, about, leaf, leaf_hash, salt, private = row
    where = f"event {seq} ({event} {about})"
    flaws = []
    if seq != expected:  # (1)
        flaws.append(Flaw("the sequence has a gap", f"before event {seq}", str(expected), str(seq)))
    try:  # (2)
        document = json.loads(leaf)
        told = (document["seq"], document["known_at"], document["event"], document["about"])
        if not isinstance(document["details"], dict):
            raise TypeError("details are no object")
        documents[seq] = document
        if (
            told != (seq, known_at.isoformat(timespec="microseconds") + "Z", event, about)
            or canonical_json(document) != leaf
        ):
            flaws.append(
                Flaw("a leaf does not say what its columns say", where, str(told), f"{seq} {known_at} {event} {about}")
            )
    except (ValueError, KeyError, TypeError):
        return [*flaws, Flaw("a leaf is not canonical JSON", where)]
    computed = merkle.leaf_hash(leaf.encode()).hex()
    if computed != leaf_hash:  # (3)
        flaws.append(Flaw("a leaf does not have its hash", where, leaf_hash, computed))
    if private is not None and sha256_hex(salt + private) != document.get("private_sha256"):  # (4)
        flaws.append(
            Flaw("what stands beside a leaf was changed", where, str(document.get("private_sha256")), "another hash")
        )
    return flaws


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


def _batch_flaws(connection: duckdb.DuckDBPyConnection, documents: dict[int, dict[str, Any]]) -> tuple[int, list[Flaw]]:
    """Step (5) for batches: each receipt and its digests against its leaf, then its rows against the digests."""
    found = connection.sql("SELECT * FROM batch ORDER BY seq").to_arrow_table().to_pylist()
    flaws = _strays(connection, documents, {row["seq"] for row in found})
    for row in found:
        where = f"batch {row['batch']} of site {row['site']} ({row['source']}, event {row['seq']})"
        details = documents.get(row["seq"], {}).get("details", {})
        flaws += _receipt_flaws(row, details, where)
        if row["table_name"] is not None:
            flaws += _row_flaws(connection, row, details, where)
        if row["kind"] == Kind.PREDICTIONS:
            flaws += _label_flaws(connection, row, details, where)
    return len(found), flaws


def _strays(
    connection: duckdb.DuckDBPyConnection, documents: dict[int, dict[str, Any]], batches: set[int]
) -> list[Flaw]:
    """Rows that no batch brought, and batches that are gone though their leaf speaks of them."""
    flaws = []
    for (table,) in connection.execute("SELECT name FROM row_table ORDER BY name").fetchall():
        for (seq,) in connection.execute(f'SELECT DISTINCT seq FROM "{table}" ORDER BY seq').fetchall():
            if seq not in batches:
                flaws.append(Flaw("rows without a batch", f"table {table}, event {seq}"))
    for seq, document in documents.items():
        if str(document["event"]).startswith("batch:") and seq not in batches:
            flaws.append(Flaw("a batch is gone", f"event {seq} ({document['event']} {document['about']})"))
    return flaws


def _receipt_flaws(row: dict[str, Any], details: dict[str, Any], where: str) -> list[Flaw]:
    named = {name: details.get(name) for name in RECEIPT_IN_LEAF}
    held = {name: row[name] for name in RECEIPT_IN_LEAF}
    if named == held:
        return []
    return [Flaw("a receipt is not the one of its leaf", where, canonical_json(named), canonical_json(held))]


def _row_flaws(
    connection: duckdb.DuckDBPyConnection, batch: dict[str, Any], details: dict[str, Any], where: str
) -> list[Flaw]:
    signed, digests, kept = details.get("rows_root"), batch["digests"], batch["kept"]
    flaws = []
    if rows_root(digests) != signed:
        flaws.append(Flaw("the digests of a batch are not those of its leaf", where, str(signed), rows_root(digests)))
    table, seq = batch["table_name"], batch["seq"]
    stored = connection.execute(f'SELECT count(*) FROM "{table}" WHERE seq = ?', [seq]).fetchall()[0][0]
    if stored != kept:
        return [*flaws, Flaw("rows of a batch were added or removed", where, f"{kept} rows", f"{stored} rows")]
    for index, (old, new) in enumerate(zip(digests, batch_digests(connection, table, seq), strict=False)):
        if old != new:
            first = index * STRETCH
            found = connection.execute(
                f'SELECT id FROM "{table}" WHERE seq = ? ORDER BY n LIMIT {STRETCH} OFFSET {first}', [seq]
            ).fetchall()
            named = f"rows {first + 1} to {min(first + STRETCH, kept)} of {where}"
            flaws.append(Flaw("stored rows were changed", f"{named}, ids {found[0][0]} to {found[-1][0]}", old, new))
    return flaws


def _label_flaws(
    connection: duckdb.DuckDBPyConnection, batch: dict[str, Any], details: dict[str, Any], where: str
) -> list[Flaw]:
    """Labels that came along with rows stand in the model's own table of labels; their digest is in the same leaf."""
    found = connection.execute(
        "SELECT name FROM row_table WHERE model = ? AND role = 'labels'", [batch["model"]]
    ).fetchall()
    digests = batch_digests(connection, found[0][0], batch["seq"]) if found else []
    signed, stored = details.get("labels_root"), rows_root(digests) if digests else None
    if signed == stored:
        return []
    return [Flaw("labels that came with rows were changed", where, str(signed), str(stored))]


def _summary_flaws(
    connection: duckdb.DuckDBPyConnection, documents: dict[int, dict[str, Any]]
) -> tuple[int, list[Flaw]]:
    """Step (5) for counts: the summary deltas under each seq against the digest in its leaf."""
    signed = {
        seq: leaf["details"]["summaries_root"] for seq, leaf in documents.items() if "summaries_root" in leaf["details"]
    }
    stray = connection.execute("SELECT DISTINCT seq FROM summary ORDER BY seq").fetchall()
    flaws = [Flaw("counts without a leaf", f"event {seq}") for (seq,) in stray if seq not in signed]
    for seq, expected in signed.items():
        found = summaries_digest(connection, seq)
        if found != expected:
            where = f"event {seq} ({documents[seq]['event']} {documents[seq]['about']})"
            flaws.append(Flaw("the counts of a batch were changed", where, expected, found))
    return len(signed), flaws


def _attribution_flaws(
    connection: duckdb.DuckDBPyConnection, documents: dict[int, dict[str, Any]]
) -> tuple[int, list[Flaw]]:
    """Step (5) for contributions: the sums under each seq against the digest in its leaf."""
    signed = {
        seq: leaf["details"]["attributions_root"]
        for seq, leaf in documents.items()
        if "attributions_root" in leaf["details"]
    }
    stray = connection.execute(
        "SELECT DISTINCT seq FROM (SELECT seq FROM attribution UNION ALL SELECT seq FROM reference_attribution) "
        "ORDER BY seq"
    ).fetchall()
    flaws = [Flaw("contributions without a leaf", f"event {seq}") for (seq,) in stray if seq not in signed]
    for seq, expected in signed.items():
        if (found := attributions_digest(connection, seq)) != expected:
            where = f"event {seq} ({documents[seq]['event']} {documents[seq]['about']})"
            flaws.append(Flaw("the contributions of a batch were changed", where, expected, found))
    return len(signed), flaws


def _run_flaws(connection: duckdb.DuckDBPyConnection, documents: dict[int, dict[str, Any]]) -> tuple[int, list[Flaw]]:
    """Step (5) for monitoring runs: the results under each seq against the digest in its leaf."""
    runs = [seq for seq, leaf in documents.items() if leaf.get("event") == Event.MONITOR_RUN_RECORDED]
    stray = connection.execute("SELECT DISTINCT seq FROM result ORDER BY seq").fetchall()
    flaws = [Flaw("results without a run", f"event {seq}") for (seq,) in stray if seq not in runs]
    for seq in runs:
        expected = documents[seq]["details"].get("results_sha256")
        found = results_digest(connection, seq)
        if expected != found:
            flaws.append(
                Flaw(
                    "the results of a run were changed",
                    f"event {seq} ({documents[seq]['about']})",
                    str(expected),
                    found,
                )
            )
    return len(runs), flaws


def summaries_digest(connection: duckdb.DuckDBPyConnection, seq: int) -> str:
    """SHA-256 over the summary deltas written under one seq, in a fixed order."""
    rows = connection.sql(
        "SELECT * EXCLUDE (seq) FROM summary WHERE seq = ? ORDER BY site, model, version, section, segment, "
        "block, grain",
        params=[seq],
    ).to_arrow_table()
    return rows_root(stretches(rows, rows.column_names))


def attributions_digest(connection: duckdb.DuckDBPyConnection, seq: int) -> str:
    """SHA-256 over the sums of contributions written under one seq, of rows and of the reference, in a fixed order."""
    rows = connection.sql(
        "SELECT site, model, version, block, grain, input, n, sum_abs::VARCHAR AS sum_abs FROM attribution "
        "WHERE seq = ? UNION ALL SELECT NULL, model, version, NULL, since::VARCHAR, input, n, sum_abs::VARCHAR "
        "FROM reference_attribution WHERE seq = ? ORDER BY ALL",
        params=[seq, seq],
    ).to_arrow_table()
    return rows_root(stretches(rows, rows.column_names))


def results_digest(connection: duckdb.DuckDBPyConnection, seq: int) -> str:
    """SHA-256 over the results written under one seq, in the order of their ids."""
    rows = connection.sql("SELECT * EXCLUDE (seq) FROM result WHERE seq = ? ORDER BY id", params=[seq]).to_arrow_table()
    return rows_root(stretches(rows, rows.column_names))
