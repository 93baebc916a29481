"""Two-sample statistics on rows, in the conventions of the peers that a method set names.

Promises: the formulas are ours and the numbers are theirs: each function says which convention it follows (divisor of
the standard deviation, base of the logarithm, edges of bins, smoothing). Numbers come as float64 arrays without NaN
and infinities; categories as counts per value of both sides. Nothing is sampled.
Refuses empty samples: callers say `too_few` before they ask.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from math import ceil, e, log, log2
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Pair = tuple[Floats, Floats]
"""Counts per bin or value: of the reference, of the current sample."""

STRETCH = 1 << 15
"""Rows taken at a time, so that the work stays in the processor's cache."""
STD_FLOOR = 0.001
"""Evidently and Azure ML divide by no less than this."""


def clean_numbers(values: Any) -> Floats:
    """Float64 without NaN and infinities; None counts as NaN."""
    numbers = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(numbers)
    return numbers if finite.all() else numbers[finite]


def value_counts(reference: Sequence[Hashable], current: Sequence[Hashable]) -> tuple[list[Hashable], Pair]:
    """The values of both sides in order, and how often each side has them; None is no value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    tables: list[dict[Hashable, int]] = []
    for values in (reference, current):
        column = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values, from_pandas=True)
        counted = pc.value_counts(column.drop_null())
        tables.append(dict(zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True)))
    keys = sorted({*tables[0], *tables[1]}, key=lambda key: (isinstance(key, str), key))
    before, after = (np.array([table.get(key, 0) for key in keys], dtype=np.float64) for table in tables)
    return keys, (before, after)


# -- numbers ----------------------------------------------------------------------------------------------------


def wasserstein(reference: Floats, current: Floats) -> float:
    """Area between the two quantile functions: 0 for equal samples, in the unit of the column.

    The quantile functions are steps of 1/n and 1/m with n <= m, so each of the m short steps crosses at most one end
    of a long one: where it crosses follows from n and m alone, and only the two sorts depend on the data. Positions
    are counted in units of 1/(n m), which a float64 holds exactly up to n m = 2^53.
    """
    few, many = np.sort(reference), np.sort(current)
    if len(few) > len(many):
        few, many = many, few
    n, m = len(few), len(many)
    if n == m:
        return float(np.abs(few - many).mean())
    few = np.append(few, few[-1])
    origin = np.arange(STRETCH, dtype=np.float64) * n
    area = 0.0
    for at in range(0, m, STRETCH):
        short = many[at : at + STRETCH]
        start = origin[: len(short)] + float(at) * n
        long = ((start + 0.5) * (1 / m)).astype(np.int64)
        left = np.minimum((long + 1) * float(m) - start, n)
        # Not `@`: BLAS would start threads for it, which wait for each other on a busy machine.
        area += float((np.abs(few[long] - short) * left + np.abs(few[long + 1] - short) * (n - left)).sum())
    return area / (float(n) * m)


def normed_wasserstein(reference: Floats, current: Floats, *, ddof: int) -> float:
    """Wasserstein distance in standard deviations of the reference (Evidently: ddof 0; Azure ML: ddof 1)."""
    spread = float(np.std(reference, ddof=ddof)) if len(reference) > ddof else 0.0
    return wasserstein(reference, current) / max(spread, STD_FLOOR)


def ks_p(reference: Floats, current: Floats) -> float:
    """p-value of the two-sided two-sample Kolmogorov-Smirnov test, SciPy's choice of exact or asymptotic."""
    from scipy.stats import ks_2samp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # "exact calculation unsuccessful": SciPy goes on by itself
        return float(ks_2samp(reference, current).pvalue)


def pooled_sturges(reference: Floats, current: Floats) -> Pair:
    """Evidently's histogram: Sturges' rule on both samples together, equal widths."""
    n = len(reference) + len(current)
    return equal_widths(reference, current, bins=ceil(log2(n) + 1))


def smaller_sturges(reference: Floats, current: Floats) -> Pair:
    """Azure ML's histogram: ceil(log2(the smaller n) + 1) equal widths over the range of both; one value, one bin."""
    n = min(len(reference), len(current))
    return equal_widths(reference, current, bins=ceil(log2(n) + 1))


def equal_widths(reference: Floats, current: Floats, *, bins: int) -> Pair:
    low = min(float(reference.min()), float(current.min()))
    high = max(float(reference.max()), float(current.max()))
    if low == high:
        return np.array([float(len(reference))]), np.array([float(len(current))])
    before, after = (np.histogram(values, bins=bins, range=(low, high))[0] for values in (reference, current))
    return before.astype(np.float64), after.astype(np.float64)


def by_value(reference: Floats, current: Floats) -> Pair:
    """Counts per distinct number of both samples."""
    values, places = np.unique(np.concatenate([reference, current]), return_inverse=True)
    n = len(reference)
    before, after = (np.bincount(part, minlength=len(values)) for part in (places[:n], places[n:]))
    return before.astype(np.float64), after.astype(np.float64)


def distinct_above(limit: int, *samples: Floats) -> bool:
    """Whether the samples together hold more than `limit` distinct numbers, without looking further than needed."""
    seen: set[float] = set()
    for sample in samples:
        for at, size in ((0, 1_000), (1_000, len(sample))):
            seen.update(np.unique(sample[at:size]).tolist())
            if len(seen) > limit:
                return True
    return False


# -- counts -----------------------------------------------------------------------------------------------------


def jensen_shannon(pair: Pair, *, base: float = e) -> float:
    """Jensen-Shannon distance: 0 for equal shares, sqrt(log 2 / log base) for disjoint ones."""
    q, p = (counts / counts.sum() for counts in pair)
    middle = (p + q) / 2
    divergence = sum(float(np.sum(s[s > 0] * np.log(s[s > 0] / middle[s > 0]))) for s in (p, q)) / 2
    return float(np.sqrt(max(divergence, 0.0) / log(base)))


def psi_filled(pair: Pair) -> float:
    """PSI as Evidently has it: an empty share becomes 0.0001, or a millionth of the smallest where that is smaller."""
    q, p = (filled(counts / counts.sum()) for counts in pair)
    return float(np.sum((q - p) * np.log(q / p)))


def filled(share: Floats) -> Floats:
    least = float(share[share > 0].min())
    return np.where(share > 0, share, least / 10**6 if least <= 0.0001 else 0.0001)


def psi_laplace(pair: Pair) -> float:
    """PSI as Azure ML has it: one row is added to every bin of both sides."""
    q, p = ((counts + 1) / (counts.sum() + len(counts)) for counts in pair)
    return float(np.sum((p - q) * np.log(p / q)))


def chi_square_p(pair: Pair) -> float | None:
    """p-value of Pearson's chi-square with the reference's shares as expectation; None for a single value.

    A value that the reference lacks gives 0, as in both peers.
    """
    from scipy.special import chdtrc

    before, after = pair
    if len(before) < 2:
        return None
    expected = before * (after.sum() / before.sum())
    if np.any((expected == 0) & (after > 0)):
        return 0.0
    live = expected > 0
    return float(chdtrc(len(before) - 1, np.sum((after[live] - expected[live]) ** 2 / expected[live])))


def proportions_z_p(pair: Pair) -> float:
    """Two-sided p-value of the pooled z-test that the first value has equal shares; 1 when there is only one value."""
    from scipy.special import ndtr

    before, after = pair
    if len(before) < 2:
        return 1.0
    n, m = before.sum(), after.sum()
    gap = (1 - before[0] / n) - (1 - after[0] / m)
    pooled = 1 - (before[0] + after[0]) / (n + m)
    z = abs(gap) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return float(2 * (1 - ndtr(z)))
