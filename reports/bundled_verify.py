"""Checks a Bailiwick report bundle with nothing but Python's standard library: no network, no installation.

    python3 verify.py [FOLDER]              the folder this file lies in, unless another is named
    python3 verify.py --key "NAME+ID+KEY"   also require that the checkpoint is signed by this key

It is meant to be read. The steps, each told with what it found:

 (1) report.pdf and evidence.json have the SHA-256 digests that the audit trail recorded when the report was built: they
     stand in event.json, which is one entry (leaf) of the trail, word for word;
 (2) that entry is part of the trail whose root is in checkpoint.txt: the inclusion proof of RFC 6962 in proof.json;
 (3) checkpoint.txt is signed (Ed25519, RFC 8032) by a key in keys.txt. Whose key that is cannot be read from the
     bundle: compare its line with one that you got another way, or give it with --key;
 (4) the headline figures follow from the counts in evidence.json: rates, ratios, sums of rows, verdicts against limits;
 (5) completeness, which is another matter than integrity: which of the report's own controls are not answered.

The PDF's own signature (PAdES) is checked by any PDF reader, and by `bailiwick report verify`.
Exit code 0: steps 1 to 4 hold. 1: one does not. 2: the bundle cannot be read.
What this proves is that these files are what was recorded, and follow from one another. It does not prove that what a
site recorded is true.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import sys
from pathlib import Path
from typing import Any

Point = tuple[int, int, int, int]
"""In extended coordinates: X, Y, Z, T."""

# -- Ed25519 (RFC 8032, section 5.1), verification only: plain integers, no secrets, so that speed and timing matter not

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a: Point, b: Point) -> Point:
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    return (f - e) * (h - g) % P, (h + g) * (f + e) % P, (h - g) * (h + g) % P, (f - e) * (f + e) % P


def times(number: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point = add(point, point)
        number >>= 1
    return total


def decompress(octets: bytes) -> Point | None:
    """The point that 32 bytes stand for, or None."""
    y = int.from_bytes(octets, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def ed25519_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    if len(public) != 32 or len(signature) != 64:
        return False
    base = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    point, r, s = decompress(public), decompress(signature[:32]), int.from_bytes(signature[32:], "little")
    if base is None or point is None or r is None or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    left, right = times(s, base), add(r, times(h, point))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# -- the trail (RFC 6962, sections 2.1 and 2.1.1)


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from_proof(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """The root that a leaf at an index in a tree of a size leads to, along a path; None where the path does not fit."""
    if not 0 <= index < size:
        return None
    at, last, found, path = index, size - 1, leaf, list(path)
    while last:
        if at % 2 or at == last:
            if at % 2:
                if not path:
                    return None
                found = node_hash(path.pop(0), found)
            # at == last and even: it has no neighbour on this level and rises as it is
        else:
            if not path:
                return None
            found = node_hash(found, path.pop(0))
        at, last = at // 2, last // 2
    return found if not path else None


Signatures = list[tuple[str, bytes, bytes]]


def read_checkpoint(text: str) -> tuple[str, int, bytes, str, Signatures]:
    """(origin, size, root, signed text, [(name, key id, signature)]) of a C2SP signed note."""
    body, _, tail = text.rpartition("\n\n")
    body += "\n"
    origin, size, root = body.split("\n")[:3]
    signatures = []
    for line in tail.splitlines():
        if line.startswith("\u2014 "):
            name, _, packed = line[2:].rpartition(" ")
            raw = base64.b64decode(packed, validate=True)
            signatures.append((name, raw[:4], raw[4:]))
    return origin, int(size), base64.b64decode(root, validate=True), body, signatures


def read_key(line: str) -> tuple[str, bytes, bytes]:
    """(name, key id, 32 bytes) of a verifier key `name+hex id+base64`; the id must be the key's own."""
    name, id_, packed = line.strip().split("+", 2)
    raw = base64.b64decode(packed, validate=True)
    if raw[:1] != b"\x01" or len(raw) != 33:
        raise ValueError(f"{name}: not an Ed25519 key")
    own = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if own.hex() != id_:
        raise ValueError(f"{name}: the key id {id_} is not that of the key")
    return name, own, raw[1:]


# -- the steps


def files_are_recorded(folder: Path, event: dict[str, Any]) -> list[str]:
    """(1)"""
    flaws: list[str] = []
    details = event["details"]
    for name, key in (("report.pdf", "sha256"), ("evidence.json", "evidence_sha256")):
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if found != details.get(key):
            flaws.append(f"{name} has SHA-256 {found}, recorded was {details.get(key)}")
    return flaws


def event_is_in_trail(leaf: bytes, proof: dict[str, Any], size: int, root: bytes) -> list[str]:
    """(2)"""
    if proof["size"] != size:
        return [f"the proof is for {proof['size']} entries, the checkpoint for {size}"]
    path = [bytes.fromhex(digits) for digits in proof["hashes"]]
    found = root_from_proof(leaf_hash(leaf), proof["index"], size, path)
    if found != root:
        return [f"entry {proof['index']} does not lead to the root of the checkpoint"]
    return []


def checkpoint_is_signed(body: str, signatures: Signatures, keys: list[str], wanted: str) -> list[str]:
    """(3)"""
    for line in [wanted] if wanted else keys:
        name, id_, public = read_key(line)
        for signer, key_id, signature in signatures:
            if (signer, key_id) == (name, id_) and ed25519_holds(public, body.encode(), signature):
                return []
    return ["no signature on the checkpoint is by " + (wanted or "a key in keys.txt")]


def close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def rate(side: dict[str, Any]) -> float | None:
    return float(side["selected"] / side["n"]) if side.get("n") else None


def recomputed(result: dict[str, Any]) -> float | None:
    """The value that the counts in a result give, or None where its counts are not in the evidence."""
    details, measure, n = result["details"], result["measure"], result["n"]["current"]
    low, high = details.get("lowest"), details.get("highest")
    counted = {"selection_rate": "selected", "missing_rate": "missing"}.get(measure)
    if counted in details and n:
        return float(details[counted] / n)
    if measure in ("selection_rate_ratio", "selection_rate_difference") and low and high and "selected" in low:
        one, other = rate(low), rate(high)
        if one is None or not other:
            return None
        return one / other if measure.endswith("ratio") else other - one
    return None


def figures_follow(evidence: dict[str, Any]) -> tuple[list[str], int]:
    """(4): the flaws, and how many figures were computed."""
    flaws: list[str] = []
    checked = 0
    for at, row in enumerate(evidence.get("coverage") or []):
        checked += 1
        if row.get("rows", 0) != row.get("kept", 0) + row.get("quarantined", 0) + row.get("duplicates", 0):
            flaws.append(f"coverage[{at}], {row.get('site')}: kept + quarantined + duplicates is not rows")
    for at, result in enumerate(evidence.get("results") or []):
        where = f"results[{at}], {result['measure']} of {result['about']} at {result['site']}"
        again = None if result.get("noise") else recomputed(result)
        if again is not None and result["value"] is not None:
            checked += 1
            if not close(again, result["value"]):
                flaws.append(f"{where}: {result['value']} is told, the counts give {again}")
        limit, value = result.get("limit"), result.get("value")
        if limit and value is not None and result["status"] in ("within", "outside"):
            checked += 1
            beyond = value < limit["value"] if limit["op"] == "at_least" else value > limit["value"]
            if result["status"] == "outside" and not beyond:
                flaws.append(f"{where}: outside is told, {value} is inside {limit['op']} {limit['value']}")
    return flaws, checked


def told(number: int, what: str, flaws: list[str]) -> bool:
    print(f"({number}) {'FAILS' if flaws else 'holds'}: {what}")
    for flaw in flaws[:20]:
        print(f"      {flaw}")
    if flaws[20:]:
        print(f"      and {len(flaws) - 20} more")
    return not flaws


def verify(folder: Path, wanted: str = "") -> int:
    leaf = (folder / "event.json").read_bytes()
    evidence = json.loads((folder / "evidence.json").read_text("utf-8"))
    proof = json.loads((folder / "proof.json").read_text("utf-8"))
    keys = [line for line in (folder / "keys.txt").read_text("utf-8").splitlines() if line and line[0] != "#"]
    origin, size, root, body, signatures = read_checkpoint((folder / "checkpoint.txt").read_text("utf-8"))
    flaws, checked = figures_follow(evidence)
    well = [
        told(1, "report and evidence are the files that were recorded", files_are_recorded(folder, json.loads(leaf))),
        told(2, f"the record is entry {proof['index']} of {size}", event_is_in_trail(leaf, proof, size, root)),
        told(3, f"the checkpoint of {origin} is signed", checkpoint_is_signed(body, signatures, keys, wanted)),
        told(4, f"{checked} figures follow from the counts", flaws),
    ]
    gaps = [control for control in evidence.get("controls") or [] if control["status"] == "missing"]
    print(f"(5) completeness: {len(gaps) or 'no'} control{'' if len(gaps) == 1 else 's'} not answered")
    for control in gaps:
        print(f"      {control['id']} {control['title']}: {control['why']}")
    if not wanted:
        print("The key that signed, to compare with one you got another way:")
        for line in keys:
            print(f"      {line}")
    print("Integrity: HOLDS" if all(well) else "Integrity: DOES NOT HOLD")
    return 0 if all(well) else 1


def main(words: list[str]) -> int:
    wanted = ""
    if "--key" in words:
        at = words.index("--key")
        wanted, words = words[at + 1] if words[at + 1 :] else "", words[:at] + words[at + 2 :]
    folder = Path(words[0]) if words else Path(__file__).resolve().parent
    try:
        return verify(folder, wanted)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"The bundle cannot be read: {type(error).__name__}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
