"""The calculation of a bias audit as 6 RCNY 5-301 describes it: rates and impact ratios by sex, by race/ethnicity, and
by both.

Complete cases only, as in the official example: who has no known sex or no known race/ethnicity is in none of the
tables and stands in one count. Nothing is imputed. There is no pass mark, and none is held against a ratio here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from reports import words
from reports.build.facts import GeneralFacts, Row
from reports.elements import Cell, Column, Element, Heading, Kind, Note, Section, Table, Text
from reports.impact import Category, Line, below_share, impact_table, median, rounded

SMALL = Fraction(2, 100)
LEAVING_OUT = "LL-08"
"""The control whose declaration justifies leaving categories below 2 % out of the ratios."""
EEO1 = (
    "Hispanic or Latino",
    "White",
    "Black or African American",
    "Native Hawaiian or Other Pacific Islander",
    "Asian",
    "American Indian or Alaska Native",
    "Two or More Races",
)
_ALSO = {
    "native hawaiian or pacific islander": EEO1[3],
    "native american or alaska native": EEO1[5],
    "two or more races": EEO1[6],
}


def eeo1_category(name: str) -> str | None:
    """The category of EEO-1 Component 1 that a declared value names; None where it names none."""
    plain = re.sub(r"\s*\(not hispanic or latino\)", "", name.strip(), flags=re.IGNORECASE).casefold()
    known = {one.casefold(): one for one in EEO1} | _ALSO
    return known.get(plain)


def impact_section(facts: GeneralFacts) -> Section:
    title = "Selection rates, scoring rates and impact ratios"
    if not facts.impact:
        nothing = Note(
            "The model file names no group of sex together with one of race/ethnicity, so nothing can be calculated.",
            caution=True,
        )
        return Section("impact", title, (nothing,))
    held = facts.impact
    elements: list[Element] = [
        Text(
            f"{words.count(held['unknown'])} people whose sex or race/ethnicity is not known are in none of the tables "
            "below. Categories are the ones that people or their records gave; none is imputed or inferred."
        )
    ]
    if held["left_out"]:
        elements.append(Note(f"Not from {words.listed(held['left_out'])}: noisy counts are not audited.", caution=True))
    if held["unmapped"]:
        told = f"{words.plural(held['unmapped'], 'outcome')} is none of the declared predictions. It is not counted as"
        elements.append(Note(f"{told} not selected; the rates leave these people out.", caution=True))
    justified = facts.declarations.get(LEAVING_OUT)
    leaving = justified is not None and not justified["not_applicable"]
    if leaving and justified is not None:
        elements.append(
            Text(f"Categories below 2 % are left out of the ratios, because: {words.clean(justified['text'])}")
        )
    elements.append(Heading("Selection"))
    elements += _tables(held["cells"], "selected", "Selection rate", leaving=leaving)
    elements += _scoring(held, leaving=leaving)
    return Section("impact", title, tuple(elements))


def _scoring(held: Row, *, leaving: bool) -> list[Element]:
    elements: list[Element] = [Heading("Scoring")]
    if not held["scores"]:
        return [*elements, Text(held["no_scores"])]
    for told, with_unknown in (("everybody who was scored", True), ("those in the tables", False)):
        middle = median([(Fraction(one["score"]), one["n"]) for one in held["scores"] if with_unknown or one["sex"]])
        if middle is None:
            continue
        elements.append(Text(f"With the median score of {told}, {float(middle):g}; above means strictly above."))
        elements += _tables(above(held["scores"], middle), "selected", "Scoring rate", leaving=leaving)
        if not any(one["sex"] is None for one in held["scores"]):
            break
    return elements


def above(scores: Iterable[Row], middle: Fraction) -> list[Row]:
    """Cells of known sex and race: n, and as `selected` those whose score is above the median."""
    cells: dict[tuple[str, str], list[int]] = {}
    for one in scores:
        if one["sex"] is not None:
            cell = cells.setdefault((one["sex"], one["race"]), [0, 0])
            cell[0] += one["n"]
            cell[1] += one["n"] if Fraction(one["score"]) > middle else 0
    return [{"sex": sex, "race": race, "n": n, "selected": k} for (sex, race), (n, k) in cells.items()]


def _tables(cells: list[Row], of: str, rate: str, *, leaving: bool) -> list[Element]:
    ways = (("sex", ("sex",)), ("race/ethnicity", ("race",)), ("sex and race/ethnicity", ("sex", "race")))
    return [_table(categories(cells, by), f"{rate} by {name}", rate, leaving=leaving) for name, by in ways]


def categories(cells: Iterable[Row], by: tuple[str, ...]) -> list[Category]:
    """Cells added up over what `by` does not name, in the order in which they first come."""
    sums: dict[tuple[str, ...], list[int]] = {}
    for cell in cells:
        held = sums.setdefault(tuple(str(cell[name]) for name in by), [0, 0])
        held[0] += cell["n"]
        held[1] += cell["selected"]
    return [Category(name=name, n=n, selected=k) for name, (n, k) in sums.items() if n]


def _table(held: list[Category], title: str, rate: str, *, leaving: bool) -> Table:
    small = [one.name for one in below_share(held, SMALL)] if leaving else []
    lines = impact_table(held, left_out=small)
    columns = (
        Column("Category", width=2.4),
        Column("n", Kind.NUMBER, 0.8),
        Column("Selected" if rate.startswith("Selection") else "Above", Kind.NUMBER, 0.8),
        Column(rate, Kind.NUMBER, 0.9),
        Column("Impact ratio", Kind.NUMBER, 0.9),
        Column("Share of all", Kind.NUMBER, 0.8),
    )
    rows = tuple(_row(line) for line in lines)
    unnamed = [words.clean(" / ".join(line.category.name)) + ": " + line.why for line in lines if line.why]
    return Table(title, columns, rows, note="; ".join(unnamed), empty="nobody of known sex and race/ethnicity")


def _row(line: Line) -> tuple[Cell, ...]:
    held = line.category
    return (
        Cell(words.clean(" / ".join(held.name))),
        words.counted(held.n),
        words.counted(held.selected),
        _percent(line.rate),
        Cell("not calculated") if line.ratio is None else Cell(str(rounded(line.ratio, 3)), float(line.ratio)),
        _percent(line.share),
    )


def _percent(value: Fraction | None) -> Cell:
    """Half up from the exact fraction, as the official example prints; a float would round some halves down."""
    return Cell("not calculated") if value is None else Cell(f"{rounded(value * 100, 1)}%", float(value))
