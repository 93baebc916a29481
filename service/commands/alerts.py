"""Commands on alerts: what people decide about them. The machine's part is monitors/alerts.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from monitors import triage
from monitors.alert_documents import as_document, from_document
from monitors.alert_state import AlertState, SnoozedFor
from service.wiring import Hub
from store import writes
from store.access import Permission, Viewer, require
from store.errors import BadInput, UnknownName, did_you_mean
from store.events import Event


def acknowledge_alert(hub: Hub, viewer: Viewer, *, id: str) -> dict[str, Any]:
    """Says that you have seen it; you become its owner if nobody is."""
    return _change(hub, viewer, id, lambda alert, now: triage.acknowledge(alert, by=viewer.name))


def assign_alert(hub: Hub, viewer: Viewer, *, id: str, owner: str) -> dict[str, Any]:
    """Gives an alert to a person."""
    return _change(hub, viewer, id, lambda alert, now: triage.assign(alert, owner=owner))


def snooze_alert(
    hub: Hub,
    viewer: Viewer,
    *,
    id: str,
    reason: str,
    until: datetime | None = None,
    ends: str = SnoozedFor.TIME,
) -> dict[str, Any]:
    """Silences an alert until a time, until it is `worse`, or until the `next_version`; it wakes before when it gets
    worse."""
    known = [str(one) for one in SnoozedFor if one is not SnoozedFor.MUTED]
    if ends not in known:
        raise BadInput(f'a snooze cannot end by "{ends}"', advice=did_you_mean(ends, known))
    return _rest(hub, viewer, id, reason=reason, until=until, ends=SnoozedFor(ends))


def mute_alert(hub: Hub, viewer: Viewer, *, id: str, until: datetime, reason: str) -> dict[str, Any]:
    """Silences an alert until a time, however grave it gets."""
    return _rest(hub, viewer, id, reason=reason, until=until, ends=SnoozedFor.MUTED)


def _rest(
    hub: Hub, viewer: Viewer, id_: str, *, reason: str, until: datetime | None, ends: SnoozedFor
) -> dict[str, Any]:
    def rest(alert: AlertState, now: datetime) -> AlertState:
        return triage.snooze(alert, until=until, ends=ends, reason=reason, by=viewer.name, now=now)

    return _change(hub, viewer, id_, rest, reason=reason)


def resolve_alert(hub: Hub, viewer: Viewer, *, id: str, reason: str) -> dict[str, Any]:
    """Closes an alert; it reopens as regressed if it fires again."""
    return _change(hub, viewer, id, lambda alert, now: triage.resolve(alert, reason=reason), reason=reason)


def _change(
    hub: Hub, viewer: Viewer, id_: str, change: Callable[[AlertState, datetime], AlertState], *, reason: str = ""
) -> dict[str, Any]:
    with hub.store.turn():
        held = hub.store.reads(viewer).alert(id_)
        if held is None:
            raise UnknownName(
                f"no alert {id_}", advice="List them with `bailiwick alerts list`.", details={"alert": id_}
            )
        require(viewer, Permission.ALERT_TRIAGE, site=held["site"], model=held["model"])
        before = from_document(held)
        after = change(before, hub.now())
        details = {"alert": id_, "from": str(before.triage), "to": str(after.triage)}
        with hub.store.write(viewer.name, Event.ALERT_TRIAGE_CHANGED, f"{after.model}:{after.version}", details) as tx:
            if reason:
                tx.private["reason"] = reason
            document = as_document(replace(after, result=before.result))
            writes.alerts(tx, [document])
    return {**document, "seq": tx.seq}
