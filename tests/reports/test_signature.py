"""Signatures: the file that was signed is accepted, and no other, wherever a byte differs."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random

import pytest
from sample import facts

from reports.build.general import build
from reports.render.pdf import render_pdf
from reports.sign import SigningIdentity, sign
from reports.signature import check_signature
from service.signing_keys import load_signing_identity, make_signing_keys, root_digest
from store.errors import BadInput, Retryable

WHEN = datetime(2026, 11, 2, 3, 0)


def identity(folder: Path, org: str = "Example Bank") -> SigningIdentity:
    folder.mkdir()
    make_signing_keys(folder, org=org, now=WHEN)
    return load_signing_identity(folder)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> SigningIdentity:
    return identity(tmp_path_factory.mktemp("ours") / "keys")


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return render_pdf(build(facts()))


@pytest.fixture(scope="module")
def signed(pdf: bytes, ours: SigningIdentity) -> bytes:
    return sign(pdf, ours, org="Example Bank", reason="Draft", moment=WHEN)


def contents(signed: bytes) -> tuple[int, int]:
    """Where the hexadecimal digits of the signature stand."""
    found = re.search(rb"/Contents <([0-9A-Fa-f]{1000,})>", signed)
    assert found is not None
    return found.start(1), found.end(1)


def test_the_signed_file_is_accepted(signed: bytes, pdf: bytes, ours: SigningIdentity) -> None:
    found = check_signature(signed, (ours.root,))
    assert (found.verdict, found.step, found.time_stamped) == ("signed", None, False)
    assert found.signed_at is not None and found.signed_at.replace(tzinfo=None) == WHEN
    assert found.root_sha256 == root_digest(ours) and "Example Bank" in str(found.signer)
    assert signed.startswith(pdf), "the signature is appended: what was built stands unchanged before it"


def test_another_tool_accepts_it(signed: bytes, tmp_path: Path) -> None:
    if shutil.which("pdfsig") is None:
        pytest.skip("poppler's pdfsig is not installed here")
    (tmp_path / "signed.pdf").write_bytes(signed)
    told = subprocess.run(["pdfsig", str(tmp_path / "signed.pdf")], capture_output=True, text=True, check=False).stdout
    assert "Signature is Valid" in told and "Total document signed" in told


def test_a_file_without_a_signature_is_unsigned(pdf: bytes, ours: SigningIdentity) -> None:
    assert check_signature(pdf, (ours.root,)).verdict == "unsigned"
    assert check_signature(b"", (ours.root,)).verdict == "unsigned"
    assert check_signature(b"no pdf at all", (ours.root,)).verdict == "unsigned"


def test_a_stranger_with_the_same_name_is_foreign(pdf: bytes, ours: SigningIdentity, tmp_path: Path) -> None:
    stranger = identity(tmp_path / "keys")
    forged = sign(pdf, stranger, org="Example Bank", reason="Issued", moment=WHEN)
    found = check_signature(forged, (ours.root,))
    assert (found.verdict, found.step) == ("foreign", 4)
    # A stranger's key under our root's certificate: the chain does not hold.
    mixed = sign(pdf, replace(stranger, root=ours.root), org="Example Bank", reason="Issued", moment=WHEN)
    assert check_signature(mixed, (ours.root,)).verdict == "foreign"
    assert check_signature(forged, ()).verdict == "foreign"


@pytest.mark.parametrize("tail", [b"\n", b"x", b"%%EOF\n", b"\0" * 100])
def test_what_is_appended_is_found(signed: bytes, ours: SigningIdentity, tail: bytes) -> None:
    found = check_signature(signed + tail, (ours.root,))
    assert found.verdict == "broken" and found.step in (1, 2)


def test_an_incremental_update_is_found(signed: bytes, ours: SigningIdentity) -> None:
    from io import BytesIO

    from pyhanko.pdf_utils.generic import pdf_name, pdf_string
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(BytesIO(signed))
    writer.root[pdf_name("/Lang")] = pdf_string("fr")
    writer.update_root()
    out = BytesIO()
    writer.write(out)
    found = check_signature(out.getvalue(), (ours.root,))
    assert (found.verdict, found.step) == ("broken", 2)


def test_the_container_has_one_form(signed: bytes, ours: SigningIdentity) -> None:
    """Padding and the case of digits: a reader takes either for the same signature."""
    start, end = contents(signed)
    padding = signed[: end - 3] + b"1" + signed[end - 2 :]
    letter = next(at for at in range(start, end) if signed[at : at + 1].isalpha())
    lower = signed[:letter] + signed[letter : letter + 1].lower() + signed[letter + 1 :]
    for changed in (padding, lower):
        found = check_signature(changed, (ours.root,))
        assert (found.verdict, found.step) == ("broken", 3)
        assert "at byte" in found.told


def test_two_signatures_are_one_too_many(pdf: bytes, ours: SigningIdentity, tmp_path: Path) -> None:
    from io import BytesIO

    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner

    from reports.sign import _signer

    once = BytesIO(pdf)
    for name in ("first", "second"):
        signer = PdfSigner(PdfSignatureMetadata(field_name=name), signer=_signer(ours))
        once = signer.sign_pdf(IncrementalPdfFileWriter(once))
    found = check_signature(once.getvalue(), (ours.root,))
    assert (found.verdict, found.step) == ("broken", 1)


def test_a_stripped_signature_is_no_signature(signed: bytes, pdf: bytes, ours: SigningIdentity) -> None:
    assert check_signature(pdf, (ours.root,)).verdict == "unsigned"
    assert check_signature(signed.replace(b"/ByteRange", b"/ByteRamge"), (ours.root,)).verdict != "signed"


def edits(signed: bytes, count: int) -> list[tuple[str, bytes]]:
    """Every region: the body, the attached evidence, the signature dictionary, its container, and the end."""
    random, (start, end) = Random(20261120), contents(signed)
    regions = {
        "body": (0, len(signed) // 2),
        "later body": (len(signed) // 2, start - 600),
        "signature dictionary": (start - 600, start),
        "container": (start, end),
        "behind it": (end, len(signed)),
    }
    made = []
    for at in range(count):
        name, (low, high) = list(regions.items())[at % len(regions)]
        place = random.randrange(low, high)
        changed = bytearray(signed)
        match at // len(regions) % 3:
            case 0:
                changed[place] ^= 1 << random.randrange(8)
            case 1:
                del changed[place]
            case _:
                changed.insert(place, random.randrange(256))
        made.append((f"{name} at byte {place}", bytes(changed)))
    return made


def test_no_edit_is_accepted(signed: bytes, ours: SigningIdentity) -> None:
    for told, changed in edits(signed, 60):
        found = check_signature(changed, (ours.root,))
        assert found.verdict != "signed" and found.told, told


@pytest.mark.long
def test_none_of_five_hundred_edits_is_accepted(signed: bytes, ours: SigningIdentity) -> None:
    for told, changed in edits(signed, 500):
        assert check_signature(changed, (ours.root,)).verdict != "signed", told


def test_a_file_that_does_not_end_with_a_newline_is_not_signed(pdf: bytes, ours: SigningIdentity) -> None:
    with pytest.raises(BadInput, match="newline"):
        sign(pdf.rstrip(b"\n"), ours, org="Example Bank", reason="Draft", moment=WHEN)


def test_a_time_stamp_server_that_does_not_answer(pdf: bytes, ours: SigningIdentity) -> None:
    with pytest.raises(Retryable, match="does not answer"):
        sign(pdf, ours, org="Example Bank", reason="Draft", moment=WHEN, timestamp_url="http://127.0.0.1:9/tsa")
