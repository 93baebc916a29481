"""Method sets: a peer's own rules for drift, under the peer's name and with the peer's numbers.

    evidently-0.7   Evidently's defaults by the rows of the reference and the distinct values of both sides
    azureml         Azure ML's data drift signal: normed Wasserstein for numbers, Jensen-Shannon (base 2) otherwise
    nannyml-0.13    Jensen-Shannon (base 2) against the spread over chunks of the reference
    trustyai        Welch's test of the means of numbers

Promises: a number stands under a peer's name only when it is that peer's number, computed from rows; whatever cannot
be met is `not_computable` with its reason. A column's own measure and limit replace the default ones; the limit then
is what the peer calls its threshold (of a p-value: drift at or below it). Each set is one file `rules_*.py`.
Our own method set judges counts (`monitors/drift.py`), and here what counts cannot give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from monitors import rules_azureml, rules_bailiwick, rules_evidently, rules_nannyml, rules_trustyai
from monitors.rules_azureml import AZUREML
from monitors.rules_bailiwick import BAILIWICK
from monitors.rules_evidently import EVIDENTLY
from monitors.rules_nannyml import NANNYML
from monitors.rules_trustyai import TRUSTYAI
from monitors.subject import Subject
from monitors.verdict import ALIASES, PSI, Categories, Numbers, Sample, Verdict, not_computable
from store.bins import BinSpec, ColumnBins, NumberBins
from store.errors import did_you_mean
from store.model_file import ColumnDrift, DriftWatch, InputType
from store.result import Monitor, Result, Status

Choice = Callable[[Sample], tuple[str, float]]
Rules = Callable[[Sample, str | None, float | None], Verdict]

RULES: dict[str, tuple[Choice, Rules]] = {
    EVIDENTLY: (rules_evidently.choice, rules_evidently.judge),
    AZUREML: (rules_azureml.choice, rules_azureml.judge),
    NANNYML: (rules_nannyml.choice, rules_nannyml.judge),
    TRUSTYAI: (rules_trustyai.choice, rules_trustyai.judge),
}
"""The measure and limit that each set would choose, and its verdict."""
METHOD_SETS = (BAILIWICK, *RULES)


def rows_results(
    spec: BinSpec,
    reference: Mapping[str, Any],
    current: Mapping[str, Any],
    *,
    subject: Subject,
    watch: DriftWatch,
    at_least: int = 0,
    monitor: Monitor | None = None,
    only: frozenset[str] | None = None,
) -> list[Result]:
    """Every input, and prediction and score where both sides have them, from rows: column name -> its values.

    Inputs that a side lacks count as empty. at_least: rows that this watch asks of a window before it judges.
    monitor: only the columns of this one (drift: inputs; prediction drift: prediction and score).
    only: these columns alone.
    """
    columns = [(Monitor.DRIFT, bins) for bins in spec.inputs]
    outputs = [
        bins for bins in (spec.prediction, spec.score) if bins and bins.name in reference and bins.name in current
    ]
    columns += [(Monitor.PREDICTION_DRIFT, bins) for bins in outputs]
    rules = dict(watch.columns)
    results = []
    for mine, bins in columns:
        if monitor not in (None, mine) or (only is not None and bins.name not in only):
            continue
        rule = rules.get(bins.name)
        verdict = judge_rows(
            watch.method_set,
            reference.get(bins.name, ()),
            current.get(bins.name, ()),
            kind=kind_of(bins),
            override=rule,
        )
        if verdict.value is not None and verdict.n_current < at_least:
            reason = f"{verdict.n_current} rows; this watch asks for at least {at_least}"
            verdict = replace(verdict, status=Status.TOO_FEW, reason=reason)
        source = rule.source if rule and rule.at_most is not None else None
        results.append(verdict.result(subject, about=bins.name, monitor=mine, source=source))
    return results


def kind_of(bins: ColumnBins) -> InputType:
    return InputType.NUMBER if isinstance(bins, NumberBins) else InputType.CATEGORY


def judge_rows(
    method_set: str, reference: Any, current: Any, *, kind: str, override: ColumnDrift | None = None
) -> Verdict:
    """One column of two samples under a peer's rules. Values are arrays, lists or Arrow columns; None is missing."""
    rule = override or ColumnDrift()
    if method_set not in METHOD_SETS:
        reason = f"no method set is called {method_set!r}. {did_you_mean(method_set, METHOD_SETS)}".strip()
        return not_computable(method_set, rule.measure or PSI, reason)
    sample = Numbers(reference, current) if kind == InputType.NUMBER else Categories(reference, current)
    if method_set == BAILIWICK:
        measure, choice = rule.measure, rule.measure or PSI
    else:
        measure = ALIASES.get(rule.measure, rule.measure) if rule.measure else None
        choice = measure or RULES[method_set][0](sample)[0]
    if not (sample.n and sample.m):
        side = "the window" if sample.n else "the reference"
        status = Status.TOO_FEW if sample.n else Status.NO_REFERENCE
        return Verdict(method_set, choice, status, None, None, None, sample.n, sample.m, {}, f"no values in {side}")
    judge = rules_bailiwick.judge if method_set == BAILIWICK else RULES[method_set][1]
    return judge(sample, measure, rule.at_most)
