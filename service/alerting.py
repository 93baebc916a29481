"""Alerts from a run's results: each key steps through its windows in order, and one new version is written for it.

Merged counts (`*`) open no alert of their own where a site's alert of the same cause is firing, or fired in this run:
the site says it better. A merged alert that is open already goes on and clears by its own results.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from importlib.resources import files
from typing import Any

from monitors.alert_documents import as_document, from_document
from monitors.alerts import AlertState, Condition, advance, alert_key, case_key, wake
from monitors.signals import counts_as
from store import writes
from store.alert_reader import MOST_WINDOWS
from store.db import Transaction
from store.model_file import ModelFile
from store.reads import Reads
from store.result import Result, Status

ALL_SITES = "*"
_HISTORIES = files("store").joinpath("sql", "histories.sql").read_text()
FIRES = (Status.OUTSIDE, Status.STALE)
Key = tuple[str | None, ...]


def step_alerts(
    tx: Transaction, reads: Reads, file: ModelFile, results: Sequence[tuple[Result, str]]
) -> list[dict[str, Any]]:
    """New versions of the alerts that these results (with their ids) change."""
    by_key: dict[Key, list[tuple[Result, str]]] = {}
    for result, id_ in results:
        by_key.setdefault(alert_key(result), []).append((result, id_))
    standing = _standing(reads, file)
    histories = _histories(reads, file)
    firing = {
        case_key(state)
        for state in standing.values()
        if state.site != ALL_SITES and state.condition == Condition.FIRING
    }
    changed: list[dict[str, Any]] = []
    # Sites first, so that what they fire keeps the merged result of the same cause quiet.
    for key in sorted(by_key, key=lambda k: (k[2] == ALL_SITES, str(k))):
        members = sorted(by_key[key], key=lambda pair: pair[0].window_to)
        before = standing.get(key)
        if before is None and key[2] == ALL_SITES and case_key(members[0][0]) in firing:
            continue
        first = members[0][0].window_to
        history = [status for end, status in histories.get(key, []) if end < first]
        state, events = advance(
            before,
            [result for result, _ in members],
            now=tx.now,
            tier=file.tier.level,
            history=history,
            watch=file.watch.alerts,
        )
        if key[2] != ALL_SITES and any(counts_as(result) in FIRES for result, _ in members):
            firing.add(case_key(members[0][0]))
        if state is None or not events:
            continue
        newest = next(
            (id_ for result, id_ in reversed(members) if result.window_to == state.last_window[1]), members[-1][1]
        )
        state = replace(state, result=newest)
        changed.append(as_document(state))
    told = {document["id"] for document in changed}
    changed += [document for document in woken(reads, file, now=tx.now) if document["id"] not in told]
    writes.alerts(tx, changed)
    return changed


def woken(reads: Reads, file: ModelFile, *, now: datetime) -> list[dict[str, Any]]:
    """The alerts whose snooze has ended, be it by its time or because a newer version serves."""
    newest = reads.newest_version(file.name)
    steps = (wake(state, now=now, newest=newest) for state in _standing(reads, file).values())
    return [as_document(state) for state, events in steps if events]


def _standing(reads: Reads, file: ModelFile) -> dict[Key, AlertState]:
    states = [
        from_document(document) for document in reads.alerts(model=file.name) if document["version"] == file.version
    ]
    return {alert_key(state): state for state in states}


def _histories(reads: Reads, file: ModelFile) -> dict[Key, list[tuple[Any, str]]]:
    """The last windows of every key with what they counted as, oldest first."""
    rows = reads.rows(_HISTORIES, {"seq": reads.seq, "model": file.name, "version": file.version, "most": MOST_WINDOWS})
    out: dict[Key, list[tuple[Any, str]]] = {}
    for row in rows:
        key = (file.name, file.version, row["site"], row["segment"], row["monitor"], row["about"], row["measure"])
        out.setdefault(key, []).append((row["window_to"], row["counts_as"]))
    return out
