"""A bundle: one zip with everything a reader needs to check a report alone, offline, and the program that does it.

The same parts give the same bytes: names in order, no clock in the entries.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

START = (1980, 1, 1, 0, 0, 0)
"""The zip format's own first day: entries carry no time of their own."""
_READ_ME = """\
What is in here, and how to check it without us
===============================================

report.pdf       the report, signed by the organisation; any PDF reader shows the signature
evidence.json    the figures it was made from; the same bytes are attached to the PDF
event.json       the entry of the audit trail that recorded the report, word for word
checkpoint.txt   the size and root of the trail, signed (C2SP checkpoint, Ed25519)
proof.json       the path from the entry to the root (RFC 6962)
keys.txt         the keys that sign checkpoints
root.pem         the root certificate under which the PDF is signed
verify.py        checks all of it with Python's standard library alone; it is short, and meant to be read

    python3 verify.py

What a bundle cannot tell is whose keys these are. Compare keys.txt and root.pem with copies that you got another way.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    report: bytes
    evidence: bytes
    event: str
    """The leaf as it was hashed."""
    checkpoint: str
    index: int
    size: int
    hashes: Sequence[bytes]
    """The inclusion proof of `event` at `index` in the tree of `size`."""
    keys: Sequence[str]
    """Verifier keys, one per line."""
    root_certificate: bytes


def pack(parts: Parts) -> bytes:
    """The zip."""
    proof = {
        "schema": "bailiwick/proof/1",
        "index": parts.index,
        "size": parts.size,
        "hashes": [one.hex() for one in parts.hashes],
    }
    members = {
        "README.txt": _READ_ME.encode(),
        "report.pdf": parts.report,
        "evidence.json": parts.evidence,
        "event.json": parts.event.encode(),
        "checkpoint.txt": parts.checkpoint.encode(),
        "proof.json": json.dumps(proof, indent=2).encode() + b"\n",
        "keys.txt": "".join(f"{line}\n" for line in parts.keys).encode(),
        "root.pem": parts.root_certificate,
        "verify.py": files("reports").joinpath("bundled_verify.py").read_bytes(),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, START)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return out.getvalue()
