"""What every counting engine promises: the blocks rows are counted into, and the counts themselves.

An engine is a module (`duckdb.py`, `ibis.py`) that satisfies `Engine`. It counts every row of the relation it
is handed, once per time block and segment; which rows belong (a part, a joined pair, a corrected label) is the
caller's business. A relation has the normalised columns: `event_time` (UTC without zone), inputs `x0..` in the order
of the model file, `prediction`, `score`, raw group values `g0..`, segments `s0..`, and for labelled rows `label`.
Equal rows give equal integers on every engine; tests/monitors/engines/conformance.py holds them to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from store.bins import BinSpec, Section
from store.errors import BadInput

GRAINS = ("hour", "day", "week")
MISSING_SEGMENT = "(missing)"
"""Stands for the value in `name=value` where a row has none."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Which time block a row falls in, by its `event_time`. Give exactly one of the two.

    `Blocks(hours_from=T)`: hours from the hour of T on, days before it. `Blocks(fixed="week")`: one grain for all
    rows; weeks start on Monday.
    """

    hours_from: datetime | None = None
    fixed: str | None = None

    def __post_init__(self) -> None:
        if (self.hours_from is None) == (self.fixed is None) or self.fixed not in (None, *GRAINS):
            raise BadInput(f"{self} names no block", advice=f"Give hours_from, or fixed as one of {', '.join(GRAINS)}.")

    @property
    def first_hour(self) -> datetime | None:
        """The first block that is an hour; it is never the start of a day's block, which begins before it."""
        return self.hours_from.replace(minute=0, second=0, microsecond=0) if self.hours_from else None

    def grain(self, start: datetime | None) -> str:
        """The grain of the block that starts then; rows without a time count as of days."""
        if self.fixed:
            return self.fixed
        return "hour" if start and self.first_hour and start >= self.first_hour else "day"


class Engine(Protocol):
    """Counting, wherever the rows live; `connection` is whatever the engine reaches them through."""

    def count(
        self,
        connection: Any,
        relation: str,
        spec: BinSpec,
        section: Section,
        *,
        blocks: Blocks,
        segments: Sequence[str] = (),
        total: bool = True,
        weight: str | None = None,
    ) -> pa.Table:
        """One section's counts of every row of the relation, as SUMMARY_SCHEMA, a row per block and segment.

        segments: names of s0, s1, ...; each is counted on its own. total: whether the rows of all segments together
        (segment null) are counted too. weight: for `outcomes` and `labelled`, a column of +1 and -1.
        """
        ...
