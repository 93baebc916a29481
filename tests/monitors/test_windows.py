from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.windows import Window, aligned, between_all, grow, grow_all, section_rows, windows
from store.bins import BinSpec, CategoryBins, NumberBins, Section
from store.errors import BadInput
from store.summary import SummaryBlocks

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
START = datetime(2026, 9, 1)


def blocks_of(
    starts: list[datetime], lengths: list[timedelta], counts: list[int], variance: float = 0.0
) -> SummaryBlocks:
    begin = np.array(starts, dtype="datetime64[us]")
    return SummaryBlocks(
        site="s", section="inputs", segment=None, starts=begin,
        ends=begin + np.array([np.timedelta64(length) for length in lengths], dtype="timedelta64[us]"),
        counts=np.array(counts, dtype=np.int64)[:, None],
        variance=np.full(len(starts), variance),
    )  # fmt: skip


def test_windows_are_aligned_due_and_only_where_events_are() -> None:
    found = windows(datetime(2026, 9, 1, 7), datetime(2026, 9, 4, 0), DAY, now=datetime(2026, 9, 4, 23, 59))
    assert found == [Window(START + i * DAY, START + (i + 1) * DAY) for i in range(3)]
    assert len(windows(datetime(2026, 9, 1, 7), datetime(2026, 9, 4, 0), DAY, now=datetime(2026, 9, 5))) == 4


def test_weeks_start_on_monday_and_hours_at_midnight() -> None:
    assert aligned(datetime(2026, 9, 2, 5), timedelta(days=7)) == datetime(2026, 8, 31)
    assert aligned(datetime(2026, 9, 2, 5), timedelta(days=14)).weekday() == 0
    assert aligned(datetime(2026, 9, 2, 13, 5), timedelta(hours=6)) == datetime(2026, 9, 2, 12)
    assert aligned(datetime(1969, 12, 31, 5), DAY) == datetime(1969, 12, 31)


def test_a_window_without_length_is_refused() -> None:
    with pytest.raises(BadInput, match="no length"):
        aligned(START, timedelta(0))


def test_a_window_grows_back_until_it_holds_enough() -> None:
    blocks = blocks_of([START + i * DAY for i in range(5)], [DAY] * 5, [100, 40, 30, 20, 10])
    rows = blocks.counts[:, 0]
    last = Window(START + 4 * DAY, START + 5 * DAY)
    assert grow(last, blocks, rows, every=DAY, at_least=60, up_to=30 * DAY) == (Window(START + 2 * DAY, last.end), 60)
    assert grow(last, blocks, rows, every=DAY, at_least=60, up_to=2 * DAY) == (Window(START + 3 * DAY, last.end), 30)
    assert grow(last, blocks, rows, every=DAY, at_least=5, up_to=2 * DAY) == (last, 10)


def test_growing_stops_at_the_first_block() -> None:
    blocks = blocks_of([START], [DAY], [3])
    window = Window(START, START + DAY)
    assert grow(window, blocks, blocks.counts[:, 0], every=DAY, at_least=60, up_to=300 * DAY) == (window, 3)
    assert grow_all([], blocks, blocks.counts[:, 0], every=DAY, at_least=1, up_to=DAY)[0] == []


@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.sampled_from([1, 24, 168]), st.integers(-5, 100)), min_size=1, max_size=40
    ),
    st.lists(st.tuples(st.integers(0, 10), st.integers(1, 10)), min_size=1, max_size=10),
)
def test_many_windows_at_once_sum_what_one_window_sums(
    rows: list[tuple[int, int, int]], spans: list[tuple[int, int]]
) -> None:
    blocks = blocks_of(
        [START + at * HOUR for at, _, _ in rows], [size * HOUR for _, size, _ in rows], [n for _, _, n in rows], 2.5
    )
    found = [Window(START + begin * DAY, START + (begin + length) * DAY) for begin, length in spans]
    counts, variance = between_all(blocks, found)
    for i, window in enumerate(found):
        one, noise = blocks.between(window.start, window.end)
        assert counts[i].tolist() == one.tolist()
        assert variance[i] == pytest.approx(noise)


def test_every_column_counts_every_row() -> None:
    spec = BinSpec(
        task="binary",
        inputs=(NumberBins("x", (0.0, 1.0, 2.0), 0.0, 2.0), CategoryBins("c", ("a", "b"))),
        prediction=CategoryBins("y", ("0", "1")),
        outcome=True,
    )
    inputs = np.array([[1, 2, 0, 3, 4, 0, 9, 9, 9, 9, 1, 5, 4, 0]], dtype=np.int64)
    assert section_rows(spec, Section.INPUTS, inputs).tolist() == [10]
    assert section_rows(spec, Section.OUTPUTS, np.array([[0, 3, 4, 1], [0, -9, 1, 0]], dtype=np.int64)).tolist() == [
        8,
        0,
    ]
    assert section_rows(spec, Section.OUTCOMES, np.array([[3, 4, 1]], dtype=np.int64)).tolist() == [8]
    assert section_rows(spec, Section.LABELLED, np.arange(9, dtype=np.int64)[None, :]).tolist() == [36]
