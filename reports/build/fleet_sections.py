"""The sections of a report on all models, in the order in which a committee reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from reports import words
from reports.build.controls import is_open
from reports.build.coverage import LINEAGE, silence_of
from reports.build.facts import Row
from reports.build.fleet_controls import fleet_answers, series_name
from reports.build.fleet_facts import FleetFacts
from reports.build.general import control_table, law
from reports.build.limits import moving
from reports.elements import Bullets, Cell, Column, Element, Heading, Kind, Note, Section, Table, Text

_SEVERITIES = ("critical", "high", "medium", "low", "info")


def _about(facts: FleetFacts) -> Section:
    elements: list[Element] = [
        *(Text(told) for told in facts.pack.what_it_is),
        *law(facts.pack),
        Heading("What it is not"),
        Bullets(facts.pack.what_it_is_not),
        control_table(fleet_answers(facts)),
    ]
    return Section("about", "What this is", tuple(elements))


def _coverage(facts: FleetFacts) -> Section:
    columns = (
        Column("Model", width=1.6),
        Column("Site", width=1.4),
        Column("Rows", Kind.NUMBER),
        Column("Kept", Kind.NUMBER),
        Column("Quarantined", Kind.NUMBER),
        Column("Silent hours", Kind.NUMBER),
        Column("Outcomes in", Kind.NUMBER),
    )
    rows = tuple(
        (
            words.text(row["model"]),
            words.text(row["site"]),
            words.counted(row.get("rows")) if row.get("rows") else Cell("no data"),
            words.counted(row.get("kept")),
            words.counted(row.get("quarantined")),
            Cell(_hours(row), row.get("silent_hours")),
            Cell(_outcomes(row), row.get("label_share")),
        )
        for row in facts.coverage
    )
    table = Table("What came, by model and site", columns, rows, empty="no site has sent anything")
    return Section("coverage", "Coverage", (table,))


def _hours(row: Row) -> str:
    hours = row.get("silent_hours")
    return "not known" if hours is None else f"{float(hours):,.4g}"


def _outcomes(row: Row) -> str:
    share = row.get("label_share")
    if share is None:
        return "no outcome due"
    return words.share(share, 1) if share else "no labels yet"


def _not_looked_at(facts: FleetFacts) -> Section:
    items = [f"{series_name(row)}: no data in the period." for row in facts.coverage if not row.get("rows")]
    items += [
        f"{words.clean(model['model'])}: nothing was measured in the period."
        for model in facts.models
        if not model["statuses"]
    ]
    items += [f"{series_name(row)}: {silence}" for row in facts.coverage if (silence := silence_of(row))]
    left = sum(int(row.get("quarantined") or 0) for row in facts.coverage)
    if left:
        items.append(f"{words.plural(left, 'quarantined row')}, kept with reasons and counted in nothing else.")
    return Section("not_looked_at", "What was not looked at", (Bullets((*items, LINEAGE)),))


def _changes(facts: FleetFacts) -> Section:
    columns = (
        Column("When", width=1.2),
        Column("Model", width=1.3),
        Column("Who"),
        Column("What", width=2.0),
        Column("From"),
        Column("To"),
        Column("Reason given", width=2.0),
    )
    rows = tuple(
        (
            Cell(words.moment(change["known_at"]), change.get("seq")),
            words.text(change["model"]),
            words.text(change.get("actor"), none="not known"),
            words.text(part.get("path")),
            words.text(part.get("old"), none="none"),
            words.text(part.get("new"), none="none"),
            Cell(words.clean(change.get("reason")) or "no reason given"),
        )
        for change in facts.changes
        for part in moving(change)
    )
    empty = "none: no limit, reference, bins, window or group was changed in the period"
    table = Table("Changes to limits in the period", columns, rows, empty=empty)
    return Section("changes_to_limits", "Changes to limits", (table,))


def _by_tier(facts: FleetFacts) -> Section:
    elements: list[Element] = [Text("Tiers are their owners' own; 1 is the highest.")]
    for level in sorted({model["tier"]["level"] for model in facts.models}):
        members = [model for model in facts.models if model["tier"]["level"] == level]
        elements.append(_tier(level, members, facts))
    if not facts.models:
        elements.append(Note("There is no model.", caution=True))
    return Section("by_tier", "Where models stand, by tier", tuple(elements))


def _tier(level: int, members: list[Row], facts: FleetFacts) -> Table:
    opened = Counter(alert["model"] for alert in facts.alerts if is_open(alert))
    columns = (
        Column("Model", width=1.8),
        Column("Owner", width=1.2),
        Column("Rows", Kind.NUMBER),
        Column("Within", Kind.NUMBER, 0.8),
        Column("Outside", Kind.NUMBER, 0.8),
        Column("Unclear", Kind.NUMBER, 0.8),
        Column("Cannot say", Kind.NUMBER, 0.9),
        Column("Open alerts", Kind.NUMBER, 0.9),
    )
    rows = tuple(
        (
            Cell(f"{words.clean(m['title'] or m['model'])} {words.clean(m['version'])}", m["model"]),
            Cell(words.clean(m["owner"].get("team") or m["owner"].get("email")) or "nobody is named"),
            words.counted(sum(int(row.get("kept") or 0) for row in facts.coverage if row["model"] == m["model"])),
            *(words.counted(int(m["statuses"].get(name, 0))) for name in ("within", "outside", "unclear")),
            words.counted(sum(int(n) for name, n in m["statuses"].items() if name in words.CANNOT)),
            words.counted(opened[m["model"]]),
        )
        for m in members
    )
    return Table(f"Tier {level}", columns, rows)


def _since_before(facts: FleetFacts) -> Section:
    columns = (
        Column("Model", width=2),
        Column("Outside before", Kind.NUMBER),
        Column("Outside now", Kind.NUMBER),
        Column("Results before", Kind.NUMBER),
        Column("Results now", Kind.NUMBER),
        Column("In words", width=2),
    )
    rows = tuple(
        (
            words.text(model["model"]),
            words.counted(int(model["before"].get("outside", 0))),
            words.counted(int(model["statuses"].get("outside", 0))),
            words.counted(sum(model["before"].values())),
            words.counted(sum(model["statuses"].values())),
            Cell(_moved(model)),
        )
        for model in facts.models
    )
    table = Table("Results outside limits, this period and the one before", columns, rows, empty="there is no model")
    return Section("since_before", "What changed since the period before", (table,))


def _moved(model: Row) -> str:
    """Counts alone are no trend where one of the periods was hardly measured: that is said instead."""
    before, now = sum(model["before"].values()), sum(model["statuses"].values())
    if not before or not now:
        return "not measured " + ("in either period" if not before and not now else "before" if not before else "now")
    was, is_ = model["before"].get("outside", 0) / before, model["statuses"].get("outside", 0) / now
    if was == is_ == 0:
        return "none outside in both"
    return (
        "a larger share outside" if is_ > was else "a smaller share outside" if is_ < was else "the same share outside"
    )


def cases_of(alerts: list[Row]) -> dict[str, list[Row]]:
    cases: dict[str, list[Row]] = {}
    for alert in alerts:
        cases.setdefault(str(alert.get("case_id") or alert.get("case") or alert["id"]), []).append(alert)
    return cases


def _case_section(facts: FleetFacts) -> Section:
    opened = cases_of([alert for alert in facts.alerts if is_open(alert)])
    held = sorted(opened.values(), key=lambda members: min(str(alert["opened_at"]) for alert in members))
    columns = (
        Column("Open since", width=1.2),
        Column("Days", Kind.NUMBER, 0.6),
        Column("Severity", width=0.9),
        Column("Model", width=1.4),
        Column("What", width=2.2),
        Column("Sites", width=1.6),
        Column("Owner", width=1.1),
    )
    rows = tuple(_case(members, facts) for members in held)
    table = Table("Open cases, the oldest first", columns, rows, empty="none: no case is open as of this report")
    return Section("cases", "Open cases by age", (table,))


def _case(members: list[Row], facts: FleetFacts) -> tuple[Cell, ...]:
    first = min(members, key=lambda alert: str(alert["opened_at"]))
    days = (datetime.fromisoformat(facts.as_of_at) - datetime.fromisoformat(str(first["opened_at"]))).days
    worst = min((str(a["severity"]) for a in members), key=lambda name: _SEVERITIES.index(name))
    owners = sorted({words.clean(alert["owner"]) for alert in members if alert.get("owner")})
    what = f"{words.measure(str(first['measure']))} of {words.clean(first['about'] or 'the model')}"
    return (
        Cell(words.day(first["opened_at"]), first["opened_at"]),
        words.counted(max(days, 0)),
        Cell(worst),
        words.text(first["model"]),
        Cell(f"{str(first['monitor']).replace('_', ' ')}: {what}"),
        Cell(words.listed(sorted({words.site(alert["site"]) for alert in members}))),
        Cell(words.listed(owners, none="nobody")),
    )


def _decisions(facts: FleetFacts) -> Section:
    columns = (
        Column("When", width=1.2),
        Column("Model", width=1.4),
        Column("Asked by", width=1.2),
        Column("Why", width=2.4),
        Column("State", width=1.2),
    )
    rows = tuple(
        (
            Cell(words.moment(one["requested_at"])),
            words.text(one["model"]),
            words.text(one["requested_by"]),
            words.text(one.get("why")),
            words.text(one["state"]),
        )
        for one in facts.requests
    )
    table = Table("Retraining asked for", columns, rows, empty="none in the period")
    return Section("decisions", "Decisions", (table,))


SECTIONS: dict[str, Callable[[FleetFacts], Section]] = {
    "about": _about,
    "coverage": _coverage,
    "not_looked_at": _not_looked_at,
    "changes_to_limits": _changes,
    "by_tier": _by_tier,
    "since_before": _since_before,
    "cases": _case_section,
    "decisions": _decisions,
}
