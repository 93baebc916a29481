"""NannyML 0.13: Jensen-Shannon (base 2) for every column, above the mean and three deviations over reference chunks.

Bins come from the reference alone: Doane's rule, or its distinct values where they are few; what lies outside goes
to one more cell. The limit is the mean plus three standard deviations (by n) of the measure over ten chunks of the
reference in its own order, a shorter last one kept. `hellinger`, `l_infinity` (categories) and `wasserstein` the same;
`ks` and `chi_square` drift at p < 0.05. From 10,000 rows of reference on NannyML estimates `ks` and `wasserstein` from
bins of its own, which changed between its versions: not reproduced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from monitors import distances, exact, rank_tests
from monitors.verdict import (
    CHI_SQUARE,
    HELLINGER,
    JENSEN_SHANNON,
    KS,
    L_INFINITY,
    WASSERSTEIN,
    Categories,
    Numbers,
    Sample,
    Verdict,
    not_computable,
    verdict,
)

NANNYML = "nannyml-0.13"
CHUNKS = 10
DEVIATIONS = 3
FEW_ROWS = 10_000
"""Fewer rows of reference than this are compared exactly."""
PLAIN_WASSERSTEIN = "wasserstein"
"""In the column's own unit."""

Distance = Callable[[exact.Pair], float]


def choice(sample: Sample) -> tuple[str, float]:
    return JENSEN_SHANNON, 0.0


def judge(sample: Sample, measure: str | None, at_most: float | None) -> Verdict:
    chosen = PLAIN_WASSERSTEIN if measure == WASSERSTEIN else measure or JENSEN_SHANNON
    method: dict[str, Any] = {"library": "bailiwick, by the formulas of nannyml 0.13.1"}
    if chosen in (KS, PLAIN_WASSERSTEIN) and isinstance(sample, Numbers) and sample.n >= FEW_ROWS:
        reason = f"from {FEW_ROWS} rows of reference on NannyML estimates {chosen} from bins of its own"
        return not_computable(NANNYML, chosen, reason)
    if chosen in (KS, CHI_SQUARE):
        value = _p_value(sample, chosen)
        limit = 0.05 if at_most is None else at_most
        beyond = value is not None and value < limit
        return verdict(NANNYML, sample, chosen, value, limit, beyond=beyond, method=method)
    measured = _measured(sample, chosen)
    if measured is None:
        return verdict(NANNYML, sample, chosen, None, 0.0, beyond=False, method=method)
    value, chunks = measured
    method |= {"chunks": len(chunks), "log_base": 2 if chosen == JENSEN_SHANNON else None}
    limit = float(np.mean(chunks) + DEVIATIONS * np.std(chunks)) if at_most is None else at_most
    return verdict(NANNYML, sample, chosen, value, limit, beyond=value > limit, method=method)


def _p_value(sample: Sample, measure: str) -> float | None:
    if measure == KS:
        return rank_tests.ks(sample.before, sample.after)[1] if isinstance(sample, Numbers) else None
    from scipy.stats import chi2_contingency

    if isinstance(sample, Numbers) or len(sample.counts[0]) < 2:
        return None
    return float(chi2_contingency(np.stack(sample.counts)).pvalue)


def _measured(sample: Sample, measure: str) -> tuple[float, list[float]] | None:
    """The window's value, and that of every chunk of the reference."""
    if measure == PLAIN_WASSERSTEIN and isinstance(sample, Numbers):
        parts = chunks_of(sample.before)
        return exact.wasserstein(sample.before, sample.after), [exact.wasserstein(sample.before, p) for p in parts]
    if measure not in _DISTANCES or (measure == L_INFINITY and sample.number):
        return None
    distance = _DISTANCES[measure]
    if isinstance(sample, Numbers):
        edges = _edges(sample.before)
        pairs = [_pair(sample.before, part, edges) for part in (sample.after, *chunks_of(sample.before))]
    else:
        pairs = [sample.counts, *_category_chunks(sample)]
    values = [distance(_overflow(pair) if measure != L_INFINITY else pair) for pair in pairs]
    return values[0], values[1:]


def chunks_of(reference: Any) -> list[Any]:
    size = max(len(reference) // CHUNKS, 1)
    return [reference[at : at + size] for at in range(0, len(reference), size)]


def _category_chunks(sample: Categories) -> list[exact.Pair]:
    given = sample.reference
    column = given if isinstance(given, (pa.Array, pa.ChunkedArray)) else pa.array(given, from_pandas=True)
    column = column.drop_null()
    size = max(len(column) // CHUNKS, 1)
    return [exact.value_counts(column, column.slice(at, size))[1] for at in range(0, len(column), size)]


def _edges(reference: exact.Floats) -> exact.Floats | None:
    """Doane's bins of the reference; None where it has so few distinct values that each is a cell."""
    distinct = len(np.unique(reference))
    if distinct > 50 or distinct / len(reference) > 0.1:
        return np.asarray(np.histogram_bin_edges(reference, bins="doane"))
    return None


def _pair(reference: exact.Floats, current: exact.Floats, edges: exact.Floats | None) -> exact.Pair:
    """Counts per bin of the reference; rows of the current sample outside them in one more cell."""
    if edges is None:
        return exact.by_value(reference, current)
    before, after = (np.histogram(side, bins=edges)[0].astype(np.float64) for side in (reference, current))
    return np.append(before, 0.0), np.append(after, len(current) - after.sum())


def _overflow(pair: exact.Pair) -> exact.Pair:
    """Values that the reference lacks, together in one cell."""
    before, after = pair
    known = before > 0
    if known.all():
        return pair
    # Cells without reference add the same to these distances apart and together.
    return np.append(before[known], 0.0), np.append(after[known], after[~known].sum())


def _jensen_shannon(pair: exact.Pair) -> float:
    return exact.jensen_shannon(pair, base=2)


_DISTANCES: dict[str, Distance] = {
    JENSEN_SHANNON: _jensen_shannon,
    HELLINGER: distances.hellinger,
    L_INFINITY: distances.l_infinity,
}
