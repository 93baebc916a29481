"""Outcomes and labelled on DuckDB: rows grouped by the place of their cell, scattered into vectors."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt

from monitors.engines import duckdb_text as sql
from monitors.engines.duckdb_query import Fetched, Keyed, Source, aparts, grouped, segments
from store.bins import BinSpec, Section
from store.summary import Counts


def count_joint(source: Source, spec: BinSpec, section: Section, *, weight: str | None) -> Keyed:
    """Section OUTCOMES or LABELLED; its width is not 0. Rows without a prediction (and, for labelled, a label) are
    left out; a key whose weights cancel in every cell is left out too."""
    labelled = section is Section.LABELLED
    needed = ("prediction", "label") if labelled else ("prediction",)
    lossy = labelled and spec.losses.stop > spec.losses.start
    scored = labelled and prod(spec.score_label_shape) > 0
    columns = [
        f"{sql.name(weight)}::BIGINT AS w" if weight else "1::BIGINT AS w",
        f"{sql.joint_index(spec, source.kinds, labelled=labelled)} AS cell",
        f"{sql.score_index(spec, source.kinds) if scored else '-1'} AS score_cell",
        *(sql.losses(spec, source.kinds) if lossy else []),
    ]
    sums = ["sum(w)::BIGINT AS n", *(sql.loss_sums(spec) if lossy else [])]
    there = all(column in source.kinds for column in needed)
    where = " AND ".join(f"{column} IS NOT NULL" for column in needed) if there else "false"
    fetched = grouped(source, columns, sums, where=where, by="cell, score_cell")
    return _scattered(fetched, spec, section)


def _scattered(fetched: Fetched, spec: BinSpec, section: Section) -> Keyed:
    first, row = _keys(fetched)
    counts: Counts = np.zeros((len(first), spec.widths[section]), dtype=np.int64)
    cell, score, n = fetched["cell"], fetched["score_cell"], fetched["n"]
    np.add.at(counts, (row, cell), n)
    if section is Section.LABELLED:
        # From groups x prediction x label to score cells x label x groups.
        classes, has = len(spec.classes), score >= 0
        group, label = cell // classes**2, cell % classes
        place = spec.score_label.start + (score * classes + label) * prod(spec.group_shape) + group
        np.add.at(counts, (row[has], place[has]), n[has])
        for k in range(spec.losses.stop - spec.losses.start):
            np.add.at(counts, (row, spec.losses.start + k), fetched[f"loss_{k}"])
    kept = np.flatnonzero(counts.any(axis=1))
    names = segments(fetched)
    chosen = first[kept]
    named = [names[place] for place in chosen.tolist()]
    return Keyed(fetched["start"][chosen], aparts(fetched)[chosen], named, counts[kept])


def _keys(fetched: Fetched) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The first row of each block and segment, and of every row the number of its own; rows are in order of keys."""
    keys = [fetched["start"].view(np.int64), *(fetched[name] for name in ("apart", "segment") if name in fetched)]
    changed = np.ones(len(keys[0]), dtype=np.bool_)
    changed[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return np.flatnonzero(changed), np.cumsum(changed) - 1
