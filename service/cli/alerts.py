"""`alerts`: the inbox, and what people decide about it."""

from __future__ import annotations

from typing import Any

import typer

from service.cli.context import opened
from service.cli.declare import command, group_app
from service.cli.output import emit, facts, say, table
from service.times import parse_time
from store.errors import BadInput, UnknownName, did_you_mean

alerts_app = group_app("The inbox: what is outside its limits, and what people decided about it.")

ALERT = typer.Argument(..., metavar="ALERT", help="An id of `alerts list`.")


@command(alerts_app, "list", example="bailiwick alerts list --severity high --cases")
def list_(
    state: str | None = typer.Option(None, help="to_review, acknowledged, snoozed or resolved."),
    condition: str | None = typer.Option(None, help="firing, pending, no_data or cleared."),
    model: str | None = typer.Option(None, help="Of this model only."),
    site: str | None = typer.Option(None, help="Of this site only."),
    severity: str | None = typer.Option(None, help="info, low, medium, high or critical."),
    cases: bool = typer.Option(False, "--cases", help="Group alerts that share a cause."),
) -> None:
    """Alerts as they stand, the most severe first."""
    from monitors.alert_state import Condition, Triage
    from store.result import Severity

    for option, value, known in (
        ("--state", state, Triage),
        ("--condition", condition, Condition),
        ("--severity", severity, Severity),
    ):
        if value is not None and value not in list(known):
            raise BadInput(f'{option} "{value}" is none of {", ".join(known)}', advice=did_you_mean(value, known))
    with opened() as session:
        rows = session.reads.alerts(state=state, condition=condition, model=model, site=site, severity=severity)
    if cases:
        grouped = _cases(rows)
        shown = [(case["case"], case["severity"], case["sites"], case["about"], case["sentence"]) for case in grouped]
        emit(
            {"cases": grouped},
            lambda: table(("case", "severity", "sites", "about", "what"), shown, empty="No alerts."),
        )
        return
    columns = ("id", "severity", "condition", "triage", "model", "site", "about", "sentence")
    emit(
        {"alerts": rows},
        lambda: table(columns, [[row.get(name) for name in columns] for row in rows], empty="No alerts."),
    )


def _cases(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Alerts by the cause they share, in the order of their first."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(row["case_id"], []).append(row)
    return [
        {
            "case": case,
            "model": members[0]["model"],
            "monitor": members[0]["monitor"],
            "about": members[0]["about"],
            "measure": members[0]["measure"],
            "severity": members[0]["severity"],
            "sentence": members[0].get("sentence", ""),
            "sites": sorted({member["site"] for member in members}),
            "alerts": members,
        }
        for case, members in grouped.items()
    ]


@command(alerts_app, "show", example="bailiwick alerts show alert_abcdefghij0123456789")
def show(alert: str = ALERT) -> None:
    """One alert in sentences: how grave and by which rule, its history, its result, the same at other sites."""
    from service.explaining import explained_alert

    with opened() as session:
        found = session.reads.alert(alert)
        if found is None:
            raise UnknownName(f"there is no alert {alert}", advice="See `bailiwick alerts list`.")
        found["explanation"] = explained_alert(session.reads, found)

    def human() -> None:
        for sentence in found["explanation"]:
            say(sentence)
        say()
        nested = ("history", "siblings", "result_document", "explanation", "sentence", "rule")
        facts([(key.replace("_", " "), value) for key, value in found.items() if key not in nested])
        say()
        columns = ("known_at", "actor", "event", "condition", "triage", "severity", "reason")
        table(columns, [[step.get(name) for name in columns] for step in found["history"]], empty="No history.")

    emit({"schema": "bailiwick/alert/1", **found}, human)


def _done(made: dict[str, Any], words: str) -> None:
    emit(made, lambda: say(words))


@command(alerts_app, "ack", example="bailiwick alerts ack alert_abcdefghij0123456789")
def ack(alert: str = ALERT) -> None:
    """Say that you have seen it; it becomes yours if it is nobody's."""
    from service.commands.alerts import acknowledge_alert

    with opened() as session:
        made = acknowledge_alert(session.hub, session.viewer, id=alert)
    _done(made, f"{alert} is acknowledged.")


@command(alerts_app, "assign", example="bailiwick alerts assign alert_abcdefghij0123456789 anna")
def assign(
    alert: str = ALERT,
    to: str = typer.Argument(..., metavar="USER", help="Who takes it."),
) -> None:
    """Give it to somebody."""
    from service.commands.alerts import assign_alert

    with opened() as session:
        made = assign_alert(session.hub, session.viewer, id=alert, owner=to)
    _done(made, f"{alert} is with {to}.")


@command(
    alerts_app, "snooze", example='bailiwick alerts snooze alert_... --until 2026-12-01 --reason "known, fix on 28 Nov"'
)
def snooze(
    alert: str = ALERT,
    until: str | None = typer.Option(None, metavar="T", help="When it comes back."),
    until_worse: bool = typer.Option(False, "--until-worse", help="It comes back when it gets worse, and only then."),
    until_next_version: bool = typer.Option(
        False, "--until-next-version", help="It comes back when the model's next version serves."
    ),
    reason: str = typer.Option(..., help="Why."),
) -> None:
    """Let it rest: until a time, until it gets worse, or until the next version. Needs a reason; it always comes back
    where it gets worse."""
    from monitors.alert_state import SnoozedFor
    from service.commands.alerts import snooze_alert

    if (until is not None) + until_worse + until_next_version != 1:
        raise BadInput(
            "how long it rests is said in one way",
            advice="Give one of --until T, --until-worse and --until-next-version.",
        )
    ends = SnoozedFor.WORSE if until_worse else SnoozedFor.VERSION if until_next_version else SnoozedFor.TIME
    time = parse_time(until) if until else None
    with opened() as session:
        made = snooze_alert(session.hub, session.viewer, id=alert, until=time, ends=ends, reason=reason)
    told = {SnoozedFor.WORSE: "it gets worse", SnoozedFor.VERSION: "the next version serves"}
    _done(made, f"{alert} rests until {told.get(ends, until)}.")


@command(
    alerts_app, "mute", example='bailiwick alerts mute alert_... --until 2026-12-01 --reason "migration of the feed"'
)
def mute(
    alert: str = ALERT,
    until: str = typer.Option(..., metavar="T", help="When it comes back."),
    reason: str = typer.Option(..., help="Why."),
) -> None:
    """Silence it until a time, however grave it gets. Needs a reason; reports repeat it."""
    from service.commands.alerts import mute_alert

    with opened() as session:
        made = mute_alert(session.hub, session.viewer, id=alert, until=parse_time(until), reason=reason)
    _done(made, f"{alert} is muted until {until}.")


@command(alerts_app, "resolve", example='bailiwick alerts resolve alert_... --reason "upstream feed mended"')
def resolve(alert: str = ALERT, reason: str = typer.Option(..., help="What was done about it.")) -> None:
    """Say that it is dealt with. Needs a reason; it opens again where it fires again."""
    from service.commands.alerts import resolve_alert

    with opened() as session:
        made = resolve_alert(session.hub, session.viewer, id=alert, reason=reason)
    _done(made, f"{alert} is resolved.")
