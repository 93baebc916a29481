"""Judging drift from rows: a peer's method set needs both samples themselves, so only sites that share rows have it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from monitors.measures import named
from monitors.method_sets import rows_results
from monitors.rules_bailiwick import needs_rows
from monitors.subject import Subject
from monitors.windows import Window
from store.bins import BinSpec, NumberBins, Section
from store.model_file import ModelFile
from store.reads import Reads
from store.result import Monitor, Result
from store.row_shape import INPUTS, PREDICTION, RowShape

ALL_SITES = "*"


def columns_from_rows(file: ModelFile, spec: BinSpec) -> frozenset[str]:
    """Columns whose own measure our method set can only have from rows."""
    bins = {column.name: column for column in (*spec.inputs, spec.prediction, spec.score) if column}
    return frozenset(
        name
        for name, rule in file.watch.drift.columns
        if name in bins and needs_rows(named(rule.measure), number=isinstance(bins[name], NumberBins))
    )


def judge_by_rows(
    reads: Reads,
    file: ModelFile,
    spec: BinSpec,
    site: str,
    section: Section,
    found: list[Window],
    *,
    only: frozenset[str] | None = None,
) -> list[Result]:
    """Drift of the inputs (`only` these), or of prediction and score, in each window, under the model's method set."""
    shapes = reads.shapes(file.name, file.version)
    if not shapes:
        return []
    shape, part = shapes[-1], INPUTS if section is Section.INPUTS else PREDICTION
    reference = _columns(reads.reference_rows(file.name, file.version, shape), spec, shape, part)
    monitor = Monitor.DRIFT if section is Section.INPUTS else Monitor.PREDICTION_DRIFT
    results: list[Result] = []
    for window in found:
        rows = reads.window_rows(
            file.name, file.version, shape, window.start, window.end, site=None if site == ALL_SITES else site
        )
        subject = Subject(file.name, file.version, site, None, window.start, window.end)
        results += rows_results(
            spec,
            reference,
            _columns(rows, spec, shape, part),
            subject=subject,
            watch=file.watch.drift,
            at_least=file.watch.window.at_least,
            monitor=monitor,
            only=only,
        )
    return results


def _columns(rows: pa.Table, spec: BinSpec, shape: RowShape, part: int) -> dict[str, Any]:
    """The rows of one part by the names of the spec."""
    mine = rows.filter(
        pc.not_equal(pc.bit_wise_and(rows.column("part"), pa.scalar(part, pa.uint8())), pa.scalar(0, pa.uint8()))
    )
    named = {name: mine.column(f"x{at}") for at, name in enumerate(shape.inputs)}
    for bins, column in ((spec.prediction, "prediction"), (spec.score, "score")):
        if bins is not None and mine.column(column).null_count < mine.num_rows:
            named[bins.name] = mine.column(column)
    return named
