"""What differs between two model files, told by key path, and which differences move a limit.

A change of a limit, the reference, the bins, the window or a group needs a reason and stands in every report. The
comparison is of meaning: a short form written out changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from typing import Any

from store.durations import format_duration
from store.model_file import ModelFile

MOVES = (
    "task",
    "columns.inputs",
    "columns.groups",
    "columns.segments",
    "columns.prediction.good",
    "columns.prediction.values",
    "columns.prediction.column",
    "columns.score",
    "columns.outcome",
    "reference",
    "watch",
    "privacy",
    "retrain.approvals",
    "retrain.gate",
    "tier.level",
)
"""Paths under which a change moves a limit, the reference, the bins, the window or a group. The tier is one of them
because severity is drawn from it, approvals and the gate because they are limits on a new version."""
SAYS_ONLY = (".source", ".good_means")
NOBODYS_LIMIT = ("watch.alerts.owner", "watch.alerts.due")
"""Who looks at an alert, and by when."""


@dataclass(frozen=True, slots=True)
class Change:
    path: str
    """`watch.fairness[selection_rate_ratio of sex].at_least`"""
    old: str | None
    """None where it was not there."""
    new: str | None
    moves_limit: bool

    def as_json(self) -> dict[str, Any]:
        return {"path": self.path, "old": self.old, "new": self.new, "moves_limit": self.moves_limit}


def changes(old: ModelFile, new: ModelFile) -> list[Change]:
    """Every difference, in the order of the file; a version's own name is not one."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    out = []
    for path in [*after, *(path for path in before if path not in after)]:
        if before.get(path) != after.get(path) and path != "version":
            out.append(Change(path, before.get(path), after.get(path), _moves(path)))
    return out


def needs_reason(found: list[Change]) -> bool:
    return any(change.moves_limit for change in found)


def _moves(path: str) -> bool:
    if path.endswith(SAYS_ONLY) or path.startswith(NOBODYS_LIMIT):
        return False
    return any(path == stem or path.startswith((f"{stem}.", f"{stem}[")) for stem in MOVES)


def _leaves(model: ModelFile) -> Iterator[tuple[str, str]]:
    for item in fields(model):
        if item.name != "document":
            yield from _walk(item.name, getattr(model, item.name))


def _walk(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """The scalars below a value; items of a list are known by name, so that a change of order is told as order."""
    if value is None or value == () or value == "":
        return
    if is_dataclass(value):
        for item in fields(value):
            yield from _walk(f"{path}.{item.name}", getattr(value, item.name))
    elif isinstance(value, tuple) and _named(value):
        names = [_name(item) for item in value]
        yield path, ", ".join(names)
        for name, item in zip(names, value, strict=True):
            yield from _walk(f"{path}[{name}]", item[1] if isinstance(item, tuple) else item)
    elif isinstance(value, timedelta):
        yield path, format_duration(value)
    else:
        yield path, _told(value)


def _named(value: tuple[Any, ...]) -> bool:
    return all(is_dataclass(item) or (isinstance(item, tuple) and len(item) == 2) for item in value)


def _name(item: Any) -> str:
    if isinstance(item, tuple):
        return str(item[0])
    if hasattr(item, "of"):
        return f"{item.measure} of {item.of}"
    return str(item.name if hasattr(item, "name") else item.measure)


def _told(value: Any) -> str:
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, tuple):
        return ", ".join(" ".join(map(_told, item)) if isinstance(item, tuple) else _told(item) for item in value)
    return str(value)
