"""What a report is made of: frozen values that every renderer tells the same way.

A cell carries its text, already formatted, beside the raw value; HTML, JSON and PDF print that text and nothing
else, so that they cannot disagree. Elements know no markup and no drawing: charts say what was measured, the
layout of `reports/render/chart.py` says where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    DRAFT = "DRAFT"
    ISSUED = "ISSUED"


class Kind(StrEnum):
    """How a column stands on the page; `STATE` cells also carry an icon and a colour."""

    TEXT = "text"
    NUMBER = "number"
    STATE = "state"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Label and value, in reading order."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    kind: Kind = Kind.TEXT
    width: float = 1.0
    """Share of the table's width, relative to the others."""


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    raw: Any = None
    tone: str = ""
    """Empty, or one of `reports.words.TONES`: which colour and icon a state has."""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    empty: str = "none"
    """What the table says aloud when it has no rows."""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"table {self.title!r}: a row has {len(row)} cells for {len(self.columns)} columns")


@dataclass(frozen=True, slots=True)
class Point:
    at: str
    """Start of the window, ISO text in UTC."""
    value: float | None
    """None leaves a gap: no number was measured there."""
    low: float | None = None
    high: float | None = None
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a moment: an alert, a new version."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class TimeSeries:
    title: str
    """The finding, in words."""
    alt: str
    start: str
    end: str
    points: tuple[Point, ...]
    limit: float | None = None
    limit_label: str = ""
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Dot:
    label: str
    value: float | None
    low: float | None
    high: float | None
    text: str
    """The same numbers in words, printed beside the dot."""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class DotWhisker:
    title: str
    alt: str
    dots: tuple[Dot, ...]
    limit: float | None = None
    limit_label: str = ""
    parity: float | None = None
    """Where no difference would stand."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader must not miss, set apart from the text."""

    text: str
    caution: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """What can be checked and how: values to compare, then commands to run."""

    rows: tuple[tuple[str, str], ...]
    commands: tuple[str, ...] = ()


Element = Heading | Text | Bullets | Facts | Table | TimeSeries | DotWhisker | Note | Proof


@dataclass(frozen=True, slots=True)
class Section:
    id: str
    title: str
    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    id: str
    title: str
    subtitle: str
    state: State
    scope: tuple[tuple[str, str], ...]
    """What the first page says about itself: model, period, sites, as-of, who built it."""
    summary: tuple[str, ...]
    """The findings of the first page, one sentence each."""
    built_at: str
    sections: tuple[Section, ...]
    evidence: dict[str, Any] = field(default_factory=dict)
    evidence_sha256: str = ""

    @property
    def evidence_name(self) -> str:
        return "evidence.json"
