"""A bundle checks itself with the standard library alone, and notices what was changed in it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from sample import facts

from reports import bundled_verify
from reports.build.evidence import evidence_bytes
from reports.build.general import build
from reports.bundle import Parts, pack
from store import merkle, signed_note
from store.canonical import canonical_json, sha256_hex

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = signed_note.PublicKey("example.org/audit", signed_note.raw_public(PRIVATE))


@pytest.fixture(scope="module")
def parts() -> Parts:
    report = build(facts())
    evidence, pdf = evidence_bytes(report.evidence), b"%PDF-1.7 stands for the report\n"
    event = canonical_json({"details": {"sha256": sha256_hex(pdf), "evidence_sha256": sha256_hex(evidence)}})
    leaves = [merkle.leaf_hash(f"entry {n}".encode()) for n in range(11)]
    leaves[6] = merkle.leaf_hash(event.encode())
    import base64

    text = f"example.org/audit\n11\n{base64.b64encode(merkle.root(leaves)).decode()}\n"
    return Parts(
        report=pdf,
        evidence=evidence,
        event=event,
        checkpoint=signed_note.sign(text, PRIVATE, name=KEY.name),
        index=6,
        size=11,
        hashes=merkle.inclusion_proof(leaves, 6),
        keys=[KEY.vkey],
        root_certificate=b"-----BEGIN CERTIFICATE-----\n",
    )


@pytest.fixture
def folder(parts: Parts, tmp_path: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(pack(parts))) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Isolated: no package of ours, no site-packages, only the standard library."""
    command = [sys.executable, "-I", "-S", str(folder / "verify.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_bundle_checks_itself_without_our_packages(folder: Path) -> None:
    done = run(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Integrity: HOLDS" in done.stdout and KEY.vkey in done.stdout and done.stdout.count("holds:") == 4
    assert run(folder, "--key", KEY.vkey).returncode == 0


def test_a_key_that_was_got_another_way_must_be_the_one(folder: Path) -> None:
    other = signed_note.PublicKey(KEY.name, signed_note.raw_public(Ed25519PrivateKey.from_private_bytes(b"\1" * 32)))
    done = run(folder, "--key", other.vkey)
    assert done.returncode == 1 and "(3) FAILS" in done.stdout


def test_the_same_parts_give_the_same_bytes(parts: Parts) -> None:
    assert pack(parts) == pack(parts)


def change(name: str, old: str, new: str) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        text = (folder / name).read_text("utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), "utf-8")

    return changed


@pytest.mark.parametrize(
    ("step", "changed"),
    [
        ("(1)", change("report.pdf", "stands", "stood_")),
        ("(1)", change("evidence.json", "branch-north", "branch-south")),
        ("(1)", change("event.json", "sha256", "sha257")),
        ("(2)", change("proof.json", '"index": 6', '"index": 5')),
        ("(2)", change("checkpoint.txt", "\n11\n", "\n12\n")),
        ("(3)", change("checkpoint.txt", "example.org", "example.com")),
    ],
)
def test_a_change_is_found_at_its_step(folder: Path, step: str, changed: Callable[[Path], None]) -> None:
    changed(folder)
    done = run(folder)
    assert done.returncode == 1 and f"{step} FAILS" in done.stdout and "DOES NOT HOLD" in done.stdout


def test_a_figure_that_does_not_follow_from_its_counts_is_named(folder: Path) -> None:
    evidence = json.loads((folder / "evidence.json").read_text("utf-8"))
    side = {"lowest": {"n": 200, "selected": 73}, "highest": {"n": 100, "selected": 50}}
    result = {
        "measure": "selection_rate_ratio",
        "about": "sex",
        "site": "branch-north",
        "value": 0.73,
        "status": "outside",
        "n": {"current": 300},
        "limit": {"op": "at_least", "value": 0.8},
        "details": side,
    }
    at = len(evidence["results"])
    evidence["results"].append(result)
    assert bundled_verify.figures_follow(evidence)[0] == []
    side["lowest"]["selected"] = 74
    evidence["coverage"][0]["kept"] += 1
    flaws, checked = bundled_verify.figures_follow(evidence)
    assert checked > 2 and any(f"results[{at}]" in flaw for flaw in flaws)
    assert any("coverage[0]" in flaw for flaw in flaws)


@pytest.mark.parametrize("name", ["event.json", "proof.json", "keys.txt", "checkpoint.txt", "report.pdf"])
def test_a_part_that_is_gone_or_garbage_is_an_answer_not_a_traceback(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\xff\x00 garbage")
    assert run(folder).returncode in (1, 2)
    (folder / name).unlink()
    done = run(folder)
    assert done.returncode == 2 and "Traceback" not in done.stderr


@settings(deadline=None, max_examples=15)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_ed25519_agrees_with_the_library(seed: bytes, message: bytes, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = signed_note.raw_public(private), private.sign(message)
    assert bundled_verify.ed25519_holds(public, message, signature)
    broken = bytearray(signature)
    broken[bit // 8] ^= 1 << bit % 8
    assert not bundled_verify.ed25519_holds(public, message, bytes(broken))
    assert not bundled_verify.ed25519_holds(public, message + b"x", signature)


def test_proofs_of_every_size_lead_to_the_root() -> None:
    leaves = [merkle.leaf_hash(str(n).encode()) for n in range(70)]
    for size in range(1, 70):
        root = merkle.root(leaves[:size])
        for index in range(size):
            path = merkle.inclusion_proof(leaves[:size], index)
            assert bundled_verify.root_from_proof(leaves[index], index, size, path) == root
            assert bundled_verify.root_from_proof(leaves[index], index, size, [*path, b"\0" * 32]) is None
            if path:
                wrong = Random(size).choice(range(len(path)))
                changed = [b"\1" * 32 if at == wrong else one for at, one in enumerate(path)]
                assert bundled_verify.root_from_proof(leaves[index], index, size, changed) != root
