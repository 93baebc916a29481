"""Packs are read strictly: a half-understood pack shapes no document."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

import pytest
from fleet_sample import fleet
from sample import facts

from reports.build.controls import gaps
from reports.build.fleet import build_fleet
from reports.build.general import build
from reports.packs import load_pack, pack_names, parse_pack
from reports.render.pdf import render_pdf
from store.errors import BadInput, UnknownName

TEXT = files("reports").joinpath("packs", "general.toml").read_text("utf-8")


@pytest.mark.parametrize("name", pack_names())
def test_each_pack_that_ships_loads(name: str) -> None:
    assert load_pack(name).id == name


def test_an_unknown_pack_names_the_known() -> None:
    with pytest.raises(UnknownName) as error:
        load_pack("genral")
    assert "general" in error.value.advice


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("version =", "verson =", "unknown key 'verson'"),
        ("date = 2026-11-20", 'date = "yesterday"', "expected a TOML date"),
        ('needs = "owner"', 'needs = "ownr"', "unknown name 'ownr'"),
        ('"drift",', '"drifts",', "unknown name 'drifts'"),
        ("required = true", 'required = "yes"', "expected true or false"),
        ('id = "G-02"', 'id = "G-01"', "stands there twice"),
        ('"about", "coverage", "not_looked_at"', '"about", "not_looked_at", "coverage"', "coverage must stand"),
        ('schema = "', "schema = ", "not TOML"),
    ],
)
def test_a_pack_with_a_mistake_is_refused_by_name(before: str, after: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse_pack(TEXT.replace(before, after, 1), source="mine.toml")


@pytest.mark.parametrize("name", pack_names())
def test_each_pack_sets_a_pdf_and_says_what_it_is_not(name: str) -> None:
    pack = load_pack(name)
    report = build(replace(facts(), pack=pack)) if pack.subject == "model" else build_fleet(fleet(pack))
    assert "What it is not" in str(report.sections[0])
    assert render_pdf(report).startswith(b"%PDF-1.7")
    assert load_pack(name).not_read_at_source == []


def test_a_control_on_a_text_that_was_not_read_stands_in_the_way() -> None:
    text = files("reports").joinpath("packs", "nyc-ll144.toml").read_text("utf-8")
    pack = parse_pack(text.replace('grade = "V"', 'grade = "S"', 1), source="mine.toml")
    assert any("LL-01 rests on" in told for told in pack.not_read_at_source)
    report = build(replace(facts(), pack=pack))
    assert "cannot be issued" in str(report.sections[0])
    assert any("was not read at its source" in gap for gap in gaps(replace(facts(), pack=pack)))


def test_a_superseded_pack_warns() -> None:
    pack = parse_pack(TEXT.replace("sections = [", 'superseded_by = "general-2"\nsections = [', 1), source="mine.toml")
    assert "superseded by general-2" in str(build(replace(facts(), pack=pack)).sections[0])


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('kind = "declared"', 'kind = "evidence"', "unknown name 'evidence'"),
        ('grade = "V"', 'grade = "A"', "unknown name 'A'"),
        ('source = "rule"', 'source = "rool"', "unknown name 'rool'"),
        ('needs = "impact_measured"', 'needs = "declaration"', "cannot need"),
        ("checked_on = 2026-11-20", 'checked_on = "then"', "expected a TOML date"),
    ],
)
def test_law_is_read_as_strictly(before: str, after: str, said: str) -> None:
    text = files("reports").joinpath("packs", "nyc-ll144.toml").read_text("utf-8")
    assert before in text
    with pytest.raises(BadInput, match=said):
        parse_pack(text.replace(before, after, 1), source="mine.toml")
