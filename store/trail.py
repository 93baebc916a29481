"""The audit trail: an append-only Merkle log of leaves in the hub's file, and the check that re-derives it.

A leaf is canonical JSON. Who acted, and words that people wrote, stand beside it in `audit_private`; the leaf
carries their hash under a random salt, so that erasing them later keeps every proof.

`verify` re-derives, in this order, and names each place that does not hold:
 (1) seq runs from 0 without a gap;
 (2) each leaf is JSON, and its columns say what the leaf says;
 (3) each leaf hash is the RFC 6962 hash of the leaf;
 (4) what stands beside a leaf has the hash that the leaf carries (absent is "erased", not "changed");
 (5) the keys follow one another, each signed by the one before; each checkpoint was signed by the key of its time and
     its root is that of the leaves as they stand; restores lead back to a head that was signed;
 (6) with data: every table holds the rows that the leaves vouch for and no others, the rows of batches too.
The caller must compare the root with a checkpoint kept elsewhere: a file rewritten as a whole is consistent in itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from store import merkle, sealing
from store.batch_rows import batch_flaws
from store.canonical import canonical_json, sha256_hex
from store.checkpoints import Branch, anchored, branch_flaws, branches, checkpoint_flaws
from store.events import Event
from store.flaw import Flaw
from store.trail_keys import KeyInForce, key_chain

LEAF_SCHEMA = "bailiwick/leaf/1"
_LEAVES = files("store").joinpath("sql", "leaves.sql").read_text()


def next_seq(connection: duckdb.DuckDBPyConnection) -> int:
    found = connection.execute("SELECT max(seq) FROM audit_leaf").fetchall()[0][0]
    return 0 if found is None else int(found) + 1


@dataclass(frozen=True, slots=True)
class Leaf:
    """What one event appends: `details` and `tables` stand in the leaf, `beside` and `private` beside it."""

    seq: int
    known_at: datetime
    event: Event
    about: str
    details: dict[str, Any]
    tables: dict[str, Any]
    beside: dict[str, list[str]]
    private: dict[str, Any]
    salt: str


def append(connection: duckdb.DuckDBPyConnection, leaves: Sequence[Leaf]) -> None:
    """Appends leaves in their order, all in one transaction of the caller's."""
    told: list[Any] = []
    private: list[Any] = []
    for leaf in leaves:
        held = canonical_json(leaf.private)
        text = canonical_json(
            {
                "schema": LEAF_SCHEMA,
                "seq": leaf.seq,
                "known_at": leaf.known_at.isoformat(timespec="microseconds") + "Z",
                "event": str(leaf.event),
                "about": leaf.about,
                "details": leaf.details,
                "tables": leaf.tables,
                "private_sha256": sha256_hex(leaf.salt + held),
            }
        )
        hashed = merkle.leaf_hash(text.encode()).hex()
        beside = canonical_json(leaf.beside) if leaf.beside else None
        told += [leaf.seq, leaf.known_at, str(leaf.event), leaf.about, text, hashed, beside]
        private += [leaf.seq, leaf.salt, held]
    connection.execute(f"INSERT INTO audit_leaf VALUES {', '.join(['(?, ?, ?, ?, ?, ?, ?)'] * len(leaves))}", told)
    connection.execute(f"INSERT INTO audit_private VALUES {', '.join(['(?, ?, ?)'] * len(leaves))}", private)


@dataclass(frozen=True, slots=True)
class Verification:
    size: int
    root: str
    flaws: tuple[Flaw, ...] = ()
    checked: dict[str, int] = field(default_factory=dict)
    keys: tuple[KeyInForce, ...] = ()
    signed: int = 0
    """How many events the largest checkpoint that holds covers."""
    restored: tuple[Branch, ...] = ()
    anchored: dict[str, Any] | None = None

    @property
    def holds(self) -> bool:
        return not self.flaws

    @property
    def integrity(self) -> str:
        """`intact`; `restored`, where events are missing that a declared restore left behind; `tampered`."""
        if self.flaws:
            return "tampered"
        return "restored" if self.restored else "intact"

    def as_json(self) -> dict[str, Any]:
        return {
            "schema": "bailiwick/verification/1",
            "holds": self.holds,
            "integrity": self.integrity,
            "size": self.size,
            "root": self.root,
            "checked": self.checked,
            "flaws": [flaw.as_json() for flaw in self.flaws],
            "restored": [branch.as_json() for branch in self.restored],
            "signature": self._signature(),
            "anchored": self.anchored,
        }

    def _signature(self) -> dict[str, Any]:
        """Who signed, and how many events came since: those rest on nothing but the file yet."""
        keys = [{"fingerprint": k.public.fingerprint, "since": k.since, "how": k.how} for k in self.keys]
        return {
            "state": "signed" if self.signed else "unsigned",
            "signed": self.signed,
            "since": self.size - self.signed,
            "root_key": keys[0]["fingerprint"] if keys else None,
            "keys": keys,
        }


def leaf_hashes(connection: duckdb.DuckDBPyConnection, *, size: int | None = None) -> list[bytes]:
    """The hashes of the first `size` leaves in order, from what they say: what stands beside them is not believed."""
    rows = connection.execute(
        "SELECT coalesce(encode(leaf), ''::BLOB) FROM audit_leaf WHERE seq < coalesce(?, 9223372036854775807) "
        "ORDER BY seq",
        [size],
    ).fetchall()
    return [merkle.leaf_hash(row[0]) for row in rows]


def verify(connection: duckdb.DuckDBPyConnection, *, data: bool = False) -> Verification:
    """All leaves are hashed here, once; the columns are compared by the database, and looked at closely only where
    they do not agree.
    """
    leaves = _leaves(connection)
    texts = [text or b"" for text in leaves.column("leaf").to_pylist()]
    hashes = [hashlib.sha256(b"\x00" + text).digest() for text in texts]
    flaws = _flaws_of_leaves(connection, leaves, texts, hashes)
    tree = merkle.Tree.over(hashes)
    checked = {"leaves": tree.size}
    held: dict[str, Any] = {}
    try:
        flaws += _signed(connection, tree, checked, held)
        if data:
            flaws += _data(connection, leaves, checked)
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        flaws.append(Flaw("a table of the record, or a column of it, is gone", str(error).splitlines()[0]))
    return Verification(size=tree.size, root=tree.root().hex(), flaws=tuple(flaws), checked=checked, **held)


def _signed(
    connection: duckdb.DuckDBPyConnection, tree: merkle.Tree, checked: dict[str, int], held: dict[str, Any]
) -> list[Flaw]:
    """Step (5)."""
    chain, flaws = key_chain(connection)
    checked["checkpoints"], signed, more = checkpoint_flaws(connection, tree, chain)
    left = branches(connection)
    held |= {"keys": tuple(chain), "signed": signed, "restored": tuple(left), "anchored": anchored(connection)}
    return [*flaws, *more, *branch_flaws(connection, tree, left)]


def _data(connection: duckdb.DuckDBPyConnection, leaves: pa.Table, checked: dict[str, int]) -> list[Flaw]:
    """Step (6)."""
    documents = _documents(leaves)
    seals = {seq: document["tables"] for seq, document in documents.items()}
    beside = dict(connection.execute("SELECT seq, digests FROM audit_leaf WHERE digests IS NOT NULL").fetchall())
    checked["tables"], broken = sealing.broken_seals(connection, seals, beside)
    checked["batches"], more = batch_flaws(connection, documents)
    return [*broken, *more]


def _leaves(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Every leaf by rising seq. They lie so nearly always, and sorting their texts costs more than hashing them."""
    leaves = connection.sql(_LEAVES).to_arrow_table()
    seqs = leaves.column("seq")
    rising = len(seqs) < 2 or pc.all(pc.less(seqs.slice(0, len(seqs) - 1), seqs.slice(1)), skip_nulls=False).as_py()
    return leaves if rising else leaves.sort_by("seq")


def _flaws_of_leaves(
    connection: duckdb.DuckDBPyConnection, leaves: pa.Table, texts: list[bytes], hashes: list[bytes]
) -> list[Flaw]:
    """Steps (1) to (4). A leaf whose text holds what its columns and what stands beside it demand needs no parsing."""
    private = connection.sql("SELECT seq, encode(salt || private) AS beside FROM audit_private").to_arrow_table()
    beside = dict(zip(private.column("seq").to_pylist(), private.column("beside").to_pylist(), strict=True))
    flaws = []
    if (twice := private.num_rows - len(beside)) != 0:
        flaws.append(Flaw("something stands twice beside a leaf", "table audit_private", "0", str(twice)))
    columns = ("seq", "leaf_hash", "head", "middle", "tail")
    rows = zip(hashes, texts, *(leaves.column(name).to_pylist() for name in columns), strict=True)
    expected, unclear, sha256 = 0, [], hashlib.sha256
    for hashed, text, seq, leaf_hash, head, middle, tail in rows:
        if seq != expected:  # (1)
            flaws.append(Flaw("the sequence has a gap", f"before event {seq}", str(expected), str(seq)))
        expected = (seq or 0) + 1
        held = beside.get(seq)
        if (
            held is None
            or hashed.hex() != leaf_hash
            or head is None
            or middle is None
            or tail is None
            or not text.startswith(head)
            or middle + sha256(held).hexdigest().encode() + tail not in text
        ):
            unclear.append(seq)
    flaws += _closely(connection, unclear)
    known = set(leaves.column("seq").to_pylist())
    flaws += [Flaw("something stands beside no leaf", f"event {seq}") for seq in beside if seq not in known]
    return flaws


def _closely(connection: duckdb.DuckDBPyConnection, seqs: list[int | None]) -> list[Flaw]:
    """Steps (2) to (4) for leaves that are not plainly right."""
    if not seqs:
        return []
    rows = connection.execute(
        "SELECT seq, known_at, event, about, leaf, leaf_hash, salt || private FROM audit_leaf "
        "LEFT JOIN audit_private USING (seq) WHERE seq IS NULL OR list_contains(?, seq) ORDER BY seq",
        [[seq for seq in seqs if seq is not None]],
    ).fetchall()
    return [flaw for row in rows for flaw in _flaws_of_leaf(*row)]


def _flaws_of_leaf(
    seq: int | None,
    known_at: datetime | None,
    event: str | None,
    about: str | None,
    leaf: str | None,
    leaf_hash: str | None,
    beside: str | None,
) -> list[Flaw]:
    where = f"event {seq} ({event} {about})"
    flaws = []
    try:
        document = json.loads(leaf or "")
        told = {name: document[name] for name in ("seq", "known_at", "event", "about")}
        if not isinstance(document["details"], dict) or canonical_json(document) != leaf:
            raise TypeError("it is written in another way")
    except (ValueError, KeyError, TypeError):
        return [Flaw("a leaf is not canonical JSON", where)]
    held = {"seq": seq, "known_at": _moment(known_at), "event": event, "about": about}
    if told != held:
        flaws.append(
            Flaw("a leaf does not say what its columns say", where, canonical_json(told), canonical_json(held))
        )
    if (hashed := merkle.leaf_hash(leaf.encode()).hex()) != leaf_hash:  # (3)
        flaws.append(Flaw("a leaf does not have its hash", where, str(leaf_hash), hashed))
    if beside is not None and sha256_hex(beside) != (signed := document.get("private_sha256")):  # (4)
        flaws.append(Flaw("what stands beside a leaf was changed", where, str(signed), sha256_hex(beside)))
    return flaws


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="microseconds") + "Z"


def _documents(leaves: pa.Table) -> dict[int, dict[str, Any]]:
    """The leaves that can be read; those that cannot are flaws already."""
    out = {}
    for seq, text in zip(leaves.column("seq").to_pylist(), leaves.column("leaf").to_pylist(), strict=True):
        try:
            document = json.loads(text or b"")
        except ValueError:
            continue
        if isinstance(document, dict) and isinstance(document.get("details"), dict):
            document["tables"] = document.get("tables") if isinstance(document.get("tables"), dict) else {}
            out[seq] = document
    return out
