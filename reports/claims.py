"""An audit that somebody else published: what of its rates and ratios does not follow from its counts.

Reads a CSV with one line a category. Columns are found by their names, whatever else stands there:

    table            which table a line belongs to; without it, all lines are one table
    n                how many were considered (`n`, `n_applicants`, `applicants`, `total`, `count`)
    selected         how many were selected, or scored above the median (`selected`, `n_selected`, `n_above_median`);
                     may be missing: then a rate is checked for being the rate of any whole number
    rate, ratio      as published (`selection_rate`, `scoring_rate`, `rate`, `impact_ratio`, `ratio`, `..._printed`)

Every other column that holds text names the category. A claim follows when the exact figure, rounded half up to the
digits that were printed, is the claim. What does not follow is told with what does, and, where it is so, that it was
cut off instead of rounded, or that a percent sign is missing. It is arithmetic: it says nothing about fairness.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from reports.impact import rounded
from store.errors import BadInput

_NAMES = {
    "table": ("table",),
    "n": ("n", "n_applicants", "applicants", "n_assessed", "assessed", "total", "count"),
    "selected": ("selected", "n_selected", "n_above_median", "above_median"),
    "rate": ("rate", "selection_rate", "scoring_rate", "selection_rate_printed", "scoring_rate_printed"),
    "ratio": ("ratio", "impact_ratio", "impact_ratio_printed"),
}
_CLAIM = re.compile(r"(\d*)(?:\.(\d+))?\s*(%?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A figure as it was printed."""

    text: str
    value: Decimal
    """As a share: 48% is 0.48."""
    digits: int
    """Decimals of the share that the print can tell: 2 for 48%, 3 for 0.979."""
    percent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    line: int
    table: str
    name: str
    n: int
    selected: int | None
    rate: Claim | None
    ratio: Claim | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    kind: str
    """`does_not_follow`, `impossible`, `truncated`, `misprint`, or `tables_differ`."""
    line: int | None
    where: str
    claimed: str
    computed: str
    told: str

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "line": self.line,
            "where": self.where,
            "claimed": self.claimed,
            "computed": self.computed,
            "told": self.told,
        }


def read_claims(text: str, *, source: str) -> list[Row]:
    """The lines of a CSV; raises BadInput naming the line and column that cannot be read."""
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    columns = [name for name in reader.fieldnames or [] if name]
    places = {role: _column(columns, names) for role, names in _NAMES.items()}
    if places["n"] is None:
        raise BadInput(
            f"{source}: there is no column of counts",
            advice=f"Name one {' or '.join(_NAMES['n'][:3])}; found: {', '.join(columns) or 'no header'}.",
        )
    if places["rate"] is None and places["ratio"] is None:
        raise BadInput(f"{source}: there is no column of rates or ratios", advice="Name one rate, or impact_ratio.")
    taken = {name for name in places.values() if name is not None}
    naming = [name for name in columns if name not in taken]
    rows = [_row(record, places, naming, number, source) for number, record in enumerate(reader, 2)]
    if not rows:
        raise BadInput(f"{source}: there is no line beneath the header", advice="Give one line a category.")
    return rows


SERIOUS = ("does_not_follow", "impossible", "truncated")
"""Kinds that say a figure is wrong; the others say how it was printed, or that tables differ."""


def count_claims(rows: Sequence[Row]) -> int:
    return sum((row.rate is not None) + (row.ratio is not None) for row in rows)


def check_claims(rows: Sequence[Row]) -> list[Finding]:
    """What does not follow from the counts, in the order of the lines; then what tables say differently."""
    found: list[Finding] = []
    tables: dict[str, list[Row]] = {}
    for row in rows:
        tables.setdefault(row.table, []).append(row)
    for members in tables.values():
        rates = {row.line: _rate(row) for row in members}
        highest = max((rate for rate in rates.values() if rate is not None), default=None)
        for row in members:
            found += _check_rate(row)
            rate = rates[row.line]
            if row.ratio is not None and rate is not None and highest:
                found += _check(row, row.ratio, rate / highest, "impact ratio")
    return [*sorted(found, key=lambda one: one.line or 0), *_differences(tables)]


def _column(columns: Sequence[str], names: Sequence[str]) -> str | None:
    folded = {re.sub(r"\W+", "_", column.strip().casefold()): column for column in columns}
    return next((folded[name] for name in names if name in folded), None)


def _row(record: dict[str, Any], places: dict[str, str | None], naming: Sequence[str], line: int, source: str) -> Row:
    def cell(role: str) -> str:
        place = places[role]
        return str(record.get(place) or "").strip() if place is not None else ""

    words = [str(record.get(name) or "").strip() for name in naming]
    name = " / ".join(word for word in words if word and _CLAIM.fullmatch(word) is None and word not in _FLAGS)
    n = _whole(cell("n"), f"{source}, line {line}, {places['n']}")
    selected = _whole(cell("selected"), f"{source}, line {line}, {places['selected']}") if cell("selected") else None
    if selected is not None and selected > n:
        raise BadInput(f"{source}, line {line}: {selected} selected of {n}", advice="Mend the counts.")
    return Row(
        line=line,
        table=cell("table"),
        name=name or f"line {line}",
        n=n,
        selected=selected,
        rate=_claim(cell("rate"), f"{source}, line {line}, {places['rate']}"),
        ratio=_claim(cell("ratio"), f"{source}, line {line}, {places['ratio']}"),
    )


_FLAGS = frozenset({"True", "False", "true", "false"})


def _whole(text: str, where: str) -> int:
    digits = text.replace(",", "").replace(" ", "")
    if not digits.isdecimal() or len(digits) > 15:
        raise BadInput(f"{where}: {text!r} is no whole number", advice="Give a count such as 1390.")
    return int(digits)


def _claim(text: str, where: str) -> Claim | None:
    if not text or text.upper() in ("N/A", "NA", "-"):
        return None
    found = _CLAIM.fullmatch(text)
    if found is None or not (found[1] or found[2]) or len(text) > 20:
        raise BadInput(f"{where}: {text!r} is no rate", advice="Give 48%, 47.9% or 0.48.")
    decimals = len(found[2] or "")
    value = Decimal(f"{found[1] or '0'}.{found[2] or '0'}")
    percent = bool(found[3])
    if percent:
        value, decimals = value / 100, decimals + 2
    return Claim(text=text, value=value, digits=decimals, percent=percent)


def _rate(row: Row) -> Fraction | None:
    """From the counts; where they are not told, from the only whole number that fits what was printed."""
    if not row.n:
        return None
    if row.selected is not None:
        return Fraction(row.selected, row.n)
    fitting = _fitting(row)
    return Fraction(fitting[0], row.n) if len(fitting) == 1 else None


def _fitting(row: Row) -> list[int]:
    """The whole numbers whose rate prints as claimed, rounded or cut off."""
    if row.rate is None:
        return []
    share, digits = _share(row.rate)
    near = int(share * row.n)
    return [
        k
        for k in range(max(0, near - row.n // 10 - 2), min(row.n, near + row.n // 10 + 2) + 1)
        if share in (rounded(Fraction(k, row.n), digits), rounded(Fraction(k, row.n), digits, truncate=True))
    ]


def _share(claim: Claim) -> tuple[Decimal, int]:
    """The share that was meant, and its decimals: 62.5 without a sign can only be per cent."""
    if not claim.percent and claim.value > 1:
        return claim.value / 100, claim.digits + 2
    return claim.value, claim.digits


def _check_rate(row: Row) -> list[Finding]:
    if row.rate is None or not row.n:
        return []
    if row.selected is not None:
        return _check(row, row.rate, Fraction(row.selected, row.n), "rate")
    share, digits = _share(row.rate)
    fitting = _fitting(row)
    if not fitting:
        told = f"no whole number of {row.n} gives a rate of {row.rate.text}"
        return [_finding("impossible", row, "rate", row.rate.text, "none", told)]
    exact = Fraction(fitting[0], row.n)
    if all(rounded(Fraction(k, row.n), digits) != share for k in fitting):
        return _check(row, row.rate, exact, "rate")
    return _misprint(row, row.rate, "rate")


def _check(row: Row, claim: Claim, exact: Fraction, what: str) -> list[Finding]:
    share, digits = _share(claim)
    right = rounded(exact, digits)
    if share == right:
        return _misprint(row, claim, what)
    shown = f"{right.scaleb(2):f}%" if claim.percent else f"{right:f}"
    if share == rounded(exact, digits, truncate=True):
        told = f"the {what} is {float(exact):.6f}: {shown} when rounded; {claim.text} is cut off"
        return [_finding("truncated", row, what, claim.text, shown, told)]
    told = f"the {what} from the counts is {float(exact):.6f}: {shown}, not {claim.text}"
    return [_finding("does_not_follow", row, what, claim.text, shown, told)]


def _misprint(row: Row, claim: Claim, what: str) -> list[Finding]:
    if claim.text.startswith("."):
        told = f"{claim.text} is printed without its zero"
        return [_finding("misprint", row, what, claim.text, f"0{claim.text}", told)]
    if not claim.percent and claim.value > 1:
        told = f"{claim.text} is printed without a percent sign"
        return [_finding("misprint", row, what, claim.text, f"{claim.text}%", told)]
    return []


def _finding(kind: str, row: Row, what: str, claimed: str, computed: str, told: str) -> Finding:
    table = f"{row.table}: " if row.table else ""
    return Finding(
        kind=kind, line=row.line, where=f"{table}{row.name}, {what}", claimed=claimed, computed=computed, told=told
    )


def _differences(tables: dict[str, list[Row]]) -> list[Finding]:
    """Tables of the same people have the same totals; where they do not, somebody was counted differently."""
    totals = {name: (sum(row.n for row in rows), _selected(rows)) for name, rows in tables.items() if len(tables) > 1}
    if len(set(totals.values())) <= 1:
        return []
    shown = "; ".join(
        f"{name}: {n:,}" + (f" with {selected:,} selected" if selected is not None else "")
        for name, (n, selected) in totals.items()
    )
    told = "the tables do not add up to the same people; each was checked by itself"
    return [Finding(kind="tables_differ", line=None, where="totals", claimed=shown, computed="one total", told=told)]


def _selected(rows: Sequence[Row]) -> int | None:
    counts = [row.selected for row in rows]
    return None if any(count is None for count in counts) else sum(count or 0 for count in counts)
