"""A receipt: what became of one batch. The same batch again gives the same receipt.

`kept + quarantined + duplicates = rows` holds for every receipt; a receipt that breaks it cannot be made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    PREDICTIONS = "predictions"
    LABELS = "labels"
    REFERENCE = "reference"
    SUMMARIES = "summaries"
    LINEAGE = "lineage"
    COST = "cost"
    ATTRIBUTIONS = "attributions"
    REFERENCE_ATTRIBUTIONS = "reference-attributions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    batch: str
    site: str
    model: str
    version: str | None
    format: str
    kind: str
    rows: int
    kept: int
    quarantined: int
    duplicates: int
    ignored: dict[str, int] = field(default_factory=dict)
    """Columns nobody declared, each with the rows that carried it."""
    seq: int
    sha256: str
    """Of the bytes as they came."""
    first_event: datetime | None = None
    last_event: datetime | None = None
    reasons: dict[str, int] = field(default_factory=dict)
    """Why rows were quarantined, each with its number."""
    notes: tuple[str, ...] = ()
    """What whoever sends should know about this batch at once, in sentences."""
    repeated: bool = False
    source: str = ""
    """Where the bytes came from, as the caller named it."""
    absent: tuple[str, ...] = ()
    """Declared columns that were not there."""
    bytes: int = 0

    def __post_init__(self) -> None:
        if self.kept + self.quarantined + self.duplicates != self.rows:
            raise ValueError(
                f"receipt of {self.source}: {self.kept} + {self.quarantined} + {self.duplicates} is not {self.rows}"
            )

    def as_json(self) -> dict[str, Any]:
        out = {name: getattr(self, name) for name in self.__slots__}
        out["absent"] = list(self.absent)
        for name in ("first_event", "last_event"):
            moment = out[name]
            out[name] = None if moment is None else moment.isoformat() + "Z"
        out["notes"] = list(self.notes)
        return out
