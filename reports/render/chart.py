"""Where a chart's parts stand: one layout, drawn as SVG by html.py and as native shapes by the Typst template.

Pure geometry on a canvas of points, y downwards. The renderers only draw what is listed, so that screen and paper
show the same picture. Gaps stay gaps: a line never crosses a window without a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import floor, log10
from typing import Any

from reports import words
from reports.elements import DotWhisker, Point, TimeSeries

WIDTH = 470.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 42.0, 12.0, 20.0, 22.0
_LABELS, _ROW = 150.0, 17.0


def layout(chart: TimeSeries | DotWhisker) -> dict[str, Any]:
    return _series(chart) if isinstance(chart, TimeSeries) else _dots(chart)


def nice_ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round steps of 1, 2 or 5 that cover [low, high]."""
    span = (high - low) or abs(high) or 1.0
    raw = span / about
    power = 10 ** floor(log10(raw))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= raw * 0.999)
    first = floor(low / step + 1e-9)
    ticks = [first * step]
    while ticks[-1] < high - step * 1e-6:
        ticks.append((first + len(ticks)) * step)
    return [round(tick, 12) for tick in ticks]


def _series(chart: TimeSeries) -> dict[str, Any]:
    height = 150.0
    start, end = _when(chart.start), _when(chart.end)
    span = max((end - start).total_seconds(), 1.0)
    ticks = nice_ticks(*_range(chart.points, chart.limit))
    bottom = height - _BOTTOM

    def x(at: str) -> float:
        share = (_when(at) - start).total_seconds() / span
        return round(_LEFT + min(max(share, 0.0), 1.0) * (WIDTH - _LEFT - _RIGHT), 2)

    def y(value: float) -> float:
        share = (value - ticks[0]) / ((ticks[-1] - ticks[0]) or 1.0)
        return round(bottom - share * (bottom - _TOP), 2)

    points = sorted(chart.points, key=lambda point: point.at)
    runs = list(_runs(points))
    return {
        "width": WIDTH,
        "height": height,
        "left": _LEFT,
        "right": WIDTH - _RIGHT,
        "top": _TOP,
        "bottom": bottom,
        "y_ticks": [{"at": y(tick), "label": _tick(tick)} for tick in ticks],
        "x_ticks": [{"at": x(at), "label": at[:10]} for at in _dates(start, end)],
        "limit": None if chart.limit is None else {"at": y(chart.limit), "label": words.clean(chart.limit_label)},
        "bands": [
            [[x(p.at), y(p.high)] for p in run if p.high is not None]
            + [[x(p.at), y(p.low)] for p in reversed(run) if p.low is not None]
            for run in runs
            if all(p.low is not None and p.high is not None for p in run) and len(run) > 1
        ],
        "lines": [[[x(p.at), y(p.value)] for p in run if p.value is not None] for run in runs if len(run) > 1],
        "points": [{"at": [x(p.at), y(p.value)], "tone": p.tone} for p in points if p.value is not None],
        "gaps": [x(p.at) for p in points if p.value is None],
        "marks": [{"at": x(mark.at), "label": words.clean(mark.label)} for mark in chart.marks],
    }


def _dots(chart: DotWhisker) -> dict[str, Any]:
    top, bottom = 18.0, 18.0 + _ROW * len(chart.dots)
    ends = [end for dot in chart.dots for end in (dot.value, dot.low, dot.high) if end is not None]
    known = ends + [end for end in (chart.limit, chart.parity) if end is not None]
    ticks = nice_ticks(min([0.0, *known]), max([1.0, *known]) if chart.parity == 1.0 else max(known or [1.0]))
    left, right = _LABELS, WIDTH - 158.0

    def x(value: float) -> float:
        share = (value - ticks[0]) / ((ticks[-1] - ticks[0]) or 1.0)
        return round(left + share * (right - left), 2)

    def optional(value: float | None) -> float | None:
        return None if value is None else x(value)

    return {
        "width": WIDTH,
        "height": bottom + 18.0,
        "left": left,
        "right": right,
        "top": top,
        "bottom": bottom,
        "x_ticks": [{"at": x(tick), "label": _tick(tick)} for tick in ticks],
        "limit": None if chart.limit is None else {"at": x(chart.limit), "label": words.clean(chart.limit_label)},
        "parity": optional(chart.parity),
        "rows": [
            {
                "y": top + _ROW * (index + 0.5),
                "label": shorten(dot.label, 30),
                "text": dot.text,
                "value": optional(dot.value),
                "low": optional(dot.low),
                "high": optional(dot.high),
                "tone": dot.tone,
            }
            for index, dot in enumerate(chart.dots)
        ],
    }


def shorten(text: str, most: int) -> str:
    """A label that fits its place; the table beside the chart has it in full."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _range(points: Iterable[Point], limit: float | None) -> tuple[float, float]:
    ends = [end for point in points for end in (point.value, point.low, point.high) if end is not None]
    ends += [limit] if limit is not None else []
    if not ends:
        return 0.0, 1.0
    low, high = min(ends), max(ends)
    if low >= 0 and low < high / 2:
        low = 0.0
    room = (high - low or abs(high) or 1.0) * 0.08
    return (low if low == 0 else low - room), high + room


def _runs(points: Sequence[Point]) -> Iterable[list[Point]]:
    """Stretches without a gap: a missing number ends one, and so does a hole of more than twice the usual step."""
    stamps = [_when(point.at) for point in points]
    steps = sorted(later - earlier for earlier, later in pairwise(stamps))
    usual = steps[len(steps) // 2] if steps else timedelta(0)
    run: list[Point] = []
    for index, point in enumerate(points):
        hole = bool(run) and stamps[index] - stamps[index - 1] > 2 * usual
        if run and (hole or point.value is None):
            yield run
            run = []
        if point.value is not None:
            run.append(point)
    if run:
        yield run


def _dates(start: datetime, end: datetime) -> list[str]:
    days = max((end - start).days, 1)
    step = next((every for every in (1, 2, 7, 14, 30, 61, 91, 182) if days / every <= 6), 365)
    return [(start + timedelta(days=at)).isoformat() for at in range(0, days + 1, step)]


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=None)


def _tick(value: float) -> str:
    return f"{value:g}"
