"""Checkpoints in the record: continued from the last signed one, checked against the leaves, compared with one kept.

A new checkpoint grows from the peaks of the one before it, whose signature is looked at first: leaves that were
rewritten after they were signed can never come under a new signature.

Restores are branches: what was in the hub before an older backup was put over it is kept as `lost_leaf`, so that a
checkpoint of that time can be recognised for what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from store import merkle
from store.events import Event
from store.flaw import Flaw
from store.signed_note import Checkpoint, PublicKey, read_checkpoint, read_note
from store.trail_keys import KeyInForce, documents_of, key_at


@dataclass(frozen=True, slots=True)
class Grown:
    """The tree at a moment, as its peaks."""

    peaks: tuple[bytes, ...]
    size: int

    @property
    def root(self) -> str:
        return merkle.root_of_peaks(self.peaks).hex()


@dataclass(frozen=True, slots=True)
class Branch:
    """A declared restore: at event `seq` the hub went back to its first `size` events."""

    seq: int
    size: int
    lost: tuple[bytes, ...]
    """Hashes of the leaves that were there beyond `size`; none where the hub before it could not be read."""
    head: Checkpoint | None
    """The last that was known of the branch that was left."""
    known_at: str

    def as_json(self) -> dict[str, Any]:
        beyond = self.head.size if self.head else self.size + len(self.lost)
        return {
            "seq": self.seq,
            "known_at": self.known_at,
            "to": self.size - 1,
            "lost": {"from": self.size, "to": beyond - 1} if beyond > self.size else None,
            "witnessed": bool(self.lost) or (self.head is not None and self.head.size == self.size),
        }


def newest(connection: duckdb.DuckDBPyConnection) -> dict[str, Any] | None:
    found = connection.execute("SELECT * FROM checkpoint ORDER BY seq DESC LIMIT 1")
    names = [column[0] for column in found.description or []]
    rows = found.fetchall()
    return dict(zip(names, rows[0], strict=True)) if rows else None


def grown_to(connection: duckdb.DuckDBPyConnection, size: int, chain: Sequence[KeyInForce]) -> Grown:
    """The tree of the first `size` leaves, continued from the newest checkpoint; ValueError where that is not so."""
    last = newest(connection)
    start = Grown((), 0)
    if last is not None and last["size"] <= size:
        start = Grown(tuple(bytes.fromhex(peak) for peak in last["peaks"]), int(last["size"]))
        said = signed_checkpoint(last["note"], [key.public for key in chain])
        if said is None or said.size != start.size or said.root != start.root:
            raise ValueError(f"the checkpoint of event {last['seq']} is not the one that was signed")
    rows = connection.execute(
        "SELECT encode(leaf) FROM audit_leaf WHERE seq >= ? AND seq < ? ORDER BY seq", [start.size, size]
    ).fetchall()
    if start.size + len(rows) != size:
        raise ValueError(f"there are not {size} leaves")
    peaks, _ = merkle.grown(start.peaks, start.size, (merkle.leaf_hash(row[0]) for row in rows))
    return Grown(tuple(peaks), size)


def signed_checkpoint(note: str, keys: Sequence[PublicKey]) -> Checkpoint | None:
    """What a note says, where one of these keys signed it and speaks for its origin; None otherwise."""
    try:
        read = read_note(note)
        said = read_checkpoint(read.text)
    except ValueError:
        return None
    key = read.signed_by(keys)
    return said if key is not None and key.name == said.origin else None


def checkpoint_flaws(
    connection: duckdb.DuckDBPyConnection, tree: merkle.Tree, chain: Sequence[KeyInForce]
) -> tuple[int, int, list[Flaw]]:
    """(checkpoints, the size of the largest, what does not hold): each was signed by the key of its time, over the
    leaves as they stand now.
    """
    rows = connection.execute("SELECT seq, size, root, note FROM checkpoint ORDER BY seq").fetchall()
    flaws = []
    largest = 0
    for seq, size, root, note in rows:
        where = f"checkpoint of event {seq}, over the first {size} events"
        key = key_at(chain, seq)
        said = signed_checkpoint(note or "", [key] if key else [])
        if said is None:
            flaws.append(
                Flaw("a checkpoint was not signed by the hub's key", where, key.fingerprint if key else "a key")
            )
        elif (said.size, said.root) != (size, root):
            flaws.append(
                Flaw("a checkpoint does not say what its columns say", where, f"{said.size} {said.root}", root)
            )
        elif size > tree.size:
            flaws.append(Flaw("the trail is shorter than it was", where, f"{size} events", f"{tree.size} events"))
        elif (found := tree.root(size).hex()) != root:
            flaws.append(Flaw("events were changed after they were signed", where, root, found))
        else:
            largest = max(largest, size)
    return len(rows), largest, flaws


# -- restores -----------------------------------------------------------------------------------------------------


def branches(connection: duckdb.DuckDBPyConnection) -> list[Branch]:
    out = []
    for document in documents_of(connection, [Event.HUB_FILE_RESTORED]):
        seq, details = document["seq"], document["details"]
        rows = connection.execute("SELECT leaf_hash FROM lost_leaf WHERE seq = ? ORDER BY place", [seq]).fetchall()
        try:
            lost = tuple(bytes.fromhex(row[0]) for row in rows)
            head = read_checkpoint(read_note(details["head"]).text) if details.get("head") else None
            out.append(Branch(seq, int(details["size"]), lost, head, str(document.get("known_at"))))
        except (ValueError, KeyError, TypeError):
            continue
    return out


def compare(
    tree: merkle.Tree, left: Sequence[Branch], keys: Sequence[PublicKey], note: str
) -> tuple[str, Checkpoint | None, list[Flaw]]:
    """(`grew`, `restored` or `differs`; what the note says; what does not hold) for a checkpoint that was kept."""
    kept = signed_checkpoint(note, keys)
    if kept is None:
        known = ", ".join(key.fingerprint for key in keys) or "no key"
        return "differs", None, [Flaw("the checkpoint was not signed by this hub", "the file given", known)]
    if kept.size <= tree.size and tree.root(kept.size).hex() == kept.root:
        return "grew", kept, []
    if any(_on(branch, tree, kept) for branch in left):
        return "restored", kept, []
    where = f"the first {kept.size} events"
    if kept.size > tree.size:
        told = "the trail is shorter than it was"
        return "differs", kept, [Flaw(told, where, f"{kept.size} events", f"{tree.size} events")]
    return "differs", kept, [Flaw("the trail was rewritten", where, kept.root, tree.root(kept.size).hex())]


def _on(branch: Branch, tree: merkle.Tree, kept: Checkpoint) -> bool:
    """Whether a checkpoint is of the branch that a restore left."""
    if branch.head is not None and (kept.size, kept.root) == (branch.head.size, branch.head.root):
        return True
    beyond = kept.size - branch.size
    if not 0 < beyond <= len(branch.lost) or branch.size > tree.size:
        return False
    return merkle.root([*tree.levels[0][: branch.size], *branch.lost[:beyond]]).hex() == kept.root


def branch_flaws(connection: duckdb.DuckDBPyConnection, tree: merkle.Tree, left: Sequence[Branch]) -> list[Flaw]:
    """A restore's account of what it left must end in the head that it names, which the hub had signed."""
    flaws = []
    for branch in left:
        if not branch.lost or branch.head is None or branch.size > tree.size:
            continue
        whole = merkle.root([*tree.levels[0][: branch.size], *branch.lost]).hex()
        if (branch.size + len(branch.lost), whole) != (branch.head.size, branch.head.root):
            where = f"event {branch.seq} (a restore to event {branch.size - 1})"
            flaws.append(Flaw("what a restore left is not what was signed", where, branch.head.root, whole))
    return flaws


def anchored(connection: duckdb.DuckDBPyConnection) -> dict[str, Any] | None:
    """The newest time that a root of the trail left the hub."""
    found = connection.execute(
        "SELECT seq, known_at, size, root, kind, about FROM anchor ORDER BY seq DESC LIMIT 1"
    ).fetchall()
    return dict(zip(("seq", "known_at", "size", "root", "kind", "about"), found[0], strict=True)) if found else None
