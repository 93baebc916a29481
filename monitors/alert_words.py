"""An alert told in one sentence: what, where, the number with its interval and n, and the limit it is held against.

"Selection rate of sex=F is 0.73 of that of sex=M at branch-north: 0.73 (0.70 to 0.76, n 2,614) against at least 0.80."
"""

from __future__ import annotations

from monitors.discovery import held_back
from monitors.subject import AT_LEAST
from store.result import Monitor, Result, Status

ALL_SITES = "*"
NAMES = {
    "roc_auc": "ROC AUC",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "mae": "Mean absolute error",
    "rmse": "Root mean squared error",
    "missing_rate": "Missing rate",
    "unseen_rate": "Rate of unseen values",
    "selection_rate_difference": "Selection rate difference",
    "true_positive_rate_difference": "True positive rate difference",
    "false_positive_rate_difference": "False positive rate difference",
    "equalized_odds_difference": "Equalized odds difference",
    "psi": "PSI",
    "js": "Jensen-Shannon distance",
}
STATISTICAL = "A statistical result, not a determination of discrimination."


def told(number: float) -> str:
    """Three significant digits, at least two decimals below 10: 0.8 is 0.80, 0.7123 is 0.712, 1204 is 1,204."""
    if number == 0:
        return "0"
    if abs(number) >= 100:
        return f"{number:,.0f}"
    if abs(number) >= 10:
        return f"{number:.1f}"
    if abs(number) >= 1:
        return f"{number:.2f}"
    text = f"{number:.3g}"
    if "e" in text:
        return text
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:<02}".replace(" ", "0")


def measured(result: Result) -> str:
    """`0.71 (0.66 to 0.77, n 1,204)`"""
    value = "no value" if result.value is None else told(result.value)
    inside = []
    if result.interval_low is not None and result.interval_high is not None:
        inside.append(f"{told(result.interval_low)} to {told(result.interval_high)}")
    inside.append(f"n {result.n_current:,}")
    return f"{value} ({', '.join(inside)})"


def against_limit(result: Result) -> str:
    """` against at least 0.80`; empty without a limit."""
    if result.limit_value is None:
        return ""
    return f" against {'at least' if result.limit_op == AT_LEAST else 'at most'} {told(result.limit_value)}"


def where(site: str, segment: str | None = None) -> str:
    place = "over all sites" if site == ALL_SITES else f"at {site}"
    return f"{place}, {segment}" if segment else place


def sentence(result: Result) -> str:
    """One or two plain sentences; nothing here judges more than the result's own status does."""
    if result.monitor == Monitor.SILENCE:
        return _silence(result)
    if result.monitor == Monitor.PRIVACY:
        return _privacy(result)
    place = where(result.site, result.segment)
    figures = f"{measured(result)}{against_limit(result)}"
    if result.monitor == Monitor.FAIRNESS:
        return _fairness(result, place, figures) + _doubt(result)
    name = NAMES.get(result.measure, result.measure.replace("_", " ").capitalize())
    if result.monitor.endswith("drift"):
        verb = "may have moved" if result.status == Status.UNCLEAR or held_back(result) else "moved"
        elsewhere = result.details.get("fleet") or result.details.get("verdict_in_words")
        told_also = f" {elsewhere}" if elsewhere else ""
        return f"{result.about or 'The model'} {verb} {place}: {name} {figures}.{_doubt(result)}{told_also}"
    of = f" of {result.about}" if result.about else ""
    return f"{name}{of} {place} is {figures}.{_doubt(result)}"


def _doubt(result: Result) -> str:
    if held_back(result):
        tests = result.details["discovery"]["tests"]
        return f" Among the {tests:,} tests of its day that is no more than chance gives."
    return " This sample cannot tell whether that is chance." if result.status == Status.UNCLEAR else ""


def _fairness(result: Result, place: str, figures: str) -> str:
    low, high = result.details.get("lowest"), result.details.get("highest")
    if not low or not high:
        return f"{NAMES.get(result.measure, result.measure)} of {result.about} {place} is {figures}. {STATISTICAL}"
    pair = (
        f"{low['group']} {told(low['rate'])} (n {low['n']:,}), {high['group']} {told(high['rate'])} (n {high['n']:,})"
    )
    if result.measure == "selection_rate_ratio":
        head = f"Selection rate of {low['group']} is {told(result.value or 0.0)} of that of {high['group']} {place}"
    else:
        head = f"{NAMES.get(result.measure, result.measure)} of {result.about} {place}"
    return f"{head}: {figures}; {pair}. {STATISTICAL}"


def _silence(result: Result) -> str:
    hours, window = told(result.value or 0.0), told(result.limit_value or 0.0)
    if result.status == Status.STALE:
        return f"{result.site} has been silent for {_whole(hours)} hours; its contact window is {_whole(window)} hours."
    return (
        f"{result.site} was heard from {_whole(hours)} hours ago, inside its contact window of {_whole(window)} hours."
    )


def _whole(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _privacy(result: Result) -> str:
    details = result.details
    return (
        f"{(result.value or 0.0) * 100:.0f} % of the privacy budget of {result.about} is spent "
        f"({details.get('from')} to {details.get('to')}): epsilon {told(float(details.get('epsilon_spent', 0.0)))} of "
        f"{details.get('epsilon')} at delta {details.get('delta')}."
    )
