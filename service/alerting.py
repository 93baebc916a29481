"""Alerts from a run's results (`monitors/alert_run.py`): one new version is written for each that changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from importlib.resources import files
from typing import Any

from monitors.alert_documents import as_document, from_document
from monitors.alert_run import Key, step_run
from monitors.alert_state import AlertState, alert_key
from monitors.alerts import wake
from store import writes
from store.alert_reader import MOST_WINDOWS
from store.db import Transaction
from store.model_file import ModelFile
from store.reads import Reads
from store.result import Result

_HISTORIES = files("store").joinpath("sql", "histories.sql").read_text()


def step_alerts(
    tx: Transaction, reads: Reads, file: ModelFile, results: Sequence[tuple[Result, str]]
) -> list[dict[str, Any]]:
    """New versions of the alerts that these results (with their ids) change."""
    steps = step_run(
        standing_alerts(reads, file),
        histories(reads, file) if results else {},
        [result for result, _ in results],
        now=tx.now,
        tier=file.tier.level,
        watch=file.watch.alerts,
    )
    ids: dict[Key, list[tuple[datetime, str]]] = {}
    for result, id_ in sorted(results, key=lambda pair: pair[0].window_to):
        ids.setdefault(alert_key(result), []).append((result.window_to, id_))
    changed: list[dict[str, Any]] = []
    for state, _ in steps:
        own = ids[alert_key(state)]
        newest = next((id_ for end, id_ in reversed(own) if end == state.last_window[1]), own[-1][1])
        changed.append(as_document(replace(state, result=newest)))
    told = {document["id"] for document in changed}
    changed += [document for document in woken(reads, file, now=tx.now) if document["id"] not in told]
    writes.alerts(tx, changed)
    return changed


def woken(reads: Reads, file: ModelFile, *, now: datetime) -> list[dict[str, Any]]:
    """The alerts whose snooze has ended, be it by its time or because a newer version serves."""
    newest = reads.newest_version(file.name)
    steps = (wake(state, now=now, newest=newest) for state in standing_alerts(reads, file).values())
    return [as_document(state) for state, events in steps if events]


def standing_alerts(reads: Reads, file: ModelFile) -> dict[Key, AlertState]:
    states = [
        from_document(document) for document in reads.alerts(model=file.name) if document["version"] == file.version
    ]
    return {alert_key(state): state for state in states}


def histories(reads: Reads, file: ModelFile, *, most: int = MOST_WINDOWS) -> dict[Key, list[tuple[Any, str]]]:
    """The last windows of every key with what they counted as, oldest first."""
    rows = reads.rows(_HISTORIES, {"seq": reads.seq, "model": file.name, "version": file.version, "most": most})
    out: dict[Key, list[tuple[Any, str]]] = {}
    for row in rows:
        key = (file.name, file.version, row["site"], row["segment"], row["monitor"], row["about"], row["measure"])
        out.setdefault(key, []).append((row["window_to"], row["counts_as"]))
    return out
