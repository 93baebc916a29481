"""What people do with an alert: acknowledge, assign, snooze, resolve. Pure; a wrong move raises with what to do.

Snoozing, muting and resolving need a reason in words, because a report repeats it. A snoozed alert wakes at its time,
when the next version serves, or when it gets graver; a muted one by its time alone; a resolved one that fires in a
later window is reopened as `regressed`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from monitors.alert_state import AlertState, SnoozedFor, Triage
from store.errors import BadInput, Refused
from store.result import SEVERITIES

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
        snoozed_for=None,
        event="acknowledged",
    )


def assign(alert: AlertState, *, owner: str) -> AlertState:
    """Gives it to a person; the triage state stays."""
    _allowed(alert, "assign")
    if not owner.strip():
        raise BadInput("an alert is assigned to somebody", advice="Name the user.")
    return replace(alert, owner=owner.strip(), event="assigned")


def snooze(
    alert: AlertState,
    *,
    reason: str,
    by: str,
    now: datetime,
    until: datetime | None = None,
    ends: SnoozedFor = SnoozedFor.TIME,
) -> AlertState:
    """Rests until a time, until it gets worse, or until the next version serves; `muted` ends by its time alone."""
    _allowed(alert, "snooze")
    if ends in (SnoozedFor.TIME, SnoozedFor.MUTED):
        if until is None:
            raise BadInput("a time is wanted", advice="Say until when, or until it gets worse, or the next version.")
        if until <= now:
            raise BadInput(f"{until.isoformat()}Z has passed", advice="Name a time that is still to come.")
    elif until is not None:
        raise BadInput("either until a time or until something happens, not both", advice="Leave one of them out.")
    elif ends is SnoozedFor.WORSE and alert.severity == SEVERITIES[-1]:
        raise Refused(
            f"alert {alert.id} is {alert.severity} already: it cannot get worse", advice="Snooze it until a time."
        )
    return replace(
        alert,
        triage=Triage.SNOOZED,
        snooze_until=until,
        snoozed_by=by,
        snoozed_for=ends,
        reason=_reason(reason, "mute" if ends is SnoozedFor.MUTED else "snooze"),
        event="muted" if ends is SnoozedFor.MUTED else "snoozed",
    )


def resolve(alert: AlertState, *, reason: str) -> AlertState:
    """Closes it, firing or not; the next window that fires reopens it as regressed."""
    _allowed(alert, "resolve")
    return replace(
        alert,
        triage=Triage.RESOLVED,
        snooze_until=None,
        snoozed_by=None,
        snoozed_for=None,
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
