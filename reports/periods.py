"""Two reports of the same pack and subject side by side: how controls, coverage and statuses differ, in plain rows.

Pure. `told_of` draws from a large evidence document the little that is shown and compared; `changes_between` names what
differs and says nothing of what is better. Counts of statuses are of windows, so that periods of different length are
told as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reports import words
from store.result import Monitor

Told = dict[str, Any]
CONTROLS, COVERAGE, STATUSES = "controls", "coverage", "statuses"
_COVERED = {
    "rows": "rows received",
    "kept": "rows kept",
    "quarantined": "rows in quarantine",
    "silent_hours": "silent hours",
}


_ANSWERED = ("id", "title", "status", "why", "by", "at", "owner")


@dataclass(frozen=True, slots=True)
class Change:
    area: str
    """`controls`, `coverage` or `statuses`."""
    what: str
    before: str
    after: str


def told_of(document: Mapping[str, Any]) -> Told:
    """Controls, coverage by place, windows by monitor (or by model, in a report on all) and status."""
    return {
        "controls": [
            {**{key: str(control.get(key) or "") for key in _ANSWERED}, "required": bool(control.get("required"))}
            for control in _rows(document.get("controls"))
        ],
        "coverage": {
            _place(row): {key: _number(row.get(key)) for key in (*_COVERED, "label_share")}
            for row in _rows(document.get("coverage"))
        },
        "statuses": _statuses(document),
    }


def _number(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) else None


def _rows(found: Any) -> list[dict[str, Any]]:
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _place(row: Mapping[str, Any]) -> str:
    """A site; in a report on all models the model and the site."""
    site = str(row.get("site"))
    return f"{row['model']} {row.get('version') or ''} at {site}" if row.get("model") else site


def _statuses(document: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for result in _rows(document.get("results")):
        found.setdefault(str(result.get("monitor")), Counter())[_judged(result)] += 1
    for model in _rows(document.get("models")):
        held = model.get("statuses")
        counts = {key: n for key, n in held.items() if isinstance(n, int)} if isinstance(held, dict) else {}
        found[f"{model.get('model')} {model.get('version') or ''}".strip()] = Counter(counts)
    return {name: dict(sorted(counts.items())) for name, counts in sorted(found.items())}


def _judged(result: Mapping[str, Any]) -> str:
    """A number without a limit is told, never judged."""
    status = str(result.get("status"))
    return "no_limit" if not result.get("limit") and status in ("within", "unclear") else status


def changes_between(before: Told, after: Told) -> list[Change]:
    """What differs, controls first; empty where nothing does."""
    return [*_controls(before, after), *_coverage(before, after), *_windows(before, after)]


def _controls(before: Told, after: Told) -> Iterator[Change]:
    left, right = ({c["id"]: c for c in told["controls"]} for told in (before, after))
    for id_ in dict.fromkeys([*left, *right]):
        one, other = left.get(id_), right.get(id_)
        if one is None or other is None or (one["status"], one["why"]) != (other["status"], other["why"]):
            title = (other or one or {}).get("title", "")
            yield Change(CONTROLS, f"{id_} {title}", _answer(one), _answer(other))


def _answer(control: Mapping[str, Any] | None) -> str:
    return "not asked" if control is None else f"{control['status']}: {control['why']}"


def _coverage(before: Told, after: Told) -> Iterator[Change]:
    left, right = before["coverage"], after["coverage"]
    for place in sorted({*left, *right}):
        for key, called in (*_COVERED.items(), ("label_share", "outcomes")):
            one, other = (_covered(told.get(place), key) for told in (left, right))
            if one != other:
                yield Change(COVERAGE, f"{called}, {place}", one, other)


def _covered(row: Mapping[str, Any] | None, key: str) -> str:
    if row is None:
        return "not part of it"
    value = row.get(key)
    if key == "label_share":
        return "no outcomes" if value is None else words.share(value, 1)
    return "not known" if value is None else words.count(value)


def _windows(before: Told, after: Told) -> Iterator[Change]:
    left, right = before["statuses"], after["statuses"]
    for name in sorted({*left, *right}):
        if left.get(name) != right.get(name):
            yield Change(STATUSES, _called(name), _tally(left.get(name)), _tally(right.get(name)))


def _called(name: str) -> str:
    """A monitor in words; a model as it is named."""
    return name.replace("_", " ") if name in frozenset(Monitor) else name


def _tally(counts: Mapping[str, int] | None) -> str:
    """`12 within, 3 outside limits`; nothing measured is said, and is no zero."""
    if not counts:
        return "not measured"
    return ", ".join(f"{words.count(n)} {words.state(status).text}" for status, n in counts.items())
