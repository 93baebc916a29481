"""Verdicts over sites on the results of all sites merged: local, fleet-wide, mixed (`monitors/fleet.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from monitors.drift import columns_of
from monitors.fleet import Sites, verdict_of
from monitors.measures import LIMITS, PSI, named
from monitors.windows import Window, between_all
from service.series import Series, Version
from store.bins import Section
from store.model_file import ColumnDrift, ModelFile
from store.result import Result, Status
from store.summary import Counts

Told = dict[str, Any]


def with_verdicts(
    version: Version, section: Section, found: list[Window], results: list[Result], *, fleet: Sequence[Series]
) -> list[Result]:
    """The results of `*` with `details.verdict` of each column, where at least two sites have counts."""
    members = [one for one in fleet if section in one.blocks]
    if len(members) < 2:
        return results
    by_key = {
        (window.end, name): told for window in found for name, told in _verdicts(version, section, window, members)
    }
    return [
        replace(result, details={**result.details, **by_key.get((result.window_to, str(result.about)), {})})
        for result in results
    ]


def told_to_sites(results: list[Result]) -> list[Result]:
    """What is outside at a site says in `details.fleet` whether it is so elsewhere, where all sites were judged too."""
    words = {
        (r.window_to, r.segment, r.monitor, r.about): r.details["verdict_in_words"]
        for r in results
        if "verdict_in_words" in r.details
    }
    return [
        replace(r, details={**r.details, "fleet": words[r.window_to, r.segment, r.monitor, r.about]})
        if r.status == Status.OUTSIDE
        and "verdict" not in r.details
        and (r.window_to, r.segment, r.monitor, r.about) in words
        else r
        for r in results
    ]


def _verdicts(version: Version, section: Section, window: Window, members: Sequence[Series]) -> list[tuple[str, Told]]:
    file, spec = version.file, version.spec
    now = [between_all(one.blocks[section], [window]) for one in members]
    before = Window(window.start - file.watch.window.up_to, window.start)
    past = np.stack([between_all(one.blocks[section], [before])[0][0] for one in members])
    current: Counts = np.stack([counts[0] for counts, _ in now])
    variance = np.array([float(noise[0]) for _, noise in now])
    reference = version.reference.get(str(section))
    outcome = file.columns.outcome.column if file.columns.outcome else "label"
    pasts = columns_of(spec, section, reference, past, outcome=outcome)
    names = tuple(one.site for one in members)
    out = []
    for (_, column), (_, old) in zip(
        columns_of(spec, section, reference, current, outcome=outcome), pasts, strict=True
    ):
        sites = Sites(names, column.current, old.current, variance)
        told = verdict_of(
            column.reference, sites, limit=limit_of(file, column.bins.name), at_least=file.watch.window.at_least
        )
        out.append((column.bins.name, told))
    return out


def limit_of(file: ModelFile, column: str) -> float:
    """The limit of the column's PSI; verdicts over sites are told by PSI whatever the column's own measure is."""
    rule = dict(file.watch.drift.columns).get(column, ColumnDrift())
    return rule.at_most if rule.at_most is not None and named(rule.measure) == PSI else LIMITS[PSI]
