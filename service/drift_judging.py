"""Drift of the due windows of one series: from counts, from rows where a set of rules needs them, and of contributions.

With `season: week` a window is compared with the same stretch of the four weeks before it, at its own site; without
an earlier one it has no reference, and says so. With `borrow: pool` a site that has nothing to be compared with
borrows the other sites of the same window, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import Any

import numpy as np

from monitors.attribution import attribution_result
from monitors.drift import METHOD_SET, drift_results
from monitors.subject import Subject
from monitors.windows import Window, between_all
from service.fleet_judging import with_verdicts
from service.row_judging import columns_from_rows, judge_by_rows
from service.series import ALL_SITES, Series, Version
from store.attribution import contributed
from store.bins import Section
from store.model_file import ModelFile
from store.result import Result
from store.summary import Counts, SummaryBlocks

WEEK = timedelta(days=7)
WEEKS = 4
"""Earlier weeks that a season looks at."""

Sums = dict[Section, tuple[Counts, Any]]


def reaches_back(file: ModelFile) -> timedelta:
    """How far before its window a comparison looks: late data there re-opens it."""
    return WEEK * WEEKS if file.watch.drift.season else timedelta(0)


def judge_drift(
    version: Version, series: Series, due: dict[Section, list[Window]], sums: Sums, *, fleet: Sequence[Series]
) -> list[Result]:
    """fleet: the series of the single sites, for the same rows."""
    file, spec = version.file, version.spec
    results: list[Result] = []
    at_hand = series.sharing == "rows" and series.segment is None
    by_rows = at_hand and file.watch.drift.method_set != METHOD_SET
    from_rows = columns_from_rows(file, spec) if at_hand and not by_rows else frozenset()
    for section, found in due.items():
        if section is Section.OUTCOMES or (section is Section.LABELLED and not _labels_known(version)):
            # A reference without labels has nothing to compare labels with; reports say that it was not looked at.
            continue
        if by_rows and section is not Section.LABELLED:
            results += judge_by_rows(version.reads, file, spec, series.site, section, found)
            continue
        if from_rows and section is not Section.LABELLED:
            results += judge_by_rows(version.reads, file, spec, series.site, section, found, only=from_rows)
        results += _from_counts(version, series, section, found, sums[section], skip=from_rows, fleet=fleet)
    return results + _of_contributions(version, series, due)


def _labels_known(version: Version) -> bool:
    return bool(version.file.watch.drift.season) or str(Section.LABELLED) in version.reference


def _from_counts(
    version: Version,
    series: Series,
    section: Section,
    found: list[Window],
    sums: tuple[Counts, Any],
    *,
    skip: frozenset[str],
    fleet: Sequence[Series],
) -> list[Result]:
    file = version.file
    subjects = [Subject(file.name, file.version, series.site, series.segment, w.start, w.end) for w in found]
    shared: dict[str, Any] = {
        "watch": file.watch.drift, "at_least": file.watch.window.at_least, "skip": skip,
        "rho": file.privacy.rho if file.privacy else None,
        "outcome": file.columns.outcome.column if file.columns.outcome else "label",
    }  # fmt: skip
    counts, variance = sums
    drift = file.watch.drift
    shared_reference = version.reference.get(str(section))
    if not drift.season and (shared_reference is not None or not drift.borrow):
        results = drift_results(
            version.spec, section, shared_reference, counts, variance=variance, subjects=subjects, **shared
        )
    else:
        results = []
        for i, window in enumerate(found):
            reference, told = _own_reference(version, series, section, window, fleet)
            results += drift_results(
                version.spec, section, reference, counts[i : i + 1], variance=variance[i : i + 1],
                subjects=subjects[i : i + 1], told=told, **shared,
            )  # fmt: skip
    if series.site == ALL_SITES and drift.method_set == METHOD_SET:
        return with_verdicts(version, section, found, results, fleet=fleet)
    return results


def _own_reference(
    version: Version, series: Series, section: Section, window: Window, fleet: Sequence[Series]
) -> tuple[Counts | None, dict[str, Any]]:
    """What one window is compared with where that is not the reference of the model, and how it is called."""
    drift = version.file.watch.drift
    if drift.season:
        reference, weeks = earlier(series.blocks[section], window)
        if reference is not None or not drift.borrow:
            return reference, {"reference": "the same stretch of earlier weeks", "weeks": weeks}
    others = [one for one in fleet if one.site != series.site and section in one.blocks]
    if series.site == ALL_SITES or not others:
        return None, {}
    pool: Counts = np.sum([between_all(one.blocks[section], [window])[0][0] for one in others], axis=0)
    return (pool if pool.any() else None), {
        "reference": f"borrowed: the pool of {len(others)} other site{'s' * (len(others) > 1)}"
    }


def earlier(blocks: SummaryBlocks, window: Window) -> tuple[Counts | None, int]:
    """The counts of the same stretch of the weeks before, and how many of them had any; None where none had."""
    first = max(ceil((window.end - window.start) / WEEK), 1)
    shifts = [WEEK * (first + k) for k in range(WEEKS)]
    counts, _ = between_all(blocks, [Window(window.start - shift, window.end - shift) for shift in shifts])
    held = counts.any(axis=1)
    return (counts.sum(axis=0), int(held.sum())) if held.any() else (None, 0)


def _of_contributions(version: Version, series: Series, due: dict[Section, list[Window]]) -> list[Result]:
    """The NDCG of the windows in which contributions were delivered; of all rows only."""
    told = [row for row in version.contributions if series.site in (ALL_SITES, row["site"])]
    if series.segment is not None or Section.INPUTS not in due or not told:
        return []
    file, reads = version.file, version.reads
    reference = reads.reference_attributions(file.name, file.version)
    starts = np.array([row["block"] for row in told], dtype="datetime64[us]")
    ends = np.array([row["block_end"] for row in told], dtype="datetime64[us]")
    results = []
    for window in due[Section.INPUTS]:
        inside = (starts >= np.datetime64(window.start)) & (ends <= np.datetime64(window.end))
        rows = [told[i] for i in np.flatnonzero(inside)]
        if rows:
            results.append(
                attribution_result(
                    Subject(file.name, file.version, series.site, None, window.start, window.end),
                    reference=reference,
                    current=contributed(rows),
                    watch=file.watch.drift,
                    at_least=file.watch.window.at_least,
                )
            )
    return results
