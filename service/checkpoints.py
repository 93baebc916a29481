"""Checkpoints of the trail: its size and root as a note that somebody keeps elsewhere, and the comparison with one.

The note has the body of a C2SP checkpoint (origin, size, root in base64). It carries no signature yet and says so;
what it proves rests on who kept it.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store import merkle, trail
from store.db import Store
from store.errors import BadInput

ORIGIN = "bailiwick/trail"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    origin: str
    size: int
    root: str
    """Hex."""


def make_checkpoint(org: str, size: int, root: str) -> dict[str, Any]:
    origin = f"{ORIGIN} {org}".strip()
    body = f"{origin}\n{size}\n{base64.b64encode(bytes.fromhex(root)).decode()}\n"
    return {
        "schema": "bailiwick/checkpoint/1",
        "origin": origin,
        "size": size,
        "root": root,
        "note": body,
        "signature": "unsigned",
    }


def read_checkpoint(path: Path) -> Checkpoint:
    """A note that `audit checkpoint` wrote; raises BadInput."""
    try:
        origin, size, root = path.read_text(encoding="utf-8").splitlines()[:3]
        return Checkpoint(origin, int(size), base64.b64decode(root, validate=True).hex())
    except (OSError, UnicodeDecodeError, ValueError, binascii.Error) as error:
        raise BadInput(
            f"{path}: not a checkpoint: {error}", advice="Expected three lines: origin, size, root in base64."
        ) from error


def against_checkpoint(store: Store, kept: Checkpoint) -> list[dict[str, str]]:
    """What does not hold between the trail and a checkpoint that was kept: nothing, where it grew from there."""
    hashes = trail.leaf_hashes(store.cursor(), size=kept.size)
    where = f"the first {kept.size} events"
    if len(hashes) < kept.size:
        found = f"{len(hashes)} events"
        return [
            {
                "what": "the trail is shorter than it was",
                "where": where,
                "expected": f"{kept.size} events",
                "found": found,
            }
        ]
    root = merkle.root(hashes).hex()
    if root != kept.root:
        return [{"what": "the trail was rewritten", "where": where, "expected": kept.root, "found": root}]
    return []


def export_leaves(store: Store, target: Path) -> dict[str, Any]:
    """Writes every leaf, canonical JSON as it is hashed, one per line."""
    if target.exists():
        raise BadInput(f"{target} is there already", advice="Name another file.")
    rows = store.cursor().execute("SELECT leaf FROM audit_leaf ORDER BY seq").fetchall()
    with target.open("w", encoding="utf-8", newline="\n") as stream:
        for (leaf,) in rows:
            stream.write(leaf + "\n")
    last = json.loads(rows[-1][0])["known_at"] if rows else None
    return {"schema": "bailiwick/trail-export/1", "file": str(target), "leaves": len(rows), "last": last}
