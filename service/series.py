"""Everything counted of one model version, as the series that are judged: a site, all sites merged, a segment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from store.bins import BinSpec, Section
from store.model_file import ModelFile
from store.reads import Reads
from store.summary import Counts, SummaryBlocks

ALL_SITES = "*"


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
    contributions: tuple[dict[str, Any], ...] = ()
    """The sums of contributions of every site, block and input, read once for all its series."""


def load_version(reads: Reads, file: ModelFile, spec: BinSpec) -> Version:
    renewed = reads.one(
        "SELECT max(seq) AS seq FROM (SELECT seq FROM bin_spec WHERE seq <= $seq AND model = $model AND "
        "version = $version "
        "UNION ALL SELECT seq FROM reference_summary WHERE seq <= $seq AND model = $model AND version = $version "
        "UNION ALL SELECT seq FROM reference_attribution WHERE seq <= $seq AND model = $model "
        "AND version = $version)",
        {"seq": reads.seq, "model": file.name, "version": file.version},
    )
    seq = -1 if renewed is None or renewed["seq"] is None else int(renewed["seq"])
    reference = reads.reference_counts(file.name, file.version, spec.spec_hash)
    contributions = tuple(reads.attributions(file.name, file.version).to_pylist())
    return Version(file, spec, reads, reference, seq, contributions)


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
