"""The labelled counts of one window cut into their parts, and what a measure of them says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from store.bins import BinSpec
from store.result import Status
from store.summary import Counts

FEWEST = 30
"""Labelled rows (of each class where classes are set against each other) below which there is no verdict."""


@dataclass(frozen=True, slots=True)
class Measured:
    value: float
    low: float
    high: float
    n: int
    interval: str
    """Whose interval it is."""
    error_bound: float | None = None
    details: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class CannotSay:
    status: Status
    reason: str


@dataclass(frozen=True)
class Labelled:
    """The labelled section cut into its parts, summed over groups."""

    spec: BinSpec
    counts: Counts

    @property
    def table(self) -> Counts:
        """prediction x label."""
        classes = len(self.spec.classes)
        table: Counts = self.counts[self.spec.labelled_joint].reshape(-1, classes, classes).sum(axis=0)
        return table

    @property
    def score_by_label(self) -> Counts:
        shape = self.spec.score_label_shape
        table: Counts = self.counts[self.spec.score_label].reshape(shape[0], shape[1], -1).sum(axis=2)
        return table

    @property
    def losses(self) -> list[int]:
        return [int(cell) for cell in self.counts[self.spec.losses]]

    @property
    def good(self) -> int | None:
        """Which class is the favourable one."""
        return self.spec.classes.index(self.spec.good) if self.spec.good in self.spec.classes[:-1] else None

    @property
    def n(self) -> int:
        losses = self.losses
        return losses[0] if self.spec.task == "regression" and losses else int(self.table.sum())
