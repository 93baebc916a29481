"""Signed notes as C2SP describes them: a text, an empty line, and a line for each signature (Ed25519 here).

The text of a checkpoint is its origin, its size and its root in base64, a line each: a person can read it, and it
fits on paper. A key is named by `name+hash+base64` (a "vkey"), where the hash binds the key to its name.
Nothing here keeps a key: the private one is a parameter of `sign`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from store.errors import BadInput

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519 = b"\x01"
DASH = "\u2014"
_NAME = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 key and the name it signs under."""

    name: str
    raw: bytes

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.raw).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.hash.hex()}+{base64.b64encode(ED25519 + self.raw).decode()}"

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.raw)

    @classmethod
    def read(cls, vkey: str) -> PublicKey:
        """From its vkey; raises BadInput where the hash does not belong to the key."""
        name, _, rest = vkey.strip().partition("+")
        told, _, encoded = rest.partition("+")
        try:
            content = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            content = b""
        key = cls(name, content[1:])
        if not _NAME.fullmatch(name) or content[:1] != ED25519 or len(content) != 33 or key.hash.hex() != told:
            raise BadInput(
                f"{vkey[:80]!r} is no key", advice="Expected name+hash+key, as `audit checkpoint` prints it."
            )
        return key

    def verifies(self, signature: bytes, text: str) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


def fingerprint(raw: bytes) -> str:
    """How a key is written down by people: 32 hex digits of its SHA-256, in fours."""
    return "SHA256:" + re.sub(r"(.{4})(?=.)", r"\1 ", hashlib.sha256(raw).hexdigest()[:32])


def raw_public(private: Ed25519PrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def sign(text: str, private: Ed25519PrivateKey, *, name: str) -> str:
    """The note: the text, which ends in a newline, and one signature."""
    if not text.endswith("\n") or "\n\n" in text:
        raise ValueError("the text of a note ends in one newline and holds no empty line")
    key = PublicKey(name, raw_public(private))
    line = base64.b64encode(key.hash + private.sign(text.encode())).decode()
    return f"{text}\n{DASH} {name} {line}\n"


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    """What is signed, with its last newline."""
    signatures: tuple[tuple[str, bytes, bytes], ...]
    """(name, hash of the key, signature)."""

    def signed_by(self, keys: Sequence[PublicKey]) -> PublicKey | None:
        """The first of these keys that made a signature of this note; None where none of them did."""
        for name, hashed, signature in self.signatures:
            for key in keys:
                if key.name == name and key.hash == hashed and key.verifies(signature, self.text):
                    return key
        return None


def read_note(content: str) -> Note:
    """A note as it stands in a file; raises ValueError. Its signatures are not checked here."""
    text, empty, lines = content.partition("\n\n")
    if not empty:
        raise ValueError("it has no signature")
    signatures = []
    for line in lines.splitlines():
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        raw = base64.b64decode(encoded, validate=True)
        if dash != DASH or not _NAME.fullmatch(name) or len(raw) <= 4:
            raise ValueError(f"{line[:40]!r} is no signature")
        signatures.append((name, raw[:4], raw[4:]))
    if not signatures or not lines.endswith("\n"):
        raise ValueError("it has no signature")
    return Note(text + "\n", tuple(signatures))


# -- checkpoints --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says: at this size the log of this origin had this root."""

    origin: str
    size: int
    root: str
    """Hex."""

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(bytes.fromhex(self.root)).decode()}\n"


def read_checkpoint(text: str) -> Checkpoint:
    """From the text of a note, extension lines left aside; raises ValueError."""
    lines = text.splitlines()
    if len(lines) < 3 or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise ValueError("expected three lines: origin, size, root in base64")
    root = base64.b64decode(lines[2], validate=True)
    if len(root) != 32:
        raise ValueError("the root is not the SHA-256 of a tree")
    return Checkpoint(lines[0], int(lines[1]), root.hex())
