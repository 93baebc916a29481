"""What verification finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that does not hold: what, where, and what was expected and found."""

    what: str
    where: str
    expected: str = ""
    found: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)
