"""Times at the edge: what people and programs write becomes naive UTC, and goes out again with a Z.

Inside the house a time is a datetime without zone that means UTC. A time written without zone is UTC unless its site
says otherwise; a date is the start of that UTC day.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

from store.errors import BadInput

_SHAPE = re.compile(r"\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s*([Zz]|[+-]\d{2}:?\d{2})?)?")


def parse_time(text: str, *, zone: tzinfo = UTC) -> datetime:
    """A date or an RFC 3339 time as naive UTC; `zone` stands in where the text has none. Raises BadInput."""
    try:
        if not _SHAPE.fullmatch(text.strip()):
            raise ValueError(text)
        moment = datetime.fromisoformat(text.strip().upper())
        if len(text.strip()) == len("2026-01-31"):
            return moment
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise BadInput(
            f'"{text}" is no time',
            advice="Write a date (2026-01-31) or a time (2026-01-31T06:00:00Z).",
        ) from None


def format_time(moment: datetime) -> str:
    """Naive UTC as RFC 3339, to the microsecond where it has any."""
    return moment.isoformat() + "Z"
