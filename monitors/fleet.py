"""One site or all: whether a drift is one site's own, everybody's, or of several kinds.

Promises: a verdict in words for one column in one window, from the counts of the sites alone:
    none         no site that could tell has moved
    local        some sites moved from the reference, at most half of those that could tell
    fleet-wide   all of them moved, and none of them differs from the others
    mixed        anything between: most but not all moved, or all, and not alike
    unknown      fewer than two sites could tell
beside it the test that all sites have one distribution (chi-square and G of sites x cells), and of each site how far
it is from the reference, from the pool of the others, and from its own past. To move, and to differ, needs an effect
and a test, as everywhere (`monitors/drift.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from monitors.divergence import Floats, compare
from monitors.drift import SIGNIFICANCE, judge_counts
from store.result import Status
from store.summary import Counts

NONE, LOCAL, FLEET_WIDE, MIXED, UNKNOWN = "none", "local", "fleet-wide", "mixed", "unknown"
NAMED = 5
"""Sites named in a sentence."""


@dataclass(frozen=True)
class Sites:
    """One column of every site in one window."""

    names: tuple[str, ...]
    current: Counts
    """(sites, cells)."""
    past: Counts
    """(sites, cells): the same sites before the window; a row of zeros where a site has no past."""
    variance: Floats
    """(sites,) of the noise in each cell."""


def verdict_of(reference: Counts, sites: Sites, *, limit: float, at_least: int = 0) -> dict[str, Any]:
    """reference: (cells,), a row of zeros where there is none: then each site is held against its own past."""
    known = bool(reference.any())
    if known:
        status = judge_counts(
            reference, sites.current, variance=sites.variance, limit=limit, at_least=at_least
        ).status.tolist()
    else:
        status = [_against(sites.past[i], sites, i, limit=limit)[0] for i in range(len(sites.names))]
    moved = [i for i, one in enumerate(status) if one == Status.OUTSIDE]
    told = [i for i, one in enumerate(status) if one in (Status.OUTSIDE, Status.WITHIN)]
    others = {i: _against(_rest(sites, i), sites, i, limit=limit) for i in moved}
    alike = not any(one == Status.OUTSIDE for one, _ in others.values())
    word = _word(len(moved), len(told), alike=alike)
    out: dict[str, Any] = {
        "verdict": word,
        "verdict_in_words": _words(word, sites.names, moved, told, known=known),
        "heterogeneity": heterogeneity(sites),
    }
    if moved:
        out["sites"] = [
            {
                "site": sites.names[i],
                "from_reference": str(status[i]) if known else None,
                "from_the_others": {"status": str(others[i][0]), "psi": others[i][1]},
                "from_its_own_past": _told(_against(sites.past[i], sites, i, limit=limit)),
            }
            for i in moved
        ]
    return out


def heterogeneity(sites: Sites) -> dict[str, Any]:
    """Whether all sites could have one distribution; noise is not modelled, so noisy sites are left out."""
    from scipy.special import chdtrc, xlogy

    table = sites.current[(sites.variance <= 0) & (sites.current.sum(axis=1) > 0)].astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    if len(table) < 2 or table.shape[1] < 2:
        return {"test": "chi_square", "sites": len(table), "p_value": None}
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    degrees = (len(table) - 1) * (table.shape[1] - 1)
    g = max(2 * float(xlogy(table, table / expected).sum()), 0.0)
    return {
        "test": "chi_square",
        "sites": len(table),
        "statistic": statistic,
        "g": g,
        "degrees": degrees,
        "p_value": float(chdtrc(degrees, statistic)),
        "cramers_v": float(np.sqrt(statistic / table.sum() / min(len(table) - 1, table.shape[1] - 1))),
    }


def _rest(sites: Sites, i: int) -> Counts:
    rest: Counts = np.maximum(sites.current.sum(axis=0) - sites.current[i], 0)
    return rest


def _against(reference: Counts, sites: Sites, i: int, *, limit: float) -> tuple[Status, float | None]:
    """One site against counts of whatever kind: status, and the PSI less what sampling gives."""
    if not reference.any() or not sites.current[i].any():
        return Status.NO_REFERENCE, None
    found = compare(reference, sites.current[i : i + 1], sites.variance[i : i + 1])
    effect = float(found.psi_debiased[0])
    if effect > limit:
        return (Status.OUTSIDE if found.p_value[0] < SIGNIFICANCE else Status.UNCLEAR), effect
    return (Status.WITHIN if max(found.bias[0], found.hidden[0]) < limit else Status.TOO_FEW), effect


def _told(found: tuple[Status, float | None]) -> dict[str, Any]:
    return {"status": str(found[0]), "psi": found[1]}


def _word(moved: int, told: int, *, alike: bool) -> str:
    if told < 2:
        return UNKNOWN
    if not moved:
        return NONE
    if moved <= told / 2:
        return LOCAL
    return FLEET_WIDE if moved == told and alike else MIXED


def _words(word: str, names: tuple[str, ...], moved: list[int], told: list[int], *, known: bool) -> str:
    since = "the reference" if known else "their own past"
    listed = ", ".join(names[i] for i in moved[:NAMED])
    if len(moved) > NAMED:
        listed += f" and {len(moved) - NAMED} more"
    silent = len(names) - len(told)
    tail = f"; {silent} had too few rows to tell" if silent else ""
    if word == UNKNOWN:
        return "Fewer than two sites had enough rows to tell whether this is one site's own or everybody's."
    if word == NONE:
        return f"None of {len(told)} sites moved from {since}{tail}."
    if word == LOCAL:
        return f"Local: {listed} moved from {since}, {len(told) - len(moved)} of {len(told)} sites did not{tail}."
    if word == FLEET_WIDE:
        return f"Fleet-wide: all of {len(told)} sites moved from {since}, and alike{tail}."
    if len(moved) == len(told):
        return f"Mixed: all of {len(told)} sites moved from {since}, and not alike{tail}."
    return f"Mixed: {len(moved)} of {len(told)} sites moved from {since} ({listed}){tail}."
