"""A hub from a backup, in a new folder or in place of a hub that has gone on since: always told in its trail.

What a backup does not hold is gone from the record, and the trail says so: an event `hub:file:restored` with how far
the backup goes, the last checkpoint of what was left, and the hashes of the events that were lost. From then on
verification says RESTORED and names them; a checkpoint taken on the branch that was left is recognised.

The hub that is replaced is kept beside the new one, under another name; nothing is deleted.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.backup import unpack
from service.checkpoints import checkpoint_now, rotations
from service.config import FILE
from service.signing_keys import make_signing_keys
from service.trail_keys import NEXT_KEY, ROOT_KEY, make_keys, public_key_of, public_keys
from service.wiring import HUB_FILE, Hub, local_viewer, open_hub
from store import merkle, trail, writes
from store.errors import BadInput, Refused
from store.events import Event
from store.signed_note import PublicKey, read_checkpoint, read_note


@dataclass(frozen=True, kw_only=True)
class Left:
    """What is known of the branch that a restore leaves."""

    head: str | None = None
    """The note of its last checkpoint."""
    leaves: tuple[tuple[int, str, str], ...] = ()
    """(place, leaf, hash) up to that checkpoint."""
    rotations: tuple[str, ...] = ()


def restore(
    source: Path,
    *,
    hub_dir: Path,
    in_place: bool = False,
    reason: str = "",
    head: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """head: a checkpoint that was kept elsewhere, where the hub that was lost cannot be read any more."""
    present = (hub_dir / HUB_FILE).exists() or (hub_dir / FILE).exists()
    if present and not in_place:
        raise BadInput(
            f"{hub_dir} already holds a hub",
            advice="Name another folder with --hub, or put the backup in its place with --in-place.",
        )
    if in_place and not reason.strip():
        raise BadInput("a restore in place needs a reason", advice="Give it with --reason; it stands in the trail.")
    left = _leave(hub_dir, environ) if present else Left(head=_read_head(head))
    hub_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=hub_dir.parent) as folder:
        made = Path(folder) / "hub"
        manifest = unpack(source, made)
        if present:
            _carry_over(hub_dir, made)
        elif hub_dir.exists() and any(hub_dir.iterdir()):
            raise BadInput(f"{hub_dir} is not empty", advice="Name another folder with --hub.")
        told = _declare(made, left, source=source, reason=reason, seq=int(manifest["seq"]), environ=environ)
        kept = _swap(made, hub_dir) if present else None
        if kept is None:
            if hub_dir.exists():
                hub_dir.rmdir()
            made.rename(hub_dir)
    return {**told, "hub": str(hub_dir), "replaced": str(kept) if kept else None}


def _read_head(note: str | None) -> str | None:
    if note is None:
        return None
    try:
        read_checkpoint(read_note(note).text)
    except ValueError as error:
        raise BadInput(f"--head: not a checkpoint: {error}", advice="Name a file of `audit checkpoint`.") from error
    return note


def _leave(hub_dir: Path, environ: Mapping[str, str] | None) -> Left:
    """A last checkpoint of the hub as it is, and its leaves."""
    hub = open_hub(hub_dir, environ=environ)
    try:
        last = checkpoint_now(hub, actor=local_viewer().name, why="before a restore")
        rows = hub.store.cursor().execute(
            "SELECT seq, leaf, leaf_hash FROM audit_leaf WHERE seq < ? ORDER BY seq", [last["size"]]
        )
        return Left(head=last["note"], leaves=tuple(rows.fetchall()), rotations=tuple(rotations(hub)))
    finally:
        hub.close()


def _carry_over(old: Path, made: Path) -> None:
    """Keys and settings are those of today; reports and quarantined files that the backup lacks are kept."""
    shutil.copytree(old / "keys", made / "keys", dirs_exist_ok=True)
    shutil.copyfile(old / FILE, made / FILE)
    for part in ("reports", "quarantine"):
        for path in (old / part).rglob("*"):
            there = made / path.relative_to(old)
            if path.is_file() and not there.exists():
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, there)


def _declare(
    made: Path, left: Left, *, source: Path, reason: str, seq: int, environ: Mapping[str, str] | None
) -> dict[str, Any]:
    """Opens the restored hub, checks it, and records the restore."""
    keys = (made / "keys" / "root.key").exists()
    fresh = None if keys else make_keys(made / "keys", org="")
    hub = open_hub(made, environ=environ)
    try:
        if not keys:
            make_signing_keys(made / "keys", org=hub.config.org, now=hub.now())
        size = trail.next_seq(hub.store.cursor())
        _refuse_stranger(hub, left, size)
        key = public_keys(hub)[-1]
        vkey = PublicKey(key.name, fresh.raw).vkey if fresh else _current_vkey(made, key)
        known = set(rotations(hub))
        details: dict[str, Any] = {
            "size": size,
            "head": left.head,
            "backup_sha256": _sha256(source),
            "vkey": vkey,
            "rotations": [note for note in left.rotations if note not in known],
            "lost": max(len(left.leaves) - size, 0),
        }
        with hub.store.write(local_viewer().name, Event.HUB_FILE_RESTORED, f"to event {size - 1}", details) as tx:
            writes.lost_leaves(tx, [leaf for leaf in left.leaves if leaf[0] >= size])
            tx.private["reason"] = reason.strip()
        checkpoint_now(hub, actor=local_viewer().name, why="restored")
        found = hub.store.reads(local_viewer()).verify_trail(data=True)
    finally:
        hub.close()
    return {
        "schema": "bailiwick/restored/1",
        "seq": size - 1,
        "root": found.root,
        "holds": found.holds and size - 1 >= seq,
        "integrity": found.integrity,
        "lost": found.restored[-1].as_json()["lost"] if found.restored else None,
        "flaws": found.as_json()["flaws"],
        "keys": keys,
    }


def _current_vkey(made: Path, key: PublicKey) -> str:
    """The key that lies in keys/, which is of the branch that was left where keys were changed since the backup."""
    found = [public_key_of(made / "keys" / name) for name in (ROOT_KEY, NEXT_KEY) if (made / "keys" / name).exists()]
    return key.vkey if key.raw in found else PublicKey(key.name, found[0]).vkey


def _refuse_stranger(hub: Hub, left: Left, size: int) -> None:
    """The backup must be of the hub that it replaces, from before now."""
    if not left.leaves:
        return
    common = min(size, len(left.leaves))
    ours = merkle.root(trail.leaf_hashes(hub.store.cursor(), size=common))
    theirs = merkle.root([bytes.fromhex(hashed) for _, _, hashed in left.leaves[:common]])
    if ours != theirs or size > len(left.leaves):
        raise Refused(
            "the backup is not an earlier state of this hub: nothing was replaced",
            advice="Restore it into a folder of its own with --hub, and compare.",
            details={"events": size, "present": len(left.leaves)},
        )


def _swap(made: Path, hub_dir: Path) -> Path:
    """The new hub takes the old one's place; the old one stands beside it."""
    number = 1
    while (kept := hub_dir.with_name(f"{hub_dir.name}.replaced-{number}")).exists():
        number += 1
    hub_dir.rename(kept)
    made.rename(hub_dir)
    return kept


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
