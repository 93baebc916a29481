"""Signatures that a time-stamp server dates: a real RFC 3161 exchange over HTTP with a server on this machine."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from asn1crypto import keys, tsp, x509
from cryptography import x509 as pki
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps import DummyTimeStamper
from sample import facts

from reports.build.general import build
from reports.render.pdf import render_pdf
from reports.sign import sign
from reports.signature import check_signature
from service.signing_keys import load_signing_identity, make_signing_keys

WHEN = dt.datetime(2026, 11, 2, 3, 0)
STAMPED = dt.datetime(2026, 11, 2, 3, 5, tzinfo=dt.UTC)


def stamper() -> DummyTimeStamper:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = pki.Name([pki.NameAttribute(NameOID.COMMON_NAME, "A time-stamp server of the test")])
    certificate = (
        pki.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(STAMPED - dt.timedelta(days=1))
        .not_valid_after(STAMPED + dt.timedelta(days=1000))
        .add_extension(pki.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(key, hashes.SHA256())
    )
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return DummyTimeStamper(
        tsa_cert=x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER)),
        tsa_key=keys.PrivateKeyInfo.load(der),
        fixed_dt=STAMPED,
    )


@pytest.fixture
def server() -> Iterator[str]:
    made = stamper()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            answer = made.request_tsa_response(asked).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    http = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}/"
    http.shutdown()
    thread.join()
    http.server_close()


def test_a_stamp_dates_the_signature(server: str, tmp_path: Path) -> None:
    make_signing_keys(tmp_path, org="Example Bank", now=WHEN)
    ours = load_signing_identity(tmp_path)
    pdf = render_pdf(build(facts()))
    signed = sign(pdf, ours, org="Example Bank", reason="Issued", moment=WHEN, timestamp_url=server)
    found = check_signature(signed, (ours.root,))
    assert (found.verdict, found.time_stamped, found.signed_at) == ("signed", True, STAMPED), found.told
    for at in (len(pdf) // 2, signed.rfind(b"/Contents <") + 3000, len(signed) - 40):
        changed = signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]
        assert check_signature(changed, (ours.root,)).verdict != "signed", at
