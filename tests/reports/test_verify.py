"""Verification: untouched is intact, anything else is changed, and what and where is named."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample import facts

from reports.build.general import build
from reports.compare import json_differences, recomputed_findings
from reports.elements import Report
from reports.identify import identify
from reports.render.html import render_html
from reports.render.json import render_json
from reports.render.pdf import render_pdf
from reports.tamper import change_one_digit
from reports.verify import RecordedReport, verify
from store.canonical import sha256_hex


@pytest.fixture(scope="module")
def report() -> Report:
    return build(facts())


@pytest.fixture(scope="module")
def pdf(report: Report) -> bytes:
    return render_pdf(report)


def recorded(report: Report, content: bytes, format_: str = "pdf") -> RecordedReport:
    sha256 = sha256_hex(content)
    return RecordedReport(id=report.id, format=format_, sha256=sha256, evidence_sha256=report.evidence_sha256, seq=414)


def test_untouched_is_intact_in_every_format(report: Report, pdf: bytes) -> None:
    for content, format_ in ((pdf, "pdf"), (render_html(report), "html"), (render_json(report), "json")):
        verdict = verify(content, recorded(report, content, format_))
        assert (verdict.integrity, verdict.signature, verdict.findings) == ("intact", "unsigned", ())
        assert verdict.completeness == "11 of 11 controls answered"


def test_one_digit_is_found_and_named(report: Report, pdf: bytes) -> None:
    copy, tampering = change_one_digit(pdf)
    assert len(copy) == len(pdf) and (tampering.before, tampering.after) == ("0.73", "0.83")
    assert identify(copy).problems == ()
    verdict = verify(copy, recorded(report, pdf), pdf)
    assert verdict.integrity == "changed"
    named = next(finding for finding in verdict.findings if finding.where == f"evidence.json: {tampering.path}")
    assert (named.expected, named.found) == ("0.73", "0.83") and "branch-north" in named.what
    without = verify(copy, recorded(report, pdf))
    assert without.integrity == "changed" and any("digest" in finding.what for finding in without.findings)


def test_a_file_nobody_recorded_is_unknown(pdf: bytes) -> None:
    verdict = verify(pdf, None)
    assert verdict.integrity == "unknown" and "nobody vouches" in verdict.completeness


def test_a_copy_with_another_digest_is_not_believed(report: Report, pdf: bytes) -> None:
    copy, _ = change_one_digit(pdf)
    verdict = verify(copy, recorded(report, pdf), copy)
    assert verdict.integrity == "changed" and verdict.steps[3].held is False


def test_appended_bytes_and_a_cut_are_named(report: Report, pdf: bytes) -> None:
    said = recorded(report, pdf)
    assert any("added after the end" in f.what for f in verify(pdf + b"\n", said, pdf).findings)
    assert any("cut short" in f.what for f in verify(pdf[:-100], said, pdf).findings)


def test_a_changed_text_in_html_and_json_is_named(report: Report) -> None:
    html = render_html(report)
    verdict = verify(html.replace(b"0.730 (0.700", b"0.830 (0.700", 1), recorded(report, html, "html"), html)
    assert any(f.where == "section fairness" for f in verdict.findings) and verdict.integrity == "changed"
    told = render_json(report)
    verdict = verify(told.replace(b'"kept":60000', b'"kept":60001', 1), recorded(report, told, "json"), told)
    assert any(f.where == "evidence.json: coverage[0].kept" for f in verdict.findings)


def test_any_byte_changed_is_noticed_and_nothing_raises(report: Report, pdf: bytes) -> None:
    said, random = recorded(report, pdf), Random(5)
    for _ in range(25):
        at = random.randrange(len(pdf))
        copy = pdf[:at] + bytes([pdf[at] ^ (1 << random.randrange(8))]) + pdf[at + 1 :]
        verdict = verify(copy, said, pdf)
        assert verdict.integrity == "changed" and verdict.findings


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"%PDF-1.7\n", b"{", b"<!doctype html>"]))
def test_no_bytes_make_it_raise(content: bytes, head: bytes) -> None:
    assert verify(head + content, None).integrity == "unknown"


def test_recomputed_evidence_that_agrees_has_no_findings(report: Report) -> None:
    assert recomputed_findings(report.evidence, build(facts()).evidence) == []
    other = {**report.evidence, "as_of": {"seq": 1, "at": "x"}}
    assert {f.where for f in recomputed_findings(report.evidence, other)} == {
        "recomputed evidence: as_of.at",
        "recomputed evidence: as_of.seq",
    }


def test_differences_tell_absent_from_null() -> None:
    found = list(json_differences({"a": None, "b": [1]}, {"b": [1, 2]}))
    assert [path for path, *_ in found] == ["a", "b[1]"]


@pytest.mark.long
@pytest.mark.parametrize("format_", ["html", "json"])
def test_none_of_five_hundred_edits_of_the_evidence_is_accepted(report: Report, format_: str) -> None:
    """Any byte of the file that carries the evidence: changed, taken out or put in."""
    whole = render_html(report) if format_ == "html" else render_json(report)
    said, random = recorded(report, whole, format_), Random(20261120)
    for turn in range(500):
        at = random.randrange(len(whole))
        changed = bytearray(whole)
        if turn % 3 == 0:
            changed[at] ^= 1 << random.randrange(8)
        elif turn % 3 == 1:
            del changed[at]
        else:
            changed.insert(at, random.randrange(256))
        verdict = verify(bytes(changed), said, whole)
        assert verdict.integrity == "changed" and verdict.findings, turn
