"""Columns of any type as numbers, canonical text and times."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sources.casts import Casts, canonical_text


def bad(mask: pa.Array | None, count: int) -> list[bool]:
    return [False] * count if mask is None else [bool(value) for value in mask.to_pylist()]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1, None, 2**53 + 1]), [1.0, None, float(2**53)]),
        (pa.array([1, 255], pa.uint8()), [1.0, 255.0]),
        (pa.array([0.5, None], pa.float32()), [0.5, None]),
        (pa.array(np.array([0.5], np.float16)), [0.5]),
        (pa.array([True, False, None]), [1.0, 0.0, None]),
        (pa.array([Decimal("1.25"), None]), [1.25, None]),
        (
            pa.array(["1", " 2 ", "-3e2", ".5", "", None, "True", "false"]),
            [1.0, 2.0, -300.0, 0.5, None, None, 1.0, 0.0],
        ),
        (pa.array(["1.5", "2"]).dictionary_encode(), [1.5, 2.0]),
        (pa.array([b"7"]), [7.0]),
        (pa.nulls(2), [None, None]),
        (pa.array(["x"], pa.large_string()).slice(1), []),
    ],
)
def test_numbers(column: pa.Array, expected: list[float | None]) -> None:
    typed, wrong = Casts().number(column)
    assert typed.type == pa.float64()
    assert typed.to_pylist() == expected
    assert wrong is None


def test_numbers_that_are_not_finite_stay() -> None:
    typed, wrong = Casts().number(pa.array(["NaN", "inf", "-inf", "1e400", "1"]))
    assert [math.isfinite(value) for value in typed.to_pylist()] == [False] * 4 + [True]
    assert wrong is None


@pytest.mark.parametrize("text", ["abc", "1,5", "1_000", "0x10", "12%", "--1", "1 2", "٣", "\x00"])
def test_text_that_is_no_number_is_told(text: str) -> None:
    typed, wrong = Casts().number(pa.array(["1", text, None]))
    assert typed.to_pylist() == [1.0, None, None]
    assert bad(wrong, 3) == [False, True, False]


@pytest.mark.parametrize(
    "column", [pa.array([[1], None]), pa.array([{"a": 1}, None]), pa.array([date(2026, 1, 1), None])]
)
def test_what_is_no_number_at_all_is_told_by_row(column: pa.Array) -> None:
    typed, wrong = Casts().number(column)
    assert typed.to_pylist() == [None, None]
    assert bad(wrong, 2) == [True, False]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1, None]), ["1", None]),
        (pa.array([1.0, 0.1, float("nan"), -0.0, 1e20]), ["1", "0.1", None, "0", "1e+20"]),
        (pa.array([0.1], pa.float32()), ["0.1"]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array([Decimal("1.50"), Decimal("2.00"), Decimal("0.00")]), ["1.5", "2", "0"]),
        (
            pa.array(["1.0", "-0.0", "1.50", "v1.0", "007", "True", "FALSE", "x"]),
            ["1", "0", "1.50", "v1.0", "007", "true", "false", "x"],
        ),
        (pa.array(["e\u0301"]), ["é"]),
        (pa.array(["a", "1.0", None]).dictionary_encode(), ["a", "1", None]),
        (pa.array([date(2026, 1, 31)]), ["2026-01-31"]),
        (pa.array(["", "a"]), ["", "a"]),
        (pa.array([b"x"], pa.large_binary()), ["x"]),
        (pa.array(["x"], pa.string_view()), ["x"]),
        (pa.nulls(1), [None]),
    ],
)
def test_canonical_text(column: pa.Array, expected: list[str | None]) -> None:
    typed, wrong = Casts().text(column)
    assert typed.to_pylist() == expected
    assert wrong is None


def test_empty_text_is_missing_where_the_format_says_so() -> None:
    assert Casts(empty_is_missing=True).text(pa.array(["", "a"]))[0].to_pylist() == [None, "a"]


def test_bytes_that_are_no_text_and_nested_values_are_told() -> None:
    assert bad(Casts().text(pa.array([b"a", b"\xff", None]))[1], 3) == [False, True, False]
    assert bad(Casts().text(pa.array([[1], None]))[1], 2) == [True, False]


@given(values=st.lists(st.one_of(st.none(), st.floats(), st.integers(-(2**60), 2**60)), min_size=1))
def test_a_column_and_a_value_are_written_alike(values: list[Any]) -> None:
    floats = [None if v is None else float(v) for v in values]
    assert Casts().text(pa.array(floats, pa.float64()))[0].to_pylist() == [canonical_text(v) for v in floats]


@given(texts=st.lists(st.one_of(st.none(), st.text(), st.sampled_from(["1.0", "-0.0", "True", "0.00"])), min_size=1))
def test_canonical_text_is_stable(texts: list[str | None]) -> None:
    once = Casts().text(pa.array(texts, pa.string()))[0]
    assert once.to_pylist() == [canonical_text(text) for text in texts]
    assert Casts().text(once)[0].to_pylist() == once.to_pylist()


NOON = datetime(2026, 7, 1, 12)


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["2026-07-01T12:00:00Z", "2026-07-01 14:00:00+02:00", "2026-07-01T12:00", " 2026-07-01 12:00:00 "]),
        pa.array(["2026-07-01T12:00:00.000000999Z"]),
        pa.array([NOON]),
        pa.array([NOON], pa.timestamp("ns")),
        pa.array([NOON], pa.timestamp("s")),
        pa.array([NOON.replace(tzinfo=UTC)], pa.timestamp("ms", "America/New_York")),
        pa.array([int(NOON.replace(tzinfo=UTC).timestamp())]),
        pa.array([int(NOON.replace(tzinfo=UTC).timestamp()) * 1000]),
        pa.array([int(NOON.replace(tzinfo=UTC).timestamp()) * 10**6]),
        pa.array([int(NOON.replace(tzinfo=UTC).timestamp()) * 10**9]),
        pa.array([NOON.replace(tzinfo=UTC).timestamp()]),
        pa.array([str(int(NOON.replace(tzinfo=UTC).timestamp()))]),
    ],
)
def test_times(column: pa.Array) -> None:
    typed, wrong = Casts().time(column)
    assert typed.to_pylist() == [NOON] * len(column)
    assert wrong is None


def test_times_of_a_site_with_a_zone() -> None:
    casts = Casts(timezone="Europe/Berlin")
    for column in (pa.array(["2026-07-01T14:00:00"]), pa.array([NOON + timedelta(hours=2)])):
        assert casts.time(column)[0].to_pylist() == [NOON]
    assert casts.time(pa.array(["2026-07-01T12:00:00Z"]))[0].to_pylist() == [NOON]
    assert casts.time(pa.array([date(2026, 7, 1)]))[0].to_pylist() == [datetime(2026, 6, 30, 22)]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["01/02/2026"]),
        pa.array(["2026-13-01"]),
        pa.array(["now"]),
        pa.array(["-infinity"]),
        pa.array(["12:00"]),
        pa.array([17]),
        pa.array([float("inf")]),
        pa.array([True]),
        pa.array([10**17], pa.timestamp("s")),
        pa.array([datetime(1970, 1, 1)]),
        pa.array([[NOON]]),
    ],
)
def test_what_is_no_time_is_told(column: pa.Array) -> None:
    _, wrong = Casts().time(column)
    assert bad(wrong, 1) == [True]


def test_missing_times_are_missing() -> None:
    typed, wrong = Casts().time(pa.array(["", None, "  "]))
    assert typed.to_pylist() == [None] * 3
    assert wrong is None


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.from_regex(
                r"[12][0-9]{3}-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,6})?", fullmatch=True
            ),
        ),
        max_size=4,
    ),
    st.sampled_from(["Z", ""]),
    st.sampled_from(["UTC", "Europe/Berlin"]),
)
def test_times_written_alike_are_what_the_parser_of_all_times_says(
    texts: list[str | None], zone: str, timezone: str
) -> None:
    column = pa.array([None if text is None else text + zone for text in texts], pa.string())
    odd = pa.array([*column.to_pylist(), "2026-01-31 12:00:00+00:00"], pa.string())
    casts = Casts(timezone=timezone)
    (alike, wrong), (parsed, wrongly) = casts.time(column), casts.time(odd)
    assert pa.chunked_array([alike]).to_pylist() == parsed.to_pylist()[:-1]
    assert bad(wrong, len(column)) == bad(wrongly, len(odd))[:-1]
