"""From summaries to results: which windows of a model version are due, and what every monitor says of them.

A run costs in proportion to what is new: a window is judged when it is due and was never judged, when late data has
re-opened it, or when the reference or bins it was judged with have been replaced. Reads and computes; writes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

import numpy as np

from monitors.fairness import fairness_results, label_gap_results
from monitors.performance import performance_results
from monitors.quality import quality_results
from monitors.subject import Subject
from monitors.volume import volume_result
from monitors.windows import Window, between_all, grow_all, section_rows, windows
from service.drift_judging import judge_drift, reaches_back
from service.fleet_judging import told_to_sites
from service.series import ALL_SITES, Series, Version, series_of
from store.bins import Section
from store.result import Result
from store.summary import Counts

_TOUCHED = files("store").joinpath("sql", "touched_blocks.sql").read_text()
USUAL_BACK, USUAL_WEEK = timedelta(days=28), timedelta(days=7)
"""How far back usual volumes are looked for, and the step where the model has a season."""
ALWAYS = datetime(1, 1, 1), datetime(9999, 1, 1)


def judge(
    version: Version, *, now: datetime, between: tuple[datetime, datetime] = ALWAYS, again: bool = False
) -> list[Result]:
    """The results of every due window whose end lies in (from, to]; `again` judges those that stand as well."""
    judged = {} if again else version.reads.judged(version.file.name, version.file.version)
    touched = _touched(version, min(judged.values(), default=-1)) if judged else {}
    results: list[Result] = []
    every = series_of(version)
    for series in every:
        first, last = series.span()
        found = [w for w in windows(first, last, series.every, now=now) if between[0] < w.end <= between[1]]
        held = {section: _held(version, series, section, found) for section in series.blocks}
        found = [w for i, w in enumerate(found) if any(rows[i] > 0 for rows in held.values())]
        grown = {section: _grown(version, series, section, found) for section in series.blocks}
        due = [
            i
            for i, window in enumerate(found)
            if _is_due(version, series, window, min(g[i].start for g in grown.values()), judged, touched)
        ]
        if due:
            fleet = [one for one in every if one.segment == series.segment and one.site != ALL_SITES]
            results += _judge_windows(version, series, {s: [g[i] for i in due] for s, g in grown.items()}, fleet)
    return told_to_sites(results)


def _held(version: Version, series: Series, section: Section, found: list[Window]) -> Any:
    """Rows of the section in each window as it stands, before it grows."""
    if not found:
        return np.zeros(0, dtype=np.int64)
    counts, _ = between_all(series.blocks[section], found)
    return section_rows(version.spec, section, counts)


def _grown(version: Version, series: Series, section: Section, found: list[Window]) -> list[Window]:
    """The windows grown to hold enough rows of this section. One without a single label does not grow: its labels are
    still to come, and those of an older window are not its own."""
    watch = version.file.watch.window
    blocks = series.blocks[section]
    rows = section_rows(version.spec, section, blocks.counts)
    grown, _ = grow_all(found, blocks, rows, every=series.every, at_least=watch.at_least, up_to=watch.up_to)
    if section is not Section.LABELLED:
        return grown
    held = _held(version, series, section, found)
    return [wide if rows_here else own for wide, own, rows_here in zip(grown, found, held.tolist(), strict=True)]


Touched = dict[tuple[str, str | None], list[tuple[datetime, int]]]


def _touched(version: Version, since: int) -> Touched:
    """(site, segment) to the blocks that changed after `since`, each with the seq of its last change."""
    rows = version.reads.rows(
        _TOUCHED,
        {
            "seq": version.reads.seq,
            "since": since,
            "model": version.file.name,
            "version": version.file.version,
            "spec_hash": version.spec.spec_hash,
        },
    )
    out: Touched = {}
    for row in rows:
        for site in (row["site"], ALL_SITES):
            out.setdefault((site, row["segment"]), []).append((row["block"], row["seq"]))
    return out


def _is_due(
    version: Version,
    series: Series,
    window: Window,
    start: datetime,
    judged: dict[tuple[str, str | None, datetime], int],
    touched: Touched,
) -> bool:
    basis = judged.get((series.site, series.segment, window.end))
    if basis is None or basis < version.renewed_at:
        return True
    changed = touched.get((series.site, series.segment), [])
    start -= reaches_back(version.file)
    return any(start <= block < window.end and seq > basis for block, seq in changed)


def _judge_windows(
    version: Version, series: Series, due: dict[Section, list[Window]], fleet: list[Series]
) -> list[Result]:
    """Every monitor over the due windows of one series; each section has its own, grown to hold enough rows."""
    results: list[Result] = []
    sums = {section: between_all(series.blocks[section], found) for section, found in due.items()}
    results += judge_drift(version, series, due, sums, fleet=fleet)
    decided = None
    if Section.OUTCOMES in due and Section.LABELLED in due:
        decided = between_all(series.blocks[Section.OUTCOMES], due[Section.LABELLED])[0]
    for i in range(len(next(iter(due.values())))):
        window = {section: found[i] for section, found in due.items()}
        results += _judge_window(version, series, window, _nth(sums, i), None if decided is None else decided[i])
    if series.left_out:
        told = {"left_out": list(series.left_out)}
        results = [replace(result, details={**result.details, **told}) for result in results]
    return results


def _nth(sums: dict[Section, tuple[Counts, Any]], i: int) -> dict[Section, tuple[Counts, float]]:
    return {section: (counts[i], float(variance[i])) for section, (counts, variance) in sums.items()}


def _volume(version: Version, series: Series, end: datetime) -> Result | None:
    """Rows of the window as it stands, before it grows, against those before it."""
    watch, every = version.file.watch, series.every
    if watch.quality.volume is None:
        return None
    step = max(every, USUAL_WEEK) if watch.drift.season else every
    own = Window(end - every, end)
    before = [Window(own.start - step * k, own.end - step * k) for k in range(1, max(USUAL_BACK // step, 1) + 1)]
    rows = _held(version, series, Section.INPUTS, [own, *before]).tolist()
    subject = Subject(version.file.name, version.file.version, series.site, series.segment, own.start, own.end)
    return volume_result(subject, watch=watch.quality, rows=rows[0], earlier=rows[1:])


def _judge_window(
    version: Version,
    series: Series,
    window: dict[Section, Window],
    sums: dict[Section, tuple[Counts, float]],
    decided: Counts | None,
) -> list[Result]:
    """Quality, fairness and performance of one window; `decided` are the outcomes over the labels' own window."""
    file, spec = version.file, version.spec
    results: list[Result] = []

    def subject(section: Section) -> Subject:
        held = window[section]
        return Subject(file.name, file.version, series.site, series.segment, held.start, held.end)

    if Section.INPUTS in sums:
        counts, variance = sums[Section.INPUTS]
        results += quality_results(
            subject(Section.INPUTS),
            model=file,
            spec=spec,
            inputs=counts,
            reference=version.reference.get(str(Section.INPUTS)),
            variance=variance,
        )
        volume = _volume(version, series, window[Section.INPUTS].end)
        results += [volume] if volume else []
    labelled = sums.get(Section.LABELLED)
    outcomes = sums.get(Section.OUTCOMES)
    if outcomes is not None and spec.groups:
        results += fairness_results(
            subject(Section.OUTCOMES), model=file, spec=spec, outcomes=outcomes[0], variance=outcomes[1]
        )
    if spec.outcome and outcomes is not None:
        held = Section.LABELLED if labelled is not None else Section.OUTCOMES
        nothing = np.zeros(spec.widths[Section.LABELLED], dtype=np.int64), outcomes[1]
        counts, variance = nothing if labelled is None else labelled
        results += performance_results(
            subject(held),
            model=file,
            spec=spec,
            labelled=counts,
            outcomes=outcomes[0] if decided is None else decided,
            variance=variance,
        )
        if spec.groups:
            results += label_gap_results(subject(held), model=file, spec=spec, labelled=counts, variance=variance)
    return results
