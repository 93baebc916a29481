"""A result: one measurement with its status, and everything it stands on.

Results travel as Arrow tables of `RESULT_SCHEMA` (thousands a run); `Result` is the single row at the edges.
"Cannot say" is a status, never a NaN: `table_of` refuses non-finite numbers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import pyarrow as pa

from store.canonical import canonical_json


class Status(StrEnum):
    """The table of the contract: what each word means for the reader and for the alerts."""

    WITHIN = "within"
    OUTSIDE = "outside"
    UNCLEAR = "unclear"
    TOO_FEW = "too_few"
    NO_LABELS = "no_labels"
    NO_REFERENCE = "no_reference"
    NOT_COMPUTABLE = "not_computable"
    STALE = "stale"


CANNOT_SAY = frozenset({Status.TOO_FEW, Status.NO_LABELS, Status.NO_REFERENCE, Status.NOT_COMPUTABLE})


class Severity(StrEnum):
    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


SEVERITIES = tuple(Severity)
"""In rising order."""


class Monitor(StrEnum):
    DRIFT = "drift"
    PREDICTION_DRIFT = "prediction_drift"
    LABEL_DRIFT = "label_drift"
    ATTRIBUTION_DRIFT = "attribution_drift"
    MULTIVARIATE_DRIFT = "multivariate_drift"
    PERFORMANCE = "performance"
    ESTIMATED_PERFORMANCE = "estimated_performance"
    QUALITY = "quality"
    FAIRNESS = "fairness"
    PRIVACY = "privacy"
    SILENCE = "silence"
    COST = "cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One measurement of one thing in one window at one site."""

    model: str
    version: str
    site: str
    """A slug, or `*` for all sites merged."""
    monitor: str
    measure: str
    """`psi`, `roc_auc`, `selection_rate_ratio`, `missing_rate`, `hours_silent` ..."""
    about: str | None = None
    """A column, a group (`sex=F`, `sex=F & race=B`), an attribute (`sex`, `sex & race`) or None."""
    segment: str | None = None
    """`channel=web`, or None for all rows."""
    window_from: datetime
    window_to: datetime
    """UTC, half open: [from, to)."""
    value: float | None = None
    interval_low: float | None = None
    interval_high: float | None = None
    n_reference: int | None = None
    n_current: int = 0
    limit_op: str | None = None
    """`at_least` or `at_most`."""
    limit_value: float | None = None
    limit_source: str | None = None
    status: str
    significant: bool | None = None
    severity: str = Severity.INFO
    method: dict[str, Any] = field(default_factory=dict)
    """name, basis (`rows`, `counts`, `noisy`), exact, error_bound, bins, log_base, smoothing, library."""
    noise: dict[str, Any] | None = None
    """mechanism, scale, rho (decimal text) where the counts carry noise."""
    details: dict[str, Any] = field(default_factory=dict)
    """Other measures of the same thing, p-values, `reason` where the status is "cannot say"."""


RESULT_SCHEMA = pa.schema(
    [
        ("model", pa.string()),
        ("version", pa.string()),
        ("site", pa.string()),
        ("monitor", pa.string()),
        ("measure", pa.string()),
        ("about", pa.string()),
        ("segment", pa.string()),
        ("window_from", pa.timestamp("us")),
        ("window_to", pa.timestamp("us")),
        ("value", pa.float64()),
        ("interval_low", pa.float64()),
        ("interval_high", pa.float64()),
        ("n_reference", pa.int64()),
        ("n_current", pa.int64()),
        ("limit_op", pa.string()),
        ("limit_value", pa.float64()),
        ("limit_source", pa.string()),
        ("status", pa.string()),
        ("significant", pa.bool_()),
        ("severity", pa.string()),
        ("method", pa.string()),
        ("noise", pa.string()),
        ("details", pa.string()),
    ]
)
"""`method`, `noise` and `details` are canonical JSON text; times are UTC without zone."""

_NUMBERS = ("value", "interval_low", "interval_high", "limit_value")
_DOCUMENTS = ("method", "noise", "details")
_WORDS = ("monitor", "status", "severity")
"""Enumerations, which Arrow would not take for text."""


def table_of(results: Iterable[Result]) -> pa.Table:
    """Results as an Arrow table of RESULT_SCHEMA; raises ValueError where a number is not finite."""
    held = list(results)
    columns: dict[str, list[Any]] = {name: [getattr(result, name) for result in held] for name in RESULT_SCHEMA.names}
    for name in _NUMBERS:
        for result, number in zip(held, columns[name], strict=True):
            if number is not None and not math.isfinite(number):
                raise ValueError(f"{result.monitor} {result.measure} of {result.about}: {name} is {number}")
    for name in _DOCUMENTS:
        columns[name] = [None if document is None else canonical_json(document) for document in columns[name]]
    for name in _WORDS:
        columns[name] = [str(word) for word in columns[name]]
    return pa.table(columns, schema=RESULT_SCHEMA)


def from_row(row: dict[str, Any]) -> Result:
    """A stored result row as a value: the inverse of `table_of`."""
    held = {name: row[name] for name in RESULT_SCHEMA.names}
    for name in _DOCUMENTS:
        held[name] = json.loads(held[name]) if held[name] else None if name == "noise" else {}
    return Result(**held)


def as_document(row: dict[str, Any]) -> dict[str, Any]:
    """A stored result row in the contract's JSON shape."""
    out = {name: row.get(name) for name in ("id", "model", "version", "site", "segment", "monitor", "measure", "about")}
    low, high = row["interval_low"], row["interval_high"]
    op = row["limit_op"]
    out |= {
        "window": {"from": _text(row["window_from"]), "to": _text(row["window_to"])},
        "value": row["value"],
        "interval": None if low is None and high is None else [low, high],
        "n": {"reference": row["n_reference"], "current": row["n_current"]},
        "limit": None if op is None else {"op": op, "value": row["limit_value"], "source": row["limit_source"]},
        "status": row["status"],
        "significant": row["significant"],
        "severity": row["severity"],
        "method": json.loads(row["method"] or "{}"),
        "noise": json.loads(row["noise"]) if row["noise"] else None,
        "details": json.loads(row["details"] or "{}"),
        "seq": row.get("seq"),
        "known_at": _text(row.get("known_at")),
    }
    return out


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="microseconds").replace(".000000", "") + "Z"
