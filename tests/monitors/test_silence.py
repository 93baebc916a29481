"""Silence: never green, counted from the last contact."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from monitors.silence import silence_result
from store.result import Result

NOW = datetime(2026, 11, 2, 6)


def silent(hours: float | None) -> Result:
    return silence_result(
        model="loans",
        version="3",
        site="edge-kiosk",
        last_contact=None if hours is None else NOW - timedelta(hours=hours),
        registered_at=NOW - timedelta(hours=10),
        contact_window=timedelta(hours=6),
        now=NOW,
    )


@pytest.mark.parametrize(
    ("hours", "value", "status"),
    [(30, 30, "stale"), (6, 6, "within"), (6.01, 6.01, "stale"), (None, 10, "stale"), (-2, 0, "within")],
)
def test_silence_is_measured_from_the_last_contact(hours: float | None, value: float, status: str) -> None:
    result = silent(hours)
    assert (result.value, result.status) == (pytest.approx(value), status)
    assert result.window_from <= NOW
    assert result.window_to - result.window_from == timedelta(hours=6)
    assert result.limit_value == 6
