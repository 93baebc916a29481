"""Summaries: integer counts of one model version's rows at one site in one time block, per segment.

They travel as Arrow tables of `SUMMARY_SCHEMA`, one row per section; merging is integer addition, so it is exact,
commutative and associative. A stored row is a signed delta: a corrected label adds -1 and +1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Counts = npt.NDArray[np.int64]

SUMMARY_SCHEMA = pa.schema(
    [
        ("block", pa.timestamp("us")),
        ("grain", pa.string()),
        ("segment", pa.string()),
        ("section", pa.string()),
        ("counts", pa.list_(pa.int64())),
    ]
)
"""block: start of the block, UTC. grain: `hour`, `day` or `week`, the length of the block. segment: `name=value`,
or null for all rows. counts: in the order of the spec (store/bins.py)."""


@dataclass(frozen=True)
class SummaryBlocks:
    """The merged counts of one section at one site for one segment, a row per block, oldest first."""

    site: str
    section: str
    segment: str | None
    starts: npt.NDArray[np.datetime64]
    """shape (blocks,), datetime64[us], UTC."""
    ends: npt.NDArray[np.datetime64]
    counts: Counts
    """shape (blocks, width of the section)."""
    variance: npt.NDArray[np.float64]
    """shape (blocks,): variance of the noise in each cell; 0 where counts are exact."""

    def between(self, start: datetime, end: datetime) -> tuple[Counts, float]:
        """Sum of the blocks that lie wholly inside [start, end), and the noise variance of each cell of that sum."""
        inside = (self.starts >= np.datetime64(start, "us")) & (self.ends <= np.datetime64(end, "us"))
        return self.counts[inside].sum(axis=0, dtype=np.int64), float(self.variance[inside].sum())


def matrix(counts: pa.ChunkedArray | pa.Array, width: int) -> Counts:
    """A list column of equal lengths as an array of shape (rows, width)."""
    flat = counts.combine_chunks() if isinstance(counts, pa.ChunkedArray) else counts
    return np.asarray(flat.flatten().to_numpy(zero_copy_only=False), dtype=np.int64).reshape(len(flat), width)
