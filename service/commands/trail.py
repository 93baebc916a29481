"""Commands about the trail: a checkpoint for somebody, the trail as a file, proofs, and changing the key."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

from service import checkpoints, trail_keys
from service.wiring import Hub
from store import writes
from store.access import Permission, Viewer, require
from store.errors import BadInput
from store.events import Event

README = """The audit trail of {origin}, up to event {last}.

leaves.jsonl      one event per line, the bytes that are hashed: SHA-256 of 0x00 and the line without its newline
checkpoint.txt    the root over all of them (RFC 6962), signed: a C2SP note of an Ed25519 key
checkpoints.txt   every checkpoint that was ever signed, oldest first
keys.txt          the public keys, oldest first, and each change of keys as a note signed by both

Nothing in here names a person. Whoever keeps checkpoint.txt can tell later whether any of these events was changed:
bailiwick audit verify --against checkpoint.txt
"""


def take_checkpoint(hub: Hub, viewer: Viewer, *, about: str = "by hand") -> dict[str, Any]:
    """The root of everything so far, signed, for somebody who keeps it elsewhere; recorded as an anchor."""
    require(viewer, Permission.AUDIT_READ)
    return checkpoints.checkpoint_now(hub, actor=viewer.name, why="asked for", handed_to=("handed out", about))


def prove_event(hub: Hub, viewer: Viewer, *, seq: int) -> dict[str, Any]:
    """Proof that an event is in the trail."""
    require(viewer, Permission.AUDIT_READ)
    return checkpoints.inclusion(hub, seq=seq, actor=viewer.name)


def prove_growth(hub: Hub, viewer: Viewer, *, first: int, second: int | None = None) -> dict[str, Any]:
    """Proof that the trail of `first` events is the beginning of a later one."""
    require(viewer, Permission.AUDIT_READ)
    return checkpoints.consistency(hub, first=first, second=second)


def rotate_key(hub: Hub, viewer: Viewer, *, reason: str = "") -> dict[str, Any]:
    """Changes the key that signs the trail; the change is signed by both."""
    require(viewer, Permission.USER_WRITE)
    done = trail_keys.rotate_key(hub, viewer, reason=reason)
    checkpoints.checkpoint_now(hub, actor=viewer.name, why="key changed")
    return done


def export_trail(hub: Hub, viewer: Viewer, *, target: Path) -> dict[str, Any]:
    """Writes events, checkpoints and public keys to a zip file, or the leaves alone where it does not end in .zip."""
    require(viewer, Permission.AUDIT_READ)
    if target.exists():
        raise BadInput(f"{target} is there already", advice="Name another file.")
    made = checkpoints.checkpoint_now(hub, actor=viewer.name, why="export")
    rows = (
        hub.store.cursor().execute("SELECT leaf FROM audit_leaf WHERE seq < ? ORDER BY seq", [made["size"]]).fetchall()
    )
    leaves = "".join(f"{leaf}\n" for (leaf,) in rows)
    if target.suffix == ".zip":
        _write_zip(hub, target, leaves, made)
    else:
        target.write_text(leaves, encoding="utf-8", newline="\n")
    told = {"leaves": len(rows), "sha256": hashlib.sha256(target.read_bytes()).hexdigest()}
    with hub.store.write(viewer.name, Event.TRAIL_FILE_EXPORTED, f"{made['size']} events", told) as tx:
        writes.anchor(tx, size=made["size"], root=made["root"], kind="export", about="")
    return {
        "schema": "bailiwick/trail-export/1",
        "file": str(target),
        **told,
        "checkpoint": made["note"],
        "root": made["root"],
        "seq": tx.seq,
    }


def _write_zip(hub: Hub, target: Path, leaves: str, made: dict[str, Any]) -> None:
    cursor = hub.store.cursor()
    notes = [note for (note,) in cursor.execute("SELECT note FROM checkpoint ORDER BY seq").fetchall()]
    keys = [f"{key.vkey}\n" for key in trail_keys.public_keys(hub)]
    parts = {
        "README.txt": README.format(origin=made["origin"], last=made["size"] - 1),
        "leaves.jsonl": leaves,
        "checkpoint.txt": made["note"],
        "checkpoints.txt": "\n".join(notes),
        "keys.txt": "\n".join(["".join(keys), *checkpoints.rotations(hub)]),
    }
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
