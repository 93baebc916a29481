"""What a general report is built from: plain dicts and lists as the reads return them, as of one seq.

The service gathers them in one place; the builder adds nothing, knows no clock and opens nothing. Rows may carry
times as naive UTC datetimes; they become ISO text with Z here. Keys beyond those named go into the evidence as they
are. `file` and `spec` inside `model` are left out of the evidence: the model file's own document stands there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from reports.elements import State
from reports.packs import Pack
from store.canonical import make_id
from store.model_file import ModelFile

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralFacts:
    """One model version, one period, one place in the trail."""

    org: str
    pack: Pack
    state: State = State.DRAFT
    as_of: int
    """seq: nothing recorded later is in these facts."""
    as_of_at: str
    """When that seq was written."""
    period_from: str
    period_to: str
    """Exclusive."""
    built_at: str
    built_by: str
    signatories: list[Row] = field(default_factory=list)
    """Of an issued report: role (prepared, reviewed, approved), by, at; three different people."""
    signing_root: str = ""
    """SHA-256 (hex) of the certificate that readers pin; empty where the file is not signed."""
    model: Row
    """As reads.model: model, version, title, owner{}, tier{}, task, use, revision, spec_hash, learned_from, versions[].
    `file`, `spec` and `changes` in it are left out of the evidence: they stand there in their own places."""
    file: ModelFile
    coverage: list[Row]
    """One per site of the model, also those that sent nothing: site, sharing, batches, rows, kept, quarantined,
    duplicates, reasons{}, first_event, last_event, hours_with_data, days_with_data, silent_hours, outcomes, labelled,
    label_share; fresh (live, late, silent, never) where the site's contact is known."""
    receipts: list[Row] = field(default_factory=list)
    results: list[Row] = field(default_factory=list)
    """Current results whose window meets the period, in the contract's shape."""
    changes: list[Row] = field(default_factory=list)
    """seq, known_at, actor, reason, changes[{path, old, new}]; replay (text) where one was made."""
    alerts: list[Row] = field(default_factory=list)
    """As reads.alert: each with its history[{known_at, actor, event, triage, reason, owner}]; also those of other
    periods, which stand in the evidence and not in the text."""
    requests: list[Row] = field(default_factory=list)
    """As reads.request: state, requested_by, requested_at, why, approvals[{by, at, why}], outcome{}, history[]."""
    declarations: dict[str, Row] = field(default_factory=dict)
    """By control: text, not_applicable, by, at; what people declared for this pack and model, the newest of each."""
    impact: Row = field(default_factory=dict)
    """Counts of a bias audit (`reports.build.impact`): sex and race/ethnicity of everybody in the period."""
    ledger: list[Row] = field(default_factory=list)
    people: list[Row] = field(default_factory=list)
    """people, epsilon, delta, per, block, spent_rho, cap_rho, share."""
    proof: Row = field(default_factory=dict)
    """seq, size, root (hex), checked (True: the trail was re-derived and held; False: not; None: not done)."""
    libraries: dict[str, str] = field(default_factory=dict)
    """Name and version of what computed the figures, `bailiwick` among them."""

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.name not in ("pack", "file", "state"):
                object.__setattr__(self, item.name, json_ready(getattr(self, item.name)))
        object.__setattr__(self, "model", {key: told for key, told in self.model.items() if key != "changes"})

    @property
    def period_alerts(self) -> list[Row]:
        """Alerts of which some window, from the first to the last that fired, meets the period."""
        out = []
        for alert in self.alerts:
            first = str((alert.get("first_window") or {}).get("from") or alert.get("opened_at") or "")
            last = str((alert.get("last_window") or {}).get("to") or first)
            if first < self.period_to and last > self.period_from:
                out.append(alert)
        return out

    @property
    def subject(self) -> tuple[str, str]:
        """Model and version, as the record names the report."""
        return self.file.name, self.file.version

    @property
    def site(self) -> None:
        """A report on one model speaks of all its sites."""
        return None

    @property
    def report_id(self) -> str:
        """A function of what is told, not of when it was rendered."""
        return make_id(
            "report", self.pack.id, self.pack.version, self.org, self.file.name, self.file.version,
            self.period_from, self.period_to, self.as_of, self.state,
        )  # fmt: skip


def json_ready(value: Any) -> Any:
    """The same value in what JSON can hold: times as ISO text with Z, exact numbers as their text, sets in order."""
    if isinstance(value, dict):
        return {str(key): json_ready(item) for key, item in value.items() if key not in ("file", "spec")}
    if isinstance(value, list | tuple):
        return [json_ready(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(json_ready(item) for item in value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, date | Decimal | Fraction):
        return str(value)
    return value
