"""The general report on one model: facts in, report out, in the order of its pack.

Pure: no clock, no file, no random number. What this is and what it is not comes first, then coverage, then findings,
then how all of it can be checked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from reports import words
from reports.build.controls import Answer, answers, completeness, is_open
from reports.build.coverage import coverage_section, not_looked_at_section
from reports.build.evidence import evidence, evidence_bytes, substance_digest
from reports.build.facts import GeneralFacts
from reports.build.fairness import fairness_section, newest
from reports.build.findings import drift_section, performance_section, series
from reports.build.fleet_facts import FleetFacts
from reports.build.impact import impact_section
from reports.build.limits import limit_changes, limits_section
from reports.build.methods import methods_section
from reports.build.people import alerts_section, privacy_section, retraining_section
from reports.elements import (
    Bullets,
    Cell,
    Column,
    Element,
    Facts,
    Heading,
    Kind,
    Note,
    Proof,
    Report,
    Section,
    Table,
    Text,
)
from reports.packs import Pack
from store.canonical import sha256_hex


def build(facts: GeneralFacts) -> Report:
    """Everything a reader is told, as elements; the evidence that it was told from travels with it."""
    document = evidence(facts)
    digest = sha256_hex(evidence_bytes(document))
    sections = tuple(
        trail_section(facts, digest, substance_digest(document)) if name == "trail" else _SECTIONS[name](facts)
        for name in facts.pack.sections
    )
    return Report(
        id=facts.report_id,
        title=words.clean(facts.file.title or facts.file.name),
        subtitle=f"{facts.pack.name}, {_period(facts)}",
        state=facts.state,
        scope=_scope(facts),
        summary=tuple(_summary(facts)),
        built_at=facts.built_at,
        sections=sections,
        evidence=document,
        evidence_sha256=digest,
    )


def _period(facts: GeneralFacts) -> str:
    return words.window({"from": facts.period_from, "to": facts.period_to})


def _scope(facts: GeneralFacts) -> tuple[tuple[str, str], ...]:
    owner = facts.file.owner
    who = ", ".join(part for part in (words.clean(owner.team), words.clean(owner.email)) if part)
    sent = [words.clean(row["site"]) for row in facts.coverage if row.get("rows")]
    without = [words.clean(row["site"]) for row in facts.coverage if not row.get("rows")]
    sites = words.listed(sent, none="no site sent anything")
    return (
        ("Organisation", words.clean(facts.org) or "not named"),
        ("Model", f"{words.clean(facts.file.name)}, version {words.clean(facts.file.version)}"),
        ("Owner", who or "nobody is named"),
        ("Period", f"{_period(facts)} (the end is not part of it)"),
        ("Sites", sites + (f"; nothing from {words.listed(without)}" if without else "")),
        ("As of", f"seq {facts.as_of} of the audit trail, {words.moment(facts.as_of_at)}"),
        ("Built", f"{words.moment(facts.built_at)} by {words.clean(facts.built_by)}"),
        *(
            (f"{s['role'].capitalize()} by", f"{words.clean(s['by'])}, {words.moment(s['at'])}")
            for s in facts.signatories
        ),
        ("Completeness", completeness(answers(facts))),
    )


def _summary(facts: GeneralFacts) -> list[str]:
    """The first page in sentences: what came, what moved, what people did. Each one is told in full further down."""
    sent = sum(bool(row.get("rows")) for row in facts.coverage)
    silent = [row for row in facts.coverage if row.get("fresh") in ("silent", "never") or not row.get("rows")]
    quiet = [words.clean(row["site"]) for row in silent]
    kept = sum(int(row.get("kept") or 0) for row in facts.coverage)
    came = f"{words.count(kept)} rows kept from {words.plural(sent, 'site')} of {len(facts.coverage)}"
    came = came if sent else "No data"
    out = [came + (f"; silent or without data: {words.listed(quiet)}." if quiet else ".")]
    for monitor, subject in (("drift", "Drift"), ("performance", "Performance"), ("fairness", "Fairness")):
        out.append(f"{subject}: {_newest_words(facts, monitor)}")
    opened = sum(is_open(alert) for alert in facts.period_alerts)
    out.append(
        f"Alerts: {len(facts.period_alerts) or 'none'} in the period, {opened or 'none'} open as of this report."
    )
    out.append(f"Changes to limits up to this report: {limit_changes(facts) or 'none'}.")
    return out


def _newest_words(facts: GeneralFacts, monitor: str) -> str:
    found = series(facts.results, (monitor,))
    if not found:
        return "not measured."
    # Outcomes come late and groups fill slowly: there the newest window with a number is the newest that can be told.
    status = [(s.results[-1] if monitor == "drift" else newest(s))["status"] for s in found]
    outside = [s for s, is_now in zip(found, status, strict=True) if is_now == "outside"]
    cannot = sum(is_now in words.CANNOT for is_now in status)
    sites: dict[str, list[str]] = {}
    for s in sorted(outside, key=lambda s: (s.site == "*", s.site)):
        sites.setdefault(s.name if s.about else words.measure(s.measure), []).append(words.site(s.site))
    places = [f"{name} at {words.listed(dict.fromkeys(where))}" for name, where in sites.items()]
    told = "; ".join(places[:5]) + (f"; and {len(places) - 5} more" if places[5:] else "")
    newest_of = "in the newest windows" if monitor == "drift" else "in the newest windows with a number"
    sentence = f"{newest_of}, outside limits: {told or 'none'}"
    ever = sum(bool(s.tally["outside"]) for s in found)
    sentence += f"; at some time in the period: {ever or 'none'} of {len(found)} series"
    return sentence + (f"; cannot say in {words.plural(cannot, 'series', 'series')}." if cannot else ".")


def about_section(facts: GeneralFacts) -> Section:
    elements: list[Element] = [
        *(Text(told) for told in facts.pack.what_it_is),
        *law(facts.pack),
        Heading("What it is not"),
        Bullets(facts.pack.what_it_is_not),
        Heading("The model as its owner declared it"),
        Facts(tuple(_declared(facts))),
        control_table(answers(facts)),
    ]
    return Section("about", "What this is", tuple(elements))


def control_table(found: list[Answer]) -> Table:
    """What the pack asks, and how each control is answered."""
    rows = tuple(
        (
            Cell(answer.control.id, answer.control.id),
            Cell(answer.control.title + (f" ({answer.control.cite})" if answer.control.cite else "")),
            _answer_cell(answer.status),
            Cell(_why(answer)),
        )
        for answer in found
    )
    columns = (
        Column("Control", width=0.7),
        Column("What is asked", width=2.6),
        Column("Answer", Kind.STATE, 1.1),
        Column("Why", width=2.2),
    )
    return Table(
        f"What this report should hold: {completeness(found)}",
        columns,
        rows,
        note="Declared: a person said so. Met: the record shows it. Completeness says nothing about whether the file "
        "was changed; that is integrity, and is checked apart.",
    )


def law(pack: Pack) -> list[Element]:
    """Which law it speaks of and how that stood, what of its text was read, and what stands in the way of issuing."""
    out = list[Element]()
    if pack.superseded_by:
        out.append(
            Note(f"This pack is superseded by {pack.superseded_by}. Build the report with that one.", caution=True)
        )
    for told in pack.not_read_at_source:
        out.append(Note(f"{told}. This report cannot be issued.", caution=True))
    if pack.sources:
        rows = [
            ("Jurisdiction", pack.jurisdiction),
            ("Status", f"{pack.status} (as of {pack.status_date.isoformat()})"),
        ]
        rows += [
            (
                one.title,
                f"{one.checked} Checked by {one.checked_by} on {one.checked_on.isoformat()}, grade {one.grade}.",
            )
            for one in pack.sources
        ]
        out += [Heading("The law it speaks of"), Facts(tuple(rows))]
    return out


def _why(answer: Answer) -> str:
    if answer.by:
        days = answer.age_days
        age = "" if days is None else f", {words.plural(days, 'day')} ago" if days else ", the same day"
        return f"{answer.why} ({answer.by}, {words.day(answer.at)}{age})"
    return f"{answer.why}; to be asked: {answer.owner}" if answer.owner else answer.why


def _answer_cell(status: str) -> Cell:
    marks = {"met": ("✓", "within"), "declared": ("✓", "within"), "missing": ("◆", "unclear")}
    icon, tone = marks.get(status, ("◇", "plain"))
    return Cell(status, status, tone, icon)


def _declared(facts: GeneralFacts) -> list[tuple[str, str]]:
    file = facts.file
    groups = [words.clean(group.name) for group in file.columns.groups]
    outcome = file.columns.outcome
    return [
        ("Use", words.clean(file.use) or "not declared"),
        ("Risk tier", f"{file.tier.level} (1 is the highest): {words.clean(file.tier.why) or 'no reason given'}"),
        ("Task", f"{file.task}, {words.plural(len(file.columns.inputs), 'input')}"),
        ("Outcome", words.clean(outcome.column) if outcome else "none named"),
        ("Groups compared", words.listed(groups, none="none named")),
        ("Model file", f"revision {facts.model.get('revision', 1)}, bins {short(facts.model.get('spec_hash'))}"),
    ]


def short(digest: object) -> str:
    """The start of a digest; the whole of it is in the evidence."""
    return f"{str(digest)[:16]}…" if digest else "not frozen yet"


def trail_section(facts: GeneralFacts | FleetFacts, digest: str, substance: str) -> Section:
    proof = facts.proof
    checked = {
        "True": "re-derived from its leaves when this report was built, and it held",
        "False": "re-derived when this report was built, and it did NOT hold; see audit verify",
    }.get(str(proof.get("checked")), "not re-derived when this report was built")
    rows = (
        ("Report", facts.report_id),
        ("As of seq", str(facts.as_of)),
        ("Leaves in the trail", str(proof.get("size", facts.as_of + 1))),
        ("Root of the trail (SHA-256)", words.clean(proof.get("root")) or "not given"),
        ("The trail was", checked),
        ("Evidence attached (SHA-256)", digest),
        ("Evidence without who built it and when (SHA-256)", substance),
        ("Rule pack", f"{facts.pack.id} {facts.pack.version} of {date.isoformat(facts.pack.date)}"),
        ("Signature", _signature(facts)),
    )
    elements: tuple[Element, ...] = (
        Text(
            "Every figure stands on what was recorded up to the seq below. What came later changes nothing here. The "
            "root is the Merkle root (RFC 6962) over all entries of the audit trail up to that seq: whoever holds this "
            "page can tell later whether that part of the trail was rewritten."
        ),
        Proof(
            rows,
            (
                "bailiwick report verify FILE",
                "bailiwick report verify FILE --recompute",
                "bailiwick audit verify --data",
            ),
        ),
        Text(
            "The first command compares the file with the digest in the trail, the second computes the evidence again "
            "as of the same seq, the third re-derives the trail and the tables it speaks of. Integrity (is it "
            "unchanged) and completeness (is anything missing) are told apart."
        ),
    )
    return Section("trail", "The trail, and how to check this report", elements)


def _signature(facts: GeneralFacts | FleetFacts) -> str:
    if not facts.signing_root:
        return "this format carries none; the digest of the file stands in the audit trail"
    return f"by the organisation, under its root certificate with SHA-256 {facts.signing_root}"


_SECTIONS: dict[str, Callable[[GeneralFacts], Section]] = {
    "about": about_section,
    "coverage": coverage_section,
    "not_looked_at": not_looked_at_section,
    "limits": limits_section,
    "drift": drift_section,
    "performance": performance_section,
    "fairness": fairness_section,
    "impact": impact_section,
    "privacy": privacy_section,
    "alerts": alerts_section,
    "retraining": retraining_section,
    "methods": methods_section,
}
