"""Windows: tumbling stretches of event time, and how far back one must grow to hold enough rows.

Promises: windows are `[start, end)`, aligned to UTC (weeks to Monday, hours to midnight), lie only between a series'
first and last event, and are due only when now has reached their end. A window grows backwards by whole steps until
it holds enough rows, and never beyond `up_to`. A block counts in a window only when it lies wholly inside.
Refuses to read a clock: `now` is a parameter. All times are UTC without zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from store.bins import BinSpec, NumberBins, Section
from store.errors import BadInput
from store.summary import Counts, SummaryBlocks

Moments = npt.NDArray[np.datetime64]
"""datetime64[us], UTC."""

Number = TypeVar("Number", np.int64, np.float64)

EPOCH = datetime(1970, 1, 1)
MONDAY = datetime(1970, 1, 5)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """[start, end), UTC."""

    start: datetime
    end: datetime


def windows(first: datetime, last: datetime, every: timedelta, *, now: datetime) -> list[Window]:
    """The due windows from the one that holds the first event to the one that holds the last, oldest first."""
    start = aligned(first, every)
    found = []
    while start <= last and start + every <= now:
        found.append(Window(start, start + every))
        start += every
    return found


def aligned(moment: datetime, every: timedelta) -> datetime:
    """The start of the window that holds the moment: a multiple of `every` from the epoch, of weeks from a Monday."""
    if every <= timedelta(0):
        raise BadInput(f"a window of {every} has no length", advice="Give a window such as `1d` or `6h`.")
    origin = MONDAY if every % WEEK == timedelta(0) else EPOCH
    return origin + (moment - origin) // every * every


def grow(
    window: Window,
    blocks: SummaryBlocks,
    rows: npt.NDArray[np.int64],
    *,
    every: timedelta,
    at_least: int,
    up_to: timedelta,
) -> tuple[Window, int]:
    """One window of `grow_all`."""
    grown, counts = grow_all([window], blocks, rows, every=every, at_least=at_least, up_to=up_to)
    return grown[0], int(counts[0])


def grow_all(
    found: list[Window],
    blocks: SummaryBlocks,
    rows: npt.NDArray[np.int64],
    *,
    every: timedelta,
    at_least: int,
    up_to: timedelta,
) -> tuple[list[Window], npt.NDArray[np.int64]]:
    """Each window with the start it needs to hold `at_least` rows, and the rows it then holds.

    rows: rows of each block (`section_rows`). A window stops growing when it is long enough, when another step would
    make it longer than `up_to`, or when it has reached the first block; it may then hold too few.
    """
    if not found:
        return [], np.zeros(0, dtype=np.int64)
    ends = np.array([w.end for w in found], dtype="datetime64[us]")
    starts = np.array([w.start for w in found], dtype="datetime64[us]")
    held = _sums(blocks, rows[:, None], starts, ends)[:, 0]
    step = np.timedelta64(every)
    oldest = blocks.starts.min() if len(blocks.starts) else np.datetime64(found[0].start, "us")
    while True:
        hungry = (held < at_least) & (ends - (starts - step) <= np.timedelta64(up_to)) & (starts > oldest)
        if not hungry.any():
            break
        starts[hungry] -= step
        held[hungry] = _sums(blocks, rows[:, None], starts[hungry], ends[hungry])[:, 0]
    return [Window(start, w.end) for start, w in zip(starts.tolist(), found, strict=True)], held


def section_rows(spec: BinSpec, section: Section, counts: Counts) -> npt.NDArray[np.int64]:
    """Rows behind each of the vectors in `counts` (any, width of the section).

    Every column counts every row once, so each column's total is the number of rows; where cells carry noise the
    totals differ, and their mean is the best single estimate. Never below 0.
    """
    if section is Section.OUTCOMES:
        return np.asarray(np.maximum(counts.sum(axis=1), 0), dtype=np.int64)
    if section is Section.LABELLED:
        return np.asarray(np.maximum(counts[:, spec.labelled_joint].sum(axis=1), 0), dtype=np.int64)
    outputs = (spec.prediction_cells, spec.score_cells)
    columns = spec.input_cells if section is Section.INPUTS else tuple(c for c in outputs if c)
    if not columns:
        return np.zeros(len(counts), dtype=np.int64)
    totals = np.zeros(len(counts), dtype=np.float64)
    for cells in columns:
        empty = 2 if isinstance(cells.bins, NumberBins) else 1
        totals += counts[:, cells.start : cells.start + empty].sum(axis=1) + counts[:, cells.partition].sum(axis=1)
    return np.maximum(np.rint(totals / len(columns)), 0).astype(np.int64)


def between_all(blocks: SummaryBlocks, found: list[Window]) -> tuple[Counts, npt.NDArray[np.float64]]:
    """`SummaryBlocks.between` for many windows at once: counts (windows, width) and variance of a cell (windows,)."""
    starts = np.array([w.start for w in found], dtype="datetime64[us]")
    ends = np.array([w.end for w in found], dtype="datetime64[us]")
    variance = _sums(blocks, blocks.variance[:, None], starts, ends)[:, 0] if blocks.variance.any() else None
    return (
        _sums(blocks, blocks.counts, starts, ends),
        np.zeros(len(found)) if variance is None else np.maximum(variance, 0.0),
    )


def _sums(blocks: SummaryBlocks, values: npt.NDArray[Number], starts: Moments, ends: Moments) -> npt.NDArray[Number]:
    """Sums of the rows of `values` (a row per block) over the blocks wholly inside each [start, end).

    Blocks of one length lie inside exactly when their start is in [start, end - length], so that two look-ups in a
    running sum answer for each window; hours, days and weeks may overlap and are therefore taken one after another.
    """
    total = np.zeros((len(starts), values.shape[1]), dtype=values.dtype)
    lengths = blocks.ends - blocks.starts
    for length in np.unique(lengths):
        mine = np.flatnonzero(lengths == length)
        mine = mine[np.argsort(blocks.starts[mine], kind="stable")]
        running = np.zeros((len(mine) + 1, values.shape[1]), dtype=values.dtype)
        np.cumsum(values[mine], axis=0, out=running[1:])
        low = np.searchsorted(blocks.starts[mine], starts, side="left")
        high = np.searchsorted(blocks.starts[mine], ends - length, side="right")
        total += running[np.maximum(high, low)] - running[low]
    return total
