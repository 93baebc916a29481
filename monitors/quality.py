"""Missing and unseen values per input, from the `inputs` counts.

    missing_rate   rows in which nothing usable stood (missing, NaN, infinite) over all rows; limit: quality.missing
    unseen_rate    values outside the published ones over the values that stood there; limit: quality.unseen, and where
                   the published ones were learned, what the reference itself holds of values too rare to be published
    out_of_range_rate   where quality.out_of_range is set: numbers beyond the outermost edges over the values that stood
                   there; the edges are the reference's least and greatest value, without one those declared

Intervals are Wilson's, widened by the noise of the counts. `outside` needs the lower bound beyond the limit, at any
n; below 30 rows nothing else is said than `too_few`. A column that was absent from every row of the window is told
as `details.absent`, one result like any other. How the missing split into missing and non-finite, and the shares
below and above the outermost edges, stand in the details.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import Any

from monitors.intervals import Share
from monitors.subject import AT_MOST, Limit, Subject, against, basis, noise_told
from store.bins import QUANTUM, BinSpec, CategoryBins, ColumnCells
from store.model_file import ModelFile
from store.result import Monitor, Result, Status
from store.summary import Counts

FEWEST = 30
NOISE_SPAN = 3.0
"""A noisy count says nothing until it is this many standard deviations of its noise."""


def quality_results(
    subject: Subject,
    *,
    model: ModelFile,
    spec: BinSpec,
    inputs: Counts,
    reference: Counts | None = None,
    variance: float = 0.0,
    noise: dict[str, Any] | None = None,
) -> list[Result]:
    """missing_rate of every input, and unseen_rate of every category; reference: its vector of the inputs."""
    watch, noise = model.watch.quality, noise_told(variance, noise)
    missing = Limit(AT_MOST, watch.missing, watch.source)
    declared = {column.name for column in model.columns.inputs if column.values}
    out = []
    for cells in spec.input_cells:
        out.append(_judged(subject, "missing_rate", cells, _missing(inputs, cells, variance), missing, noise))
        if isinstance(cells.bins, CategoryBins):
            usual = 0.0 if cells.bins.name in declared else _usual(reference, cells)
            unseen = Limit(AT_MOST, min(watch.unseen + usual, 1.0), _source(watch.source, usual))
            out.append(_judged(subject, "unseen_rate", cells, _unseen(inputs, cells, variance), unseen, noise))
        elif watch.out_of_range is not None:
            beyond = Limit(AT_MOST, watch.out_of_range, watch.source)
            out.append(_judged(subject, "out_of_range_rate", cells, _beyond(inputs, cells, variance), beyond, noise))
    return [replace(r, details={**r.details, **_told(inputs, cells, variance)}) for r, cells in _with_cells(out, spec)]


def _with_cells(results: list[Result], spec: BinSpec) -> list[tuple[Result, ColumnCells]]:
    by_name = {cells.bins.name: cells for cells in spec.input_cells}
    return [(result, by_name[result.about or ""]) for result in results]


def _missing(counts: Counts, cells: ColumnCells, variance: float) -> Share:
    present = float(counts[cells.partition].sum())
    hits = float(counts[cells.missing]) + (float(counts[cells.non_finite]) if cells.non_finite is not None else 0.0)
    hit_cells = 1 if cells.non_finite is None else 2
    return Share(hits, hits + present, variance, hit_cells, cells.bins.partition)


def _unseen(counts: Counts, cells: ColumnCells, variance: float) -> Share:
    partition = counts[cells.partition]
    return Share(float(partition[-1]), float(partition.sum()), variance, 1, cells.bins.partition - 1)


def _beyond(counts: Counts, cells: ColumnCells, variance: float) -> Share:
    partition = counts[cells.partition]
    return Share(float(partition[0] + partition[-1]), float(partition.sum()), variance, 2, cells.bins.partition - 2)


def _usual(reference: Counts | None, cells: ColumnCells) -> float:
    """The reference's own share of values too rare to be published: they are under (other) without being new."""
    if reference is None or not reference[cells.partition].sum():
        return 0.0
    return float(reference[cells.partition][-1] / reference[cells.partition].sum())


def _source(source: str, usual: float) -> str:
    return f"{source}, above the {usual:.3g} of the reference that is too rare to be published" if usual else source


def _judged(
    subject: Subject, measure: str, cells: ColumnCells, share: Share, limit: Limit, noise: dict[str, Any] | None
) -> Result:
    method = {"name": "bailiwick", "basis": basis(share.variance), "exact": share.variance == 0, "interval": "wilson"}
    cells_summed = share.hit_cells + share.other_cells
    floor = NOISE_SPAN * sqrt(share.variance * cells_summed)
    if share.n <= floor or share.n <= 0:
        what = "rows" if measure == "missing_rate" else "rows with a value"
        reason = f"no {what} in this window" if share.variance == 0 else f"{what} are no more than the noise on them"
        return subject.cannot_say(
            Monitor.QUALITY,
            measure,
            status=Status.TOO_FEW,
            reason=reason,
            about=cells.bins.name,
            n_current=max(round(share.n), 0),
            method=method,
            noise=noise,
            **limit.as_fields(),
        )
    low, high = share.interval
    result = against(
        subject.result(
            Monitor.QUALITY,
            measure,
            status=Status.WITHIN,
            about=cells.bins.name,
            value=share.value,
            interval_low=low,
            interval_high=high,
            n_current=round(share.n),
            method=method,
            noise=noise,
        ),
        limit,
    )
    if share.n < FEWEST and result.status != Status.OUTSIDE:
        reason = f"{round(share.n)} rows; at least {FEWEST} are needed"
        return replace(result, status=Status.TOO_FEW, significant=None, details={**result.details, "reason": reason})
    return result


def _told(counts: Counts, cells: ColumnCells, variance: float) -> dict[str, Any]:
    """How the rows of a column split, clipped at 0 for display."""
    missing = max(int(counts[cells.missing]), 0)
    finite = int(counts[cells.partition].sum())
    out: dict[str, Any] = {"missing": missing}
    if cells.non_finite is not None:
        out["non_finite"] = max(int(counts[cells.non_finite]), 0)
        if finite > 0:
            partition = counts[cells.partition]
            out["share_below_range"] = min(max(int(partition[0]), 0) / finite, 1.0)
            out["share_above_range"] = min(max(int(partition[-1]), 0) / finite, 1.0)
    if finite <= 0 and missing > 0:
        out["absent"] = True
    if finite > 1 and variance == 0 and _constant(counts, cells, finite):
        out["constant"] = True
    return out


def _constant(counts: Counts, cells: ColumnCells, finite: int) -> bool:
    """Every value the same: one cell, and for a number sums whose variance is 0 to the last quantum."""
    if int((counts[cells.partition] > 0).sum()) != 1:
        return False
    if cells.moments is None:
        return True
    _, total, high, low = (int(part) for part in counts[cells.moments])
    return finite * (high * QUANTUM + low) == total**2
