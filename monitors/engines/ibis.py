"""Counting on any engine that Ibis speaks (Spark, above all): the same integers as DuckDB's, cell for cell.

Satisfies `monitors.engines.base.Engine` on an Ibis connection and the name of a table there; the one file that meets
Ibis. Only numbers of rows and sums of whole numbers leave the engine, a line per block, segment and cell, so what
travels does not grow with the rows. Four things are written out because engines differ in them:

- A row's cells are an array of whole numbers (place, quantised value, whether inexact) that is unnested and grouped:
  one pass however many columns there are, where an aggregate per edge would be thousands.
- Bins are (lo, hi]: Ibis' `bucket` is [lo, hi). NaN is greatest here, as in DuckDB and Spark, so it is never below.
- Rounding is by floor and the rest, half away from zero; engines round halves to even, or by their decimal text.
- Text is a number where it reads as one in DuckDB's grammar; Java's takes `1d` and hexadecimal as well.

Log losses rest on the engine's own logarithm: a last bit that differs moves a sum by one step of 2^-20 where a row's
loss lies within 10^-8 steps of a half.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from sys import float_info
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitors.engines.base import MISSING_SEGMENT, Blocks
from monitors.engines.keyed import Fetched, Keyed, chosen, keys_of, merged, scattered, schema, table
from store.bins import QUANTUM, BinSpec, CategoryBins, ColumnCells, GroupBins, NumberBins, Section
from store.summary import Counts

__all__ = ["count", "on_spark"]

EXACT = 1 << 53
CLIP = 1e-15
"""Scores are clipped to [CLIP, 1 - CLIP] before their losses."""
SHIFT, VALUE = 22, (1 << 21) - 1
"""A cell's code: its place, then 21 bits of the quantised value, then one that tells what is inexact."""
NUMBER_TEXT = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
WORDS = {"nan": float("nan"), "inf": float("inf"), "infinity": float("inf"), "+inf": float("inf")} | {
    "+infinity": float("inf"), "-inf": float("-inf"), "-infinity": float("-inf"),
}  # fmt: skip


class _Late:
    """Ibis, imported when it is first asked for anything: it takes seconds, and most sites do without it."""

    def __getattr__(self, name: str) -> Any:
        import ibis as found

        return getattr(found, name)


ibis = _Late()
JOINT = (Section.OUTCOMES, Section.LABELLED)


def on_spark(session: Any) -> Any:
    """A connection to a session of Spark."""
    return ibis.pyspark.from_connection(session)


def count(
    connection: Any,
    relation: str,
    spec: BinSpec,
    section: Section,
    *,
    blocks: Blocks,
    segments: Sequence[str] = (),
    total: bool = True,
    weight: str | None = None,
) -> pa.Table:
    """One section's counts of every row of a table of the connection, as SUMMARY_SCHEMA, oldest block first."""
    if not spec.widths[section]:
        return schema().empty_table()
    if weight and section not in JOINT:
        raise ValueError(f"{section} are not weighted: a row is counted once, and stays")
    rows = connection.table(relation)

    def keyed(segment: Any) -> Keyed:
        keys = {"start": _block_start(rows, blocks)} | ({} if segment is None else {"segment": segment})
        if section in JOINT:
            return _joint(rows, keys, spec, section, weight)
        return _columns(rows, keys, spec, section)

    tables, parts = [], None
    for k, name in enumerate(segments):
        parts = keyed(ibis.coalesce(_text(rows, f"s{k}"), MISSING_SEGMENT))
        tables.append(table(parts, section, blocks, segment=name))
    if total:
        tables.insert(0, table(merged(parts) if parts else keyed(None), section, blocks))
    return pa.concat_tables(tables) if tables else schema().empty_table()


def _fetched(grouped: Any, keys: Sequence[str]) -> Fetched:
    """The lines of an answer in order of their keys; nulls as NaT or 0."""
    answer = grouped.to_pyarrow()
    starts = answer["start"]
    if starts.type != pa.timestamp("us"):
        zoned = getattr(starts.type, "tz", None) is not None
        starts = pc.cast(pc.cast(starts, pa.timestamp("us", starts.type.tz)), pa.int64()) if zoned else starts
        starts = pc.cast(starts, pa.timestamp("us"))
    answer = answer.set_column(answer.schema.get_field_index("start"), "start", starts)
    answer = answer.sort_by([(name, "ascending") for name in ("start", *keys)])
    found: Fetched = {"start": answer["start"].to_numpy().astype("datetime64[us]")}
    for name in answer.column_names:
        if name == "segment":
            found[name] = np.array(answer[name].to_pylist(), dtype=object)
        elif name != "start":
            found[name] = pc.fill_null(pc.cast(answer[name], pa.int64()), 0).to_numpy().astype(np.int64)
    return found


# -- keys and values ----------------------------------------------------------------------------------------------


def _block_start(rows: Any, blocks: Blocks) -> Any:
    units = {"hour": "h", "day": "D", "week": "W"}
    at = rows.event_time
    if blocks.first_hour is None:
        return at.truncate(units[str(blocks.fixed)])
    hourly = at >= ibis.timestamp(blocks.first_hour.isoformat(sep=" "))
    return ibis.ifelse(hourly, at.truncate("h"), at.truncate("D"))


def _number_of_text(value: Any) -> Any:
    plain = ibis.ifelse(value.re_search(NUMBER_TEXT), value.strip().try_cast("float64"), ibis.null("float64"))
    words = [
        (value.strip().lower() == ibis.literal(word, "string"), ibis.literal(number, "float64"))
        for word, number in WORDS.items()
    ]
    return ibis.cases(*words, else_=plain)


def _double(rows: Any, column: str) -> Any:
    """The column as a double; text that reads as no number is missing."""
    if column not in rows.columns:
        return ibis.null("float64")
    value = rows[column]
    kind = value.type()
    if kind.is_boolean():
        return value.cast("int64").cast("float64")
    return value.cast("float64") if kind.is_numeric() else _number_of_text(value.cast("string"))


def _text(rows: Any, column: str) -> Any:
    """The column as canonical text: integral floats as integers."""
    if column not in rows.columns:
        return ibis.null("string")
    value = rows[column]
    if value.type().is_floating() or value.type().is_decimal():
        number = value.cast("float64")
        whole = (number.abs() < 1e15) & (number == number.floor())
        return ibis.ifelse(whole, number.cast("int64").cast("string"), number.cast("string"))
    return value.cast("string")


def _missing(value: Any) -> Any:
    """Whether there is no value. Asked of a comparison where it is a double: on Spark, Ibis takes NaN for null."""
    return (value <= 0).isnull() if value.type().is_floating() else value.isnull()


def _finite(value: Any) -> Any:
    """Null where the value is."""
    return (value >= -float_info.max) & (value <= float_info.max)


def _rounded(value: Any) -> Any:
    """Half away from zero, of what is not below 0: the rest is exact, which adding a half first is not."""
    whole = value.floor()
    return whole.cast("int64") + ibis.ifelse(value - whole.cast("float64") >= 0.5, 1, 0).cast("int64")


def _clipped(value: Any, low: float, high: float) -> Any:
    bounds = [(value <= low, ibis.literal(low, "float64")), (value > high, ibis.literal(high, "float64"))]
    return ibis.cases(*bounds, else_=value)


def _quantised(value: Any, low: float, high: float) -> Any:
    """q of store/bins.py; the caller takes out what is no finite number."""
    return _rounded((_clipped(value, low, high) - low) / ibis.literal((high - low) / QUANTUM, "float64"))


# -- inputs and outputs -------------------------------------------------------------------------------------------


def _columns(rows: Any, keys: dict[str, Any], spec: BinSpec, section: Section) -> Keyed:
    places = [(cells, f"x{i}") for i, cells in enumerate(spec.input_cells)]
    if section is Section.OUTPUTS:
        pairs = ((spec.prediction_cells, "prediction"), (spec.score_cells, "score"))
        places = [(cells, name) for cells, name in pairs if cells]
    codes = [_code(rows, cells, name).cast("int64") for cells, name in places]
    cells = rows.select(**keys, code=ibis.array(codes).unnest())
    told = cells.mutate(place=cells.code >> SHIFT, q=(cells.code >> 1) & VALUE, odd=(cells.code & 1))
    square = told.q * told.q
    grouped = told.group_by([*keys, "place"]).aggregate(
        n=told.count(),
        inexact=told.odd.sum(),
        q_sum=told.q.sum(),
        q2_high=(square >> 20).sum(),
        q2_low=(square & (QUANTUM - 1)).sum(),
    )
    return _placed(_fetched(grouped, [*list(keys)[1:], "place"]), spec, section, [cells for cells, _ in places])


def _code(rows: Any, cells: ColumnCells, name: str) -> Any:
    """The place of the row's cell in the vector, its quantised value, and whether it is inexact."""
    if isinstance(cells.bins, CategoryBins):
        value, first = _text(rows, name), cells.partition.start
        place = _class(value, cells.bins.values) + first
        return ibis.ifelse(value.isnull(), cells.missing, place).cast("int64") << SHIFT
    bins, value = cells.bins, _double(rows, name)
    first = cells.partition.start
    edges = [(value <= ibis.literal(edge, "float64"), first + k) for k, edge in enumerate(bins.edges)]
    place = ibis.cases(*edges, else_=first + len(bins.edges)).cast("int64")
    full = (place << SHIFT) + (_quantised(value, bins.lo, bins.hi) << 1) + _inexact(rows, name, value)
    return ibis.cases(
        (_missing(value), ibis.literal(cells.missing << SHIFT, "int64")),
        (~_finite(value), ibis.literal((cells.start + 1) << SHIFT, "int64")),
        else_=full,
    )


def _inexact(rows: Any, name: str, value: Any) -> Any:
    """Integers are asked themselves: the cast to a double hides which of them are beyond 2^53."""
    asked = rows[name] if name in rows.columns and rows[name].type().is_integer() else value
    return ibis.ifelse((asked > EXACT) | (asked < -EXACT), 1, 0).cast("int64")


def _placed(fetched: Fetched, spec: BinSpec, section: Section, columns: Sequence[ColumnCells]) -> Keyed:
    first, row = keys_of(fetched)
    counts: Counts = np.zeros((len(first), spec.widths[section]), dtype=np.int64)
    place = fetched["place"]
    np.add.at(counts, (row, place), fetched["n"])
    moments = np.full(spec.widths[section], -1, dtype=np.int64)
    for cells in columns:
        if cells.moments is not None:
            moments[cells.partition] = cells.moments.start
    has = moments[place] >= 0
    for k, name in enumerate(("inexact", "q_sum", "q2_high", "q2_low")):
        np.add.at(counts, (row[has], moments[place[has]] + k), fetched[name][has])
    return chosen(fetched, first, counts)


# -- outcomes and labelled ----------------------------------------------------------------------------------------


def _class(value: Any, values: Sequence[str]) -> Any:
    """0.. for the published values, then other."""
    known = [(value == ibis.literal(text, "string"), k) for k, text in enumerate(values)]
    return ibis.cases(*known, else_=len(values)).cast("int64") if known else ibis.literal(0, "int64")


def _group(rows: Any, column: str, group: GroupBins) -> Any:
    """Values or bands, then other, then missing. A band is [lo, hi); what reads as no finite number is other."""
    value, other = _text(rows, column), len(group.values)
    if group.bands:
        number = _number_of_text(value)
        bands = [(number < ibis.literal(edge, "float64"), k) for k, edge in enumerate(group.bands)]
        odd = ~ibis.coalesce(_finite(number), False)
        found = ibis.cases((odd, other), *bands, else_=len(group.bands)).cast("int64")
    else:
        found = _class(value, group.values)
    return ibis.ifelse(value.isnull(), ibis.literal(other + 1, "int64"), found)


def _joint(rows: Any, keys: dict[str, Any], spec: BinSpec, section: Section, weight: str | None) -> Keyed:
    labelled = section is Section.LABELLED
    needed = ("prediction", "label") if labelled else ("prediction",)
    there = [~_missing(rows[name]) for name in needed if name in rows.columns]
    kept = ibis.literal(len(there) == len(needed))
    for one in there:
        kept = kept & one
    losses = _losses(rows, spec) if labelled and spec.losses.stop > spec.losses.start else {}
    scored = labelled and prod(spec.score_label_shape) > 0
    told = rows.filter(kept).select(
        **keys,
        w=rows[weight].cast("int64") if weight else ibis.literal(1, "int64"),
        cell=_cell(rows, spec, needed),
        score_cell=_score_cell(rows, spec) if scored else ibis.literal(-1, "int64"),
        **losses,
    )
    by = [*keys, "cell", "score_cell"]
    grouped = told.group_by(by).aggregate(n=told.w.sum(), **(_loss_sums(told) if losses else {}))
    return scattered(_fetched(grouped, by[1:]), spec, section)


def _cell(rows: Any, spec: BinSpec, told: Sequence[str]) -> Any:
    """Row-major: groups x prediction, and x label."""
    indexes = [_group(rows, f"g{k}", group) for k, group in enumerate(spec.groups)]
    values = spec.prediction.values if isinstance(spec.prediction, CategoryBins) else ()
    indexes += [_class(_text(rows, column), values) for column in told]
    shape = spec.labelled_shape if len(told) == 2 else spec.outcomes_shape
    place = ibis.literal(0, "int64")
    for k, index in enumerate(indexes):
        place = place + index * prod(shape[k + 1 :])
    return place


def _score_cell(rows: Any, spec: BinSpec) -> Any:
    """below, bins, above; -1 where the score is missing or not finite."""
    value, edges = _double(rows, "score"), spec.score.edges if spec.score else ()
    odd = ~ibis.coalesce(_finite(value), False)
    inner = [(value <= ibis.literal(edge, "float64"), k) for k, edge in enumerate(edges)]
    return ibis.cases((odd, -1), *inner, else_=len(edges)).cast("int64")


def _losses(rows: Any, spec: BinSpec) -> dict[str, Any]:
    """The quantised log and Brier loss of a score, or error and label of a regression; null where there is none."""
    none = ibis.null("int64")
    if isinstance(spec.prediction, NumberBins):
        bins, label, told = spec.prediction, _double(rows, "label"), _double(rows, "prediction")
        both = ibis.coalesce(_finite(label) & _finite(told), False)
        share = (label - told).abs() / ibis.literal(bins.hi - bins.lo, "float64")
        error = ibis.ifelse(share < 1.0, share, ibis.literal(1.0, "float64"))
        found = {"l_0": _rounded(error * QUANTUM), "l_1": _quantised(label, bins.lo, bins.hi)}
        return {name: ibis.ifelse(both, value, none) for name, value in found.items()}
    score = _double(rows, "score")
    p = _clipped(score, CLIP, 1 - CLIP)
    good = _text(rows, "label") == ibis.literal(spec.good or "", "string")
    right, miss = ibis.ifelse(good, p, 1.0 - p), ibis.ifelse(good, p - 1.0, p)
    found = {"l_0": _rounded(right.ln() * -1.0 * QUANTUM), "l_1": _rounded(miss * miss * QUANTUM)}
    finite = ibis.coalesce(_finite(score), False)
    return {name: ibis.ifelse(finite, value, none) for name, value in found.items()}


def _loss_sums(told: Any) -> dict[str, Any]:
    """LOSS_CELLS or ERROR_CELLS, weighted: n, then of each loss its sum and the sums of the parts of its square."""
    sums = [told.w.sum(where=told.l_0.notnull())]
    for loss in (told.l_0, told.l_1):
        square = loss * loss
        sums += [(told.w * loss).sum(), (told.w * (square >> 20)).sum(), (told.w * (square & (QUANTUM - 1))).sum()]
    # No nulls: whole numbers beside them pass through doubles on their way from Spark.
    return {f"loss_{k}": ibis.coalesce(total, 0) for k, total in enumerate(sums)}
