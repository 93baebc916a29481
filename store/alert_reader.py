"""Reads `watch.alerts` of a model file: when results become an alert, when it ends, and who has how long.

Called by `store/watch_reader.py` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from store.fields import Field
from store.model_file import AlertWatch
from store.result import SEVERITIES

T = TypeVar("T")
MOST_WINDOWS = 8
"""As far back as an alert remembers."""
GRAVE_FIRST = tuple(str(severity) for severity in reversed(SEVERITIES))


def read_alerts(field: Field) -> AlertWatch:
    fields = field.mapping("false_discovery_rate", "persistence", "clears_at", "cool_down", "owner", "due")
    default = AlertWatch()
    rate, clears_at = fields.get("false_discovery_rate"), fields.get("clears_at")
    if rate is not None and rate.share() == 0:
        raise rate.bad("a share above 0", advice="With 0 nothing would ever be an alert; 1 lets everything pass.")
    if clears_at is not None and clears_at.share() == 0:
        raise clears_at.bad("a share above 0", advice="With 0 no alert would ever end; 1 ends it at the limit itself.")
    return AlertWatch(
        false_discovery_rate=default.false_discovery_rate if rate is None else rate.share(),
        persistence=_persistence(fields["persistence"]) if "persistence" in fields else default.persistence,
        clears_at=default.clears_at if clears_at is None else clears_at.share(),
        cool_down=fields["cool_down"].duration() if "cool_down" in fields else default.cool_down,
        owner=_by_severity(fields["owner"], Field.text) if "owner" in fields else default.owner,
        due=_by_severity(fields["due"], Field.duration) if "due" in fields else default.due,
    )


def _persistence(field: Field) -> tuple[int, int]:
    """`2 of 3`, or `{windows: 2, of: 3}`."""
    if isinstance(field.value, str):
        words = field.value.split()
        if len(words) != 3 or words[1] != "of":
            raise field.bad("windows out of windows, such as `2 of 3`")
        fields = {"windows": field.child("windows", words[0]), "of": field.child("of", words[2])}
    else:
        fields = field.mapping("windows", "of")
        for name in ("windows", "of"):
            if name not in fields:
                raise field.child(name, None).bad("a whole number", advice="Write `2 of 3`: two windows out of three.")
    outside, of = fields["windows"].whole(at_least=1), fields["of"].whole(at_least=1)
    if not outside <= of <= MOST_WINDOWS:
        raise field.bad(f"so many windows out of at most {MOST_WINDOWS}, such as `2 of 3`", found=f"{outside} of {of}")
    return outside, of


def _by_severity(field: Field, read: Callable[[Field], T]) -> tuple[tuple[str, T], ...]:
    """One value for all, or one for each severity; the gravest first."""
    if isinstance(field.value, str):
        return tuple((severity, read(field)) for severity in GRAVE_FIRST if severity != "info")
    fields = field.mapping(*GRAVE_FIRST)
    return tuple((severity, read(fields[severity])) for severity in GRAVE_FIRST if severity in fields)
