"""Columns of any Arrow type as numbers, canonical text or UTC times; what does not fit is told, never guessed.

Each function gives (array, bad): `bad` is a boolean array of the places whose value is no such thing, or None where
all is well. Missing stays missing. Typed columns pass through Arrow alone; only text is parsed, in bulk by DuckDB.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from functools import cache, cached_property
from typing import Any, TypeAlias

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from store.canonical import SPELLINGS, canonical_spelling

Column: TypeAlias = "pa.Array | pa.ChunkedArray"
Typed: TypeAlias = "tuple[Column, pa.Array | None]"

EARLIEST, LATEST = "1980-01-01", "2200-01-01"
"""A clock that says less or more is a clock that was never set."""
_UNITS = ((1e8, 7.26e9, 1_000_000), (1e11, 7.26e12, 1_000), (1e14, 7.26e15, 1), (1e17, 7.26e18, 0.001))
"""Epoch numbers by size: seconds, milliseconds, microseconds, nanoseconds; each to microseconds."""
_EXACT = 1 << 53
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
"""How a time is nearly always written; what follows it is the zone."""


def canonical_text(value: Any) -> str | None:
    """One value as canonical text: integral floats as integers, `true|false`, NFC; None and NaN are missing.

    Text that spells an integral float (`1.0`) or a truth value (`True`) is written the same way, so that a CSV and a
    typed file meet.
    """
    if value is None:
        return None
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        if math.isnan(value):
            return None
        whole = math.isfinite(value) and float(value).is_integer() and -_EXACT <= value <= _EXACT
        return str(int(value)) if whole else str(value)
    if isinstance(value, Decimal):
        text = format(value, "f")
        return _no_zeros(text)
    return canonical_spelling(str(value))


def _no_zeros(text: str) -> str:
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """An empty database that parses text; opened once, for opening one takes longer than a small batch does."""
    return duckdb.connect(":memory:", config={"threads": "2"})


class Casts:
    """The casts, with the in-memory connection that parses text. One per batch; not shared between threads."""

    def __init__(self, *, timezone: str | None = None, empty_is_missing: bool = False) -> None:
        self.timezone = timezone or "UTC"
        self.empty_is_missing = empty_is_missing

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        connection = _parser().cursor()
        connection.execute("SET TimeZone = ?", [self.timezone])
        return connection

    def _sql(self, column: Column, expression: str) -> pa.Array:
        """`expression` over the texts `v`, in order."""
        relation = pa.table({"v": column})
        self._connection.register("texts", relation)
        try:
            found = self._connection.sql(f"SELECT {expression} AS r FROM texts").to_arrow_table()
        finally:
            self._connection.unregister("texts")
        return found["r"]

    # -- numbers --------------------------------------------------------------------------------------------------

    def number(self, column: Column) -> Typed:
        """DOUBLE. NaN and infinities stay; integers beyond 2^53 become the nearest double."""
        column = _decoded(column)
        kind = column.type
        if pa.types.is_float64(kind):
            return column, None
        if pa.types.is_null(kind):
            return pa.nulls(len(column), pa.float64()), None
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return pc.cast(column, pa.float64(), safe=False), None
        if pa.types.is_boolean(kind):
            return pc.cast(pc.cast(column, pa.int8()), pa.float64()), None
        if not _is_text(kind):
            return pa.nulls(len(column), pa.float64()), _filled(column)
        column, odd = _as_string(column)
        try:
            return pc.cast(pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column), pa.float64()), odd
        except pa.ArrowInvalid:
            pass  # something in it is no plain number: find out which
        parsed = self._sql(
            column,
            "CASE WHEN contains(v, '_') THEN NULL WHEN lower(trim(v)) = 'true' THEN 1 WHEN lower(trim(v)) = 'false' "
            "THEN 0 ELSE TRY_CAST(trim(v) AS DOUBLE) END",
        )
        blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(column)), 0)
        bad = pc.and_(pc.and_not(_filled(column), pc.fill_null(blank, True)), pc.is_null(parsed))
        return parsed, _either(_any(bad), odd)

    # -- text -----------------------------------------------------------------------------------------------------

    def text(self, column: Column) -> Typed:
        """Canonical text of ids, categories, labels and groups."""
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        kind = column.type
        if pa.types.is_dictionary(kind):
            values, bad = self.text(column.dictionary)
            return pc.take(values, column.indices), None if bad is None else pc.fill_null(
                pc.take(bad, column.indices), False
            )
        if pa.types.is_null(kind):
            return pa.nulls(len(column), pa.string()), None
        if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
            return pc.cast(column, pa.string()), None
        if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return _by_distinct(column, canonical_text), None
        if pa.types.is_temporal(kind):
            return pc.cast(column, pa.string()), None
        if not _is_text(kind):
            return pa.nulls(len(column), pa.string()), _filled(column)
        column, odd = _as_string(column)
        if self.empty_is_missing:
            column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
        return self._canonical_column(column), odd

    def _canonical_column(self, column: Column) -> Column:
        """`canonical_spelling` of every value; the common case, where nothing is to be done, is two scans."""
        odd = pc.or_(pc.match_substring(column, ".0"), pc.invert(pc.string_is_ascii(column)))
        odd = pc.or_(odd, pc.is_in(column, value_set=pa.array(list(SPELLINGS))))
        if not pc.any(odd).as_py():
            return column
        places = pc.fill_null(odd, False)
        return pc.replace_with_mask(column, places, _by_distinct(column.filter(places), canonical_spelling))

    # -- times ----------------------------------------------------------------------------------------------------

    def time(self, column: Column) -> Typed:
        """UTC without zone, to the microsecond. Epoch numbers are taken by their size."""
        column = _decoded(column)
        kind = column.type
        if pa.types.is_null(kind):
            return pa.nulls(len(column), pa.timestamp("us")), None
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            times: Column = self._to_utc(column)
            bad: Column | None = None
        elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            times = _from_epoch(pc.cast(column, pa.float64(), safe=False))
            bad = pc.and_(pc.is_valid(column), pc.is_null(times))
        elif _is_text(kind):
            column, odd = _as_string(column)
            if (plain := self._iso(column)) is not None:
                return _plausible(plain, odd)
            parsed = self._sql(
                column,
                "CASE WHEN isfinite(TRY_CAST(trim(v) AS TIMESTAMPTZ)) "
                "THEN TRY_CAST(trim(v) AS TIMESTAMPTZ) AT TIME ZONE 'UTC' END",
            )
            if parsed.null_count > column.null_count:
                numbers = self._sql(column, "TRY_CAST(trim(v) AS DOUBLE)")
                parsed = pc.coalesce(parsed, _from_epoch(numbers))
            blank = pc.fill_null(pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(column)), 0), True)
            times = parsed
            bad = _either(pc.and_not(pc.is_null(parsed), blank), odd)
        else:
            return pa.nulls(len(column), pa.timestamp("us")), _filled(column)
        return _plausible(pc.cast(times, pa.timestamp("us")), bad)

    def _iso(self, column: Column) -> Column | None:
        """Times that are all written alike and say UTC (or may leave it out), by Arrow alone; None for all others."""
        for zone, kind in (("Z", pa.timestamp("us", "UTC")), ("", pa.timestamp("us"))):
            if not zone and self.timezone != "UTC":
                continue
            if not pc.all(pc.match_substring_regex(column, f"{_ISO}{zone}$"), min_count=0).as_py():
                continue
            try:
                return pc.cast(pc.cast(column, kind), pa.timestamp("us"))
            except pa.ArrowInvalid:
                return None  # there is no such day, or hour
        return None

    def _to_utc(self, column: Column) -> Column:
        kind = column.type
        if pa.types.is_date(kind):
            column = pc.cast(column, pa.timestamp("us"))
        elif kind.unit != "us":
            column = pc.cast(column, pa.timestamp("us", kind.tz), safe=False)
        if column.type.tz is None and self.timezone != "UTC":
            column = pc.assume_timezone(column, self.timezone, ambiguous="earliest", nonexistent="earliest")
        if column.type.tz is not None:
            column = pc.cast(pc.cast(column, pa.int64()), pa.timestamp("us"))
        return column


def _plausible(times: Column, bad: Column | None) -> Typed:
    low, high = (pa.scalar(np.datetime64(edge, "us")) for edge in (EARLIEST, LATEST))
    outside = pc.fill_null(pc.or_(pc.less(times, low), pc.greater_equal(times, high)), False)
    return times, _any(outside if bad is None else pc.or_(outside, bad))


def _from_epoch(numbers: Column) -> pa.Array:
    """Times from epoch numbers; null where the size fits no unit."""
    values = np.asarray(pc.fill_null(numbers, math.nan))
    out = np.full(len(values), np.datetime64("NaT"), "datetime64[us]")
    for low, high, factor in _UNITS:
        fits = (values >= low) & (values < high)
        out[fits] = np.round(values[fits] * factor).astype("int64").astype("datetime64[us]")
    return pa.array(out, pa.timestamp("us"))


def _decoded(column: Column) -> Column:
    return pc.cast(column, column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _is_text(kind: pa.DataType) -> bool:
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(is_it(kind) for is_it in (*text, pa.types.is_binary, pa.types.is_large_binary))


def _as_string(column: Column) -> Typed:
    """Text as `string`; bytes that are no UTF-8 are bad."""
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        return (column if pa.types.is_string(column.type) else pc.cast(column, pa.string())), None
    try:
        return pc.cast(column, pa.string()), None
    except pa.ArrowInvalid:
        texts = [_decode(value) for value in column.to_pylist()]
        bad = [value is not None and text is None for value, text in zip(column.to_pylist(), texts, strict=True)]
        return pa.array(texts, pa.string()), pa.array(bad)


def _decode(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _by_distinct(column: Column, text: Callable[[Any], str | None]) -> pa.Array:
    """A function of each value, called once per distinct value."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    coded = column.dictionary_encode()
    if pa.types.is_floating(column.type):
        values = coded.dictionary.to_numpy(zero_copy_only=False)  # float32 keeps its own shortest digits
    else:
        values = coded.dictionary.to_pylist()
    return pc.take(pa.array([text(value) for value in values], pa.string()), coded.indices)


def _filled(column: Column) -> Column:
    return pc.is_valid(column)


def _any(bad: Column) -> pa.Array | None:
    if not pc.any(bad, min_count=0).as_py():
        return None
    return bad.combine_chunks() if isinstance(bad, pa.ChunkedArray) else bad


def _either(one: Column | None, other: Column | None) -> pa.Array | None:
    if one is None:
        return other
    return one if other is None else pc.or_(one, other)
