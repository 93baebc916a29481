"""Whether the signature on a PDF report is ours and covers every byte of the file. Never raises on any bytes.

Stricter than the standard asks, because a report is either the file that was issued or it is not. The steps:
 (1) the file carries exactly one signature;
 (2) it covers the entire file, from the first byte to the last: nothing was appended;
 (3) its container stands in the file in the one form that we write: upper-case hexadecimal of DER, zeros behind it. A
     reader takes changed padding and changed case for the same signature; here no byte may differ;
 (4) the certificates inside are the signer's and the root's, and the root is the one that the caller pins: a
     certificate that merely bears the same name is a stranger's;
 (5) the digest of the covered bytes and the signature over it hold, and the document allows no later change;
 (6) beside the signature stands nothing that it does not cover, but a time stamp over it.
Offline: nothing is fetched. The moment of signing is the signer's own claim, unless a time stamp vouches for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any

SIGNED, UNSIGNED, BROKEN, FOREIGN = "signed", "unsigned", "broken", "foreign"
_FIELD = re.compile(rb"/ByteRange\s*\[")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    verdict: str
    """`signed`, `unsigned`, `broken`, or `foreign`: whole, but under a certificate that is not pinned."""
    told: str
    """One sentence for a person: why."""
    step: int | None = None
    """The step that did not hold."""
    signer: str | None = None
    signed_at: datetime | None = None
    """The signer's claim; with time_stamped, the time that the server vouches for."""
    time_stamped: bool = False
    root_sha256: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "told": self.told,
            "step": self.step,
            "signer": self.signer,
            "signed_at": None if self.signed_at is None else self.signed_at.isoformat(),
            "time_stamped": self.time_stamped,
            "root_sha256": self.root_sha256,
        }


class _Failed(Exception):
    def __init__(self, step: int, told: str, verdict: str = BROKEN) -> None:
        super().__init__(told)
        self.step, self.told, self.verdict = step, told, verdict


def check_signature(content: bytes, roots: tuple[bytes, ...]) -> Signature:
    """`roots`: PEM certificates that the caller trusts, obtained another way than from this file."""
    if _FIELD.search(content) is None and b"/Sig" not in content:
        return Signature(verdict=UNSIGNED, told="the file carries no signature")
    try:
        return _check(content, roots)
    except _Failed as failed:
        return Signature(verdict=failed.verdict, told=failed.told, step=failed.step)
    except Exception as error:  # a broken file breaks a reader in more ways than its author foresaw
        told = f"the signature cannot be read: {type(error).__name__}: {error}"
        return Signature(verdict=BROKEN, told=told, step=1)


def _check(content: bytes, roots: tuple[bytes, ...]) -> Signature:
    from pyhanko.pdf_utils.reader import PdfFileReader

    reader = PdfFileReader(BytesIO(content), strict=True)
    found = list(reader.embedded_signatures)
    if not found:
        return Signature(verdict=UNSIGNED, told="the file carries no signature")
    if len(found) != 1:
        raise _Failed(1, f"the file carries {len(found)} signatures where a report has one")
    embedded = found[0]
    _covers_everything(content, embedded)  # (2)
    _one_form(content, embedded)  # (3)
    root = _pinned(embedded, roots)  # (4)
    status = _holds(embedded, root)  # (5)
    stamp = _nothing_beside(embedded, status)  # (6)
    return Signature(
        verdict=SIGNED,
        told="the signature is the organisation's and covers every byte of the file",
        signer=str(embedded.signer_cert.subject.human_friendly),
        signed_at=stamp or embedded.self_reported_timestamp,
        time_stamped=stamp is not None,
        root_sha256=root.sha256.hex(),
    )


def _covers_everything(content: bytes, embedded: Any) -> None:
    start, before, after, rest = (int(number) for number in embedded.byte_range)
    if start != 0 or after + rest != len(content) or not 0 < before < after:
        raise _Failed(2, "the signature does not cover the file from its first byte to its last")
    embedded.compute_integrity_info()
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    if embedded.coverage != SignatureCoverageLevel.ENTIRE_FILE:
        raise _Failed(
            2, f"the signature covers {embedded.coverage.name.lower().replace('_', ' ')}, not the entire file"
        )


def _one_form(content: bytes, embedded: Any) -> None:
    from asn1crypto import cms

    _, before, after, _ = (int(number) for number in embedded.byte_range)
    written = content[before:after]
    container = bytes(embedded.pkcs7_content)
    info = cms.ContentInfo.load(container, strict=False)
    # A time stamp inside is its server's own encoding, which need not be DER and is judged in step 6.
    stamped = bool(embedded.signer_info["unsigned_attrs"])
    der: bytes = info.dump(force=not stamped)
    ours = b"<" + der.hex().upper().encode().ljust(after - before - 2, b"0") + b">"
    if written != ours:
        at = next(
            (n for n, (a, b) in enumerate(zip(written, ours, strict=False)) if a != b), min(len(written), len(ours))
        )
        raise _Failed(3, f"the signature's container was changed at byte {before + at} of the file")


def _pinned(embedded: Any, roots: tuple[bytes, ...]) -> Any:
    from asn1crypto import pem, x509

    trusted = {x509.Certificate.load(pem.unarmor(root)[2]).dump() for root in roots}
    inside = [cert.chosen for cert in embedded.signed_data["certificates"]]
    others = [cert for cert in inside if cert.dump() != embedded.signer_cert.dump()]
    if len(inside) != 2 or len(others) != 1:
        raise _Failed(4, f"the signature carries {len(inside)} certificates where ours carries two", FOREIGN)
    if others[0].dump() not in trusted:
        name = str(embedded.signer_cert.subject.human_friendly)
        raise _Failed(4, f'signed by "{name}" under a root that is not pinned here: not this organisation', FOREIGN)
    return others[0]


def _holds(embedded: Any, root: Any) -> Any:
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    moment = embedded.self_reported_timestamp
    context = ValidationContext(trust_roots=[root], allow_fetching=False, moment=moment)
    status = validate_pdf_signature(embedded, context, ts_validation_context=context)
    if not status.intact:
        raise _Failed(5, "the covered bytes are not the ones that were signed")
    if not status.valid:
        raise _Failed(5, "the signature does not fit its certificate")
    if not status.trusted:
        raise _Failed(5, "the signer's certificate was not issued by the pinned root, or not valid then", FOREIGN)
    if not status.docmdp_ok:
        raise _Failed(5, "the document was changed in a way its signature forbids")
    return status


def _nothing_beside(embedded: Any, status: Any) -> datetime | None:
    """The time that a stamp over the signature gives; None without one."""
    signer = embedded.signer_info
    beside = [attribute["type"].native for attribute in signer["unsigned_attrs"] or []]
    if embedded.signed_data["crls"]:
        raise _Failed(6, "the signature carries something that it does not cover: revocation lists")
    if not beside:
        return None
    if beside != ["signature_time_stamp_token"]:
        raise _Failed(6, f"the signature carries something that it does not cover: {', '.join(beside)}")
    stamp = status.timestamp_validity
    if stamp is None or not (stamp.intact and stamp.valid):
        raise _Failed(6, "the time stamp beside the signature does not hold")
    moment: datetime = stamp.timestamp
    return moment
