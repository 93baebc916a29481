"""What other limits would have done: alerts over stored history, as they were and as they would have been.

Both lists of results go through the same step table, window by window, without what people decided. An alert counts
as hidden when no alert of the same thing overlaps it under the other limits, and as added the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitors.alert_run import Key, step_run
from monitors.alert_state import AlertState, Condition, alert_key
from monitors.signals import counts_as
from store.alert_reader import MOST_WINDOWS
from store.model_file import AlertWatch
from store.result import Result

STANDING = (Condition.FIRING, Condition.PENDING)


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert from its first window to its last."""

    key: Key
    start: datetime
    end: datetime
    sentence: str

    def overlaps(self, other: Episode) -> bool:
        return self.key == other.key and self.start < other.end and other.start < self.end

    def as_json(self) -> dict[str, Any]:
        names = ("model", "version", "site", "segment", "monitor", "about", "measure")
        times = {"from": f"{self.start.isoformat()}Z", "to": f"{self.end.isoformat()}Z"}
        return {**dict(zip(names, self.key, strict=True)), **times, "sentence": self.sentence}


@dataclass(frozen=True, slots=True)
class Replay:
    since: datetime | None
    """Start of the first window that was replayed; None: there was none."""
    stood: int
    hidden: tuple[Episode, ...]
    added: tuple[Episode, ...]

    @property
    def sentence(self) -> str:
        if self.since is None:
            return "There is no stored history to replay it over."
        over = f"Replayed over what was measured since {self.since:%Y-%m-%d}"
        if not self.hidden and not self.added:
            return f"{over}: the same {_alerts(self.stood)} would have stood."
        told = [f"hidden {_alerts(len(self.hidden))}"] if self.hidden else []
        told += [f"added {_alerts(len(self.added))}"] if self.added else []
        return f"{over}: would have {' and '.join(told)}; {self.stood} stood."

    def as_json(self) -> dict[str, Any]:
        return {
            "since": None if self.since is None else f"{self.since.isoformat()}Z",
            "stood": self.stood,
            "would_hide": len(self.hidden),
            "would_add": len(self.added),
            "hidden": [episode.as_json() for episode in self.hidden],
            "added": [episode.as_json() for episode in self.added],
            "sentence": self.sentence,
        }


def _alerts(number: int) -> str:
    return f"{number} alert{'s' * (number != 1)}"


def replay(
    stored: Sequence[Result], fresh: Sequence[Result], *, tiers: tuple[int, int], watches: tuple[AlertWatch, AlertWatch]
) -> Replay:
    """stored: as it was judged; fresh: as the other limits judge it, each under its own tier and rules for alerts."""
    before = episodes(stored, tier=tiers[0], watch=watches[0])
    after = episodes(fresh, tier=tiers[1], watch=watches[1])
    return Replay(
        since=min((result.window_from for result in stored), default=None),
        stood=len(before),
        hidden=tuple(one for one in before if not any(one.overlaps(other) for other in after)),
        added=tuple(one for one in after if not any(one.overlaps(other) for other in before)),
    )


def episodes(results: Sequence[Result], *, tier: int, watch: AlertWatch) -> list[Episode]:
    """Every alert that these results make, if each window's end is one run."""
    standing: dict[Key, AlertState] = {}
    histories: dict[Key, list[tuple[datetime, str]]] = {}
    found: dict[tuple[Key, datetime], Episode] = {}
    by_end: dict[datetime, list[Result]] = {}
    for result in results:
        by_end.setdefault(result.window_to, []).append(result)
    for end in sorted(by_end):
        for state, _ in step_run(standing, histories, by_end[end], now=end, tier=tier, watch=watch):
            key = alert_key(state)
            standing[key] = state
            if state.condition in STANDING:
                start = state.first_window[0]
                found[key, start] = Episode(key, start, state.last_window[1], state.sentence)
        for result in by_end[end]:
            history = histories.setdefault(alert_key(result), [])
            history.append((end, counts_as(result)))
            del history[:-MOST_WINDOWS]
    return list(found.values())
