"""The SQL that counts a bin spec, as text: literals, blocks, values, joint cells, losses. Pure; `duckdb.py` runs it.

Nothing from outside enters unquoted: text is doubled at its quotes, and numbers carry an exponent, for without one
they would be decimals, divided into place and off by a bit. Three habits avoid DuckDB's traps:

- Cells of scores are found from below, `x <= edge`, which makes bins (lo, hi] and does not care about -0.0.
- Values are clipped by CASE: `least(greatest())` is twice as slow, and takes NULL for the bound.
- HUGEINT sums are cast to BIGINT before they leave: NumPy would get doubles.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from monitors.engines.base import Blocks
from store.bins import QUANTUM, BinSpec, CategoryBins, GroupBins, NumberBins

EXACT = 1 << 53
CLIP = 1e-15
"""Scores are clipped to [CLIP, 1 - CLIP] before their losses."""
INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def number(value: float) -> str:
    shortest = repr(float(value))
    return shortest if "e" in shortest else f"{shortest}e0"


def name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


# -- keys -------------------------------------------------------------------------------------------------------


def block_start(blocks: Blocks) -> str:
    """The start of the block of `event_time`; null where that is."""
    if blocks.first_hour is None:
        return f"date_trunc('{blocks.fixed}', event_time)::TIMESTAMP"
    hourly = f"event_time >= '{blocks.first_hour.isoformat(sep=' ')}'::TIMESTAMP"
    return f"(CASE WHEN {hourly} THEN date_trunc('hour', event_time) ELSE date_trunc('day', event_time) END)::TIMESTAMP"


# -- values -----------------------------------------------------------------------------------------------------


def as_double(column: str, kind: str | None) -> str:
    """The column as a DOUBLE; text that reads as no number is missing. kind: its DuckDB type, None where absent."""
    if kind is None:
        return "NULL::DOUBLE"
    if kind in INTEGERS or kind in ("DOUBLE", "FLOAT", "BOOLEAN") or kind.startswith("DECIMAL"):
        return f"{name(column)}::DOUBLE"
    return f"TRY_CAST({name(column)}::VARCHAR AS DOUBLE)"


def as_text(column: str, kind: str | None) -> str:
    """The column as canonical text: integral floats as integers."""
    if kind is None:
        return "NULL::VARCHAR"
    if kind == "VARCHAR" or kind in INTEGERS or kind == "BOOLEAN":
        return f"{name(column)}::VARCHAR"
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        value = f"{name(column)}::DOUBLE"
        whole = f"abs({value}) < 1e15 AND {value} = trunc({value})"
        return f"CASE WHEN {whole} THEN {value}::BIGINT::VARCHAR ELSE {value}::VARCHAR END"
    return f"{name(column)}::VARCHAR"


# -- cells of one column ----------------------------------------------------------------------------------------


def clipped(value: str, low: float, high: float) -> str:
    """NaN is greatest here, so it becomes `high`; null stays null."""
    lowest, highest = number(low), number(high)
    return f"CASE WHEN {value} <= {lowest} THEN {lowest} WHEN {value} > {highest} THEN {highest} ELSE {value} END"


def quantised(value: str, low: float, high: float) -> str:
    """q of store/bins.py, rounded half away from zero. It is (x - lo) over a 2^20th of the range, which is the same to
    the last bit as dividing by the range and multiplying then. The caller takes out what is no finite number."""
    return f"round(({clipped(value, low, high)} - {number(low)}) / {number((high - low) / QUANTUM)})::BIGINT"


WIDE = ("BIGINT", "UBIGINT", "HUGEINT")
"""Types of integers that a double may not hold."""


def number_columns(i: int, column: str, kind: str | None) -> list[str]:
    """Column i as d_i, a DOUBLE; w_i asks an integer whether it is beyond 2^53, before the cast to DOUBLE hides it."""
    columns = [f"{as_double(column, kind)} AS d_{i}"]
    if kind in WIDE:
        columns.append(f"coalesce({name(column)} NOT BETWEEN -{EXACT} AND {EXACT}, false) AS w_{i}")
    return columns


def category_columns(i: int, column: str, kind: str | None, bins: CategoryBins) -> list[str]:
    """Column i as t_i, whether it has a value, and d_i, which of the published ones. DuckDB looks a value of its
    dictionaries up once, not in every row; `(other)` or '' mean themselves."""
    value = as_text(column, kind)
    named = [f"TRY_CAST({value} AS ENUM({', '.join(map(text, bins.values))})) AS d_{i}"] if bins.values else []
    return [f"{value} IS NOT NULL AS t_{i}", *named]


# -- cells of the joint tables ----------------------------------------------------------------------------------


def class_index(value: str, values: Sequence[str]) -> str:
    """0.. for the published values, then other; the value is not null."""
    if not values:
        return "0"
    return f"CASE {value} {' '.join(f'WHEN {text(v)} THEN {k}' for k, v in enumerate(values))} ELSE {len(values)} END"


def group_index(column: str, kind: str | None, group: GroupBins) -> str:
    """Values or bands, then other, then missing. A band is [lo, hi); what reads as no finite number is other."""
    value = as_text(column, kind)
    other, missing = len(group.values), len(group.values) + 1
    if not group.bands:
        return f"CASE WHEN {value} IS NULL THEN {missing} ELSE {class_index(value, group.values)} END"
    number_of = f"TRY_CAST({value} AS DOUBLE)"
    bands = " ".join(f"WHEN {number_of} < {number(edge)} THEN {k}" for k, edge in enumerate(group.bands))
    return (
        f"CASE WHEN {value} IS NULL THEN {missing} WHEN NOT coalesce(isfinite({number_of}), false) THEN {other} "
        f"{bands} ELSE {len(group.bands)} END"
    )


def score_index(spec: BinSpec, kinds: dict[str, str]) -> str:
    """below, bins, above; -1 where the score is missing or not finite."""
    value, edges = as_double("score", kinds.get("score")), spec.score.edges if spec.score else ()
    inner = " ".join(f"WHEN {value} <= {number(edge)} THEN {k}" for k, edge in enumerate(edges))
    return f"CASE WHEN NOT coalesce(isfinite({value}), false) THEN -1 {inner} ELSE {len(edges)} END"


def row_major(indexes: Sequence[str], shape: Sequence[int]) -> str:
    """The place of a cell in a row-major table of this shape."""
    steps = [prod(shape[k + 1 :]) for k in range(len(shape))]
    terms = [f"({index}) * {step}" for index, step in zip(indexes, steps, strict=True)]
    return " + ".join(terms) or "0"


def joint_index(spec: BinSpec, kinds: dict[str, str], *, labelled: bool) -> str:
    """groups x prediction, and x label."""
    indexes = [group_index(f"g{k}", kinds.get(f"g{k}"), group) for k, group in enumerate(spec.groups)]
    for column in ("prediction", "label") if labelled else ("prediction",):
        values = spec.prediction.values if isinstance(spec.prediction, CategoryBins) else None
        indexes.append("0" if values is None else class_index(as_text(column, kinds.get(column)), values))
    return row_major(indexes, spec.labelled_shape if labelled else spec.outcomes_shape)


def losses(spec: BinSpec, kinds: dict[str, str]) -> list[str]:
    """Columns l_0 and l_1: the quantised log and Brier loss of a score, or error and label of a regression. Null where
    the score, or one of the two numbers, is missing or not finite."""
    if isinstance(spec.prediction, NumberBins):
        error = f"abs({as_double('label', kinds.get('label'))} - {as_double('prediction', kinds.get('prediction'))})"
        share = f"{error} / {number(spec.prediction.hi - spec.prediction.lo)}"
        both = " AND ".join(f"isfinite({as_double(c, kinds.get(c))})" for c in ("label", "prediction"))
        label = quantised(as_double("label", kinds.get("label")), spec.prediction.lo, spec.prediction.hi)
        return [
            f"CASE WHEN {both} THEN round(least({share}, 1) * {QUANTUM})::BIGINT END AS l_0",
            f"CASE WHEN {both} THEN ({label})::BIGINT END AS l_1",
        ]
    score = as_double("score", kinds.get("score"))
    p = clipped(score, CLIP, 1 - CLIP)
    is_good = f"({as_text('label', kinds.get('label'))} = {text(spec.good or '')})"
    right = f"CASE WHEN {is_good} THEN {p} ELSE 1 - {p} END"
    miss = f"CASE WHEN {is_good} THEN {p} - 1 ELSE {p} END"
    finite = f"isfinite({score})"
    return [
        f"CASE WHEN {finite} THEN round(-ln({right}) * {QUANTUM})::BIGINT END AS l_0",
        f"CASE WHEN {finite} THEN round(({miss}) * ({miss}) * {QUANTUM})::BIGINT END AS l_1",
    ]


def loss_sums(spec: BinSpec) -> list[str]:
    """loss_0 ..: the cells of LOSS_CELLS or ERROR_CELLS, weighted: n, then of each loss its sum and the sums of the
    high and low part of its square."""
    sums = ["sum(w) FILTER (l_0 IS NOT NULL)"]
    for loss in ("l_0", "l_1"):
        square = f"({loss} * {loss})"
        sums += [f"sum(w * {loss})", f"sum(w * ({square} >> 20))", f"sum(w * ({square} & {QUANTUM - 1}))"]
    return [f"({text})::BIGINT AS loss_{k}" for k, text in enumerate(sums)]
