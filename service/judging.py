"""From summaries to results: which windows of a model version are due, and what every monitor says of them.

A run costs in proportion to what is new: a window is judged when it is due and was never judged, when late data has
re-opened it, or when the reference or bins it was judged with have been replaced. Reads and computes; writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from monitors.drift import METHOD_SET, drift_results
from monitors.fairness import fairness_results, label_gap_results
from monitors.performance import performance_results
from monitors.quality import quality_results
from monitors.subject import Subject
from monitors.windows import Window, between_all, grow_all, section_rows, windows
from service.row_judging import columns_from_rows, judge_by_rows
from store.bins import BinSpec, Section
from store.model_file import ModelFile
from store.reads import Reads
from store.result import Result
from store.summary import Counts, SummaryBlocks

ALL_SITES = "*"
ALWAYS = datetime(1, 1, 1), datetime(9999, 1, 1)


@dataclass(frozen=True)
class Series:
    """Everything counted of one model version at one site (or `*`), for one segment or all rows."""

    site: str
    segment: str | None
    every: timedelta
    """The window's length here: the model's, or that of the site's own blocks where they are longer."""
    blocks: dict[Section, SummaryBlocks]
    sharing: str
    left_out: tuple[str, ...] = ()
    """Sites whose blocks are longer than a window and so are not in the merged counts."""

    def span(self) -> tuple[datetime, datetime]:
        """Start of the first block and of the last."""
        starts = np.concatenate([blocks.starts for blocks in self.blocks.values()])
        first, last = starts.min().item(), starts.max().item()
        return first, last


@dataclass(frozen=True)
class Version:
    """One model version, ready to be judged."""

    file: ModelFile
    spec: BinSpec
    reads: Reads
    reference: dict[str, Counts]
    renewed_at: int
    """seq at which its bins or its reference were last set: windows judged before that are judged again."""


def load_version(reads: Reads, file: ModelFile, spec: BinSpec) -> Version:
    renewed = reads.one(
        "SELECT max(seq) AS seq FROM (SELECT seq FROM bin_spec WHERE seq <= $seq AND model = $model AND "
        "version = $version "
        "UNION ALL SELECT seq FROM reference_summary WHERE seq <= $seq AND model = $model AND version = $version)",
        {"seq": reads.seq, "model": file.name, "version": file.version},
    )
    seq = -1 if renewed is None or renewed["seq"] is None else int(renewed["seq"])
    return Version(file, spec, reads, reads.reference_counts(file.name, file.version, spec.spec_hash), seq)


def series_of(version: Version) -> list[Series]:
    """A series per site and segment, and one of all sites merged where more than one has counts."""
    file, spec, reads = version.file, version.spec, version.reads
    sharing = {row["site"]: row["sharing"] for row in reads.sites()}
    found: list[Series] = []
    for segment in (None, *reads.segments(file.name, file.version, spec)):
        by_site: dict[str, dict[Section, SummaryBlocks]] = {}
        for section in Section:
            if spec.widths[section]:
                for blocks in reads.summary_blocks(file.name, file.version, spec, section, segment):
                    by_site.setdefault(blocks.site, {})[section] = blocks
        every = file.watch.window.every
        for site, sections in by_site.items():
            longest = max((timedelta_of(blocks) for blocks in sections.values()), default=every)
            found.append(Series(site, segment, max(every, longest), sections, sharing.get(site, "rows")))
        if len(by_site) > 1:
            merged = _merge(by_site, segment, every, sharing)
            found += [merged] if merged.blocks else []
    return found


def timedelta_of(blocks: SummaryBlocks) -> timedelta:
    """The longest block."""
    longest: timedelta = (blocks.ends - blocks.starts).max().item()
    return longest


def _merge(
    by_site: dict[str, dict[Section, SummaryBlocks]], segment: str | None, every: timedelta, sharing: dict[str, str]
) -> Series:
    """All sites as one: addition of integers, of those blocks that fit inside a window."""
    merged: dict[Section, SummaryBlocks] = {}
    too_long = {
        site for site, sections in by_site.items() if any(timedelta_of(blocks) > every for blocks in sections.values())
    }
    for section in Section:
        parts = [
            sections[section] for site, sections in by_site.items() if section in sections and site not in too_long
        ]
        if parts:
            merged[section] = SummaryBlocks(
                site=ALL_SITES,
                section=str(section),
                segment=segment,
                starts=np.concatenate([part.starts for part in parts]),
                ends=np.concatenate([part.ends for part in parts]),
                counts=np.concatenate([part.counts for part in parts]),
                variance=np.concatenate([part.variance for part in parts]),
            )
    shared = {sharing.get(site, "rows") for site in by_site if site not in too_long}
    return Series(
        ALL_SITES, segment, every, merged, shared.pop() if len(shared) == 1 else "counts", tuple(sorted(too_long))
    )


def judge(
    version: Version, *, now: datetime, between: tuple[datetime, datetime] = ALWAYS, again: bool = False
) -> list[Result]:
    """The results of every due window whose end lies in (from, to]; `again` judges those that stand as well."""
    judged = {} if again else version.reads.judged(version.file.name, version.file.version)
    touched = _touched(version, min(judged.values(), default=-1)) if judged else {}
    results: list[Result] = []
    for series in series_of(version):
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
            results += _judge_windows(version, series, {s: [g[i] for i in due] for s, g in grown.items()})
    return results


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
        "SELECT site, segment, block, max(seq) AS seq FROM summary WHERE seq <= ? AND seq > ? AND model = ? "
        "AND version = ? "
        "AND spec_hash = ? GROUP BY ALL",
        [version.reads.seq, since, version.file.name, version.file.version, version.spec.spec_hash],
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
    return any(start <= block < window.end and seq > basis for block, seq in changed)


def _judge_windows(version: Version, series: Series, due: dict[Section, list[Window]]) -> list[Result]:
    """Every monitor over the due windows of one series; each section has its own, grown to hold enough rows."""
    file, spec = version.file, version.spec
    results: list[Result] = []
    sums = {section: between_all(series.blocks[section], found) for section, found in due.items()}
    at_hand = series.sharing == "rows" and series.segment is None
    by_rows = at_hand and file.watch.drift.method_set != METHOD_SET
    from_rows = columns_from_rows(file, spec) if at_hand and not by_rows else frozenset()
    for section in due:
        if section is Section.OUTCOMES or (section is Section.LABELLED and "labelled" not in version.reference):
            # A reference without labels has nothing to compare labels with; reports say that it was not looked at.
            continue
        if by_rows and section is not Section.LABELLED:
            results += judge_by_rows(version.reads, file, spec, series.site, section, due[section])
            continue
        if from_rows and section is not Section.LABELLED:
            results += judge_by_rows(version.reads, file, spec, series.site, section, due[section], only=from_rows)
        counts, variance = sums[section]
        results += drift_results(
            spec,
            section,
            version.reference.get(str(section)),
            counts,
            variance=variance,
            subjects=[
                Subject(file.name, file.version, series.site, series.segment, w.start, w.end) for w in due[section]
            ],
            watch=file.watch.drift,
            at_least=file.watch.window.at_least,
            rho=file.privacy.rho if file.privacy else None,
            outcome=file.columns.outcome.column if file.columns.outcome else "label",
            skip=from_rows,
        )
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
