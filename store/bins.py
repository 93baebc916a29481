"""Bin specs: into which cells a row is counted, and where each cell stands in the vector of a summary.

A spec is canonical JSON under its SHA-256 (`spec_hash`). Summaries of different specs are never merged. Everything
here is pure; learning edges and values from a reference is `store/bin_learning.py`.

Bins of a number are (lo, hi]. A number column has these cells, in this order:
    missing, non_finite, below (x <= edges[0]), one per bin, above (x > edges[-1]),
    inexact (integers beyond 2^53; also counted in their bin), q_sum, q2_high, q2_low
with q = round((clip(x, lo, hi) - lo) / (hi - lo) * 2^20); the sum of q^2 is kept as two sums, of q^2 >> 20 and of
q^2 & (2^20 - 1), because one sum of q^2 leaves 64 bits after eight million rows. A category column has:
    missing, one per published value, other.

A summary holds one vector per section:
    inputs    the cells of every input, in the order of the model file
    outputs   the cells of the prediction, then of the score
    outcomes  groups x prediction, row-major: one axis per attribute (values, other, missing), then the prediction
              (values, other); rows without a prediction are not in it
    labelled  groups x prediction x label; then, with a score, score cells (below, bins, above) x label x groups;
              then for a binary score the sums of its losses, or for regression the sums of its errors
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import Any

from store.canonical import canonical_json, sha256_hex
from store.errors import BadInput

QUANTUM = 1 << 20
"""Steps of a quantised moment or loss."""
MAX_JOINT_CELLS = 20_000
"""Cells of one joint table; more groups than that cannot be judged, and would not be private either."""
LOSS_CELLS = ("n", "log_sum", "log2_high", "log2_low", "brier_sum", "brier2_high", "brier2_low")
"""Binary score p of the good value, label y: per row round(-ln(p_y) * 2^20) with p clipped to [1e-15, 1 - 1e-15],
and round((p - y)^2 * 2^20); squares as high and low parts, as for moments."""
ERROR_CELLS = ("n", "absolute_sum", "square_high", "square_low", "label_sum", "label2_high", "label2_low")
"""Regression: q = round(min(|label - prediction| / (hi - lo), 1) * 2^20) with lo, hi of the prediction, and the label's
own round((clip(label, lo, hi) - lo) / (hi - lo) * 2^20), whose variance the error is held against."""
MOMENT_CELLS = ("inexact", "q_sum", "q2_high", "q2_low")


class Section(StrEnum):
    INPUTS = "inputs"
    OUTPUTS = "outputs"
    OUTCOMES = "outcomes"
    LABELLED = "labelled"


@dataclass(frozen=True, slots=True)
class NumberBins:
    name: str
    edges: tuple[float, ...]
    """Strictly rising, at least two."""
    lo: float
    hi: float
    """Range of the quantised moments, lo < hi."""

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "type": "number", "edges": list(self.edges), "lo": self.lo, "hi": self.hi}

    @property
    def partition(self) -> int:
        """Cells that split the finite values: below, bins, above."""
        return len(self.edges) + 1

    @property
    def width(self) -> int:
        return 2 + self.partition + len(MOMENT_CELLS)

    def labels(self) -> list[str]:
        inner = [f"({a:g}, {b:g}]" for a, b in pairwise(self.edges)]
        return [f"<= {self.edges[0]:g}", *inner, f"> {self.edges[-1]:g}"]


@dataclass(frozen=True, slots=True)
class CategoryBins:
    name: str
    values: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "type": "category", "values": list(self.values)}

    @property
    def partition(self) -> int:
        """Cells that split the values: published ones, other."""
        return len(self.values) + 1

    @property
    def width(self) -> int:
        return 1 + self.partition

    def labels(self) -> list[str]:
        return [*self.values, "(other)"]


ColumnBins = NumberBins | CategoryBins


@dataclass(frozen=True, slots=True)
class GroupBins:
    name: str
    values: tuple[str, ...]
    bands: tuple[float, ...] = ()
    """Where set, values are the bands' names and a number x falls in band i when bands[i-1] <= x < bands[i]."""

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "values": list(self.values), "bands": list(self.bands)}

    @property
    def width(self) -> int:
        return len(self.values) + 2

    def labels(self) -> list[str]:
        return [*self.values, "(other)", "(missing)"]


def band_names(bands: tuple[float, ...]) -> tuple[str, ...]:
    """[18, 25] gives `<18`, `18-25`, `>=25`."""
    inner = [f"{a:g}-{b:g}" for a, b in pairwise(bands)]
    return (f"<{bands[0]:g}", *inner, f">={bands[-1]:g}")


@dataclass(frozen=True, slots=True)
class ColumnCells:
    """Where one column stands in its section's vector."""

    bins: ColumnBins
    section: Section
    start: int

    @property
    def missing(self) -> int:
        return self.start

    @property
    def non_finite(self) -> int | None:
        return self.start + 1 if isinstance(self.bins, NumberBins) else None

    @property
    def partition(self) -> slice:
        first = self.start + (2 if isinstance(self.bins, NumberBins) else 1)
        return slice(first, first + self.bins.partition)

    @property
    def moments(self) -> slice | None:
        """inexact, q_sum, q2_high, q2_low of a number; None for a category."""
        if isinstance(self.bins, CategoryBins):
            return None
        first = self.partition.stop
        return slice(first, first + len(MOMENT_CELLS))


@dataclass(frozen=True)
class BinSpec:
    task: str
    inputs: tuple[ColumnBins, ...]
    prediction: ColumnBins | None = None
    score: NumberBins | None = None
    groups: tuple[GroupBins, ...] = ()
    good: str | None = None
    """The favourable prediction in canonical text."""
    outcome: bool = False
    """Whether labels are counted."""
    learned_from: str = field(default="declared", compare=False)
    """`reference`, `declared` or `rows`: not part of the hash."""

    def __post_init__(self) -> None:
        for section, shape in (("outcomes", self.outcomes_shape), ("labelled", self.labelled_shape)):
            if prod(shape) > MAX_JOINT_CELLS:
                raise BadInput(
                    f"groups x prediction give {prod(shape)} cells in the {section} table; the limit is "
                    f"{MAX_JOINT_CELLS}",
                    advice="Declare fewer groups, fewer values per group, or bands.",
                )

    def as_json(self) -> dict[str, Any]:
        return {
            "schema": "bailiwick/bins/1",
            "task": self.task,
            "inputs": [column.as_json() for column in self.inputs],
            "prediction": self.prediction.as_json() if self.prediction else None,
            "score": self.score.as_json() if self.score else None,
            "groups": [group.as_json() for group in self.groups],
            "good": self.good,
            "outcome": self.outcome,
        }

    @cached_property
    def spec_hash(self) -> str:
        return sha256_hex(canonical_json(self.as_json()))

    # -- the shape of each section ------------------------------------------------------------------------------

    @property
    def group_shape(self) -> tuple[int, ...]:
        return tuple(group.width for group in self.groups)

    @property
    def classes(self) -> tuple[str, ...]:
        """Published predictions and `(other)`; for regression one class, so that groups are still counted."""
        return tuple(self.prediction.labels()) if isinstance(self.prediction, CategoryBins) else ("(all)",)

    @property
    def outcomes_shape(self) -> tuple[int, ...]:
        return (*self.group_shape, len(self.classes)) if self.prediction else (0,)

    @property
    def labelled_shape(self) -> tuple[int, ...]:
        """groups x prediction x label; labels have the classes of the prediction."""
        return (*self.group_shape, len(self.classes), len(self.classes)) if self.prediction and self.outcome else (0,)

    @property
    def score_label_shape(self) -> tuple[int, ...]:
        """score cells x label x groups; empty without a score, a class prediction or labels."""
        if not (self.score and self.outcome and isinstance(self.prediction, CategoryBins)):
            return (0,)
        return (self.score.partition, len(self.classes), *self.group_shape)

    @property
    def labelled_joint(self) -> slice:
        return slice(0, prod(self.labelled_shape))

    @property
    def score_label(self) -> slice:
        first = self.labelled_joint.stop
        return slice(first, first + prod(self.score_label_shape))

    @property
    def losses(self) -> slice:
        """LOSS_CELLS of a binary score, or ERROR_CELLS of a regression; empty for others."""
        first = self.score_label.stop
        if self.task == "binary" and prod(self.score_label_shape) > 0:
            return slice(first, first + len(LOSS_CELLS))
        if self.task == "regression" and self.outcome and isinstance(self.prediction, NumberBins):
            return slice(first, first + len(ERROR_CELLS))
        return slice(first, first)

    @cached_property
    def widths(self) -> dict[Section, int]:
        outputs = sum(column.width for column in (self.prediction, self.score) if column)
        return {
            Section.INPUTS: sum(column.width for column in self.inputs),
            Section.OUTPUTS: outputs,
            Section.OUTCOMES: prod(self.outcomes_shape),
            Section.LABELLED: self.losses.stop,
        }

    @cached_property
    def input_cells(self) -> tuple[ColumnCells, ...]:
        cells, start = [], 0
        for column in self.inputs:
            cells.append(ColumnCells(column, Section.INPUTS, start))
            start += column.width
        return tuple(cells)

    @property
    def prediction_cells(self) -> ColumnCells | None:
        return ColumnCells(self.prediction, Section.OUTPUTS, 0) if self.prediction else None

    @property
    def score_cells(self) -> ColumnCells | None:
        start = self.prediction.width if self.prediction else 0
        return ColumnCells(self.score, Section.OUTPUTS, start) if self.score else None


def _column(document: dict[str, Any] | None) -> ColumnBins | None:
    if document is None:
        return None
    if document["type"] == "category":
        return CategoryBins(document["name"], tuple(document["values"]))
    return NumberBins(
        document["name"], tuple(map(float, document["edges"])), float(document["lo"]), float(document["hi"])
    )


def spec_from_json(document: dict[str, Any]) -> BinSpec:
    """The inverse of `as_json`; raises BadInput where the document is no bin spec of this version."""
    try:
        if document["schema"] != "bailiwick/bins/1":
            raise BadInput(f"bin spec of unknown schema {document['schema']!r}", advice="Export the model again.")
        score = _column(document["score"])
        return BinSpec(
            task=document["task"],
            inputs=tuple(column for column in map(_column, document["inputs"]) if column),
            prediction=_column(document["prediction"]),
            score=score if isinstance(score, NumberBins) else None,
            groups=tuple(GroupBins(g["name"], tuple(g["values"]), tuple(g["bands"])) for g in document["groups"]),
            good=document["good"],
            outcome=document["outcome"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"not a bin spec: {error!r}", advice="Export the model again with `bailiwick model export`."
        ) from error
