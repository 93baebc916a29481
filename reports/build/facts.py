"""What a general report is built from: plain dicts and lists as the reads return them, as of one seq.

The service gathers them in one place; the builder adds nothing, knows no clock and opens nothing. Every dict is
JSON-ready (times are ISO text in UTC with Z); keys beyond those named are carried into the evidence untouched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
    model: Row
    """name, version, title, owner{team, email}, tier{level, why}, task, use, revision, spec_hash, versions[...]."""
    file: ModelFile
    coverage: list[Row]
    """One per site of the model, also those that sent nothing: site, title, sharing, jurisdiction, batches, rows, kept,
    quarantined, duplicates, reasons{}, first_event, last_event, hours_with_data, silent_hours, labelled, label_share,
    fresh, contact_window_s."""
    receipts: list[Row] = field(default_factory=list)
    results: list[Row] = field(default_factory=list)
    """Current results whose window meets the period, in the contract's shape."""
    changes: list[Row] = field(default_factory=list)
    """seq, known_at, actor, reason, changes[{path, old, new}], replay (text or None)."""
    alerts: list[Row] = field(default_factory=list)
    """As reads.alerts, each with history[{known_at, actor, action, note}]."""
    requests: list[Row] = field(default_factory=list)
    """As reads.request: state, requested_by, requested_at, why, approved_by, outcome{}, history[]."""
    ledger: list[Row] = field(default_factory=list)
    people: list[Row] = field(default_factory=list)
    """people, epsilon, delta, per, block, spent_rho, cap_rho, share."""
    proof: Row = field(default_factory=dict)
    """seq, size, root (hex), checked (True: the trail was re-derived and held; False: not; None: not done)."""
    libraries: dict[str, str] = field(default_factory=dict)
    """Name and version of what computed the figures, `bailiwick` among them."""

    @property
    def report_id(self) -> str:
        """A function of what is told, not of when it was rendered."""
        return make_id(
            "report", self.pack.id, self.pack.version, self.org, self.model["name"], self.model["version"],
            self.period_from, self.period_to, self.as_of, self.state,
        )  # fmt: skip
