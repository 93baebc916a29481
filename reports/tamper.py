"""One digit changed in a copy of a report: what the demo shows verification with. Never used on a file of the hub.

The changed evidence is packed smaller than it was and padded to the same length, so that every offset in the PDF
still holds: the file opens in any reader and looks as it did.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from store.canonical import canonical_json
from store.errors import Refused

_STREAM = re.compile(rb"/Length (\d+)[^<>]*/Type/EmbeddedFile[^\r\n]*?>>\r?\nstream\r?\n")


@dataclass(frozen=True, slots=True)
class Tampering:
    path: str
    """JSON path inside the attached evidence."""
    before: str
    after: str

    def __str__(self) -> str:
        return f"evidence.json: {self.path} from {self.before} to {self.after}"


def change_one_digit(pdf: bytes) -> tuple[bytes, Tampering]:
    """A copy with one digit of one number in the attached evidence changed; raises Refused where there is none."""
    found = _STREAM.search(pdf)
    if found is None:
        raise Refused("the PDF has no attached evidence to change", advice="Build it with bailiwick report build.")
    start, length = found.end(), int(found.group(1))
    evidence = zlib.decompress(pdf[start : start + length])
    for path, holder, key in _places(json.loads(evidence)):
        before = canonical_json(holder[key])
        for after in _neighbours(before):
            changed = evidence_with(evidence, path, json.loads(after))
            packed = zlib.compress(changed, 9)
            if len(changed) == len(evidence) and len(packed) <= length:
                copy = pdf[:start] + packed.ljust(length, b"\0") + pdf[start + length :]
                return copy, Tampering(path, before, after)
    raise Refused("no number in the evidence can be changed without moving the rest of the file")


def evidence_with(evidence: bytes, path: str, value: Any) -> bytes:
    """The evidence with one value replaced, in canonical JSON."""
    document = json.loads(evidence)
    steps: list[Any] = [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", path)]
    holder = document
    for step in steps[:-1]:
        holder = holder[step]
    holder[steps[-1]] = value
    return canonical_json(document).encode()


def _places(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Numbers worth changing, the most tempting first: a gap that is outside, any result outside, rows that came."""
    results = list(enumerate(document.get("results") or []))
    for monitors in (("fairness",), ("drift", "performance", "quality")):
        for at, result in results:
            if result["status"] == "outside" and result["monitor"] in monitors and result["value"] is not None:
                yield f"results[{at}].value", result, "value"
    for at, row in enumerate(document.get("coverage") or []):
        if row.get("kept"):
            yield f"coverage[{at}].kept", row, "kept"
    yield "as_of.seq", document["as_of"], "seq"


def _neighbours(number: str) -> Iterator[str]:
    """The same number with its first telling digit one higher or lower, the length unchanged."""
    for at, char in enumerate(number):
        if char in "123456789":
            for other in (int(char) + 1, int(char) - 1):
                if 1 <= other <= 9:
                    yield f"{number[:at]}{other}{number[at + 1 :]}"
