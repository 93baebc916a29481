"""Inputs and outputs on DuckDB: DuckDB reads, casts and names what is published; NumPy counts batch by batch.

A batch is a few thousand rows, so memory is bounded by batches and by what is counted apart. NumPy lets go of the
interpreter while it counts, so two batches are counted at a time beside the one being read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from monitors.engines import duckdb_text as sql
from monitors.engines.batches import Key, batch_runs, codes, doubles, where, without
from monitors.engines.cells import Places, Runs, category_cells, number_cells
from monitors.engines.duckdb_query import Source
from monitors.engines.keyed import Keyed
from store.bins import BinSpec, ColumnCells, NumberBins, Section
from store.summary import Counts

COLUMNS_A_PASS = 50
"""Columns counted in one query, so that batches of wide relations stay small."""
BATCH_ROWS = 30 * 2048
WORKERS = 2

Place = tuple[ColumnCells, str]
"""Where a column's cells stand, and its name in the relation."""
Counted = tuple[list[Key], Counts]
"""The keys of the runs of a batch, and their counts."""


def count_columns(source: Source, spec: BinSpec, section: Section) -> Keyed:
    """Section INPUTS or OUTPUTS; its width is not 0."""
    places: list[Place] = [(cells, f"x{i}") for i, cells in enumerate(spec.input_cells)]
    if section is Section.OUTPUTS:
        pairs = ((spec.prediction_cells, "prediction"), (spec.score_cells, "score"))
        places = [(cells, name) for cells, name in pairs if cells]
    tallies = _Tallies(spec.widths[section])
    for first in range(0, len(places), COLUMNS_A_PASS):
        part = places[first : first + COLUMNS_A_PASS]
        for keys, counts in _counted(source, part):
            tallies.add(keys, counts, part[0][0].start)
    return tallies.keyed()


def _counted(source: Source, places: Sequence[Place]) -> Iterator[Counted]:
    """Of every batch what it adds to these columns, in the order of rows."""
    with source.connection.sql(_query(source, places)).to_arrow_reader(BATCH_ROWS) as batches:
        first, second = next(batches, None), next(batches, None)
        if first is not None and second is None:  # most deliveries are small
            yield _batch(first, source, places)
        elif first is not None:
            with ThreadPoolExecutor(WORKERS) as workers:
                waiting: deque[Future[Counted]] = deque()
                for batch in (b for some in ((first, second), batches) for b in some):
                    waiting.append(workers.submit(_batch, batch, source, places))
                    if len(waiting) > WORKERS:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()


def _query(source: Source, places: Sequence[Place]) -> str:
    columns = [f"{source.start} AS block"]
    columns += [f"coalesce({sql.name(source.apart)}, 0)::BIGINT AS apart"] if source.apart else []
    columns += [f"{source.segment} AS segment"] if source.segment else []
    for i, (cells, name) in enumerate(places):
        kind = source.kinds.get(name)
        if isinstance(cells.bins, NumberBins):
            columns += sql.number_columns(i, name, kind)
        else:
            columns += sql.category_columns(i, name, kind, cells.bins)
    return f"SELECT {', '.join(columns)} FROM {source.relation}"


def _batch(batch: pa.RecordBatch, source: Source, places: Sequence[Place]) -> Counted:
    batch, runs, keys = batch_runs(batch, apart=source.apart is not None, segment=source.segment is not None)
    return keys, np.hstack([_column(batch, i, cells, runs) for i, (cells, _) in enumerate(places)])


def _column(batch: pa.RecordBatch, i: int, cells: ColumnCells, runs: Runs) -> Counts:
    if isinstance(cells.bins, NumberBins):
        values = batch.column(f"d_{i}")
        beyond = where(batch.column(f"w_{i}")) if f"w_{i}" in batch.schema.names else None
        return number_cells(doubles(values), without(values), beyond, cells.bins, runs)
    present = batch.column(f"t_{i}")
    missing = np.flatnonzero(~where(present))
    if f"d_{i}" not in batch.schema.names:
        nothing: Places = np.empty(0, np.int64)
        return category_cells(None, nothing, missing, cells.bins, runs)
    named = batch.column(f"d_{i}")
    return category_cells(codes(named), without(named), missing, cells.bins, runs)


class _Tallies:
    """Vectors by key, grown as keys are met."""

    def __init__(self, width: int) -> None:
        self._places: dict[Key, int] = {}
        self._counts: Counts = np.zeros((64, width), dtype=np.int64)

    def add(self, keys: Sequence[Key], counts: Counts, first: int) -> None:
        """Counts of the columns that begin at this cell; a key may occur more than once."""
        rows = [self._places.setdefault(key, len(self._places)) for key in keys]
        if len(self._places) > len(self._counts):
            grown = np.zeros((2 * len(self._places), self._counts.shape[1]), dtype=np.int64)
            grown[: len(self._counts)] = self._counts
            self._counts = grown
        into = self._counts[:, first : first + counts.shape[1]]
        if len(set(rows)) == len(rows):
            into[rows] += counts
        else:
            np.add.at(into, rows, counts)

    def keyed(self) -> Keyed:
        """Oldest first, then by what is apart, then by segment; without a time last."""
        keys = sorted(self._places, key=lambda key: (key.block is None, key.block or 0, key.apart, key.segment or ""))
        blocks = np.array([np.iinfo(np.int64).min if key.block is None else key.block for key in keys], np.int64)
        return Keyed(
            blocks.view("datetime64[us]"),
            np.array([key.apart for key in keys], np.int64),
            [key.segment for key in keys],
            self._counts[[self._places[key] for key in keys]],
        )
