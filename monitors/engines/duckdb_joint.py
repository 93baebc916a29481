"""Outcomes and labelled on DuckDB: rows grouped by the place of their cell, scattered into vectors."""

from __future__ import annotations

from math import prod

from monitors.engines import duckdb_text as sql
from monitors.engines.duckdb_query import Source, grouped
from monitors.engines.keyed import Keyed, scattered
from store.bins import BinSpec, Section


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
    return scattered(fetched, spec, section)
