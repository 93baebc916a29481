"""Checkpoints of the trail: the root of everything so far, signed; when they are made, where they went, and proofs.

A checkpoint is a C2SP signed note (origin, size, root in base64, Ed25519). It is recorded under the event after the
leaves it covers, and a copy of the newest lies in the hub's folder, beside the file that it speaks of. Whoever keeps
one elsewhere can tell later whether anything before it was changed: `against`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from service.trail_keys import public_keys, signer
from service.wiring import Hub
from store import checkpoints, merkle, trail, writes
from store.errors import BadInput, Refused, UnknownName
from store.events import Event
from store.signed_note import Checkpoint
from store.trail_keys import documents_of, key_chain

NEWEST = "checkpoint.txt"
"""In the hub's folder: the newest note, for whoever copies the folder and for verification."""


def checkpoint_now(hub: Hub, *, actor: str, why: str, handed_to: tuple[str, str] | None = None) -> dict[str, Any]:
    """Signs everything so far and records it; the newest one again where nothing came since.

    handed_to: (kind, about) where it leaves the hub with this: recorded as an anchor.
    """
    with hub.store.turn():
        cursor = hub.store.cursor()
        last = checkpoints.newest(cursor)
        if last is not None and last["seq"] + 1 == trail.next_seq(cursor):
            made = _as_json(hub, last)
            if handed_to is not None:
                anchor(hub, actor=actor, size=made["size"], root=made["root"], kind=handed_to[0], about=handed_to[1])
            return made
        key = signer(hub)
        with hub.store.write(actor, Event.TRAIL_CHECKPOINT_MADE, key.public.name) as tx:
            try:
                grown = checkpoints.grown_to(tx.connection, tx.seq, key_chain(tx.connection)[0])
            except ValueError as error:
                raise Refused(
                    f"nothing was signed: {error}", advice="Find out what was changed: bailiwick audit verify --data"
                ) from error
            note = key.sign(Checkpoint(key.public.name, grown.size, grown.root).text)
            peaks = [peak.hex() for peak in grown.peaks]
            writes.checkpoint(tx, size=grown.size, root=grown.root, peaks=peaks, note=note, why=why)
            if handed_to is not None:
                writes.anchor(tx, size=grown.size, root=grown.root, kind=handed_to[0], about=handed_to[1])
        made = _as_json(hub, checkpoints.newest(hub.store.cursor()) or {})
    if hub.path is not None:
        beside = hub.path / f"{NEWEST}.part"
        beside.write_text(note, encoding="utf-8")
        beside.replace(hub.path / NEWEST)
    return made


def _as_json(hub: Hub, row: dict[str, Any]) -> dict[str, Any]:
    key = public_keys(hub)[-1]
    told = {name: row[name] for name in ("seq", "known_at", "size", "root", "note", "why")}
    return {"schema": "bailiwick/checkpoint/1", "origin": key.name, **told, "key": key.vkey, "signature": "signed"}


def checkpoint_when_due(hub: Hub, *, actor: str = "hub") -> dict[str, Any] | None:
    """A checkpoint where enough events came since the last one, or enough time passed and something came."""
    cursor = hub.store.cursor()
    last = checkpoints.newest(cursor)
    count = trail.next_seq(cursor)
    since = count - (last["seq"] + 1 if last else 0)
    if not since or not public_keys(hub):
        return None
    began = last["known_at"] if last else cursor.execute("SELECT min(known_at) FROM audit_leaf").fetchall()[0][0]
    passed = hub.now() - began >= hub.config.checkpoint_every
    if since < hub.config.checkpoint_events and not passed:
        return None
    return checkpoint_now(hub, actor=actor, why="daily" if passed else f"{since} events")


def anchor(hub: Hub, *, actor: str, size: int, root: str, kind: str, about: str) -> None:
    """Records that a root of the trail left the hub: it can be told from now on how long ago that was."""
    with hub.store.write(actor, Event.TRAIL_CHECKPOINT_ANCHORED, f"{kind} {about}".strip(), {"size": size}) as tx:
        writes.anchor(tx, size=size, root=root, kind=kind, about=about)


# -- proofs -------------------------------------------------------------------------------------------------------


def _tree(hub: Hub) -> merkle.Tree:
    return merkle.Tree.over(trail.leaf_hashes(hub.store.cursor()))


def inclusion(hub: Hub, *, seq: int, actor: str) -> dict[str, Any]:
    """Proof that an event is in the trail, under the newest checkpoint; one is made where none covers it yet."""
    rows = hub.store.cursor().execute("SELECT leaf, leaf_hash FROM audit_leaf WHERE seq = ?", [seq]).fetchall()
    if not rows:
        raise UnknownName(f"there is no event {seq}", advice="See `bailiwick audit list`.", details={"seq": seq})
    last = checkpoints.newest(hub.store.cursor())
    covers = last is not None and last["size"] > seq
    held = _as_json(hub, last) if covers and last else checkpoint_now(hub, actor=actor, why=f"proof of event {seq}")
    path = _tree(hub).inclusion(seq, held["size"])
    return {
        "schema": "bailiwick/inclusion/1",
        "seq": seq,
        "leaf": rows[0][0],
        "leaf_hash": rows[0][1],
        "path": [node.hex() for node in path],
        "checkpoint": held["note"],
        "size": held["size"],
        "root": held["root"],
        "keys": [key.vkey for key in public_keys(hub)],
        "rotations": rotations(hub),
    }


def consistency(hub: Hub, *, first: int, second: int | None = None) -> dict[str, Any]:
    """Proof that the trail of `first` events is the beginning of that of `second` (None: of now)."""
    tree = _tree(hub)
    size = tree.size if second is None else second
    try:
        proof = tree.consistency(first, size)
    except IndexError:
        raise BadInput(f"no trail of {first} and {size} events", advice=f"There are {tree.size} events.") from None
    roots = {"first_root": tree.root(first).hex(), "root": tree.root(size).hex()}
    nodes = [node.hex() for node in proof]
    return {"schema": "bailiwick/consistency/1", "first": first, "size": size, **roots, "proof": nodes}


def rotations(hub: Hub) -> list[str]:
    """The notes of all changes of keys, oldest first: from the root key they lead to the one in force."""
    found = documents_of(hub.store.cursor(), [Event.TRAIL_KEY_ROTATED])
    return [str(document["details"].get("note")) for document in found]


# -- comparing ----------------------------------------------------------------------------------------------------


def read_kept(path: Path) -> str:
    """The note in a file that somebody kept; raises BadInput."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not a checkpoint: {error}", advice="Name a file of `audit checkpoint`.") from error


def against(hub: Hub, note: str, *, name: str) -> dict[str, Any]:
    """The trail beside a checkpoint that was kept: it grew from there, was restored since, or differs."""
    cursor = hub.store.cursor()
    left = checkpoints.branches(cursor)
    how, kept, flaws = checkpoints.compare(_tree(hub), left, public_keys(hub), note)
    return {
        "file": name,
        "found": how,
        "size": kept.size if kept else None,
        "root": kept.root if kept else None,
        "flaws": [flaw.as_json() for flaw in flaws],
    }


def days_ago(passed: timedelta) -> str:
    """How long ago, for people: `today`, `3 days ago`."""
    days = passed // timedelta(days=1)
    return "today" if days < 1 else "yesterday" if days == 1 else f"{days} days ago"
