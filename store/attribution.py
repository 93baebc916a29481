"""How much each input contributed: sums of |contribution|, as whole numbers that merge by addition.

A contribution (a SHAP value, say) is counted as round(|c| * 2^40): whole quanta, the same at every site, with no scale
that would have to be published first. Sums of quanta are exact in any order; the mean follows from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

QUANTA = 1 << 40
"""Quanta in a contribution of 1: what is smaller than 4.5e-13 counts as 0."""
LARGEST = float(1 << 40)
"""The largest contribution that is taken; 10^14 rows of it still fit into a sum of 38 digits."""

ATTRIBUTION_SCHEMA = pa.schema(
    [
        ("block", pa.timestamp("us")),
        ("grain", pa.string()),
        ("input", pa.string()),
        ("n", pa.int64()),
        ("sum_abs", pa.decimal128(38, 0)),
    ]
)
"""What an engine counts from rows: one row per block and input."""


@dataclass(frozen=True, slots=True)
class Contributed:
    """What one input contributed over some rows."""

    n: int
    """Rows that told a contribution of this input."""
    sum_abs: int
    """Sum of |contribution| in quanta."""

    @property
    def mean_abs(self) -> float | None:
        """Mean |contribution|; None where no row told one."""
        return self.sum_abs / self.n / QUANTA if self.n else None

    def __add__(self, other: Contributed) -> Contributed:
        return Contributed(self.n + other.n, self.sum_abs + other.sum_abs)


def contributed(rows: Iterable[dict[str, Any]]) -> dict[str, Contributed]:
    """The sums per input over rows that have `input`, `n` and `sum_abs`: blocks and sites merged."""
    out: dict[str, Contributed] = {}
    for row in rows:
        more = Contributed(int(row["n"]), int(row["sum_abs"]))
        out[row["input"]] = out[row["input"]] + more if row["input"] in out else more
    return out
