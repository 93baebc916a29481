"""Signatures on PDF reports: PAdES B-B with the organisation's key (B-T where a time-stamp server is configured).

`sign` appends one signature that certifies the whole file and forbids later changes. The file it is given must end with
a newline: without one the appended revision breaks PDF/A (ISO 19005, 6.1.9), which the renderer takes care of.
Takes keys and the moment as parameters; checking is reports/signature.py.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from store.errors import BadInput, Retryable

FIELD = "Signature of the organisation"
READABLE = "Signature of the organisation over the whole report"
RESERVED = 16_384
"""Hex digits kept for the signature: room for three certificates; with a time stamp, twice that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIdentity:
    """PEM texts: the signing key (PKCS #8, not encrypted), its certificate, and the root that issued it."""

    key: bytes
    certificate: bytes
    root: bytes


def sign(
    pdf: bytes,
    identity: SigningIdentity,
    *,
    org: str,
    reason: str,
    moment: datetime,
    timestamp_url: str | None = None,
) -> bytes:
    """The signed file. moment: naive UTC, the signer's own claim. reason: `Draft` or `Issued`, shown by PDF readers.

    Raises BadInput where the file is not one of ours to sign, Retryable where the time-stamp server does not answer.
    """
    if not pdf.endswith(b"\n"):
        raise BadInput(
            "the PDF does not end with a newline, which its signature needs", advice="Build the report again."
        )
    try:
        return asyncio.run(_signed(pdf, identity, org, reason, moment.replace(tzinfo=UTC), timestamp_url))
    except OSError as error:
        raise _unanswered(timestamp_url, error) from error


async def _signed(
    pdf: bytes, identity: SigningIdentity, org: str, reason: str, moment: datetime, timestamp_url: str | None
) -> bytes:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
    from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
    from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes

    metadata = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        name=org,
        reason=reason,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        subfilter=SigSeedSubFilter.PADES,
    )
    timestamper = _timestamper(timestamp_url)
    signer = PdfSigner(
        metadata,
        signer=_signer(identity),
        timestamper=timestamper,
        new_field_spec=SigFieldSpec(FIELD, readable_field_name=READABLE),
    )
    session = signer.init_signing_session(IncrementalPdfFileWriter(BytesIO(pdf)))
    session.system_time = moment
    document = session.prepare_tbs_document(
        validation_info=None, bytes_reserved=RESERVED * (2 if timestamper else 1), appearance_text_params=None
    )
    digest, output = document.digest_tbs_document()
    signed = await document.perform_signature(
        document_digest=digest.document_digest,
        pdf_cms_signed_attrs=PdfCMSSignedAttributes(signing_time=moment),
    )
    await signed.post_signature_processing(output)
    output.seek(0)
    return bytes(output.read())


def _signer(identity: SigningIdentity) -> Any:
    from asn1crypto import keys, pem, x509
    from pyhanko.sign.signers import SimpleSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]  # pyHanko ships its types without this one
    store.register(x509.Certificate.load(pem.unarmor(identity.root)[2]))
    return SimpleSigner(
        signing_cert=x509.Certificate.load(pem.unarmor(identity.certificate)[2]),
        signing_key=keys.PrivateKeyInfo.load(pem.unarmor(identity.key)[2]),
        cert_registry=store,
        embed_roots=True,
    )


def _timestamper(url: str | None) -> Any:
    if url is None:
        return None
    from pyhanko.sign.timestamps import HTTPTimeStamper

    return HTTPTimeStamper(url, timeout=20)


def _unanswered(url: str | None, error: OSError) -> Retryable:
    return Retryable(
        f"the time-stamp server {url} does not answer: {error}",
        advice="Try again later, or issue without one by taking time_stamp out of [reports].",
    )
