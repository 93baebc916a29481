"""Azure ML's data drift signal: normed Wasserstein for numbers, Jensen-Shannon (base 2) for categories."""

from __future__ import annotations

from typing import Any

from monitors import exact
from monitors.verdict import (
    CHI_SQUARE,
    JENSEN_SHANNON,
    KS,
    P_VALUES,
    PSI,
    WASSERSTEIN,
    Numbers,
    Sample,
    Verdict,
    shared,
    verdict,
)

AZUREML = "azureml"
MEASURES = frozenset({JENSEN_SHANNON, PSI, WASSERSTEIN, KS, CHI_SQUARE})


def choice(sample: Sample) -> tuple[str, float]:
    """The component's defaults."""
    return (WASSERSTEIN, 0.5) if sample.number else (JENSEN_SHANNON, 0.5)


def judge(sample: Sample, measure: str | None, at_most: float | None) -> Verdict:
    chosen, limit = choice(sample)
    if measure and measure != chosen:
        chosen, limit = measure, {JENSEN_SHANNON: 0.5, PSI: 0.5, WASSERSTEIN: 0.5}.get(measure, 0.05)
    limit = limit if at_most is None else at_most
    method: dict[str, Any] = {"library": "bailiwick, by the formulas of azureml-assets 4b41f8cc"}
    value = shared(sample, chosen, ddof=1) if chosen in MEASURES else None
    if chosen in (JENSEN_SHANNON, PSI):
        pair = exact.smaller_sturges(sample.before, sample.after) if isinstance(sample, Numbers) else sample.by_value()
        value = exact.jensen_shannon(pair, base=2) if chosen == JENSEN_SHANNON else exact.psi_laplace(pair)
        binning = "equal widths, ceil(log2(smaller n) + 1)" if sample.number else "by value"
        method |= {"bins": len(pair[0]), "binning": binning, "log_base": 2 if chosen == JENSEN_SHANNON else "e"}
        method["smoothing"] = 1 if chosen == PSI else 0
    elif chosen == WASSERSTEIN:
        method["ddof"] = 1
    beyond = value is not None and (value < limit if chosen in P_VALUES else value > limit)
    return verdict(AZUREML, sample, chosen, value, limit, beyond=beyond, method=method)
