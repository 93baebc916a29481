"""Selection rates, scoring rates and impact ratios, exactly: fractions of counts, rounded only where they are printed.

    rate = selected / n; for a tool that scores, n is who was assessed and selected who is above the sample's median
    impact ratio = rate / the highest rate of the table

as 6 RCNY 5-300 defines them (selected most, or the highest scoring rate). A category that is left out of the ratios
keeps its n and its rate and is never the denominator. No limit is held against them here: that is another question.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from store.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One line of a table: `name` is a group, or groups met, such as ("Female", "Asian")."""

    name: tuple[str, ...]
    n: int
    selected: int

    def __post_init__(self) -> None:
        if not 0 <= self.selected <= self.n:
            raise BadInput(
                f"{' / '.join(self.name)}: {self.selected} selected of {self.n}",
                advice="Counts are whole numbers, and nobody is selected who was not considered.",
            )

    @property
    def rate(self) -> Fraction | None:
        """None where nobody was considered."""
        return Fraction(self.selected, self.n) if self.n else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    category: Category
    rate: Fraction | None
    ratio: Fraction | None
    """None where it is left out, where nobody was considered, or where nobody was selected in any category."""
    share: Fraction
    """Of all in the table."""
    left_out: bool
    why: str = ""
    """Why there is no ratio."""


def impact_table(categories: Sequence[Category], *, left_out: Collection[tuple[str, ...]] = ()) -> list[Line]:
    """The lines of a table, in the order given. `left_out`: names whose ratio is not calculated."""
    unknown = [name for name in left_out if name not in {one.name for one in categories}]
    if unknown:
        raise BadInput(f"{' / '.join(unknown[0])} is to be left out and is no category of this table")
    total = sum(one.n for one in categories)
    rates = [one.rate for one in categories if one.name not in left_out and one.rate is not None]
    highest = max(rates, default=None)
    return [_line(one, highest, total, left_out=one.name in left_out) for one in categories]


def _line(one: Category, highest: Fraction | None, total: int, *, left_out: bool) -> Line:
    why = ""
    if left_out:
        why = "left out of the ratios"
    elif one.rate is None:
        why = "nobody was considered"
    elif not highest:
        why = "nobody was selected in any category"
    ratio = one.rate / highest if not why and one.rate is not None and highest else None
    share = Fraction(one.n, total) if total else Fraction(0)
    return Line(category=one, rate=one.rate, ratio=ratio, share=share, left_out=left_out, why=why)


def below_share(categories: Iterable[Category], share: Fraction) -> list[Category]:
    """Categories smaller than a share of the data: those that 6 RCNY 5-301(d) lets an auditor leave out (2 %)."""
    held = list(categories)
    total = sum(one.n for one in held)
    return [one for one in held if one.n < share * total]


def median(scores: Sequence[tuple[Fraction, int]]) -> Fraction | None:
    """The median of a sample given as (score, how many); the mean of the two middle ones where it is even."""
    ordered = sorted((score, count) for score, count in scores if count)
    total = sum(count for _, count in ordered)
    if not total:
        return None
    return (_at(ordered, (total - 1) // 2) + _at(ordered, total // 2)) / 2


def _at(ordered: Sequence[tuple[Fraction, int]], place: int) -> Fraction:
    seen = 0
    for score, count in ordered:
        seen += count
        if place < seen:
            return score
    raise IndexError(place)


def rounded(value: Fraction, digits: int, *, truncate: bool = False) -> Decimal:
    """To so many decimals, halves up (the convention of the published examples), or cut off."""
    whole, rest = divmod(value.numerator * 10**digits, value.denominator)
    up = not truncate and 2 * rest >= value.denominator
    return Decimal(whole + up).scaleb(-digits)
