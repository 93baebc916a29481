"""A field of a document that somebody wrote, and the strict readings of it.

Each reading either gives the typed value or raises BadInput that names the file, the line, the key path, what was
expected and what was found. Callers never format such messages themselves.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

from store.documents import Document, Path
from store.durations import parse_duration
from store.errors import BadInput, did_you_mean

SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
EXACT = re.compile(r"\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,2})?|\d{1,30}/\d{1,30}")
VERSION = re.compile(r"[A-Za-z0-9._+-]{1,64}")


def key_path(path: Path) -> str:
    """`columns.inputs[2].range`"""
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    return out


@dataclass(frozen=True, slots=True)
class Field:
    document: Document
    path: Path
    value: Any

    def bad(self, expected: str, *, advice: str = "", found: str | None = None) -> BadInput:
        """The error to raise: this field is not what was expected."""
        line = self.document.lines.get(self.path)
        where = self.document.source + (f" line {line}" if line else "")
        name = key_path(self.path) or "the document"
        seen = _told(self.value) if found is None else found
        return BadInput(
            f"{where}: {name}: expected {expected}, found {seen}",
            advice=advice or f"Mend {name} in {self.document.source}.",
            details={
                "file": self.document.source,
                "line": line,
                "key": key_path(self.path),
                "expected": expected,
                "found": seen,
            },
        )

    @property
    def absent(self) -> bool:
        return self.value is None

    def child(self, key: str | int, value: Any) -> Field:
        return Field(self.document, (*self.path, key), value)

    # -- shapes -------------------------------------------------------------------------------------------------

    def mapping(self, *known: str) -> dict[str, Field]:
        """The fields of a mapping; a key that is not known is an error, an empty one counts as absent."""
        fields = {key: field for key, field in self.open_mapping().items() if not field.absent or key not in known}
        for key, field in fields.items():
            if key not in known:
                raise field.bad(
                    f"one of the keys {', '.join(known)}",
                    advice=did_you_mean(key, known),
                    found=f'the unknown key "{key}"',
                )
        return fields

    def open_mapping(self) -> dict[str, Field]:
        """The fields of a mapping whose keys are names that the owner chose."""
        if not isinstance(self.value, dict):
            raise self.bad("a mapping (key: value)")
        return {key: self.child(key, value) for key, value in self.value.items()}

    def sequence(self) -> list[Field]:
        if not isinstance(self.value, list):
            raise self.bad("a list")
        return [self.child(place, value) for place, value in enumerate(self.value)]

    def one_or_many(self) -> list[Field]:
        """A list, or a single value standing for a list of one."""
        return self.sequence() if isinstance(self.value, list) else [self]

    # -- scalars ------------------------------------------------------------------------------------------------

    def raw(self) -> str:
        """The text as it was written."""
        if not isinstance(self.value, str):
            raise self.bad("a single value")
        return self.value

    def text(self) -> str:
        """Text in NFC that is not blank."""
        text = unicodedata.normalize("NFC", self.raw())
        if not text.strip():
            raise self.bad("text that is not empty")
        return text

    def slug(self) -> str:
        if not SLUG.fullmatch(self.raw()):
            raise self.bad("a name of a-z 0-9 . _ - that starts with a letter or digit, 63 characters at most")
        return self.raw()

    def version(self) -> str:
        if not VERSION.fullmatch(self.raw()):
            raise self.bad("a version of letters, digits and . _ + -, 64 characters at most")
        return self.raw()

    def choice(self, known: Iterable[str]) -> str:
        words = list(known)
        if self.raw() not in words:
            raise self.bad(f"one of {', '.join(words)}", advice=did_you_mean(self.raw(), words))
        return self.raw()

    def number(self) -> float:
        try:
            number = float(self.raw())
        except ValueError:
            raise self.bad("a number") from None
        if not math.isfinite(number) or "_" in self.raw():
            raise self.bad("a finite number")
        return number

    def share(self) -> float:
        """A number from 0 to 1."""
        number = self.number()
        if not 0 <= number <= 1:
            raise self.bad("a share from 0 to 1")
        return number

    def whole(self, *, at_least: int = 0) -> int:
        if not re.fullmatch(r"-?\d{1,18}", self.raw()) or int(self.raw()) < at_least:
            raise self.bad(f"a whole number of at least {at_least}")
        return int(self.raw())

    def exact(self) -> str:
        """A positive decimal or rational (`0.5`, `1/100`), kept as text: privacy numbers are never floats."""
        try:
            number = Fraction(self.raw()) if EXACT.fullmatch(self.raw()) else None
        except ZeroDivisionError:
            number = None
        if number is None or number <= 0:
            raise self.bad('a decimal or a fraction above 0, such as "0.5", "1e-6" or "1/100"')
        return self.raw()

    def duration(self) -> timedelta:
        try:
            return parse_duration(self.raw())
        except BadInput as error:
            raise self.bad("a duration such as 12h, 7d or 1d 12h", advice=error.advice) from None

    # -- lists of scalars ---------------------------------------------------------------------------------------

    def texts(self) -> tuple[str, ...]:
        """Distinct texts, in their order."""
        out: list[str] = []
        for item in self.one_or_many():
            text = item.text()
            if text in out:
                raise item.bad("each value once", advice=f'Remove the second "{text}".')
            out.append(text)
        return tuple(out)

    def rising(self, *, at_least: int) -> tuple[float, ...]:
        """Numbers that rise strictly."""
        numbers = tuple(item.number() for item in self.sequence())
        if len(numbers) < at_least or any(a >= b for a, b in pairwise(numbers)):
            raise self.bad(f"a list of at least {at_least} rising numbers")
        return numbers


def _told(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return f'"{value if len(str(value)) <= 60 else str(value)[:57] + "..."}"'


def root(document: Document) -> Field:
    return Field(document, (), document.value)
