"""The three renderers agree cell for cell, give the same bytes for the same facts, and ask nothing of the outside."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from shutil import which

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample import empty_facts, facts, hostile_facts

from reports.build.general import build
from reports.elements import Report, Table
from reports.render.html import render_html
from reports.render.json import render_json
from reports.render.pdf import page_document, render_pdf, typeset, write_request
from reports.render.safe_text import safe_text

HOSTILE = '#read("/etc/passwd") $x$ *b* ]#panic()[ <script>alert(1)</script> \u202eevil\u202c 模型 🙂 \x00'
needs_poppler = pytest.mark.skipif(which("pdftotext") is None, reason="poppler-utils is not installed")


@pytest.fixture(scope="module")
def report() -> Report:
    return build(facts())


@pytest.fixture(scope="module")
def pdf(report: Report) -> bytes:
    return render_pdf(report)


def test_same_facts_same_bytes(report: Report, pdf: bytes) -> None:
    again = build(facts())
    assert (render_pdf(again), render_html(again), render_json(again)) == (
        pdf,
        render_html(report),
        render_json(report),
    )


def test_the_pdf_can_be_signed_later_and_says_what_it_conforms_to(pdf: bytes) -> None:
    assert pdf.endswith(b"%%EOF\n")
    assert b'pdfaid:part="3"' in pdf or b"<pdfaid:part>3</pdfaid:part>" in pdf
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf or b'pdfuaid:part="1"' in pdf


class Cells(HTMLParser):
    """The texts of table cells, row by row."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag == "span" and dict(attrs).get("class") == "v":
            self.inside = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "span"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def tables(report: Report) -> list[Table]:
    return [element for section in report.sections for element in section.elements if isinstance(element, Table)]


def test_html_and_json_tell_the_same_cells(report: Report) -> None:
    expected = [[cell.text for cell in row] for table in tables(report) for row in table.rows]
    reader = Cells()
    reader.feed(render_html(report).decode())
    assert [row for row in reader.rows if row] == expected
    told = [
        [cell["text"] for cell in row]
        for section in json.loads(render_json(report))["sections"]
        for element in section["elements"]
        if element["element"] == "Table"
        for row in element["rows"]
    ]
    assert told == expected


def packed(text: str) -> str:
    """Without spaces and break opportunities: lines break where the column is narrow."""
    return re.sub(r"[\s\u200b\u00ad]+", "", text)


@needs_poppler
def test_the_pdf_tells_the_same_cells(report: Report, pdf: bytes, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf)
    read = subprocess.run(["pdftotext", "-raw", str(path), "-"], capture_output=True, check=True).stdout.decode()
    text = packed(read)
    for table in tables(report):
        assert packed(table.title) in text
        for row in table.rows:
            for cell in row:
                assert packed(safe_text(cell.text)) in text, cell.text


def test_html_runs_nothing_and_asks_nobody(report: Report) -> None:
    for made in (render_html(report), render_html(build(hostile_facts(HOSTILE)))):
        text = made.decode()
        assert "<script" not in text.lower() and "default-src 'none'" in text
        assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", text)
        assert "\u202e" not in text and "\x00" not in text


def test_evidence_in_each_file_is_the_same(report: Report, pdf: bytes) -> None:
    from reports.identify import identify

    for made in (pdf, render_html(report), render_json(report)):
        inside = identify(made)
        assert inside.report_id == report.id
        assert inside.evidence_sha256 == inside.printed_sha256 == report.evidence_sha256
        assert inside.evidence_document() == report.evidence


def test_an_empty_hub_has_a_report_without_percentages() -> None:
    made = build(empty_facts())
    render_pdf(made)
    assert "0.0 %" not in render_html(made).decode() and "100.0 %" not in render_html(made).decode()


def test_hostile_names_are_printed_and_not_run() -> None:
    made = build(hostile_facts(HOSTILE))
    assert render_pdf(made).startswith(b"%PDF-")
    printed = page_document(made)["title"]
    assert printed.startswith('#read("/etc/passwd")') and "\\u{6A21}" in printed and "\\u{202E}" in printed


SMALL = build(replace(empty_facts(), pack=replace(empty_facts().pack, sections=("about",))))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=4, max_size=4))
def test_no_text_ever_stops_a_report(texts: list[str]) -> None:
    title, label, value, sentence = texts
    made = replace(SMALL, title=title or "-", subtitle=sentence, scope=((label, value),), summary=(sentence,))
    assert render_pdf(made).startswith(b"%PDF-")
    render_html(made)
    render_json(made)


def test_every_character_said_to_be_shown_is_shown() -> None:
    from reports.render.safe_text import _SHOWN, shown

    every = [chr(code) for first, last in _SHOWN for code in range(first, last + 1) if shown(chr(code))]
    document = page_document(SMALL)
    document["summary"] = [" ".join(every[at : at + 100]) for at in range(0, len(every), 100)]
    document["scope"] = [["bold", "".join(every)]]
    assert typeset(document, "{}").startswith(b"%PDF-")


def test_the_subprocess_gives_the_same_bytes(report: Report, pdf: bytes, tmp_path: Path) -> None:
    write_request(report, tmp_path / "request.json", out=tmp_path / "out.pdf")
    command = [sys.executable, "-m", "reports.render.pdf", str(tmp_path / "request.json")]
    done = subprocess.run(command, capture_output=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "out.pdf").read_bytes() == pdf
