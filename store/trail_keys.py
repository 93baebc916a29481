"""Which key signed when: from the root key in the first event, through each rotation, which both keys have signed.

Everything stands in the leaves, so that whoever has the trail and the root key's fingerprint needs nothing else. A
restore from a backup without keys brings a key that no other vouches for; it is told as `replaced`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from store.errors import BadInput
from store.events import Event
from store.flaw import Flaw
from store.signed_note import PublicKey, read_note

KEY_EVENTS = (Event.HUB_FILE_CREATED, Event.TRAIL_KEY_ROTATED, Event.HUB_FILE_RESTORED)
_AT = re.compile(r"^key rotation at event (\d{1,18})$", re.MULTILINE)
ROOT, ROTATED, REPLACED = "root", "rotated", "replaced"


@dataclass(frozen=True, slots=True)
class KeyInForce:
    public: PublicKey
    since: int
    """The event from which on it signs."""
    how: str
    """`root`, `rotated` (signed by the key before it), or `replaced` (by a restore; nobody vouches for it)."""


def rotation_text(old: PublicKey, new: PublicKey, *, seq: int) -> str:
    """What both keys sign."""
    return f"{old.name}\nkey rotation at event {seq}\n{old.vkey}\n{new.vkey}\n"


def documents_of(connection: duckdb.DuckDBPyConnection, events: Iterable[Event]) -> list[dict[str, Any]]:
    """The leaves of these events, in order; those that cannot be read are told by whoever verifies the leaves."""
    rows = connection.execute(
        "SELECT leaf FROM audit_leaf WHERE list_contains(?, event) ORDER BY seq", [[str(event) for event in events]]
    ).fetchall()
    out = []
    for (leaf,) in rows:
        try:
            document = json.loads(leaf)
            if isinstance(document["seq"], int) and isinstance(document["details"], dict):
                out.append(document)
        except (ValueError, KeyError, TypeError):
            continue
    return out


def key_chain(connection: duckdb.DuckDBPyConnection) -> tuple[list[KeyInForce], list[Flaw]]:
    """The keys in the order in which they came into force, and what does not hold about them."""
    chain: list[KeyInForce] = []
    flaws: list[Flaw] = []
    for document in documents_of(connection, KEY_EVENTS):
        seq, event, details = document["seq"], document["event"], document["details"]
        try:
            if event == Event.TRAIL_KEY_ROTATED:
                chain.append(_rotated(chain, details.get("note", ""), seq=seq))
            elif details.get("vkey") and event == Event.HUB_FILE_RESTORED and chain:
                for note in details.get("rotations", []):  # on the branch that the restore left
                    chain.append(_rotated(chain, note, seq=seq, on_other_branch=True))
                if details["vkey"] != chain[-1].public.vkey:
                    chain.append(KeyInForce(PublicKey.read(details["vkey"]), seq, REPLACED))
            elif details.get("vkey") and seq == 0:
                chain.append(KeyInForce(PublicKey.read(details["vkey"]), 0, ROOT))
        except (ValueError, BadInput, AttributeError, TypeError) as error:
            flaws.append(
                Flaw("a change of keys does not hold", f"event {seq} ({event})", "a signed change", str(error))
            )
    return chain, flaws


def _rotated(chain: Sequence[KeyInForce], content: str, *, seq: int, on_other_branch: bool = False) -> KeyInForce:
    if not chain:
        raise ValueError("there is no key before it")
    old = chain[-1].public
    note = read_note(content)
    new = PublicKey.read(note.text.splitlines()[-1])
    told = _AT.search(note.text) if on_other_branch else None
    if note.text != rotation_text(old, new, seq=int(told[1]) if told else seq):
        raise ValueError("the note speaks of other keys")
    if not note.signed_by([old]):
        raise ValueError("the old key did not sign it")
    if not note.signed_by([new]):
        raise ValueError("the new key did not sign it")
    return KeyInForce(new, seq, ROTATED)


def key_at(chain: Sequence[KeyInForce], seq: int) -> PublicKey | None:
    """The key that signs at an event; None before there is one."""
    found = [key.public for key in chain if key.since <= seq]
    return found[-1] if found else None
