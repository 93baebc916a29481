"""Whether groups are treated alike: rates and their gaps, by Fairlearn on count tables. The one file that meets it.

    selection_rate                  per group: the share that got the favourable prediction (no limit of its own)
    selection_rate_ratio            per attribute: lowest over highest rate
    selection_rate_difference       highest minus lowest
    true_positive_rate_difference   the same gap among rows labelled good
    false_positive_rate_difference  the same gap among rows labelled otherwise
    equalized_odds_difference       the larger of the two gaps

Rates come from Fairlearn with counts as sample weights; intervals and tests are ours (monitors/intervals.py), because
Fairlearn's bootstrap resamples rows. A gap beyond its limit is `outside` only where the difference from parity is
significant (pooled z test, p times the number of pairs compared), for the widest gap or for any other pair beyond the
limit: a handful of people at the extreme must not hide many behind them. Else it is `unclear`. Inside the limit it is
`within` only at a size at which a gap as large as the limit would have been significant; else `too_few`.
(missing) and (other) are never compared, nor are groups of fewer than 10 people. Noisy counts carry their noise into
every interval and test; labels are not released with noise. A gap is a statistical result, not a determination of
discrimination.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from monitors.group_tables import GroupShares, Rate, attributes_of, group_shares
from monitors.intervals import ALPHA, Share, difference_interval, parity_p_value, ratio_interval
from monitors.subject import AT_LEAST, NO_LIMIT, Limit, Subject, basis, limit_fields, limit_of, noise_told
from store.bins import BinSpec
from store.model_file import ModelFile
from store.result import Monitor, Result, Status
from store.summary import Counts

FEWEST = 10
"""People in a group below which no rate is told."""
RATIO, DIFFERENCE = "selection_rate_ratio", "selection_rate_difference"
SELECTION = (RATIO, DIFFERENCE)
LABEL_RATES = (Rate.TRUE_POSITIVE, Rate.FALSE_POSITIVE)
GAPS: dict[str, tuple[Rate, ...]] = {
    "true_positive_rate_difference": (Rate.TRUE_POSITIVE,),
    "false_positive_rate_difference": (Rate.FALSE_POSITIVE,),
    "equalized_odds_difference": LABEL_RATES,
}
TOO_FEW_PEOPLE = "too few people to tell"
INSTALL = "pip install 'bailiwick[hub]'"

WeightedRate = Callable[[Sequence[int], Sequence[float]], float]
"""The share of 1 among predictions, each with a weight."""


def fairlearn_rate() -> tuple[WeightedRate, str] | None:
    """Fairlearn's selection rate on weighted counts and its version; None in an install without the hub's extra."""
    try:
        from fairlearn import __version__
        from fairlearn.metrics import selection_rate
    except ImportError:
        return None

    def rate(predictions: Sequence[int], weights: Sequence[float]) -> float:
        # Fairlearn accepts negative weights in silence and answers with a number that means nothing.
        if min(weights) < 0:
            raise ValueError(f"negative count among {list(weights)}")
        return float(selection_rate(predictions, predictions, sample_weight=list(weights)))

    return rate, f"fairlearn {__version__}"


def fairness_results(
    subject: Subject,
    *,
    model: ModelFile,
    spec: BinSpec,
    outcomes: Counts,
    variance: float = 0.0,
    noise: dict[str, Any] | None = None,
) -> list[Result]:
    """What predictions alone tell: every attribute, and every two of them.

    `variance` is that of the noise in each cell of outcomes. Gaps that need labels: `label_gap_results`.
    """
    declared, noise = _limits(model), noise_told(variance, noise)
    if not spec.groups:
        return []
    names = attributes_of(spec)
    if not spec.prediction or spec.good not in spec.classes[:-1]:
        reason = "the model file names no good prediction"
        return [_cannot(subject, of, m, Status.NOT_COMPUTABLE, reason, limit) for (of, m), limit in declared.items()]
    out: list[Result] = []
    met = fairlearn_rate()
    for name in names:
        limits = {measure: limit for (of, measure), limit in declared.items() if of == name}
        selected = group_shares(spec, name, outcomes, Rate.SELECTION, variance=variance)
        out += [_rate_result(subject, group, share, noise) for group, share in selected.compared.items()]
        if met is None:
            out += _without_fairlearn(subject, name, limits, SELECTION)
            continue
        judge = _Judge(subject, model, name, *met, noise)
        out += [judge.gap(measure, [selected], limits.get(measure)) for measure in SELECTION]
    return out


def label_gap_results(
    subject: Subject, *, model: ModelFile, spec: BinSpec, labelled: Counts, variance: float = 0.0
) -> list[Result]:
    """The gaps that need labels, per attribute. The labelled section has windows of its own, hence its own subject."""
    if not spec.groups or not spec.prediction or spec.good not in spec.classes[:-1]:
        return []
    limits = _limits(model)
    met = fairlearn_rate()
    out: list[Result] = []
    for name in attributes_of(spec):
        own = {measure: limit for (of, measure), limit in limits.items() if of == name}
        cannot = _no_label_reason(spec, labelled, variance)
        if cannot is not None:
            measures = [measure for measure in GAPS if spec.outcome or measure in own]
            out += [_cannot(subject, name, m, *cannot, own.get(m)) for m in measures]
        elif met is None:
            out += _without_fairlearn(subject, name, own, tuple(GAPS))
        else:
            judge = _Judge(subject, model, name, *met, None)
            rates: dict[Rate, GroupShares] = {rate: group_shares(spec, name, labelled, rate) for rate in LABEL_RATES}
            out += [judge.gap(m, [rates[rate] for rate in over], own.get(m)) for m, over in GAPS.items()]
    return out


def _no_label_reason(spec: BinSpec, labelled: Counts, variance: float) -> tuple[Status, str] | None:
    if not spec.outcome:
        return Status.NO_LABELS, "the model file declares no outcome"
    if variance > 0:
        return Status.NOT_COMPUTABLE, "sites with noisy counts release no labels"
    if not labelled[spec.labelled_joint].any():
        return Status.NO_LABELS, "no row of this window has a label yet"
    return None


def _limits(model: ModelFile) -> dict[tuple[str, str], Limit | None]:
    return {
        (watch.of, watch.measure): limit_of(at_least=watch.at_least, at_most=watch.at_most, source=watch.source)
        for watch in model.watch.fairness
    }


def _cannot(
    subject: Subject, name: str, measure: str, status: Status, reason: str, limit: Limit | None, **fields: Any
) -> Result:
    return subject.cannot_say(
        Monitor.FAIRNESS, measure, status=status, reason=reason, about=name, **limit_fields(limit), **fields
    )


def _without_fairlearn(
    subject: Subject, name: str, limits: Mapping[str, Limit | None], measures: Sequence[str]
) -> list[Result]:
    reason = f"Fairlearn is not installed here: {INSTALL}"
    details = {"advice": INSTALL}
    return [_cannot(subject, name, m, Status.NOT_COMPUTABLE, reason, limits.get(m), details=details) for m in measures]


def _rate_result(subject: Subject, group: str, share: Share, noise: dict[str, Any] | None) -> Result:
    n = max(round(share.n), 0)
    fields: dict[str, Any] = {
        "about": group,
        "n_current": n,
        "method": {
            "name": "bailiwick",
            "basis": basis(share.variance),
            "exact": not share.variance,
            "interval": "wilson",
        },
        "noise": noise,
    }
    if not enough(share):
        return subject.cannot_say(
            Monitor.FAIRNESS, "selection_rate", status=Status.TOO_FEW, reason=TOO_FEW_PEOPLE, **fields
        )
    low, high = share.interval
    return subject.result(
        Monitor.FAIRNESS,
        "selection_rate",
        status=Status.WITHIN,
        value=share.value,
        interval_low=low,
        interval_high=high,
        details={"limit": NO_LIMIT, "selected": max(round(share.hits), 0)},
        **fields,
    )


def enough(share: Share) -> bool:
    """Ten people; with noise, also three standard deviations of it."""
    noise = (share.variance * (share.hit_cells + share.other_cells)) ** 0.5
    return share.n >= FEWEST and share.n > 3 * noise


@dataclass(frozen=True)
class _Judge:
    """The gaps of one attribute in one window."""

    subject: Subject
    model: ModelFile
    name: str
    weighted: WeightedRate
    library: str
    noise: dict[str, Any] | None

    def gap(self, measure: str, tables: Sequence[GroupShares], limit: Limit | None) -> Result:
        """One measure over one rate, or (equalized odds) over the worse of two."""
        usable = [table for table in tables if sum(map(enough, table.compared.values())) >= 2]
        n = max((round(sum(share.n for share in table.compared.values())) for table in tables), default=0)
        fields: dict[str, Any] = {"n_current": max(n, 0), "noise": self.noise}
        told = _left_out(tables)
        if len(usable) < len(tables):
            return _cannot(
                self.subject, self.name, measure, Status.TOO_FEW, TOO_FEW_PEOPLE, limit, details=told, **fields
            )
        pairs = [self._extremes(table) for table in tables]
        low, high = max(pairs, key=lambda pair: self._value(measure, *pair))
        if measure == RATIO and self._rate(high[1]) <= 0:
            reason = "nobody in either group got the favourable prediction"
            return _cannot(
                self.subject, self.name, measure, Status.NOT_COMPUTABLE, reason, limit, details=told, **fields
            )
        comparisons = sum(_pairs(sum(map(enough, table.compared.values()))) for table in tables)
        clear = None if limit is None else self._clear_pair(measure, tables, limit, comparisons)
        if clear is not None and clear["lowest"] != low[0]:
            told |= {"clear_pair": clear}
        result = self._measured(measure, low, high, comparisons, told, fields)
        return _verdict(result, limit, low[1], high[1], comparisons, measure, clear=clear is not None)

    def _clear_pair(
        self, measure: str, tables: Sequence[GroupShares], limit: Limit, comparisons: int
    ) -> dict[str, Any] | None:
        """The pair of groups beyond the limit that is least likely by chance, where it is significant."""
        found: list[tuple[float, str, str, float]] = []
        for table in tables:
            groups = [(group, share) for group, share in table.compared.items() if enough(share)]
            for first, second in combinations(groups, 2):
                low, high = sorted((first, second), key=lambda item: self._rate(item[1]))
                value = self._value(measure, low, high)
                p_value = parity_p_value(low[1], high[1]) * comparisons
                if p_value < ALPHA and not limit.met_by(value):
                    found.append((p_value, low[0], high[0], value))
        if not found:
            return None
        p_value, lowest, highest, value = min(found)
        return {"lowest": lowest, "highest": highest, "value": value, "p_adjusted": p_value}

    def _measured(
        self,
        measure: str,
        low: tuple[str, Share],
        high: tuple[str, Share],
        comparisons: int,
        told: dict[str, Any],
        fields: dict[str, Any],
    ) -> Result:
        shares = low[1], high[1]
        ends = ratio_interval(*shares) if measure == RATIO else difference_interval(*shares)
        p_value = parity_p_value(*shares)
        exact = not shares[0].variance
        interval = ("katz-log" if exact else "mover-log") if measure == RATIO else "newcombe"
        details = told | {
            "lowest": _facts(*low, self.weighted),
            "highest": _facts(*high, self.weighted),
            "p_value": p_value,
            "p_adjusted": min(1.0, p_value * comparisons),
            "comparisons": comparisons,
            "test": "two-proportion z, Bonferroni over the pairs of groups",
            "good_means": self.model.columns.prediction.good_means if self.model.columns.prediction else "",
        }
        return self.subject.result(
            Monitor.FAIRNESS,
            measure,
            status=Status.WITHIN,
            about=self.name,
            value=self._value(measure, low, high),
            interval_low=ends[0],
            interval_high=ends[1],
            method={
                "name": "bailiwick",
                "basis": basis(shares[0].variance),
                "exact": exact,
                "interval": interval,
                "library": self.library,
            },
            details=details,
            **fields,
        )

    def _extremes(self, table: GroupShares) -> tuple[tuple[str, Share], tuple[str, Share]]:
        groups = [(group, share) for group, share in table.compared.items() if enough(share)]
        return min(groups, key=lambda item: self._rate(item[1])), max(groups, key=lambda item: self._rate(item[1]))

    def _value(self, measure: str, low: tuple[str, Share], high: tuple[str, Share]) -> float:
        bottom, top = self._rate(low[1]), self._rate(high[1])
        if measure == RATIO:
            return bottom / top if top > 0 else 0.0
        return top - bottom

    def _rate(self, share: Share) -> float:
        """By Fairlearn; noisy counts are clipped to what a share can be, for display only."""
        hits = min(max(share.hits, 0.0), share.n)
        return self.weighted((1, 0), (hits, share.n - hits))


def _facts(group: str, share: Share, rate: WeightedRate) -> dict[str, Any]:
    hits = min(max(share.hits, 0.0), share.n)
    return {
        "group": group,
        "rate": rate((1, 0), (hits, share.n - hits)),
        "interval": list(share.interval),
        "n": round(share.n),
        "selected": round(hits),
    }


def _left_out(tables: Sequence[GroupShares]) -> dict[str, Any]:
    """Who is not in the comparison: groups too small, and those without a declared value."""
    small = {group: round(share.n) for t in tables for group, share in t.compared.items() if not enough(share)}
    return {
        "too_small": [{"group": group, "n": max(n, 0)} for group, n in small.items()],
        "not_compared": [
            {"group": group, "n": max(round(n), 0)} for group, n in tables[0].not_compared.items() if n > 0
        ],
    }


def _pairs(groups: int) -> int:
    return groups * (groups - 1) // 2


def _verdict(
    result: Result, limit: Limit | None, low: Share, high: Share, comparisons: int, measure: str, *, clear: bool
) -> Result:
    significant = clear or parity_p_value(low, high) * comparisons < ALPHA
    if limit is None:
        details = {**result.details, "limit": NO_LIMIT}
        return replace(result, status=Status.WITHIN, significant=None, details=details)
    if result.value is None:
        return result
    beyond = not limit.met_by(result.value)
    result = replace(result, significant=significant, **limit.as_fields())
    if beyond:
        return replace(result, status=Status.OUTSIDE if significant else Status.UNCLEAR)
    if significant or _could_have_told(limit, low, high, comparisons, measure):
        return replace(result, status=Status.WITHIN)
    reason = f"{TOO_FEW_PEOPLE}: at this size even a gap at the limit would not stand out from chance"
    return replace(result, status=Status.TOO_FEW, details={**result.details, "reason": reason})


def _could_have_told(limit: Limit, low: Share, high: Share, comparisons: int, measure: str) -> bool:
    """Whether the lower group at the limit, beside the higher as it is, would have been significant."""
    top = high.value
    at_limit = top * limit.value if measure == RATIO else top - limit.value
    if measure == RATIO and limit.op != AT_LEAST:
        return True
    rate = float(np.clip(at_limit, 0.0, 1.0))
    return parity_p_value(replace(low, hits=rate * low.n), high) * comparisons < ALPHA
