"""Drift from counts: the method set `bailiwick`.

Promises: one result per column and window with a status of the contract. `outside` needs both an effect (the PSI,
less what sampling and noise alone would give, beyond the limit) and a test (chi-square, p < 0.001); `unclear` is an
effect that this sample cannot tell from chance; `within` is said only at an n that could have told. Exact, merged and
noisy counts take the same path, each with its own sampling error and noise variance.
Refuses to judge what the counts do not hold: a peer's method set on counts is `not_computable`, and missing or
non-finite values belong to quality, not to drift. Formulas and sources: docs/method.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from monitors.count_measures import on_scale, why_not_z
from monitors.divergence import SMOOTHING, Comparison, Floats, compare
from monitors.measures import JENSEN_SHANNON, LIMITS, MEASURES, PSI, Z, named, unavailable
from monitors.scales import Column, OnScale
from monitors.subject import AT_MOST, Subject, basis
from store.bins import BinSpec, CategoryBins, ColumnBins, ColumnCells, NumberBins, Section
from store.model_file import ColumnDrift, DriftWatch
from store.result import Monitor, Result, Status
from store.summary import Counts

METHOD_SET = "bailiwick"
LIMIT_SOURCE = "bailiwick default"
SIGNIFICANCE = 0.001
MOVED = 3
"""Cells named in a result's details, those whose share moved most."""

_NOISE = "the noise on these counts has no known effect on {}; ask for psi, jensen_shannon or total_variation"

Statuses = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Judgement:
    """One column of many windows, judged; every array has shape (windows,)."""

    status: Statuses
    reason: list[str | None]
    value: Floats
    significant: npt.NDArray[np.bool_]
    scaled: OnScale
    """On the scale of the measure; its effect is what was compared with the limit."""
    compared: Comparison

    @property
    def low(self) -> Floats:
        return self.scaled.low

    @property
    def high(self) -> Floats:
        return self.scaled.high

    @property
    def effect(self) -> Floats:
        return self.scaled.effect


def judge_counts(
    reference: Counts,
    current: Counts,
    *,
    variance: Floats,
    limit: float,
    measure: str = PSI,
    at_least: int = 0,
    column: Column | None = None,
) -> Judgement:
    """reference: (cells,) and current: (windows, cells) of one column's partition; variance: (windows,).

    column: its bins and moments, for the measures that need more than the cells.
    """
    found = compare(reference, current, variance)
    scaled = on_scale(measure, found, column or Column(CategoryBins("", ()), reference, current))
    noisy = variance > 0
    value = np.where(noisy, np.maximum(scaled.effect, 0.0), scaled.value)
    significant = scaled.p_value < SIGNIFICANCE
    told = scaled.floor < limit
    status = np.where(
        scaled.effect > limit,
        np.where(significant, Status.OUTSIDE, Status.UNCLEAR),
        np.where(told, Status.WITHIN, Status.TOO_FEW),
    )
    few = (found.n < at_least) | (found.n < 1)
    status = np.where(few, Status.TOO_FEW, status)
    if found.m <= 1 and not reference.any():
        status = np.full(len(current), Status.NO_REFERENCE)
    reasons = [
        _reason(s, n, at_least=at_least, floor=f, limit=limit, noisy=bool(v))
        for s, n, f, v in zip(status.tolist(), found.n.tolist(), scaled.floor.tolist(), noisy.tolist(), strict=True)
    ]
    return Judgement(status, reasons, value, significant, scaled, found)


def _reason(status: str, n: float, *, at_least: int, floor: float, limit: float, noisy: bool) -> str | None:
    if status == Status.NO_REFERENCE:
        return "no reference to compare with; the bins were declared, or learned from the rows at hand"
    if status != Status.TOO_FEW:
        return None
    if n < 1:
        return "no rows in this window"
    if n < at_least:
        return f"{n:.0f} rows; this watch asks for at least {at_least}"
    cause = "sampling and noise" if noisy else "sampling"
    return f"at {n:.0f} rows {cause} could hide or feign an effect of {floor:.2g}; the limit is {limit:g}"


def drift_results(
    spec: BinSpec,
    section: Section,
    reference: Counts | None,
    current: Counts,
    *,
    variance: Floats,
    subjects: Sequence[Subject],
    watch: DriftWatch,
    at_least: int = 0,
    rho: str | None = None,
    outcome: str = "label",
    skip: frozenset[str] = frozenset(),
    told: dict[str, Any] | None = None,
) -> list[Result]:
    """Every column of one section in every window.

    reference: the section's merged vector of the reference, or None; current: (windows, width); variance: (windows,);
    subjects: one for each window.
    `inputs` gives drift, `outputs` prediction drift of prediction and score, `labelled` label drift of classes.
    rho: the zCDP loss of the release behind noisy windows. outcome: the name of the label's column.
    skip: columns that are judged from rows instead. told: more details of every result.
    """
    results: list[Result] = []
    for monitor, column in columns_of(spec, section, reference, current, outcome=outcome):
        rule = dict(watch.columns).get(column.bins.name, ColumnDrift())
        if column.bins.name in skip:
            continue
        results += _column_results(
            column, variance=variance, subjects=subjects, monitor=monitor, rule=rule, at_least=at_least, rho=rho,
            spec_hash=spec.spec_hash, method_set=watch.method_set, told=told or {},
        )  # fmt: skip
    return results


def _cannot(method_set: str, measure: str, column: Column, monitor: Monitor) -> str | None:
    if method_set != METHOD_SET and monitor is Monitor.LABEL_DRIFT:
        return f"labels are compared from counts, and the method set {method_set} needs rows"
    if method_set != METHOD_SET:
        return f"the method set {method_set} needs rows; only counts are at hand"
    why = unavailable(measure, number=isinstance(column.bins, NumberBins))
    return why or (why_not_z(column) if measure == Z else None)


def columns_of(
    spec: BinSpec, section: Section, reference: Counts | None, current: Counts, *, outcome: str
) -> list[tuple[Monitor, Column]]:
    """Monitor and cells of each column that the section holds."""
    old = np.zeros(current.shape[1], dtype=np.int64) if reference is None else reference
    if section is Section.LABELLED:
        if not isinstance(spec.prediction, CategoryBins) or not spec.outcome:
            return []
        shape = spec.labelled_shape
        axes = tuple(range(len(shape) - 1))
        before = old[spec.labelled_joint].reshape(shape).sum(axis=axes)
        after = current[:, spec.labelled_joint].reshape(len(current), *shape).sum(axis=tuple(a + 1 for a in axes))
        return [(Monitor.LABEL_DRIFT, Column(CategoryBins(outcome, spec.prediction.values), before, after))]
    if section is Section.OUTPUTS:
        outputs = [cells for cells in (spec.prediction_cells, spec.score_cells) if cells]
        return [(Monitor.PREDICTION_DRIFT, _column(cells, old, current)) for cells in outputs]
    return [(Monitor.DRIFT, _column(cells, old, current)) for cells in spec.input_cells]


def _column(cells: ColumnCells, old: Counts, current: Counts) -> Column:
    moments = None
    if cells.moments:
        sums = slice(cells.moments.start + 1, cells.moments.stop)  # the first counts inexact integers
        moments = old[sums], current[:, sums]
    return Column(cells.bins, old[cells.partition], current[:, cells.partition], moments)


def _column_results(
    column: Column,
    *,
    variance: Floats,
    subjects: Sequence[Subject],
    monitor: Monitor,
    rule: ColumnDrift,
    at_least: int,
    rho: str | None,
    spec_hash: str,
    method_set: str,
    told: dict[str, Any],
) -> list[Result]:
    measure, bins, reference, current = named(rule.measure), column.bins, column.reference, column.current
    limit = LIMITS.get(measure, LIMITS[PSI]) if rule.at_most is None else rule.at_most
    never = _cannot(method_set, measure, column, monitor)
    judged = judge_counts(
        reference, current, variance=variance, limit=limit, measure=PSI if never else measure, at_least=at_least,
        column=column,
    )  # fmt: skip
    results = []
    for i, subject in enumerate(subjects):
        noisy = bool(variance[i] > 0)
        why_not = never or (_NOISE.format(measure) if noisy and not MEASURES[measure].noisy else None)
        status = Status.NOT_COMPUTABLE if why_not else Status(str(judged.status[i]))
        reason = why_not or judged.reason[i]
        said = status in (Status.WITHIN, Status.OUTSIDE, Status.UNCLEAR)
        computed = not why_not and status is not Status.NO_REFERENCE and judged.compared.n[i] >= 1
        details = _details(bins, reference, current[i], judged, i) if computed else {}
        results.append(
            subject.result(
                monitor, measure, status=status, about=bins.name,
                value=float(judged.value[i]) if computed else None,
                interval_low=float(judged.low[i]) if computed else None,
                interval_high=float(judged.high[i]) if computed else None,
                n_reference=int(reference.sum()), n_current=max(int(current[i].sum()), 0),
                limit_op=None if why_not else AT_MOST, limit_value=None if why_not else limit,
                limit_source=None if why_not else (LIMIT_SOURCE if rule.at_most is None else rule.source),
                significant=bool(judged.significant[i]) if said else None,
                method=_method(method_set, bins, measure, judged, i, noisy=noisy, spec_hash=spec_hash),
                noise=_noise(float(variance[i]), rho) if noisy else None,
                details=details | told | ({"reason": reason} if reason else {}),
            )
        )  # fmt: skip
    return results


def _details(bins: ColumnBins, reference: Counts, current: Counts, judged: Judgement, i: int) -> dict[str, Any]:
    found = judged.compared
    return {
        "js": float(found.js[i]),
        "psi": float(found.psi[i]),
        "psi_debiased": float(found.psi_debiased[i]),
        "effect": float(judged.effect[i]),
        "expected_without_drift": float(found.bias[i]),
        "chi_square": float(found.chi_square[i]),
        "degrees": int(found.degrees[i]),
        "p_value": float(judged.scaled.p_value[i]),
        **({} if judged.scaled.statistic is None else {"statistic": float(judged.scaled.statistic[i])}),
        "moved": moved_cells(bins, reference, current),
    }


def moved_cells(bins: ColumnBins, reference: Counts, current: Counts) -> list[dict[str, Any]]:
    """The cells whose share moved most, for the explanation in words; a noisy count below 0 is shown as 0."""
    before = reference / max(int(reference.sum()), 1)
    after = np.maximum(current, 0) / max(int(np.maximum(current, 0).sum()), 1)
    labels = bins.labels()
    order = np.argsort(-np.abs(after - before), kind="stable")[:MOVED]
    return [
        {"cell": labels[cell], "reference": round(float(before[cell]), 6), "current": round(float(after[cell]), 6)}
        for cell in order.tolist()
        if before[cell] != after[cell]
    ]


def _method(
    name: str, bins: ColumnBins, measure: str, judged: Judgement, i: int, *, noisy: bool, spec_hash: str
) -> dict[str, Any]:
    bound = None if judged.scaled.error_bound is None else float(judged.scaled.error_bound[i])
    return {
        "name": name,
        "basis": basis(float(noisy)),
        "exact": not noisy and bound is None,
        "error_bound": bound,
        "bins": bins.partition,
        "cells": int(judged.compared.cells[i]),
        "bin_spec": spec_hash,
        "smoothing": SMOOTHING,
        "log_base": 2 if measure == JENSEN_SHANNON else "e",
        "value": "debiased" if noisy else "plain",
        "test": MEASURES[measure].test if measure in MEASURES else None,
        "significance": SIGNIFICANCE,
    }


def _noise(variance: float, rho: str | None) -> dict[str, Any]:
    return {"mechanism": "discrete_gaussian", "scale": sqrt(variance), "variance": variance, "rho": rho}
