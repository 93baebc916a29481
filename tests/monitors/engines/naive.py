"""Counting one row after the other in plain Python, from the words of store/bins.py alone: what engines must equal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import prod
from typing import Any

from monitors.engines.base import MISSING_SEGMENT, Blocks
from store.bins import QUANTUM, BinSpec, CategoryBins, ColumnBins, GroupBins, NumberBins, Section

Row = Mapping[str, Any]
Vectors = dict[tuple[datetime | None, str, str | None], list[int]]


def count(
    rows: Iterable[Row],
    spec: BinSpec,
    section: Section,
    *,
    blocks: Blocks,
    segments: Sequence[str] = (),
    total: bool = True,
    weight: str | None = None,
) -> Vectors:
    found: Vectors = {}
    for row in rows:
        vector = {
            Section.INPUTS: _inputs,
            Section.OUTPUTS: _outputs,
            Section.OUTCOMES: _outcomes,
            Section.LABELLED: _labelled,
        }[section](row, spec)
        if vector is None:
            continue
        names: list[str | None] = [None] if total else []
        for k, segment in enumerate(segments):
            value = row.get(f"s{k}")
            names.append(f"{segment}={MISSING_SEGMENT if value is None else value}")
        for name in names:
            cells = found.setdefault((*_block(row["event_time"], blocks), name), [0] * spec.widths[section])
            for i, n in enumerate(vector):
                cells[i] += n * (row[weight] if weight else 1)
    return {key: cells for key, cells in found.items() if any(cells)}


def _block(at: datetime | None, blocks: Blocks) -> tuple[datetime | None, str]:
    grain = blocks.fixed or "day"
    if at is None:
        return None, grain
    if blocks.hours_from and at >= blocks.hours_from.replace(minute=0, second=0, microsecond=0):
        grain = "hour"
    start = at.replace(minute=0, second=0, microsecond=0)
    if grain != "hour":
        start = start.replace(hour=0)
    return (start - timedelta(days=start.weekday()) if grain == "week" else start), grain


def _rounded(value: float) -> int:
    return int(Decimal(value).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _split(square: int) -> list[int]:
    return [square // QUANTUM, square % QUANTUM]


def _place(value: float, edges: Sequence[float]) -> int:
    """below, bins, above."""
    return sum(value > edge for edge in edges)


def _column(value: Any, bins: ColumnBins) -> list[int]:
    if isinstance(bins, CategoryBins):
        cells = [0] * bins.width
        if value is None:
            cells[0] = 1
        else:
            cells[1 + (bins.values.index(value) if value in bins.values else len(bins.values))] = 1
        return cells
    cells = [0] * bins.width
    if value is None:
        cells[0] = 1
        return cells
    x = float(value)
    if not math.isfinite(x):
        cells[1] = 1
        return cells
    cells[2 + _place(x, bins.edges)] = 1
    q = _rounded((min(max(x, bins.lo), bins.hi) - bins.lo) / (bins.hi - bins.lo) * QUANTUM)
    cells[-4:] = [int(abs(value) > 2**53), q, *_split(q * q)]
    return cells


def _inputs(row: Row, spec: BinSpec) -> list[int]:
    return [n for i, bins in enumerate(spec.inputs) for n in _column(row.get(f"x{i}"), bins)]


def _outputs(row: Row, spec: BinSpec) -> list[int]:
    columns = (("prediction", spec.prediction), ("score", spec.score))
    return [n for name, bins in columns if bins for n in _column(row.get(name), bins)]


def _group(value: str | None, group: GroupBins) -> int:
    if value is None:
        return len(group.values) + 1
    if not group.bands:
        return group.values.index(value) if value in group.values else len(group.values)
    try:
        number = float(value)
    except ValueError:
        return len(group.values)
    return sum(number >= band for band in group.bands) if math.isfinite(number) else len(group.values)


def _class(value: Any, spec: BinSpec) -> int:
    if not isinstance(spec.prediction, CategoryBins):
        return 0
    values = spec.prediction.values
    return values.index(value) if value in values else len(values)


def _ravel(index: Sequence[int], shape: Sequence[int]) -> int:
    place = 0
    for i, size in zip(index, shape, strict=True):
        place = place * size + i
    return place


def _outcomes(row: Row, spec: BinSpec) -> list[int] | None:
    if row.get("prediction") is None:
        return None
    cells = [0] * prod(spec.outcomes_shape)
    groups = [_group(row.get(f"g{k}"), group) for k, group in enumerate(spec.groups)]
    cells[_ravel([*groups, _class(row["prediction"], spec)], spec.outcomes_shape)] = 1
    return cells


def _labelled(row: Row, spec: BinSpec) -> list[int] | None:
    prediction, label, score = row.get("prediction"), row.get("label"), row.get("score")
    if prediction is None or label is None:
        return None
    groups = [_group(row.get(f"g{k}"), group) for k, group in enumerate(spec.groups)]
    cells = [0] * spec.widths[Section.LABELLED]
    cells[_ravel([*groups, _class(prediction, spec), _class(label, spec)], spec.labelled_shape)] = 1
    finite = score is not None and math.isfinite(score)
    if finite and spec.score and prod(spec.score_label_shape):
        index = [_place(score, spec.score.edges), _class(label, spec), *groups]
        cells[spec.score_label.start + _ravel(index, spec.score_label_shape)] = 1
    if spec.losses.stop > spec.losses.start:
        cells[spec.losses] = _losses(prediction, label, score if finite else None, spec)
    return cells


def _losses(prediction: Any, label: Any, score: float | None, spec: BinSpec) -> list[int]:
    none = [0] * (spec.losses.stop - spec.losses.start)
    if isinstance(spec.prediction, NumberBins):
        if not (math.isfinite(prediction) and math.isfinite(label)):
            return none
        error = _rounded(min(abs(label - prediction) / (spec.prediction.hi - spec.prediction.lo), 1) * QUANTUM)
        q = _rounded(
            (min(max(label, spec.prediction.lo), spec.prediction.hi) - spec.prediction.lo)
            / (spec.prediction.hi - spec.prediction.lo)
            * QUANTUM
        )
        return [1, error, *_split(error * error), q, *_split(q * q)]
    if score is None:
        return none
    p = min(max(score, 1e-15), 1 - 1e-15)
    good = label == spec.good
    log = _rounded(-math.log(p if good else 1 - p) * QUANTUM)
    brier = _rounded((p - good) ** 2 * QUANTUM)
    return [1, log, *_split(log * log), brier, *_split(brier * brier)]
