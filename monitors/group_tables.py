"""Group marginals of the joint tables: for one attribute or a pair, who got what.

A summary holds one joint table over all attributes; summing it over the others gives each attribute's own. Sums of
noisy cells carry as much noise as cells were summed, which the shares here remember.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from math import prod

import numpy as np

from monitors.intervals import Share
from store.bins import BinSpec
from store.summary import Counts

BOTH = " & "
"""Joins the attributes of a pair, and their values."""


class Rate(StrEnum):
    SELECTION = "selection"
    TRUE_POSITIVE = "true_positive"
    FALSE_POSITIVE = "false_positive"


@dataclass(frozen=True)
class GroupShares:
    """One rate per group of one attribute or pair."""

    compared: dict[str, Share]
    """By `sex=F` or `sex=F & race=B`: groups with a declared value."""
    not_compared: dict[str, float]
    """Rows of groups where a value is missing or not declared."""


def attributes_of(spec: BinSpec) -> list[str]:
    """Every attribute, then every two of them, in the order in which the model file declares them."""
    own = [group.name for group in spec.groups]
    return [*own, *(BOTH.join(pair) for pair in combinations(own, 2))]


def group_shares(spec: BinSpec, name: str, counts: Counts, rate: Rate, *, variance: float = 0.0) -> GroupShares:
    """`counts` is the outcomes section for SELECTION, the labelled section for the others."""
    axes = sorted([group.name for group in spec.groups].index(part) for part in name.split(BOTH))
    table, classes_apart = _table(spec, counts, rate)
    others = tuple(axis for axis in range(len(spec.groups)) if axis not in axes)
    marginal = table.sum(axis=others)
    # Each marginal cell is a sum over the other attributes; the shares' denominators add one such sum per class.
    hit_cells = prod(spec.groups[axis].width for axis in others)
    compared: dict[str, Share] = {}
    apart: dict[str, float] = {}
    for place in np.ndindex(*marginal.shape[:-1]):
        label = BOTH.join(
            f"{spec.groups[axis].name}={spec.groups[axis].labels()[i]}" for axis, i in zip(axes, place, strict=True)
        )
        hits, rest = float(marginal[place][0]), float(marginal[place][1])
        if all(i < len(spec.groups[axis].values) for axis, i in zip(axes, place, strict=True)):
            compared[label] = Share(hits, hits + rest, variance, hit_cells, hit_cells * classes_apart)
        else:
            apart[label] = hits + rest
    return GroupShares(compared, apart)


def _table(spec: BinSpec, counts: Counts, rate: Rate) -> tuple[Counts, int]:
    """groups x (favourable, not) and how many classes the second adds up."""
    good = spec.classes.index(spec.good or "")
    if rate is Rate.SELECTION:
        joint = counts.reshape(spec.outcomes_shape)
    else:
        full = counts[spec.labelled_joint].reshape(spec.labelled_shape)
        joint = full[..., good] if rate is Rate.TRUE_POSITIVE else full.sum(axis=-1) - full[..., good]
    hits = joint[..., good]
    return np.stack([hits, joint.sum(axis=-1) - hits], axis=-1), len(spec.classes) - 1
