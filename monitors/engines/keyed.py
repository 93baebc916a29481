"""What an engine found, as vectors: rows of aggregates with their keys, scattered into the cells of a bin spec.

Pure, and the same for every engine: what differs between them ends where the arrays begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from monitors.engines.base import Blocks
from store.bins import BinSpec, Section
from store.summary import SUMMARY_SCHEMA, Counts

Fetched = dict[str, npt.NDArray[Any]]
"""Aggregates by name, a row per key: `start`, and where they were asked for `apart` and `segment`; in order of keys."""


@dataclass(frozen=True)
class Keyed:
    """Vectors, a row per block, what is counted apart, and segment."""

    starts: npt.NDArray[np.datetime64]
    aparts: npt.NDArray[np.int64]
    segments: list[str | None]
    counts: Counts


def segments(fetched: Fetched) -> list[str | None]:
    return fetched["segment"].tolist() if "segment" in fetched else [None] * len(fetched["start"])


def aparts(fetched: Fetched) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = fetched.get("apart", np.zeros(len(fetched["start"]), dtype=np.int64))
    return found


def keys_of(fetched: Fetched) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The first row of each block and segment, and of every row the number of its own; rows are in order of keys."""
    keys = [fetched["start"].view(np.int64), *(fetched[name] for name in ("apart", "segment") if name in fetched)]
    changed = np.ones(len(keys[0]), dtype=np.bool_)
    changed[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return np.flatnonzero(changed), np.cumsum(changed) - 1


def chosen(fetched: Fetched, first: npt.NDArray[np.int64], counts: Counts) -> Keyed:
    """The vectors under the keys that stand in these rows."""
    names = segments(fetched)
    return Keyed(fetched["start"][first], aparts(fetched)[first], [names[place] for place in first.tolist()], counts)


def scattered(fetched: Fetched, spec: BinSpec, section: Section) -> Keyed:
    """Section OUTCOMES or LABELLED from `cell`, `score_cell`, `n` and `loss_0` ..; a key whose weights cancel in every
    cell is left out."""
    first, row = keys_of(fetched)
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
    return chosen(fetched, first[kept], counts[kept])


def merged(parts: Keyed) -> Keyed:
    """The segments of each block together."""
    keys, row = np.unique(np.stack([parts.starts.view(np.int64), parts.aparts]), axis=1, return_inverse=True)
    counts: Counts = np.zeros((keys.shape[1], parts.counts.shape[1]), dtype=np.int64)
    np.add.at(counts, row, parts.counts)
    return Keyed(keys[0].view(parts.starts.dtype), keys[1], [None] * keys.shape[1], counts)


def schema(apart: str | None = None) -> pa.Schema:
    return SUMMARY_SCHEMA.append(pa.field(apart, pa.int64())) if apart else SUMMARY_SCHEMA


def table(
    keyed: Keyed, section: Section, blocks: Blocks, *, segment: str | None = None, apart: str | None = None
) -> pa.Table:
    """The vectors as SUMMARY_SCHEMA. segment: the name before `=`; apart: the name of one more column."""
    rows, width = keyed.counts.shape
    starts = pa.array(keyed.starts, type=pa.timestamp("us"), from_pandas=True)
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * np.int32(width))
    columns = {
        "block": starts,
        "grain": [blocks.grain(start) for start in starts.to_pylist()],
        "segment": [f"{segment}={value}" if segment else None for value in keyed.segments],
        "section": [section.value] * rows,
        "counts": pa.ListArray.from_arrays(offsets, pa.array(keyed.counts.reshape(-1))),
    }
    if apart:
        columns[apart] = pa.array(keyed.aparts, pa.int64())
    return pa.table(columns, schema=schema(apart))
