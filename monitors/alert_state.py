"""One version of an alert as a value: what machine and people have said of it, its identity and its case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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


class SnoozedFor(StrEnum):
    """What ends a snooze. Each but a mute also ends when the alert gets worse."""

    TIME = "time"
    WORSE = "worse"
    """Nothing but getting worse."""
    VERSION = "next_version"
    MUTED = "muted"
    """Its time alone."""


class Happened(StrEnum):
    """What a step did; the last, most telling one names the alert's new version."""

    CONTINUED = "continued"
    RETURNED = "returned"
    """Fired again within its cool-down: the same episode."""
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
    snoozed_for: SnoozedFor | None = None
    due_at: datetime | None = None
    """By when somebody should have dealt with it."""
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
