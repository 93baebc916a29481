"""What a committee's report is built from: every model, or those of one site, as of one seq; plain rows as reads give
them, made ready for JSON here."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from reports.build.facts import Row, json_ready
from reports.elements import State
from reports.packs import Pack
from store.canonical import make_id


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetFacts:
    """All models of the organisation (or of one site), one period, one place in the trail."""

    org: str
    pack: Pack
    state: State = State.DRAFT
    as_of: int
    as_of_at: str
    period_from: str
    period_to: str
    """Exclusive."""
    before_from: str
    """Start of the period of the same length before this one; it ends where this one begins."""
    built_at: str
    built_by: str
    signatories: list[Row] = field(default_factory=list)
    signing_root: str = ""
    site: str | None = None
    """The only site of this report; None: all."""
    models: list[Row]
    """model, version, title, owner{}, tier{level, why, legal}, use, last_event, rows; statuses and before: status ->
    how many results had it in the period, and in the one before."""
    coverage: list[Row]
    """By model and site: model, version, site, sharing, rows, kept, quarantined, duplicates, first_event, last_event,
    silent_hours, label_share, fresh."""
    changes: list[Row] = field(default_factory=list)
    """As of one model, with its name: model, version, known_at, actor, reason, changes[]."""
    alerts: list[Row] = field(default_factory=list)
    requests: list[Row] = field(default_factory=list)
    declarations: dict[str, Row] = field(default_factory=dict)
    proof: Row = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.name not in ("pack", "state"):
                object.__setattr__(self, item.name, json_ready(getattr(self, item.name)))

    @property
    def subject(self) -> tuple[str, str]:
        """All models, as the record names the report."""
        return "*", ""

    @property
    def report_id(self) -> str:
        """A function of what is told, not of when it was rendered."""
        return make_id(
            "report", self.pack.id, self.pack.version, self.org, self.site,
            self.period_from, self.period_to, self.as_of, self.state,
        )  # fmt: skip
