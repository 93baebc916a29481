"""The bias audit's tables: complete cases, exact figures, the official example through the section itself."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sample import facts

from reports.build.general import build
from reports.build.impact import above, categories, eeo1_category, impact_section
from reports.elements import Table
from reports.packs import load_pack
from reports.render.pdf import render_pdf

LAW = Path(os.environ.get("BAILIWICK_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data")).parent / "law"


def counts(cells: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    nothing = {"scores": [], "no_scores": "The model file names no score.", "left_out": [], "unmapped": 0, "unknown": 0}
    return {"cells": cells, "races": sorted({cell["race"] for cell in cells}), **nothing, **more}


def told(held: dict[str, Any], **more: Any) -> tuple[list[Table], str]:
    section = impact_section(replace(facts(), impact=held, **more))
    tables = [element for element in section.elements if isinstance(element, Table)]
    return tables, " ".join(str(element) for element in section.elements if not isinstance(element, Table))


def official() -> list[dict[str, str]]:
    path = LAW / "nyc_ll144" / "example_selection.csv"
    if not path.exists():
        pytest.skip(f"the official examples are not at {LAW}")
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.realdata
def test_the_official_example_through_the_section() -> None:
    lines = official()
    cells = [
        {"sex": x["sex"], "race": x["race_ethnicity"], "n": int(x["n_applicants"]), "selected": int(x["n_selected"])}
        for x in lines
        if x["table"] == "intersectional"
    ]
    (sex, _, both), words = told(counts(cells, unknown=250))
    assert "250 people" in words and "imputed" in words
    printed = {row[0].text: (row[3].text, row[4].text) for row in both.rows}
    for x in lines:
        if x["table"] == "intersectional":
            ratio = x["impact_ratio_printed"]
            assert printed[f"{x['sex']} / {x['race_ethnicity']}"] == (x["selection_rate_printed"], ratio)
    assert {row[0].text: row[4].text for row in sex.rows} == {"Male": "1.000", "Female": "0.979"}
    # The categories below 2 % stay: leaving them out is the auditor's choice, and needs a justification.
    assert all(row[4].text != "not calculated" for row in both.rows)
    said = {
        "LL-08": {"text": "too few to be stable", "not_applicable": False, "by": "anna", "at": "2026-11-01T00:00:00Z"}
    }
    (_, _, fewer), words = told(counts(cells), declarations=said)
    without = [row[0].text for row in fewer.rows if row[4].text == "not calculated"]
    assert len(without) == 3 and "too few to be stable" in words
    assert all(row[3].text.endswith("%") for row in fewer.rows), "n and rate stay in the table"


def test_scores_are_held_against_the_median_strictly() -> None:
    scores = [
        {"sex": "F", "race": "Asian", "score": 1.0, "n": 2},
        {"sex": "F", "race": "White", "score": 2.0, "n": 1},
        {"sex": "M", "race": "White", "score": 3.0, "n": 2},
        {"sex": None, "race": None, "score": 9.0, "n": 4},
    ]
    assert above(scores, Fraction(2)) == [
        {"sex": "F", "race": "Asian", "n": 2, "selected": 0},
        {"sex": "F", "race": "White", "n": 1, "selected": 0},
        {"sex": "M", "race": "White", "n": 2, "selected": 2},
    ]
    cells = [{"sex": "F", "race": "Asian", "n": 2, "selected": 1}, {"sex": "M", "race": "White", "n": 2, "selected": 1}]
    tables, words = told(counts(cells, scores=scores, unknown=4))
    # Whether people of unknown category enter the median is not settled by the text: both are shown.
    assert len(tables) == 9 and "everybody who was scored, 3" in words and "those in the tables, 2" in words


def test_cells_add_up_and_categories_are_known_by_their_names() -> None:
    cells = [{"sex": s, "race": r, "n": 10, "selected": k} for s, r, k in (("F", "Asian", 1), ("M", "Asian", 3))]
    assert [(one.name, one.n, one.selected) for one in categories(cells, ("race",))] == [(("Asian",), 20, 4)]
    assert eeo1_category("White (Not Hispanic or Latino)") == "White"
    assert eeo1_category("Native American or Alaska Native") == "American Indian or Alaska Native"
    assert eeo1_category("Martian") is None


def test_what_is_not_there_is_said() -> None:
    tables, words = told({})
    assert tables == [] and "nothing can be calculated" in words
    _, words = told(counts([], left_out=["edge"], unmapped=3))
    assert "noisy counts are not audited" in words and "3 outcomes" in words


def test_the_workpaper_is_set_and_claims_nothing_it_is_not() -> None:
    cells = [
        {"sex": s, "race": r, "n": 100 + 7 * len(r), "selected": 40 + len(s)}
        for s in ("Female", "Male")
        for r in ("White", "Asian", "Martian")
    ]
    report = build(replace(facts(), pack=load_pack("nyc-ll144"), impact=counts(cells, unknown=12)))
    about = str(report.sections[0])
    assert "It is not a bias audit" in about and "checked" in about.casefold() and "to be asked" in about
    assert "Martian" in str([control for control in report.evidence["controls"] if control["id"] == "LL-04"])
    assert [section.id for section in report.sections][:3] == ["about", "coverage", "impact"]
    assert render_pdf(report).startswith(b"%PDF-1.7")
