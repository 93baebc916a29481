"""The report to a committee: models by tier, what changed since the period before, cases by age; the same rules as for
one model. What this is stands first, then coverage, then findings, then how it can be checked."""

from __future__ import annotations

from reports import words
from reports.build.controls import Answer, completeness, is_open
from reports.build.evidence import evidence_bytes, substance_digest, with_head
from reports.build.fleet_controls import fleet_answers, series_name
from reports.build.fleet_facts import FleetFacts
from reports.build.fleet_sections import SECTIONS, cases_of
from reports.build.general import trail_section
from reports.build.limits import moving
from reports.elements import Report
from store.canonical import sha256_hex


def build_fleet(facts: FleetFacts) -> Report:
    """Everything the committee is told, as elements; the evidence travels with it."""
    found = fleet_answers(facts)
    document = with_head(
        facts,
        {
            "site": facts.site,
            "before": {"from": facts.before_from, "to": facts.period_from},
            "models": facts.models,
            "coverage": facts.coverage,
            "changes": facts.changes,
            "alerts": facts.alerts,
            "requests": facts.requests,
            "controls": [one.as_json() for one in found],
        },
    )
    digest = sha256_hex(evidence_bytes(document))
    sections = tuple(
        trail_section(facts, digest, substance_digest(document)) if name == "trail" else SECTIONS[name](facts)
        for name in facts.pack.sections
    )
    return Report(
        id=facts.report_id,
        title=words.clean(f"Models at {facts.site}" if facts.site else "All models"),
        subtitle=f"{facts.pack.name}, {_period(facts)}",
        state=facts.state,
        scope=_scope(facts, found),
        summary=tuple(_summary(facts)),
        built_at=facts.built_at,
        sections=sections,
        evidence=document,
        evidence_sha256=digest,
    )


def _period(facts: FleetFacts) -> str:
    return words.window({"from": facts.period_from, "to": facts.period_to})


def _scope(facts: FleetFacts, found: list[Answer]) -> tuple[tuple[str, str], ...]:
    return (
        ("Organisation", words.clean(facts.org) or "not named"),
        ("Models", words.plural(len(facts.models), "model") + (f" at {words.clean(facts.site)}" if facts.site else "")),
        ("Period", f"{_period(facts)} (the end is not part of it)"),
        ("Compared with", words.window({"from": facts.before_from, "to": facts.period_from})),
        ("As of", f"seq {facts.as_of} of the audit trail, {words.moment(facts.as_of_at)}"),
        ("Built", f"{words.moment(facts.built_at)} by {words.clean(facts.built_by)}"),
        *(
            (f"{s['role'].capitalize()} by", f"{words.clean(s['by'])}, {words.moment(s['at'])}")
            for s in facts.signatories
        ),
        ("Completeness", completeness(found)),
    )


def _summary(facts: FleetFacts) -> list[str]:
    without = [series_name(row) for row in facts.coverage if not row.get("rows")]
    opened = [alert for alert in facts.alerts if is_open(alert)]
    outside = sum(bool(model["statuses"].get("outside")) for model in facts.models)
    moved = sum(len(moving(change)) for change in facts.changes)
    return [
        f"{words.plural(len(facts.models), 'model')}; {outside or 'none'} with a result outside its limit.",
        f"No data from: {words.listed(without)}.",
        f"Open alerts: {len(opened) or 'none'}, in {words.plural(len(cases_of(opened)), 'case')}.",
        f"Changes to limits in the period: {moved or 'none'}.",
    ]
