"""The sample of a report on all models, made of the sample on one."""

from __future__ import annotations

from sample import facts

from reports.build.fleet_facts import FleetFacts
from reports.packs import Pack


def fleet(pack: Pack) -> FleetFacts:
    """A fleet of one model, as the sample has it."""
    one = facts()
    declared = {"owner": {"team": "risk"}, "tier": {"level": 1, "why": "exposure"}, "title": "Loans"}
    model = {**one.model, **declared, "statuses": {"within": 9, "outside": 2}, "before": {"within": 4}}
    coverage = [{"model": one.file.name, "version": one.file.version, **row} for row in one.coverage]
    told = {name: getattr(one, name) for name in ("org", "as_of", "as_of_at", "period_from", "period_to", "built_at")}
    changes = [{"model": one.file.name, "version": one.file.version, **change} for change in one.changes]
    return FleetFacts(
        **told,
        pack=pack,
        built_by="anna",
        before_from="2026-07-01T00:00:00Z",
        models=[model],
        coverage=coverage,
        changes=changes,
        alerts=one.alerts,
        requests=one.requests,
        proof=one.proof,
    )
