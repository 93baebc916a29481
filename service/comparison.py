"""What Evidently's default rules would have said of the same windows: the same rows, judged again, nothing recorded.

Only sites that share rows can be compared, for those tests need both samples themselves. The peer's rules ask for no
least number of rows, so none is asked here either: a window that our own rules call too small is judged as the peer
judges it. The model's own method set alone makes results and alerts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from monitors.rules_evidently import EVIDENTLY
from monitors.windows import Window
from service.row_judging import judge_by_rows
from store.bins import BinSpec, Section
from store.model_file import DriftWatch, ModelFile
from store.reads import Reads
from store.result import Monitor, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One site's windows under two sets of rules."""

    site: str
    start: datetime
    end: datetime
    windows: int
    rows: int
    """Of the newest window."""
    columns: int
    flagged: tuple[str, ...]
    """Columns that Evidently's defaults call drifted in any of these windows."""
    outside: tuple[str, ...]
    """Columns that the model's own rules call outside in any of them."""
    cannot_say: tuple[str, ...]
    """Columns of which the model's own rules can say nothing in any of them."""


def evidently_defaults(
    reads: Reads, file: ModelFile, spec: BinSpec, *, start: datetime, end: datetime | None = None
) -> list[Compared]:
    """Each site that shares rows, on the windows of its own results that meet [start, end)."""
    peers = replace(
        file,
        watch=replace(
            file.watch,
            drift=DriftWatch(method_set=EVIDENTLY),
            window=replace(file.watch.window, at_least=0),
        ),
    )
    found = []
    for site in reads.sites():
        if site["sharing"] != "rows":
            continue
        results = reads.results(model=file.name, version=file.version, site=site["site"], monitor=str(Monitor.DRIFT))
        ours = [row for row in results if row.get("segment") is None and _meets(row, start, end)]
        windows = [Window(*span) for span in sorted({_span(row) for row in ours})]
        judged = judge_by_rows(reads, peers, spec, site["site"], Section.INPUTS, windows)
        if judged:
            found.append(_compared(site["site"], windows, ours, judged))
    return found


def _compared(site: str, windows: list[Window], ours: list[dict[str, Any]], judged: Iterable[Any]) -> Compared:
    theirs = list(judged)
    told = {row["about"] for row in ours if row["status"] in (Status.WITHIN, Status.OUTSIDE, Status.UNCLEAR)}
    return Compared(
        site=site,
        start=windows[0].start,
        end=windows[-1].end,
        windows=len(windows),
        rows=max((result.n_current for result in theirs if result.window_to == windows[-1].end), default=0),
        columns=len({result.about for result in theirs}),
        flagged=tuple(sorted({str(result.about) for result in theirs if result.status == Status.OUTSIDE})),
        outside=tuple(sorted({str(row["about"]) for row in ours if row["status"] == Status.OUTSIDE})),
        cannot_say=tuple(sorted({str(row["about"]) for row in ours} - told)),
    )


def _span(row: dict[str, Any]) -> tuple[datetime, datetime]:
    start, end = (datetime.fromisoformat(row["window"][name].removesuffix("Z")) for name in ("from", "to"))
    return start, end


def _meets(row: dict[str, Any], start: datetime, end: datetime | None) -> bool:
    first, last = _span(row)
    return last > start and (end is None or first < end)
