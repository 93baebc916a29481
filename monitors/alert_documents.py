"""Alerts as JSON documents, the shape that the store keeps and every page reads, and back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Any

from monitors.alert_state import AlertState, Condition, SnoozedFor, Triage


def as_document(alert: AlertState) -> dict[str, Any]:
    """The alert as JSON: the columns of the store's alert versions, and all that describes it."""
    limit = alert.limit
    out: dict[str, Any] = {
        "id": alert.id,
        "case_id": alert.case_id,
        "case": alert.case_id,
        **asdict(alert),
        "opened_at": _text(alert.opened_at),
        "first_window": _window(alert.first_window),
        "last_window": _window(alert.last_window),
        "interval": list(alert.interval) if alert.interval else None,
        "limit": {"op": limit[0], "value": limit[1], "source": limit[2]} if limit else None,
        "snooze_until": _text(alert.snooze_until) if alert.snooze_until else None,
        "due_at": _text(alert.due_at) if alert.due_at else None,
        "open": alert.is_open,
    }
    return {name: str(value) if isinstance(value, StrEnum) else value for name, value in out.items()}


def from_document(document: dict[str, Any]) -> AlertState:
    """The inverse of `as_document`; keys that are not of an alert are passed over."""
    names = AlertState.__dataclass_fields__
    own = {name: value for name, value in document.items() if name in names}
    limit, interval, until = own.get("limit"), own.get("interval"), own.get("snooze_until")
    due, snoozed_for = own.get("due_at"), own.get("snoozed_for")
    own |= {
        "condition": Condition(own["condition"]),
        "triage": Triage(own["triage"]),
        "opened_at": _moment(own["opened_at"]),
        "first_window": tuple(_moment(own["first_window"][end]) for end in ("from", "to")),
        "last_window": tuple(_moment(own["last_window"][end]) for end in ("from", "to")),
        "interval": tuple(interval) if interval else None,
        "limit": (limit["op"], limit["value"], limit["source"]) if limit else None,
        "snooze_until": _moment(until) if until else None,
        "snoozed_for": SnoozedFor(snoozed_for) if snoozed_for else None,
        "due_at": _moment(due) if due else None,
    }
    return AlertState(**own)


def _window(window: tuple[datetime, datetime]) -> dict[str, str]:
    return {"from": _text(window[0]), "to": _text(window[1])}


def _text(moment: datetime) -> str:
    return f"{moment.isoformat()}Z"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z"))
