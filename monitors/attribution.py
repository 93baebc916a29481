"""Attribution drift: whether the inputs matter in the same order, and as much, as over the reference.

    ndcg   sum of a_i / log2(rank_i + 1) over the inputs, ranked by their mean |contribution| in the window, over the
           same sum with the inputs ranked as in the reference; a_i is the mean |contribution| over the reference

1 means the same order; ties of the window share the mean of their places. That is scikit-learn's `ndcg_score` (Azure
ML) and SageMaker Clarify's definition; SageMaker's limit of 0.90 holds unless the model file sets another. The record
keeps sums of contributions and not their spread, so there is no interval: an order that changed is told at any n that
the watch asks for. Inputs that one side never told count as contributing nothing, and are named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from monitors.subject import AT_LEAST, Subject
from store.attribution import Contributed
from store.model_file import DriftWatch
from store.result import Monitor, Result, Status

NDCG = "ndcg"
LIMIT = 0.90
TOLD = 5
"""Inputs named in the details: those whose rank moved most."""


def ndcg(reference: Mapping[str, float], current: Mapping[str, float]) -> float | None:
    """None where the reference has no contribution at all. Both map an input to its mean |contribution|."""
    names = sorted({*reference, *current})
    gain = np.array([reference.get(name, 0.0) for name in names])
    told = np.array([current.get(name, 0.0) for name in names])
    discount = 1 / np.log2(np.arange(2, len(names) + 2))
    best = float((np.sort(gain)[::-1] * discount).sum())
    if best <= 0:
        return None
    # Inputs that contribute the same share the mean discount of the places that they take together.
    _, group = np.unique(-told, return_inverse=True)
    sizes = np.bincount(group)
    mean_gain = np.bincount(group, weights=gain) / sizes
    ends = np.cumsum(sizes)
    places = np.concatenate([[0.0], np.cumsum(discount)])
    return float((mean_gain * (places[ends] - places[ends - sizes])).sum()) / best


def attribution_result(
    subject: Subject,
    *,
    reference: Mapping[str, Contributed],
    current: Mapping[str, Contributed],
    watch: DriftWatch,
    at_least: int = 0,
) -> Result:
    n = max((part.n for part in current.values()), default=0)
    m = max((part.n for part in reference.values()), default=0)
    own = watch.attribution is not None
    limit = LIMIT if watch.attribution is None else watch.attribution
    fields: dict[str, Any] = {
        "n_current": n, "n_reference": m, "limit_op": AT_LEAST, "limit_value": limit,
        "limit_source": "model file" if own else "bailiwick default",
        "method": {"name": "bailiwick", "basis": "counts", "exact": True, "error_bound": None,
                   "gain": "mean |contribution| over the reference", "discount": "1 / log2(rank + 1)"},
    }  # fmt: skip
    before, after = _means(reference), _means(current)
    value = ndcg(before, after)
    if value is None:
        reason = "no contributions were delivered for the reference" if not m else "the reference contributes nothing"
        return subject.cannot_say(Monitor.ATTRIBUTION_DRIFT, NDCG, status=Status.NO_REFERENCE, reason=reason, **fields)
    if n < max(at_least, 1):
        reason = f"{n} rows with contributions; this watch asks for at least {max(at_least, 1)}"
        return subject.cannot_say(Monitor.ATTRIBUTION_DRIFT, NDCG, status=Status.TOO_FEW, reason=reason, **fields)
    status = Status.WITHIN if value >= limit else Status.OUTSIDE
    details = {"moved": moved(before, after), "only_in": _only(before, after)}
    return subject.result(Monitor.ATTRIBUTION_DRIFT, NDCG, status=status, value=value, details=details, **fields)


def moved(before: Mapping[str, float], after: Mapping[str, float]) -> list[dict[str, Any]]:
    """Inputs by how far their rank went, with their share of all contributions on both sides."""
    names = sorted({*before, *after})
    ranks = [
        {name: rank for rank, name in enumerate(sorted(names, key=lambda n: (-side.get(n, 0.0), n)), 1)}
        for side in (before, after)
    ]
    totals = [sum(side.values()) or 1.0 for side in (before, after)]
    order = sorted(names, key=lambda name: (-abs(ranks[0][name] - ranks[1][name]), ranks[0][name]))
    return [
        {
            "input": name,
            "rank": [ranks[0][name], ranks[1][name]],
            "share": [round(before.get(name, 0.0) / totals[0], 6), round(after.get(name, 0.0) / totals[1], 6)],
        }
        for name in order[:TOLD]
        if ranks[0][name] != ranks[1][name]
    ]


def _means(sums: Mapping[str, Contributed]) -> dict[str, float]:
    return {name: part.mean_abs for name, part in sums.items() if part.mean_abs is not None}


def _only(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, list[str]]:
    return {"reference": sorted({*before} - {*after}), "current": sorted({*after} - {*before})}
