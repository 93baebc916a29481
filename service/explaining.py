"""Why a result is an alert or not, and an alert in sentences, from what the hub holds (`monitors/explain.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from monitors.alert_documents import from_document
from monitors.alert_run import ALL_SITES, Key
from monitors.alert_state import AlertState, Condition, alert_key, case_key
from monitors.discovery import Discovery, day_of, p_of
from monitors.explain import about_alert, why
from service.alerting import histories
from service.discoveries import family_of
from store.access import Permission
from store.alert_reader import MOST_WINDOWS
from store.model_file import AlertWatch, ModelFile
from store.reads import Reads
from store.result import Result, from_row

_EVERY_WINDOW = 1_000_000


def explained(reads: Reads, rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """For each stored result row: why it did or did not alert."""
    found: dict[tuple[str, str], _Version] = {}
    out = []
    for row in rows:
        key = row["model"], row["version"]
        if key not in found:
            found[key] = _Version(reads, *key)
        out.append(found[key].why(from_row(row), row["seq"]))
    return out


def explained_alert(reads: Reads, document: dict[str, Any]) -> list[str]:
    """One alert as `Reads.alert` gives it."""
    alert = from_document(document)
    file = reads.model_file(alert.model, alert.version)
    watch = file.watch.alerts if file else AlertWatch()
    result = None
    if document.get("result"):
        seen = reads.allowed(Permission.MODEL_READ)
        row = reads.one(f"SELECT * FROM result WHERE seq <= ? AND id = ? AND {seen}", [reads.seq, document["result"]])
        result = from_row(row) if row else None
    return about_alert(alert, watch, result=result, now=reads.now)


class _Version:
    """What the answers about one model version share, read once."""

    def __init__(self, reads: Reads, model: str, version: str) -> None:
        self.reads = reads
        self.file: ModelFile | None = reads.model_file(model, version)
        states = [from_document(one) for one in reads.alerts(model=model) if one["version"] == version]
        self.alerts: dict[Key, AlertState] = {alert_key(state): state for state in states}
        self.sites: dict[Key, list[str]] = {}
        for state in states:
            if state.site != ALL_SITES and state.condition == Condition.FIRING:
                self.sites.setdefault(case_key(state), []).append(state.site)
        self.histories = {} if self.file is None else histories(reads, self.file, most=_EVERY_WINDOW)
        self.days: dict[tuple[datetime, int], Discovery] = {}

    def why(self, result: Result, seq: int) -> list[str]:
        key = alert_key(result)
        earlier = [status for end, status in self.histories.get(key, []) if end < result.window_to]
        return why(
            result,
            watch=self.file.watch.alerts if self.file else AlertWatch(),
            history=earlier[-MOST_WINDOWS:],
            alert=self.alerts.get(key),
            day=self._day(result, seq),
            elsewhere=self.sites.get(case_key(result), []) if result.site == ALL_SITES else (),
        )

    def _day(self, result: Result, seq: int) -> Discovery | None:
        """The tests of its day, as they were known when it was judged."""
        p = p_of(result)
        if p is None or self.file is None:
            return None
        day = datetime.combine(day_of(result.window_to), datetime.min.time())
        if (day, seq) not in self.days:
            self.days[day, seq] = family_of(self.reads, self.file, result.window_to, seq=seq)
        return self.days[day, seq]
