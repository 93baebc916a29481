"""Methods: the formula of each measure that this report holds, the method each result names, and library versions."""

from __future__ import annotations

from collections import Counter

from reports import words
from reports.build.facts import GeneralFacts, Row
from reports.elements import Cell, Column, Element, Kind, Section, Table, Text

FORMULAS = {
    "psi": "sum over cells of (p - q) ln(p / q), with p and q the shares of current and reference rows per cell, after "
    "the smoothing that the method names. 0 means the same shares. Judged after taking off what chance alone gives, "
    "(B - 1)(1/n + 1/m), together with a chi-square test.",
    "js": "square root of the Jensen-Shannon divergence of the shares per cell, to the log base that the method names. "
    "0 means the same shares.",
    "jensen_shannon": "the same under its full name.",
    "hellinger": "square root of 1 less the sum over cells of sqrt(p q). 0 means the same shares, 1 nothing in common.",
    "kl": "sum over cells of p ln(p / q). 0 means the same shares.",
    "total_variation": "half the sum over cells of |p - q|: the share of rows that would have to move.",
    "l_infinity": "the largest |p - q| of a cell.",
    "g": "Jensen-Shannon distance, base 2, judged together with the likelihood-ratio test.",
    "mann_whitney": "chance that a current value lies above a reference value less the chance of the contrary, without "
    "its sign (Cliff's delta), judged together with the U test.",
    "t": "difference of the means in pooled standard deviations, judged together with Welch's test.",
    "z": "difference of the shares of two values, judged together with the pooled z test.",
    "energy": "square root of twice the integral of the squared gap between the distribution functions, values in "
    "standard deviations of the reference.",
    "cramer_von_mises": "root mean square gap between the distribution functions over both samples.",
    "anderson_darling": "the same with the tails weighted.",
    "wasserstein": "area between the two distribution functions, divided by the spread of the reference. 0: the same.",
    "ks": "largest distance between the two distribution functions; from counts at the edges of the bins, with a bound "
    "on the error.",
    "chi_square": "Cramer's V of two samples of one size, judged together with Pearson's chi-square test.",
    "ndcg": "inputs ranked by their mean |contribution| in the window: sum of the reference's mean |contribution| over "
    "log2(rank + 1), divided by the same sum in the reference's own order. 1: the same order.",
    "roc_auc": "chance that a randomly drawn good outcome scores above a randomly drawn bad one, ties counting half; "
    "from score cells, with the bound on the error where it is not exact. 0.5 is chance.",
    "log_loss": "mean of -ln(score given to what happened). Lower is better.",
    "accuracy": "share of predictions that turned out right.",
    "selection_rate": "share of a group's decisions that are favourable. Interval: Wilson, 95 %.",
    "selection_rate_ratio": "lowest group's selection rate divided by the highest group's. 1 is parity. Interval: "
    "Katz-log, 95 %; significance is taken against parity.",
    "selection_rate_difference": "highest group's selection rate minus the lowest group's. 0 is parity.",
    "true_positive_rate_difference": "largest difference between groups in the share of favourable decisions among "
    "those whose outcome was good. 0 is parity. Interval: Newcombe, 95 %.",
    "false_positive_rate_difference": "the same difference among those whose outcome was not good.",
    "equalized_odds_difference": "the larger of the two differences above.",
    "brier": "mean squared distance between score and outcome. Lower is better.",
    "missing_rate": "share of rows in which the column holds no value.",
    "unseen_rate": "share of rows whose value was not published for the column.",
    "budget_spent_share": "privacy loss charged to the people within the budget's window, divided by its cap.",
    "hours_silent": "hours since the last contact, against the site's contact window.",
}


def methods_section(facts: GeneralFacts) -> Section:
    measures = sorted({str(result["measure"]) for result in facts.results})
    formulas = tuple(
        (Cell(words.measure(name), name), Cell(FORMULAS.get(name, "as the method's own documentation defines it")))
        for name in measures
    )
    versions = tuple((words.text(name), words.text(version)) for name, version in sorted(facts.libraries.items()))
    elements: list[Element] = [
        Text(
            "Results are computed from counts: integers per cell of a frozen set of bins, added up over sites and "
            "time. Basis says what a result stands on: rows, counts, or noisy counts (whose noise is part of the "
            "interval). Cannot say is a state of its own; it is never read as inside a limit."
        ),
        Table("Formulas", _pair("Measure", "Definition"), formulas, empty="none: no results"),
        _methods(facts.results),
        Table("Versions", _pair("Software", "Version"), versions, empty="not given"),
    ]
    return Section("methods", "Methods", tuple(elements))


def _pair(first: str, second: str) -> tuple[Column, Column]:
    return Column(first, width=1.2), Column(second, width=4)


def _methods(results: list[Row]) -> Table:
    counts: Counter[tuple[str, str, str, str, str]] = Counter()
    for result in results:
        if result["value"] is None:
            continue
        method = result.get("method") or {}
        noise = result.get("noise") or {}
        counts[
            (
                str(result["monitor"]),
                str(result["measure"]),
                words.clean(method.get("name")) or "not named",
                words.clean(method.get("basis")) or "not said",
                _exactness(method) + (f"; noise: {words.clean(noise.get('mechanism'))}" if noise else ""),
            )
        ] += 1
    columns = (
        Column("Monitor", width=1.1),
        Column("Measure", width=1.6),
        Column("Method", width=1.5),
        Column("Basis", width=0.8),
        Column("Exactness and settings", width=2.6),
        Column("Results", Kind.NUMBER, 0.8),
    )
    rows = tuple(
        (
            Cell(monitor.replace("_", " "), monitor),
            Cell(words.measure(measure), measure),
            Cell(name),
            Cell(basis),
            Cell(settings),
            words.counted(n),
        )
        for (monitor, measure, name, basis, settings), n in sorted(counts.items())
    )
    return Table("Which method each result names", columns, rows, empty="none: no results")


def _exactness(method: Row) -> str:
    told = ["exact" if method.get("exact") else "approximate"] if "exact" in method else []
    if method.get("error_bound"):
        told[:] = ["within the error bound of each result"]
    for key in ("smoothing", "log_base", "confidence", "interval"):
        if method.get(key) not in (None, ""):
            told.append(f"{key.replace('_', ' ')} {words.clean(method[key])}")
    return ", ".join(told) or "as its documentation says"
