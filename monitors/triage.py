"""What people do with an alert: acknowledge, assign, snooze, resolve. Pure; a wrong move raises with what to do.

Snoozing and resolving need a reason in words, because a report repeats it. A snoozed alert wakes at its time, or when
it gets graver; a resolved one that fires in a later window is reopened as `regressed`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from monitors.alerts import AlertState, Triage
from store.errors import BadInput, Refused

TRIAGE_TABLE: dict[Triage, tuple[str, ...]] = {
    Triage.TO_REVIEW: ("acknowledge", "assign", "snooze", "resolve"),
    Triage.ACKNOWLEDGED: ("assign", "snooze", "resolve"),
    Triage.SNOOZED: ("acknowledge", "assign", "snooze", "resolve"),
    Triage.RESOLVED: (),
}
"""What a person may do in which state."""


def acknowledge(alert: AlertState, *, by: str) -> AlertState:
    """Someone has seen it and is on it; who becomes the owner if nobody was."""
    _allowed(alert, "acknowledge")
    return replace(
        alert,
        triage=Triage.ACKNOWLEDGED,
        owner=alert.owner or by,
        snooze_until=None,
        snoozed_by=None,
        event="acknowledged",
    )


def assign(alert: AlertState, *, owner: str) -> AlertState:
    """Gives it to a person; the triage state stays."""
    _allowed(alert, "assign")
    if not owner.strip():
        raise BadInput("an alert is assigned to somebody", advice="Name the user.")
    return replace(alert, owner=owner.strip(), event="assigned")


def snooze(alert: AlertState, *, until: datetime, reason: str, by: str, now: datetime) -> AlertState:
    _allowed(alert, "snooze")
    if until <= now:
        raise BadInput(f"{until.isoformat()}Z has passed", advice="Snooze until a time that is still to come.")
    return replace(
        alert,
        triage=Triage.SNOOZED,
        snooze_until=until,
        snoozed_by=by,
        reason=_reason(reason, "snooze"),
        event="snoozed",
    )


def resolve(alert: AlertState, *, reason: str) -> AlertState:
    """Closes it, firing or not; the next window that fires reopens it as regressed."""
    _allowed(alert, "resolve")
    return replace(
        alert,
        triage=Triage.RESOLVED,
        snooze_until=None,
        snoozed_by=None,
        reason=_reason(reason, "resolve"),
        event="resolved",
    )


def _allowed(alert: AlertState, what: str) -> None:
    if what in TRIAGE_TABLE[alert.triage]:
        return
    state = str(alert.triage).replace("_", " ")
    possible = TRIAGE_TABLE[alert.triage]
    advice = (
        f"It can be: {', '.join(possible)}." if possible else "A resolved alert reopens by itself when it fires again."
    )
    raise Refused(f"alert {alert.id} is {state}; it cannot be changed by `{what}`", advice=advice)


def _reason(text: str, what: str) -> str:
    if not text.strip():
        raise BadInput(f"to {what} an alert needs a reason", advice="Say why in a few words; reports repeat it.")
    return text.strip()
