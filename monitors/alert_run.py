"""What one run's results make of all alerts of a model version: each key steps through its windows in order.

Merged counts (`*`) open no alert of their own where a site's alert of the same cause is firing, or fired in this run:
the site says it better. A merged alert that is open already goes on and clears by its own results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from monitors.alert_state import AlertState, Condition, Happened, alert_key, case_key
from monitors.alerts import advance
from monitors.signals import counts_as
from store.model_file import AlertWatch
from store.result import Result, Status

ALL_SITES = "*"
FIRES = (Status.OUTSIDE, Status.STALE)
Key = tuple[str | None, ...]
Histories = Mapping[Key, Sequence[tuple[datetime, str]]]
"""Key to (window's end, what it counted as), oldest first."""


def step_run(
    standing: Mapping[Key, AlertState],
    histories: Histories,
    results: Sequence[Result],
    *,
    now: datetime,
    tier: int,
    watch: AlertWatch,
) -> list[tuple[AlertState, list[Happened]]]:
    """The alerts that these results change, and what happened to each."""
    by_key: dict[Key, list[Result]] = {}
    for result in results:
        by_key.setdefault(alert_key(result), []).append(result)
    firing = {
        case_key(state)
        for state in standing.values()
        if state.site != ALL_SITES and state.condition == Condition.FIRING
    }
    changed: list[tuple[AlertState, list[Happened]]] = []
    # Sites first, so that what they fire keeps the merged result of the same cause quiet.
    for key in sorted(by_key, key=lambda k: (k[2] == ALL_SITES, str(k))):
        members = sorted(by_key[key], key=lambda result: result.window_to)
        before = standing.get(key)
        if before is None and key[2] == ALL_SITES and case_key(members[0]) in firing:
            continue
        first = members[0].window_to
        history = [status for end, status in histories.get(key, ()) if end < first]
        state, events = advance(before, members, now=now, tier=tier, history=history, watch=watch)
        if key[2] != ALL_SITES and any(counts_as(result) in FIRES for result in members):
            firing.add(case_key(members[0]))
        if state is not None and events:
            changed.append((state, events))
    return changed
