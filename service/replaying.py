"""Other limits over stored history: what they would have hidden, and what they would have added."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from monitors.discovery import with_discoveries
from monitors.replay import Replay, replay
from service.binning import current_spec
from service.judging import judge
from service.series import load_version
from service.wiring import Hub
from store.model_changes import Change
from store.model_file import ModelFile
from store.reads import Reads
from store.result import Monitor, Result, from_row

SPAN = timedelta(days=90)
"""How far back a revision is replayed, from the newest window."""
NOT_JUDGED = (Monitor.SILENCE, Monitor.PRIVACY)
_OTHER_BINS = re.compile(r"columns|reference|task")


def stored_results(reads: Reads, file: ModelFile, between: tuple[datetime, datetime]) -> list[Result]:
    """The current results of windows that end in (from, to], as they were judged."""
    table = reads.result_table(
        model=file.name, version=file.version, window_from=between[0], window_to=between[1]
    ).to_pylist()
    return [from_row(row) for row in table if row["monitor"] not in NOT_JUDGED]


def compared(stored: Sequence[Result], fresh: Sequence[Result], *, old: ModelFile, new: ModelFile) -> Replay:
    """Both through the step table, each by its own file."""
    judged = [result for result in fresh if result.monitor not in NOT_JUDGED]
    judged = with_discoveries(judged, rate=new.watch.alerts.false_discovery_rate)
    return replay(
        stored,
        judged,
        tiers=(old.tier.level, new.tier.level),
        watches=(old.watch.alerts, new.watch.alerts),
    )


def other_bins(found: Sequence[Change]) -> bool:
    """Whether history would have to be counted again."""
    return any(change.moves_limit and _OTHER_BINS.match(change.path) for change in found)


def replay_revision(hub: Hub, reads: Reads, old: ModelFile, new: ModelFile, found: Sequence[Change]) -> str:
    """What a revision would have done, in a sentence for its record; empty where it moves no limit."""
    moving = [change for change in found if change.moves_limit]
    if not moving:
        return ""
    if other_bins(moving):
        return "Not replayed: columns, groups or the reference change, and history is counted by the old ones."
    if not any(change.path.startswith(("watch", "tier")) for change in moving):
        return ""
    spec = current_spec(hub.store.cursor(), old)
    newest = reads.one(
        "SELECT max(window_to) AS newest FROM result_at(?) WHERE model = ? AND version = ? "
        "AND monitor NOT IN ('silence', 'privacy')",
        [reads.seq, old.name, old.version],
    )
    if spec is None or newest is None or newest["newest"] is None:
        return Replay(None, 0, (), ()).sentence
    between = newest["newest"] - SPAN, newest["newest"]
    fresh = judge(load_version(reads, new, spec), now=reads.now, between=between, again=True)
    return compared(stored_results(reads, old, between), fresh, old=old, new=new).sentence
