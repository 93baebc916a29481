"""One version of an alert as a value, its identity and its case, and the JSON document that the store keeps of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from store.canonical import make_id
from store.result import Result


class Condition(StrEnum):
    """What the machine says."""

    FIRING = "firing"
    PENDING = "pending"
    NO_DATA = "no_data"
    CLEARED = "cleared"


class Triage(StrEnum):
    """What a person has said."""

    TO_REVIEW = "to_review"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class Happened(StrEnum):
    """What a step did; the last, most telling one names the alert's new version."""

    CONTINUED = "continued"
    WOKEN = "woken"
    EASED = "eased"
    DATA_LOST = "data_lost"
    DATA_BACK = "data_back"
    WORSENED = "worsened"
    CLEARED = "cleared"
    FIRED_AGAIN = "fired_again"
    REGRESSED = "regressed"
    OPENED = "opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """One version of an alert."""

    model: str
    version: str
    site: str
    segment: str | None
    monitor: str
    about: str | None
    measure: str
    condition: Condition
    triage: Triage
    severity: str
    rule: str
    """How the severity came about."""
    sentence: str
    status: str
    opened_at: datetime
    first_window: tuple[datetime, datetime]
    """Of the present episode: since it was last opened, fired again or regressed."""
    last_window: tuple[datetime, datetime]
    value: float | None = None
    interval: tuple[float, float] | None = None
    n: int = 0
    limit: tuple[str, float, str] | None = None
    """(op, value, source)"""
    count: int = 1
    """Windows in which it fired, in this episode."""
    event: str = Happened.OPENED
    owner: str | None = None
    snooze_until: datetime | None = None
    snoozed_by: str | None = None
    reason: str | None = None
    """What the person who snoozed or resolved it wrote."""
    result: str | None = None
    """Id of the result it stands on; the writer knows it."""

    @property
    def id(self) -> str:
        return make_id("alert", *alert_key(self))

    @property
    def case_id(self) -> str:
        return make_id("case", *case_key(self))

    @property
    def is_open(self) -> bool:
        """Neither cleared by the machine nor resolved by a person; a snoozed alert is open."""
        return self.condition != Condition.CLEARED and self.triage != Triage.RESOLVED


def alert_key(of: Result | AlertState) -> tuple[str | None, ...]:
    return of.model, of.version, of.site, of.segment, str(of.monitor), of.about, of.measure


def case_key(of: Result | AlertState) -> tuple[str | None, ...]:
    """The same cause across sites: alerts that agree in this belong to one case."""
    return of.model, str(of.monitor), of.about, of.measure


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
        "open": alert.is_open,
    }
    return {name: str(value) if isinstance(value, StrEnum) else value for name, value in out.items()}


def from_document(document: dict[str, Any]) -> AlertState:
    """The inverse of `as_document`; keys that are not of an alert are passed over."""
    names = AlertState.__dataclass_fields__
    own = {name: value for name, value in document.items() if name in names}
    limit, interval, until = own.get("limit"), own.get("interval"), own.get("snooze_until")
    own |= {
        "condition": Condition(own["condition"]),
        "triage": Triage(own["triage"]),
        "opened_at": _moment(own["opened_at"]),
        "first_window": tuple(_moment(own["first_window"][end]) for end in ("from", "to")),
        "last_window": tuple(_moment(own["last_window"][end]) for end in ("from", "to")),
        "interval": tuple(interval) if interval else None,
        "limit": (limit["op"], limit["value"], limit["source"]) if limit else None,
        "snooze_until": _moment(until) if until else None,
    }
    return AlertState(**own)


def _window(window: tuple[datetime, datetime]) -> dict[str, str]:
    return {"from": _text(window[0]), "to": _text(window[1])}


def _text(moment: datetime) -> str:
    return f"{moment.isoformat()}Z"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z"))
