"""How reports say things: states, numbers, moments. Plain words; three significant digits; no verdict on people or law.

Texts that came from outside pass `clean`: it keeps them readable and takes away what could mislead the eye (control
characters, bidirectional overrides, invisible marks become visible escapes).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from math import floor, log10
from typing import Any

from reports.elements import Cell

TONES = ("within", "outside", "unclear", "nodata", "cannot", "plain")

_STATES: dict[str, tuple[str, str, str]] = {
    "within": ("✓", "within limits", "within"),
    "outside": ("▲", "outside limits", "outside"),
    "unclear": ("◆", "watch", "unclear"),
    "too_few": ("?", "cannot say: too few", "cannot"),
    "no_labels": ("?", "cannot say: no labels", "cannot"),
    "no_reference": ("?", "cannot say: no reference", "cannot"),
    "not_computable": ("?", "cannot say: not computable", "cannot"),
    "stale": ("■", "no data", "nodata"),
    "live": ("✓", "fresh", "within"),
    "late": ("◆", "late", "unclear"),
    "silent": ("■", "silent", "nodata"),
    "never": ("■", "never heard from", "nodata"),
    "no_data": ("■", "no data", "nodata"),
    "no_limit": ("◇", "no limit set", "plain"),
}
NO_DATA = "no data"
NONE = "none"
CANNOT = frozenset({"too_few", "no_labels", "no_reference", "not_computable"})
REASONS = {
    "too_few": "too few rows to tell",
    "no_labels": "no labels yet",
    "no_reference": "no reference to compare with",
    "not_computable": "cannot be computed",
}
MEASURES = {
    "psi": "population stability index",
    "js": "Jensen-Shannon distance",
    "jensen_shannon": "Jensen-Shannon distance",
    "hellinger": "Hellinger distance",
    "kl": "Kullback-Leibler divergence",
    "total_variation": "total variation distance",
    "l_infinity": "largest gap of a share",
    "wasserstein": "Wasserstein distance",
    "ks": "Kolmogorov-Smirnov distance",
    "chi_square": "chi-square test",
    "g": "G-test",
    "mann_whitney": "Mann-Whitney test",
    "t": "difference of the means",
    "z": "z-test of proportions",
    "energy": "energy distance",
    "cramer_von_mises": "Cramer-von Mises distance",
    "anderson_darling": "Anderson-Darling distance",
    "ndcg": "order of the contributions (NDCG)",
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
    "accuracy": "accuracy",
    "selection_rate": "selection rate",
    "selection_rate_ratio": "selection-rate ratio",
    "selection_rate_difference": "selection-rate difference",
    "true_positive_rate_difference": "gap in true-positive rates",
    "false_positive_rate_difference": "gap in false-positive rates",
    "equalized_odds_difference": "equalised-odds gap",
    "brier": "Brier score",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "r2": "R2",
    "average_precision": "average precision",
    "calibration_error": "calibration error",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "missing_rate": "share missing",
    "unseen_rate": "share never seen in the reference",
    "out_of_range_rate": "share beyond the range",
    "volume_ratio": "rows against the usual",
    "hours_silent": "hours silent",
    "budget_spent_share": "share of the budget spent",
}


def state(status: str) -> Cell:
    """Icon, word and colour of a status, always the three."""
    icon, word, tone = _STATES.get(status, ("?", status.replace("_", " "), "cannot"))
    return Cell(word, status, tone, icon)


def tone(status: str) -> str:
    return state(status).tone


def measure(name: str) -> str:
    return MEASURES.get(name, name.replace("_", " "))


def clean(value: Any) -> str:
    """Text from outside in NFC, on one line, with every invisible or reversing character shown as an escape."""
    if value is None:
        return ""
    out = []
    for char in unicodedata.normalize("NFC", str(value)):
        if char in "\n\r\t":
            out.append(" ")
        elif unicodedata.category(char)[0] == "C" or char in "\u2028\u2029":
            out.append(f"\\u{{{ord(char):04X}}}")
        else:
            out.append(char)
    return "".join(out)


def number(value: float | None, *, digits: int = 3) -> str:
    """Three significant digits, never in exponents between 0.0001 and a billion."""
    if value is None:
        return "not measured"
    if value == 0:
        return "0"
    size = floor(log10(abs(value)))
    if size < -4 or size > 9:
        return f"{value:.{digits - 1}e}"
    if size >= digits:
        return f"{value:,.0f}"
    return f"{value:.{max(0, digits - 1 - size)}f}"


def count(value: int | None) -> str:
    return "not counted" if value is None else f"{value:,}"


def share(part: int | float | None, whole: int | float | None) -> str:
    """A percentage; `no data` where there is nothing to take a share of, and no rounding to 0 or 100 %."""
    if part is None or not whole:
        return NO_DATA
    ratio = part / whole
    if 0 < ratio < 0.001:
        return "under 0.1 %"
    if 0.999 < ratio < 1:
        return "over 99.9 %"
    return f"{100 * ratio:.1f} %"


def interval(value: float | None, low: float | None, high: float | None, *, n: int | None = None) -> str:
    """`0.71 (0.66 to 0.77, n 1,204)`, the form of every measured number."""
    if value is None:
        return "not measured" if n is None else f"not measured (n {count(n)})"
    inside = [] if low is None or high is None else [f"{number(low)} to {number(high)}"]
    if n is not None:
        inside.append(f"n {count(n)}")
    return number(value) + (f" ({', '.join(inside)})" if inside else "")


def limit(value: Mapping[str, Any] | None) -> str:
    if not value or value.get("value") is None:
        return "no limit set"
    word = {"at_least": "at least", "at_most": "at most"}.get(str(value.get("op")), clean(value.get("op")))
    return f"{word} {bound(float(value['value']))}"


def bound(value: float) -> str:
    """A limit as its owner wrote it: no digits that were never there, two decimals for a share (`0.80`)."""
    told = f"{value:,.6g}" if abs(value) < 1_000_000 else f"{value:,.0f}"
    return f"{value:.2f}" if 0 < abs(value) < 1 and len(told) <= 4 else told


def moment(value: Any) -> str:
    """ISO date and time with its zone, to the minute: `2026-10-31 06:00 UTC`."""
    if value in (None, ""):
        return "never"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    text = str(value)
    if len(text) < 16:
        return clean(text)
    return clean(f"{text[:10]} {text[11:16]} UTC")


def day(value: Any) -> str:
    return clean(value.isoformat() if isinstance(value, datetime) else value)[:10]


def window(value: Mapping[str, Any] | None) -> str:
    """`2026-10-01` for one day, `2026-10-01 to 2026-10-08` (exclusive) for more; hours where they matter."""
    if not value:
        return NO_DATA
    start, end = str(value.get("from") or ""), str(value.get("to") or "")
    if start[11:16] in ("", "00:00") and end[11:16] in ("", "00:00"):
        one = len(start) >= 10 and len(end) >= 10 and date.fromisoformat(end[:10]) - date.fromisoformat(start[:10])
        return clean(start[:10]) if one == timedelta(days=1) else f"{clean(start[:10])} to {clean(end[:10])}"
    return f"{moment(start)} to {moment(end)}"


def site(name: Any) -> str:
    return "all sites" if name == "*" else clean(name)


def plural(n: int, one: str, many: str | None = None) -> str:
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def listed(items: Iterable[str], *, none: str = NONE) -> str:
    """`a, b and c`."""
    words = list(items)
    if not words:
        return none
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def tally(counts: Mapping[str, int], *, none: str = NONE) -> str:
    """`no_id 3, bad_time 1`, largest first."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{clean(name).replace('_', ' ')} {count(n)}" for name, n in ordered if n) or none


def text(value: Any, *, none: str = "") -> Cell:
    return Cell(clean(value) or none, value)


def counted(value: int | None) -> Cell:
    return Cell(count(value), value)


def figure(value: float | None) -> Cell:
    return Cell(number(value), value)


def aside(rows: Iterable[Mapping[str, Any]]) -> str:
    """`2 models seen that are not in the inventory, since 3 November 2026, 14,210 rows.`; empty where nothing is kept.

    rows: as `Reads.aside` gives them.
    """
    kept = list(rows)
    if not kept:
        return ""
    models = {row["model"] for row in kept if not row["known_model"]}
    versions = {(row["model"], row["version"]) for row in kept if row["known_model"]}
    what = [plural(len(models), "model")] if models else []
    what += [plural(len(versions), "version")] if versions else []
    verb = "is" if len(models) + len(versions) == 1 else "are"
    since = min(row["first_event"] or row["known_at"] for row in kept)
    told = plural(sum(row["rows"] for row in kept), "row")
    return f"{listed(what)} seen that {verb} not in the inventory, since {since.day} {since:%B %Y}, {told}."


def lasting(seconds: float) -> str:
    """`3 days`, `14 hours`, `5 minutes`: one unit is enough for how long things take."""
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size or (unit == "minute" and seconds >= size):
            return plural(round(seconds / size), unit)
    return plural(round(seconds), "second")


def arrivals(row: Mapping[str, Any]) -> str:
    """`84.0 % of 1,204 due, median after 3 days, nine in ten within 9 days`, from `Reads.label_arrivals`."""
    if not row["due"]:
        return "none due yet"
    told = f"{share(row['labelled'], row['due'])} of {count(row['due'])} due"
    if row["latency_median_s"] is None:
        return told
    median, most = lasting(row["latency_median_s"]), lasting(row["latency_p90_s"])
    return f"{told}, median after {median}, nine in ten within {most}"
