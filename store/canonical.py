"""One way to write a value down: canonical JSON, its SHA-256, and identifiers drawn from it.

Equal values give equal bytes on every machine, so that digests can be compared. NaN and infinities are refused:
they are not values here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import unicodedata
from typing import Any

SPELLINGS = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}


def canonical_spelling(text: str) -> str:
    """How a value is written so that all its spellings meet: `1.0` as `1`, `True` as `true`, text in NFC."""
    whole, dot, rest = text.partition(".")
    if dot and rest and not rest.strip("0") and whole.removeprefix("-").isdecimal() and whole.isascii():
        return "0" if whole == "-0" else whole
    return SPELLINGS.get(text) or (text if text.isascii() else unicodedata.normalize("NFC", text))


def canonical_json(value: Any) -> str:
    """Keys sorted, no spaces, UTF-8 kept as it is; raises ValueError on NaN and infinities."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_hex(value: bytes | str) -> str:
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).hexdigest()


def digest(value: Any) -> str:
    """SHA-256 (hex) of the canonical JSON of a value."""
    return sha256_hex(canonical_json(value))


def make_id(kind: str, *parts: Any) -> str:
    """`<kind>_<20 base32 characters>`, a function of the parts alone: 100 bits of their SHA-256."""
    raw = hashlib.sha256(canonical_json([kind, *map(str, parts)]).encode()).digest()
    return f"{kind}_{base64.b32encode(raw)[:20].decode().lower()}"
