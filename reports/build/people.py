"""What people decided and what was spent: the privacy ledger, alerts with their history, retraining, changes to limits.

Each list that is empty says `none` aloud: an empty place could as well be a forgotten one.
"""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from typing import Any

from reports import words
from reports.build.controls import is_open
from reports.build.facts import GeneralFacts, Row
from reports.elements import Cell, Column, Element, Facts, Heading, Kind, Section, Table, Text

MOST_ALERTS = 60
MOST_ENTRIES = 60
_DECISIONS = ("acknowledged", "assigned", "snoozed", "resolved")
_SEVERITY = {"critical": 0, "high": 1, "medium": 2, "low": 3, "info": 4}


def privacy_section(facts: GeneralFacts) -> Section:
    privacy = facts.file.privacy
    if not facts.ledger and privacy is None:
        text = Text("No privacy budget is declared for this model and nothing was released with noise: none spent.")
        return Section("privacy", "Privacy ledger", (text,))
    drawn = ""
    if privacy is not None:
        drawn = f"The model draws on the people {words.clean(privacy.people)}, unit {words.clean(privacy.unit)}, "
        drawn += f"{words.plural(privacy.contributions, 'contribution')} per unit. "
    elements: list[Element] = [
        Text(
            drawn + "Each release was charged before noise was drawn, to the people and the block of their data. "
            "Totals are sums over the entries below."
        ),
        _budgets(facts.people),
        _entries(facts.ledger),
    ]
    return Section("privacy", "Privacy ledger", tuple(elements))


def _budgets(people: list[Row]) -> Table:
    columns = (
        Column("People", width=1.2),
        Column("Block"),
        Column("Cap", width=1.6),
        Column("Cap in rho", Kind.NUMBER, 1.1),
        Column("Spent in rho", Kind.NUMBER, 1.1),
        Column("Share spent", Kind.NUMBER),
    )
    rows = []
    for row in people:
        cap = f"epsilon {words.clean(row.get('epsilon'))}, delta {words.clean(row.get('delta'))}"
        cap += f" per {words.clean(row['per'])}" if row.get("per") else ""
        ratio = row.get("share")
        spent = words.share(ratio, 1) if isinstance(ratio, int | float) else words.clean(ratio) or "not computed"
        rows.append(
            (
                words.text(row["people"]),
                Cell(words.clean(row.get("block")), row.get("block")),
                Cell(cap, row.get("epsilon")),
                Cell(rational(row.get("cap_rho")), row.get("cap_rho")),
                Cell(rational(row.get("spent_rho")), row.get("spent_rho")),
                Cell(spent, ratio),
            )
        )
    return Table("Budgets", columns, tuple(rows), empty="none: no cap is set for these people")


def rational(text: Any) -> str:
    """An exact rational as it was written, and its decimal value beside it where that is not the same."""
    if text in (None, ""):
        return "not set"
    try:
        exact = Fraction(str(text))
    except (ValueError, ZeroDivisionError):
        return words.clean(text)
    told = words.number(float(exact))
    if "/" not in str(text):
        return words.clean(text) if len(str(text)) <= 8 else told
    return f"{words.clean(text)} ({told})" if len(str(text)) <= 12 else told


def _entries(ledger: list[Row]) -> Table:
    columns = (
        Column("Block", width=1.6),
        Column("Site", width=1.0),
        Column("For", width=1.3),
        Column("Mechanism", width=1.9),
        Column("rho", Kind.NUMBER, 1.5),
        Column("State", width=0.8),
        Column("seq", Kind.NUMBER, 0.6),
    )
    ordered = sorted(ledger, key=lambda e: (str(e.get("block_from")), str(e.get("site")), str(e.get("id"))))
    rows = tuple(
        (
            Cell(words.window({"from": e.get("block_from"), "to": e.get("block_to")}), e.get("block_from")),
            words.text(e.get("site")),
            Cell(words.clean(e.get("purpose")).replace("_", " "), e.get("purpose")),
            Cell(mechanism_words(e), e.get("mechanism")),
            Cell(rational(e.get("rho")), e.get("rho")),
            words.text(e.get("state")),
            words.counted(e.get("seq")),
        )
        for e in ordered[-MOST_ENTRIES:]
    )
    left = len(ordered) - MOST_ENTRIES
    note = f"The newest {MOST_ENTRIES}; {words.count(left)} earlier entries are in the evidence." if left > 0 else ""
    return Table("Entries", columns, rows, note=note, empty="none: nothing was released with noise")


def mechanism_words(entry: Row) -> str:
    """The mechanism by its name and scale; a serialised measurement is named by its function, its text is evidence."""
    text = str(entry.get("mechanism") or "not named")
    if text.startswith("{"):
        found = re.search(r'"__function__"\s*:\s*"(?:make_)?(\w+)"', text)
        kind = "discrete " if found and "i64" in text and found.group(1) == "gaussian" else ""
        text = kind + (found.group(1) if found else "serialised measurement")
    scale = entry.get("scale")
    told = words.clean(text).replace("_", " ")
    return f"{told}, scale {words.number(scale)}" if isinstance(scale, int | float) else told


def alerts_section(facts: GeneralFacts) -> Section:
    alerts = sorted(
        facts.period_alerts,
        key=lambda a: (not is_open(a), _SEVERITY.get(str(a.get("severity")), 5), str(a.get("opened_at")), str(a["id"])),
    )
    if not alerts:
        return Section("alerts", "Alerts and what people decided", (Text("Alerts in this period: none."),))
    opened = sum(is_open(alert) for alert in alerts)
    counts = Counter(str(alert.get("severity")) for alert in alerts)
    told = words.listed([f"{n} {name}" for name, n in sorted(counts.items(), key=lambda p: _SEVERITY.get(p[0], 5))])
    cases = len({alert.get("case_id") or alert.get("case") or alert["id"] for alert in alerts})
    text = f"{words.plural(len(alerts), 'alert')} in {words.plural(cases, 'case')}: {told}. "
    text += f"As of this report {opened or 'none'} of them {'is' if opened == 1 else 'are'} open."
    elements: list[Element] = [Text(text), _alert_table(alerts), _decisions(alerts)]
    return Section("alerts", "Alerts and what people decided", tuple(elements))


def _alert_table(alerts: list[Row]) -> Table:
    columns = (
        Column("Severity", width=0.8),
        Column("What", width=3.4),
        Column("Site", width=1.15),
        Column("Opened", width=1.4),
        Column("Windows", Kind.NUMBER, 0.7),
        Column("State", width=1.3),
        Column("Owner", width=0.9),
    )
    rows = tuple(
        (
            words.text(a.get("severity")),
            Cell(_sentence(a), a["id"]),
            Cell(words.site(a.get("site")), a.get("site")),
            Cell(words.moment(a.get("opened_at")), a.get("opened_at")),
            words.counted(a.get("count")),
            Cell(_alert_state(a), a.get("condition")),
            words.text(a.get("owner"), none="nobody"),
        )
        for a in alerts[:MOST_ALERTS]
    )
    left = len(alerts) - MOST_ALERTS
    note = f"{words.count(left)} more alerts are in the evidence." if left > 0 else ""
    return Table("Alerts", columns, rows, note=note)


def _sentence(alert: Row) -> str:
    told = words.clean(alert.get("sentence"))
    if told:
        return told
    about = words.clean(alert.get("about")) or "the model"
    return f"{words.measure(str(alert.get('measure')))} of {about}: {words.number(alert.get('value'))}"


def _alert_state(alert: Row) -> str:
    condition, triage = words.clean(alert.get("condition")), words.clean(alert.get("triage"))
    both = [part.replace("_", " ") for part in dict.fromkeys((condition, triage)) if part]
    return ", ".join(both)


def _decisions(alerts: list[Row]) -> Table:
    steps = [(step, alert) for alert in alerts for step in _steps(alert)]
    ordered = sorted(steps, key=lambda pair: (str(pair[0].get("known_at")), str(pair[1]["id"])))
    columns = (
        Column("When", width=1.3),
        Column("Who", width=1.1),
        Column("Did", width=1.2),
        Column("About", width=2.3),
        Column("Reason given", width=2.3),
    )
    rows = tuple(
        (
            Cell(words.moment(step.get("known_at")), step.get("known_at")),
            words.text(step.get("actor")),
            Cell(words.clean(step_name(step)), step_name(step)),
            Cell(_sentence(alert), alert["id"]),
            words.text(step.get("reason"), none="none given"),
        )
        for step, alert in ordered
    )
    return Table("What people decided", columns, rows, empty="none: nobody has acted on these alerts")


def _steps(alert: Row) -> list[Row]:
    """What persons did. The monitors open, worsen and clear alerts by themselves, whoever started the run."""
    return [step for step in alert.get("history") or [] if step.get("event") in _DECISIONS]


def step_name(step: Row) -> str:
    name = words.clean(step.get("event"))
    return f"{name} to {words.clean(step['owner'])}" if name == "assigned" and step.get("owner") else name


def retraining_section(facts: GeneralFacts) -> Section:
    title = "Retraining"
    if not facts.requests:
        return Section("retraining", title, (Text("Requests for retraining up to this report: none."),))
    elements: list[Element] = []
    for request in sorted(facts.requests, key=lambda r: (str(r.get("requested_at")), str(r["id"]))):
        elements.append(Heading(f"Request {words.clean(request['id'])}"))
        elements.append(Facts(tuple(_request_facts(request))))
        if isinstance(request.get("outcome"), dict) and request["outcome"]:
            elements.append(_outcome(request["outcome"]))
    return Section("retraining", title, tuple(elements))


def _request_facts(request: Row) -> list[tuple[str, str]]:
    asked = f"{words.clean(request.get('requested_by'))}, {words.moment(request.get('requested_at'))}"
    approvals = [
        f"{words.clean(a.get('by'))}, {words.moment(a.get('at'))}"
        + (f" ({words.clean(a['why'])})" if a.get("why") else "")
        for a in request.get("approvals") or []
    ]
    told = [("Approved by", words.listed(approvals, none="nobody"))]
    if request.get("rejected_by"):
        why = words.clean(request.get("rejected_why")) or "no reason given"
        told.append(("Rejected by", f"{words.clean(request['rejected_by'])}: {why}"))
    executor = words.clean(request.get("executor")) or "none"
    return [
        ("Asked for by", asked),
        ("Why", words.clean(request.get("why")) or "no reason given"),
        ("Because of alert", words.clean(request.get("alert")) or "none"),
        ("Where", f"{words.site(request.get('site') or '*')}, executor {executor}"),
        *told,
        ("State", words.clean(request.get("state")).replace("_", " ")),
    ]


def _outcome(outcome: Row) -> Table:
    """Whatever the run reported, flat: name and value. Nested values keep their path."""
    rows = tuple((Cell(name, name), Cell(told, raw)) for name, told, raw in _flat(outcome))
    return Table("What the run reported", (Column("Measure", width=1.4), Column("Value", width=2.6)), rows)


def _flat(value: Any, path: str = "") -> list[tuple[str, str, Any]]:
    if isinstance(value, dict):
        pairs = [(f"{path} / {key}" if path else str(key), item) for key, item in sorted(value.items())]
        return [row for name, item in pairs for row in _flat(item, name)]
    if isinstance(value, list) and not all(isinstance(item, int | float | str) for item in value):
        return [row for at, item in enumerate(value, 1) for row in _flat(item, f"{path} {at}")]
    label = words.clean(path).replace("_", " ")
    if isinstance(value, list):
        told = words.listed([words.number(i) if isinstance(i, int | float) else words.clean(i) for i in value])
    elif isinstance(value, bool):
        told = "yes" if value else "no"
    elif isinstance(value, int | float):
        told = words.count(value) if isinstance(value, int) else words.number(value)
    else:
        told = words.clean(value) or "none"
    return [(label, told, value)]
