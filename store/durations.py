"""Durations as people write them: `30m`, `12h`, `1d 12h`, `7d`, `2w`.

`parse_duration` and `format_duration` are inverses on whole seconds. Months and years are refused: they have no length.
"""

from __future__ import annotations

import re
from datetime import timedelta

from store.errors import BadInput

UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
"""Seconds of each unit, the longest first."""
LONGEST = timedelta(days=36_500)

_SHAPE = re.compile(r"\s*(?:\d{1,9}\s*[wdhms]\s*)+")
_PART = re.compile(r"(\d{1,9})\s*([wdhms])")


def parse_duration(text: str) -> timedelta:
    """`1d 12h` as a timedelta; raises BadInput where the text is no duration."""
    if not _SHAPE.fullmatch(text):
        raise BadInput(
            f'"{text}" is no duration',
            advice="Write a number with w, d, h, m or s, such as 30m, 12h, 7d or 1d 12h.",
        )
    seconds = sum(int(number) * UNITS[unit] for number, unit in _PART.findall(text))
    if seconds > LONGEST.total_seconds():
        raise BadInput(f'"{text}" is longer than a hundred years', advice="Write a shorter duration.")
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """`1d 12h`; weeks are told in days, as model files do. Zero is `0d`."""
    rest = int(duration.total_seconds())
    parts = []
    for unit in ("d", "h", "m", "s"):
        number, rest = divmod(rest, UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return " ".join(parts) or "0d"
