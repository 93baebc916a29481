"""Published audits checked by arithmetic: the official examples, exactly, and what each kind of mistake is called."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.claims import check_claims, count_claims, read_claims
from reports.impact import Category, below_share, impact_table, median, rounded
from store.errors import BadInput

LAW = Path(os.environ.get("BAILIWICK_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data")).parent / "law"


def found(text: str) -> list[tuple[str, int | None, str, str]]:
    return [
        (one.kind, one.line, one.claimed, one.computed) for one in check_claims(read_claims(text, source="audit.csv"))
    ]


def official(name: str) -> str:
    path = LAW / "nyc_ll144" / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"the official examples are not at {LAW}")
    return path.read_text(encoding="utf-8")


@pytest.mark.realdata
def test_the_official_selection_example() -> None:
    """All 23 rates and ratios follow from their counts; the race table was made of other people than the other two."""
    rows = read_claims(official("example_selection"), source="selection")
    assert (len(rows), count_claims(rows)) == (23, 46)
    told = check_claims(rows)
    assert [one.kind for one in told] == ["tables_differ"]
    assert "2,571 with 1,222" in told[0].claimed and "2,584 with 1,254" in told[0].claimed


@pytest.mark.realdata
def test_the_official_scoring_example() -> None:
    """Counts above the median are not printed: each rate is some whole number's; one is cut off, two misprinted."""
    rows = read_claims(official("example_scoring"), source="scoring")
    assert (len(rows), count_claims(rows)) == (23, 46) and all(row.selected is None for row in rows)
    told = [(one.kind, one.claimed, one.computed) for one in check_claims(rows)]
    assert told == [
        ("truncated", "64.2%", "64.3%"),
        ("misprint", "62.5", "62.5%"),
        ("misprint", ".67", "0.67"),
    ]


HEAD = "sex,n,selected,selection_rate,impact_ratio\n"


def test_what_does_not_follow_is_told_with_what_does() -> None:
    text = HEAD + "Male,1390,667,48%,1.00\nFemale,1181,555,57%,0.94\n"
    assert found(text) == [("does_not_follow", 3, "57%", "47%"), ("does_not_follow", 3, "0.94", "0.98")]


def test_a_figure_that_was_cut_off_is_told_apart() -> None:
    assert found("group,n,selected,rate\nA,28,18,64.2%\nB,28,18,64.3%\n") == [("truncated", 2, "64.2%", "64.3%")]


def test_a_rate_that_no_whole_number_gives_is_impossible() -> None:
    assert found("group,n,scoring_rate\nA,8,60%\n") == [("impossible", 2, "60%", "none")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no column of counts"),
        ("sex,n\nMale,3\n", "no column of rates"),
        ("sex,n,rate\n", "no line"),
        ("sex,n,rate\nMale,many,3%\n", "no whole number"),
        ("sex,n,selected,rate\nMale,3,4,3%\n", "4 selected of 3"),
        ("sex,n,rate\nMale,3,about half\n", "no rate"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        read_claims(text, source="audit.csv")


@given(st.lists(st.tuples(st.integers(1, 5000), st.floats(0, 1)), min_size=1, max_size=8), st.integers(2, 4))
def test_what_was_printed_from_the_counts_follows_from_them(groups: list[tuple[int, float]], digits: int) -> None:
    categories = [Category(name=(f"g{at}",), n=n, selected=int(n * share)) for at, (n, share) in enumerate(groups)]
    lines = impact_table(categories)
    text = "group,n,selected,rate,ratio\n" + "".join(
        f"{line.category.name[0]},{line.category.n},{line.category.selected},"
        f"{rounded(line.rate or Fraction(0), digits)},{'' if line.ratio is None else rounded(line.ratio, digits)}\n"
        for line in lines
    )
    assert found(text) == []


def test_a_category_that_is_left_out_is_never_the_denominator() -> None:
    held = [Category(name=("a",), n=1000, selected=400), Category(name=("b",), n=10, selected=9)]
    assert [one.name for one in below_share(held, Fraction(2, 100))] == [("b",)]
    a, b = impact_table(held, left_out=[("b",)])
    assert (a.ratio, b.ratio, b.rate) == (1, None, Fraction(9, 10)) and b.why == "left out of the ratios"
    assert impact_table(held)[0].ratio == Fraction(4, 9)
    nobody = impact_table([Category(name=("a",), n=5, selected=0), Category(name=("b",), n=0, selected=0)])
    assert [line.ratio for line in nobody] == [None, None]
    with pytest.raises(BadInput, match="no category"):
        impact_table(held, left_out=[("c",)])
    with pytest.raises(BadInput, match="6 selected of 5"):
        Category(name=("a",), n=5, selected=6)


def test_rounding_and_the_median_are_exact() -> None:
    assert str(rounded(Fraction(5, 8), 2)) == "0.63" and str(rounded(Fraction(5, 8), 2, truncate=True)) == "0.62"
    assert str(rounded(Fraction(1, 1), 3)) == "1.000"
    assert median([(Fraction(3), 1), (Fraction(1), 2)]) == 1
    assert median([(Fraction(3), 2), (Fraction(1), 2)]) == 2
    assert median([]) is None
