"""The keys of the trail, in the hub's keys/: the one that signs checkpoints, and changing it.

`root.key` signs; its public half and the name it signs under stand in the trail's first event. While a key is being
changed the new one lies beside it as `root.key.next`: whichever of the two the trail names is the one in force, so
that a kill in between loses neither.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.secret_files import write_secret
from service.wiring import Hub
from store.access import Viewer
from store.errors import BadInput, Refused
from store.events import Event
from store.signed_note import PublicKey, raw_public, read_note, sign
from store.trail_keys import key_chain, rotation_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROOT_KEY = "root.key"
NEXT_KEY = "root.key.next"
SALT = "person.salt"


@dataclass(frozen=True, slots=True)
class Signer:
    """The key in force and the origin it signs under."""

    private: Ed25519PrivateKey
    public: PublicKey

    def sign(self, text: str) -> str:
        return sign(text, self.private, name=self.public.name)


def make_keys(folder: Path, *, org: str) -> PublicKey:
    """The root key and the salt, readable by their owner alone; the key's name is the trail's origin."""
    raw = raw_public(_new_key(folder / ROOT_KEY))
    write_secret(folder / SALT, secrets.token_bytes(32))
    return PublicKey(origin_of(org, raw), raw)


def origin_of(org: str, raw: bytes) -> str:
    """`<org>/<hub>/audit`, where the hub is named by its first key: two hubs of one organisation differ."""
    slug = re.sub(r"[^a-z0-9]+", "-", org.lower()).strip("-")
    return f"{slug or 'hub'}/{PublicKey('', raw).fingerprint[7:].replace(' ', '')[:8]}/audit"


def _new_key(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_secret(path, content)
    return key


def _read_key(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(f"{path.name} cannot be read: {error}", advice="Restore it from where keys are kept.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput(f"{path.name} is no Ed25519 key", advice="Restore it from where keys are kept.")
    return key


def public_key_of(path: Path) -> bytes:
    """The raw public half of a private key's file."""
    return raw_public(_read_key(path))


def public_keys(hub: Hub) -> list[PublicKey]:
    """Every key that ever signed for this hub, oldest first, as the trail says."""
    return [key.public for key in key_chain(hub.store.cursor())[0]]


def signer(hub: Hub) -> Signer:
    """The key in force; Refused where this hub has none that its trail knows."""
    known = public_keys(hub)
    folder = hub.path / "keys" if hub.path is not None else None
    for name in (ROOT_KEY, NEXT_KEY):
        if folder is None or not known or not (folder / name).exists():
            continue
        private = _read_key(folder / name)
        if raw_public(private) == known[-1].raw:
            if name == NEXT_KEY:  # a change of keys that was recorded and not finished
                (folder / NEXT_KEY).replace(folder / ROOT_KEY)
            return Signer(private, known[-1])
    raise Refused(
        "this hub has no key that its trail knows, so nothing can be signed",
        advice="Put keys/root.key back from where keys are kept; without it, restore from a backup makes a new one.",
    )


def rotate_key(hub: Hub, viewer: Viewer, *, reason: str = "") -> dict[str, Any]:
    """Makes a new key, signs the change with the old and the new one, and records it. The old key is destroyed."""
    old = signer(hub)
    folder = hub.folder / "keys"
    (folder / NEXT_KEY).unlink(missing_ok=True)  # of a change that was never recorded
    private = _new_key(folder / NEXT_KEY)
    new = PublicKey(old.public.name, raw_public(private))
    told = {"old": old.public.fingerprint, "new": new.fingerprint}
    with hub.store.write(viewer.name, Event.TRAIL_KEY_ROTATED, new.name, told) as tx:
        text = rotation_text(old.public, new, seq=tx.seq)
        by_new = sign(text, private, name=new.name).partition("\n\n")[2]
        note = old.sign(text) + by_new
        if read_note(note).signed_by([new]) is None:
            raise RuntimeError("the new key does not verify its own signature")
        tx.details["note"] = note
        tx.private["reason"] = reason.strip()
    (folder / NEXT_KEY).replace(folder / ROOT_KEY)
    return {"schema": "bailiwick/key-rotation/1", "seq": tx.seq, **told, "vkey": new.vkey}
