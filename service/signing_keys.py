"""The organisation's signing identity for reports: a root of its own, and the certificate that signs under it.

Promises: private keys are readable by their owner alone; the root's certificate is what others pin, and its fingerprint
is what they compare over another channel. The certificates say what they are: an organisation's own seal, issued by
itself, not a qualified one of any regime.

The signing key is RSA with PKCS #1 v1.5 on purpose: every PDF reader knows it, and a signature under it has one form
only, so that no byte of a signed file can be changed and still be accepted (an ECDSA signature has a twin that verifies
as well). The root, whose certificate is compared as a whole, is P-256.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from reports.sign import SigningIdentity
from service.secret_files import write_secret
from store.errors import BadInput

EARLIER = "earlier-roots"
"""Beside keys/: root certificates under which reports were signed before this hub was restored without its keys."""
ROOT_KEY, ROOT_CERTIFICATE = "reports-root.key", "reports-root.pem"
SIGNING_KEY, SIGNING_CERTIFICATE = "reports-signing.key", "reports-signing.pem"
BITS = 3072
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
ROOT_YEARS, SIGNING_YEARS = 30, 10
UNNAMED = "An organisation without a name"


def make_signing_keys(folder: Path, *, org: str, now: dt.datetime) -> str:
    """Makes root and signing certificate in keys/; returns the root's SHA-256 fingerprint. now: naive UTC."""
    root_key = ec.generate_private_key(ec.SECP256R1())
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    name = org.strip()[:60] or UNNAMED
    root_name = _name(name, "report root")
    root = (
        _builder(root_name, root_name, root_key, now, ROOT_YEARS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        _builder(_name(name, "reports"), root_name, key, now, SIGNING_YEARS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    write_secret(folder / ROOT_KEY, _private(root_key))
    write_secret(folder / SIGNING_KEY, _private(key))
    # Certificates are public; in this folder everything is narrow, so that one check sees what is not.
    write_secret(folder / ROOT_CERTIFICATE, root.public_bytes(serialization.Encoding.PEM))
    write_secret(folder / SIGNING_CERTIFICATE, leaf.public_bytes(serialization.Encoding.PEM))
    return fingerprint(root)


def load_signing_identity(folder: Path) -> SigningIdentity:
    """The identity in keys/; raises BadInput naming the file that is missing."""
    missing = [name for name in (SIGNING_KEY, SIGNING_CERTIFICATE, ROOT_CERTIFICATE) if not (folder / name).exists()]
    if missing:
        raise BadInput(
            f"{folder / missing[0]} is missing: reports cannot be signed",
            advice="Restore it from a backup made --with-keys.",
            details={"missing": missing},
        )
    return SigningIdentity(
        key=(folder / SIGNING_KEY).read_bytes(),
        certificate=(folder / SIGNING_CERTIFICATE).read_bytes(),
        root=(folder / ROOT_CERTIFICATE).read_bytes(),
    )


def roots(hub_folder: Path) -> tuple[bytes, ...]:
    """The root certificates (PEM) that this hub pins: its own, and those it signed under before."""
    own = hub_folder / "keys" / ROOT_CERTIFICATE
    found = [own] if own.exists() else []
    return tuple(path.read_bytes() for path in [*found, *sorted((hub_folder / EARLIER).glob("*.pem"))])


def root_digest(identity: SigningIdentity) -> str:
    """SHA-256 (hex) of the root certificate's DER: what a report prints and a reader compares."""
    return x509.load_pem_x509_certificate(identity.root).fingerprint(hashes.SHA256()).hex()


def fingerprint(certificate: x509.Certificate) -> str:
    """`SHA256:` and the 64 hexadecimal digits, in fours, as people compare them."""
    digits = certificate.fingerprint(hashes.SHA256()).hex()
    return "SHA256:" + " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _name(org: str, role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, org),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{org[:40]}, {role}"),
        ]
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: Key, now: dt.datetime, years: int) -> x509.CertificateBuilder:
    start = now.replace(tzinfo=dt.UTC, microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - dt.timedelta(days=1))
        .not_valid_after(start + dt.timedelta(days=365 * years))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=not signs_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
