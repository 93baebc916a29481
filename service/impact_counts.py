"""The counts of a bias audit, from the record: who was selected, and how people scored, by sex and race/ethnicity.

Selection comes from the joint tables of outcomes, so that sites which share counts are in it; scores come from rows.
Sites that share noisy counts are left out and named: noise does not belong in an audit's table.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np

from reports.build.impact import EEO1, eeo1_category
from store.bins import BinSpec, Section
from store.model_file import ModelFile
from store.reads import Reads
from store.summary import Counts

SEX = ("sex", "gender")
RACE = ("race_ethnicity", "race", "ethnicity")


def impact_counts(
    reads: Reads, file: ModelFile, spec: BinSpec | None, start: datetime, end: datetime
) -> dict[str, Any]:
    """cells [{sex, race, n, selected}], unknown, unmapped, races, left_out, scores [{sex, race, score, n}], no_scores.

    Empty where the model file names no sex or no race/ethnicity, or has no bins yet.
    """
    named = [group.name for group in file.columns.groups]
    sex, race = _named(named, SEX), _named(named, RACE)
    if spec is None or sex is None or race is None or not spec.good:
        return {}
    joint, left_out = _outcomes(reads, file, spec, start, end)
    at = (named.index(sex), named.index(race))
    others = tuple(axis for axis in range(len(named)) if axis not in at)
    table = joint.sum(axis=others)
    if at[0] > at[1]:
        table = table.swapaxes(0, 1)
    sexes, races = spec.groups[at[0]].values, spec.groups[at[1]].values
    known = table[: len(sexes), : len(races)]
    good, other = spec.classes.index(spec.good), len(spec.classes) - 1
    cells = [
        {
            "sex": sexes[i],
            "race": races[j],
            "n": int(known[i, j, :other].sum()),
            "selected": int(known[i, j, good]),
        }
        for i in range(len(sexes))
        for j in _in_order(races)
    ]
    scores, why = _scores(reads, file, (sex, race), (sexes, races), start, end)
    return {
        "sex": sex,
        "race": race,
        "races": list(races),
        "cells": [cell for cell in cells if cell["n"]],
        "unknown": int(table.sum() - known.sum()),
        "unmapped": int(known[..., other].sum()),
        "left_out": left_out,
        "scores": scores,
        "no_scores": why,
    }


def _in_order(races: tuple[str, ...]) -> list[int]:
    """Categories in the order of EEO-1 Component 1, others behind them."""
    place = {name: at for at, name in enumerate(EEO1)}
    return sorted(range(len(races)), key=lambda j: place.get(eeo1_category(races[j]) or "", len(EEO1)))


def _named(groups: list[str], wanted: tuple[str, ...]) -> str | None:
    return next((name for name in wanted if name in groups), None)


def _outcomes(reads: Reads, file: ModelFile, spec: BinSpec, start: datetime, end: datetime) -> tuple[Counts, list[str]]:
    """groups x predictions over all sites and the period; and the sites whose counts carry noise."""
    total = np.zeros(spec.outcomes_shape, np.int64)
    left_out = set()
    for held in reads.summary_blocks(file.name, file.version, spec, Section.OUTCOMES):
        counts, variance = held.between(start, end)
        if variance:
            left_out.add(held.site)
        else:
            total += counts.reshape(spec.outcomes_shape)
    return total, sorted(left_out)


def _scores(
    reads: Reads,
    file: ModelFile,
    groups: tuple[str, str],
    values: tuple[tuple[str, ...], tuple[str, ...]],
    start: datetime,
    end: datetime,
) -> tuple[list[dict[str, Any]], str]:
    """How many people got which score; sex and race null where either is not known."""
    if file.columns.score is None:
        return [], "The model file names no score, so there is no scoring rate."
    found = reads.group_scores(file.name, file.version, groups, start, end)
    if not found:
        return [], "No site sent rows with scores in this period; a scoring rate needs them."
    sums: dict[tuple[str | None, str | None, float], int] = {}
    for one in found:
        known = one["sex"] in values[0] and one["race"] in values[1]
        key = (one["sex"] if known else None, one["race"] if known else None, one["score"])
        sums[key] = sums.get(key, 0) + one["n"]
    rows = [{"sex": s, "race": r, "score": score, "n": n} for (s, r, score), n in sums.items()]
    return sorted(rows, key=lambda one: (str(one["sex"]), str(one["race"]), one["score"])), ""
