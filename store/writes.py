"""What a transaction may record. Every function inserts rows under `tx.seq` and updates nothing.

Names, permissions and the meaning of a change are the caller's (service/commands); counting and drawing noise too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from store.access import Grant
from store.bins import BinSpec
from store.canonical import canonical_json, make_id, sha256_hex
from store.digest import rows_root
from store.model_file import ModelFile
from store.receipt import Receipt
from store.sealing import record_digest

if TYPE_CHECKING:
    from store.db import Transaction


def record(tx: Transaction, table: str, row: dict[str, Any]) -> None:
    """One row, by column name, under this transaction's seq; its digest goes into the leaf."""
    columns = {"seq": tx.seq, **row}
    names = ", ".join(columns)
    marks = ", ".join("?" for _ in columns)
    tx.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(columns.values()))
    tx.written.setdefault(table, []).append(record_digest(row))


def record_later(tx: Transaction, table: str, row: dict[str, Any]) -> None:
    """The same at the end of the transaction, with the rows of its other events; not to be read within it."""
    tx.later.append((table, {"seq": tx.seq, **row}))
    tx.written.setdefault(table, []).append(record_digest(row))


def flush(connection: duckdb.DuckDBPyConnection, txs: Sequence[Transaction]) -> None:
    """What events of one transaction left for its end: a statement for each table."""
    held: dict[str, list[dict[str, Any]]] = {}
    for table, row in (pair for tx in txs for pair in tx.later):
        held.setdefault(table, []).append(row)
    for table, rows in held.items():
        names = ", ".join(rows[0])
        marks = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * len(rows))
        values = [value for row in rows for value in row.values()]
        connection.execute(f"INSERT INTO {table} ({names}) VALUES {marks}", values)


def site(tx: Transaction, **columns: Any) -> None:
    """A new version of a site: every column of `site_version`."""
    record(tx, "site_version", {"known_at": tx.now, **columns})


def token(tx: Transaction, *, token: str, site: str, token_sha256: str, revoked: bool = False) -> None:
    record(
        tx,
        "token_version",
        {"known_at": tx.now, "token": token, "site": site, "token_sha256": token_sha256, "revoked": revoked},
    )


def user(tx: Transaction, *, name: str, password: str, grants: Sequence[Grant], disabled: bool = False) -> None:
    """A new version of an account; `password` is its scrypt text."""
    held = canonical_json([asdict(grant) for grant in grants])
    record(
        tx,
        "user_version",
        {"known_at": tx.now, "name": name, "password": password, "grants": held, "disabled": disabled},
    )


def model(
    tx: Transaction,
    file: ModelFile,
    *,
    number: int,
    revision: int,
    reason: str,
    changes: Sequence[dict[str, Any]],
    origin: str = "file",
    replay: str = "",
) -> None:
    """A revision of a model file; revision 1 is the first. origin: `file`, or `retraining` for a version we trained.

    replay: what it would have done to the alerts of the stored history, in a sentence."""
    document = canonical_json(file.document)
    row = {
        "known_at": tx.now,
        "number": number,
        "model": file.name,
        "version": file.version,
        "revision": revision,
        "document": document,
        "file_sha256": sha256_hex(document),
        "reason": reason,
        "changes": canonical_json(list(changes)),
        "origin": origin,
        "replay": replay or None,
    }
    record(tx, "model_version", row)
    tx.details |= {"file_sha256": row["file_sha256"], "revision": revision, "changes": len(changes)}
    tx.private["reason"] = reason


def next_model_number(tx: Transaction) -> int:
    return int(tx.connection.execute("SELECT coalesce(max(number), 0) + 1 FROM model_version").fetchall()[0][0])


def spec(tx: Transaction, bins: BinSpec, *, model: str, version: str, learned_from: str) -> None:
    """Freezes the bin spec of a model version, unless the same one is frozen already."""
    row = {
        "known_at": tx.now,
        "model": model,
        "version": version,
        "spec_hash": bins.spec_hash,
        "spec": canonical_json(bins.as_json()),
        "learned_from": learned_from,
    }
    record(tx, "bin_spec", row)
    tx.moved = True
    tx.details |= {"spec_hash": bins.spec_hash, "learned_from": learned_from}


def batch(
    tx: Transaction,
    receipt: Receipt,
    *,
    table: str | None = None,
    digests: Sequence[str] = (),
    sources: Sequence[str] = (),
) -> None:
    """The receipt of this transaction's batch; its rows' digests go into the leaf."""
    row = {
        "known_at": tx.now,
        "batch": receipt.batch,
        "site": receipt.site,
        "model": receipt.model,
        "version": receipt.version,
        "kind": receipt.kind,
        "format": receipt.format,
        "sha256": receipt.sha256,
        "source": receipt.source,
        "bytes": receipt.bytes,
        "rows": receipt.rows,
        "kept": receipt.kept,
        "quarantined": receipt.quarantined,
        "duplicates": receipt.duplicates,
        "ignored": canonical_json(receipt.ignored),
        "absent": canonical_json(list(receipt.absent)),
        "reasons": canonical_json(receipt.reasons),
        "first_event": receipt.first_event,
        "last_event": receipt.last_event,
        "table_name": table,
        "digests": list(digests),
        "sources": list(sources),
        "notes": list(receipt.notes),
    }
    record_later(tx, "batch", row)
    numbers = {
        name: row[name]
        for name in ("site", "model", "version", "kind", "sha256", "rows", "kept", "quarantined", "duplicates")
    }
    tx.details |= numbers
    if table is not None:
        tx.details["rows_root"] = rows_root(digests)


def pull_run(tx: Transaction, **columns: Any) -> None:
    """One visit of a pull: every column of `pull_run`."""
    record(tx, "pull_run", {"known_at": tx.now, **columns})


def pull_file(tx: Transaction, **columns: Any) -> None:
    """One file that a pull took or was refused: every column of `pull_file`."""
    record(tx, "pull_file", {"known_at": tx.now, **columns})


def aside(tx: Transaction, **columns: Any) -> None:
    """A new state of a file that is kept aside: every column of `aside_version`."""
    record(tx, "aside_version", {"known_at": tx.now, **columns})
    told = ("id", "state", "site", "model", "version", "kind", "sha256", "rows", "batch")
    tx.details |= {name: columns[name] for name in told}


def idempotency_key(tx: Transaction, *, site: str, key_sha256: str, batch: str) -> None:
    """The batch that a sender sent under this name."""
    record_later(tx, "idempotency_key", {"site": site, "key_sha256": key_sha256, "batch": batch})


def file_position(tx: Transaction, **columns: Any) -> None:
    """How far a line file was read with this batch: every column of `file_position`."""
    record(tx, "file_position", columns)


def quarantine(
    tx: Transaction,
    *,
    batch: str,
    site: str,
    model: str,
    source: str,
    records: Sequence[tuple[int | None, str, str, bytes]],
) -> None:
    """Records that could not be read: (line, reason, expected, bytes as they came)."""
    if not records:
        return
    rows = [
        {
            "seq": tx.seq,
            "known_at": tx.now,
            "id": make_id("quarantine", batch, at),
            "batch": batch,
            "site": site,
            "model": model,
            "source": source,
            "line": line,
            "reason": reason,
            "expected": expected,
            "bytes": raw,
        }
        for at, (line, reason, expected, raw) in enumerate(records)
    ]
    types = {"seq": pa.int64(), "known_at": pa.timestamp("us"), "line": pa.int64(), "bytes": pa.binary()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in rows[0]])
    _append(tx, "quarantine", pa.Table.from_pylist(rows, schema=schema))


def reference_batch(tx: Transaction, *, model: str, version: str, since: int) -> None:
    """Says that this batch belongs to the delivery that began at seq `since`."""
    record(tx, "reference_batch", {"model": model, "version": version, "since": since})


def reference(tx: Transaction, counted: pa.Table, *, model: str, version: str, spec_hash: str, rows: int) -> None:
    """The counts of a model version's reference: one row per section."""
    for row in counted.to_pylist():
        record(
            tx,
            "reference_summary",
            {
                "known_at": tx.now,
                "model": model,
                "version": version,
                "spec_hash": spec_hash,
                "section": row["section"],
                "counts": row["counts"],
                "rows": rows,
            },
        )


def ledger(tx: Transaction, **columns: Any) -> None:
    """A state of one privacy spend: every column of `ledger_entry`."""
    record(tx, "ledger_entry", {"known_at": tx.now, **columns})


def results(tx: Transaction, table: pa.Table, *, basis_seq: int) -> list[str]:
    """Measurements of RESULT_SCHEMA; returns their ids. The leaf gets their digest."""
    keys = table.select(["model", "version", "site", "monitor", "measure", "about", "segment", "window_to"]).to_pylist()
    ids = [make_id("result", tx.seq, *key.values()) for key in keys]
    with_ids = table.append_column("id", pa.array(ids, pa.string()))
    names = ", ".join(table.column_names)
    tx.connection.register("arriving", with_ids)
    try:
        tx.connection.execute(
            f"INSERT INTO result (seq, known_at, basis_seq, id, {names}) SELECT ?, ?, ?, id, {names} FROM arriving",
            [tx.seq, tx.now, basis_seq],
        )
    finally:
        tx.connection.unregister("arriving")
    tx.in_bulk.add("result")
    tx.details["results"] = table.num_rows
    return ids


def alerts(tx: Transaction, documents: Sequence[dict[str, Any]]) -> None:
    """New versions of alerts; each document holds the columns of `alert_version` and whatever else describes it."""
    columns = (
        "id",
        "model",
        "version",
        "site",
        "segment",
        "monitor",
        "about",
        "measure",
        "case_id",
        "condition",
        "triage",
        "severity",
        "event",
    )
    for document in documents:
        row = {name: document[name] for name in columns}
        record(
            tx,
            "alert_version",
            {"known_at": tx.now, **row, "document": json.dumps(document, sort_keys=True, ensure_ascii=False)},
        )


def request(tx: Transaction, document: dict[str, Any]) -> None:
    """A new version of a retraining request."""
    columns = ("id", "model", "version", "site", "state", "event")
    row = {name: document[name] for name in columns}
    record(
        tx,
        "request_version",
        {"known_at": tx.now, **row, "document": json.dumps(document, sort_keys=True, ensure_ascii=False)},
    )


def report(tx: Transaction, **columns: Any) -> None:
    """A built report: every column of `report`; its digests go into the leaf."""
    record(tx, "report", {"known_at": tx.now, **columns, "gaps": canonical_json(list(columns["gaps"]))})
    tx.details |= {name: columns[name] for name in ("pack", "format", "state", "as_of", "sha256", "evidence_sha256")}


def declaration(tx: Transaction, *, model: str, pack: str, control: str, text: str, not_applicable: bool) -> None:
    """What whoever acts declares for a control of a pack."""
    row = {"model": model, "pack": pack, "control": control, "text": text, "not_applicable": not_applicable}
    record(tx, "declaration", {"known_at": tx.now, **row, "actor": tx.actor})
    tx.details |= {"pack": pack, "control": control, "not_applicable": not_applicable}


def report_step(tx: Transaction, *, id_: str, step: str, reason: str = "") -> None:
    """A draft's step towards release, by whoever acts in this transaction."""
    record(tx, "report_step", {"known_at": tx.now, "id": id_, "step": step, "actor": tx.actor, "reason": reason})
    tx.details |= {"report": id_, "step": step}
    tx.private["reason"] = reason


def checkpoint(tx: Transaction, *, size: int, root: str, peaks: Sequence[str], note: str, why: str) -> None:
    """The signed root of the leaves before this transaction's own."""
    row = {"known_at": tx.now, "size": size, "root": root, "peaks": list(peaks), "note": note, "why": why}
    record(tx, "checkpoint", row)
    tx.details |= {"size": size, "root": root, "why": why}


def anchor(tx: Transaction, *, size: int, root: str, kind: str, about: str) -> None:
    """A root of the trail left the hub."""
    record(tx, "anchor", {"known_at": tx.now, "size": size, "root": root, "kind": kind, "about": about})


def lost_leaves(tx: Transaction, leaves: Sequence[tuple[int, str, str]]) -> None:
    """(place, leaf, leaf hash) of what was in the hub before a backup was restored over it."""
    if leaves:
        rows = [{"seq": tx.seq, "place": at, "leaf": leaf, "leaf_hash": hashed} for at, leaf, hashed in leaves]
        _append(tx, "lost_leaf", pa.Table.from_pylist(rows))


def _append(tx: Transaction, table: str, rows: pa.Table) -> None:
    names = ", ".join(rows.column_names)
    tx.connection.register("arriving", rows)
    try:
        tx.connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM arriving")
    finally:
        tx.connection.unregister("arriving")
    tx.written.setdefault(table, []).extend(record_digest(row) for row in rows.drop_columns(["seq"]).to_pylist())
