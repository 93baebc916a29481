"""`audit`: the trail of everything that was done, and the check that it was not touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from service.cli.context import here, opened, writable
from service.cli.declare import command, group_app
from service.cli.output import emit, facts, note, progress, say, table
from service.exits import ExitCode

audit_app = group_app("The trail: every event in order, append-only, under one signed Merkle root.")


@command(audit_app, "list", example="bailiwick audit list --limit 20 --event model:file:revised")
def list_(
    limit: int = typer.Option(50, min=1, help="How many, newest first."),
    about: str | None = typer.Option(None, help="About this only, such as loan-approval:3."),
    event: str | None = typer.Option(None, help="Of this kind only, such as model:file:revised."),
) -> None:
    """What happened, newest first: who did what, when, and why."""
    from store.access import Permission, require

    with opened() as session:
        require(session.viewer, Permission.AUDIT_READ)
        rows = session.reads.events(limit=limit, about=about, event=event)
    columns = ("seq", "known_at", "actor", "event", "about", "reason")
    emit(
        {"events": rows},
        lambda: table(columns, [[row.get(name) for name in columns] for row in rows], empty="Nothing of that kind."),
    )


@command(audit_app, "verify", example="bailiwick audit verify --data --against checkpoint.txt")
def verify(
    data: bool = typer.Option(False, "--data", help="Also hash the tables again that the trail speaks of."),
    against: Path | None = typer.Option(
        None, help="A checkpoint that was kept elsewhere; without one, whoever holds the key can rewrite everything."
    ),
    root_key: str | None = typer.Option(None, help="The root key's fingerprint, as `init` printed it."),
) -> None:
    """Derive the trail again from its leaves. Exit 1 where something does not hold, naming what and where."""
    from service.checkpoints import read_kept
    from service.commands.inspection import verify_audit

    with opened() as session, progress("Verifying ..."):
        kept = read_kept(here(against)) if against else None
        found = verify_audit(session.hub, session.viewer, data=data, against=kept, root_key=root_key)
        now = session.hub.now()
    if found["against"]:
        found["against"]["file"] = str(against)
    emit(found, lambda: _say_verdict(found, now))
    raise typer.Exit(ExitCode.DONE if found["holds"] else ExitCode.NOT_WELL)


def _say_verdict(found: dict[str, Any], now: Any) -> None:
    from service.checkpoints import days_ago

    say(f"INTEGRITY: {found['integrity'].upper()}. {found['size']} events, root {found['root']}.")
    for flaw in found["flaws"]:
        facts([(name, flaw[name]) for name in ("what", "where", "expected", "found")])
        say()
    for branch in found["restored"]:
        lost = branch["lost"]
        gone = f"events {lost['from']} to {lost['to']} of before are missing" if lost else "what came after is unknown"
        say(f"Restored to event {branch['to']}, as event {branch['seq']} says; {gone}.")
    if found["against"] and not found["against"]["flaws"]:
        how = {"grew": "the trail grew from there", "restored": "it was taken on a branch that a restore left"}
        size = found["against"]["size"]
        say(f"Against {found['against']['file']} ({size} events): {how[found['against']['found']]}.")
    signature, at = found["signature"], found["anchored"]
    say(
        f"Signed: the first {signature['signed']} events; {signature['since']} came since. Key {signature['root_key']}."
    )
    if at is None:
        say("No checkpoint has left this hub yet: bailiwick audit checkpoint -o FILE")
    else:
        say(f"Last anchored {days_ago(now - at['known_at'])}: {at['kind']} {at['about']}, {at['size']} events.")
    missing = found["completeness"]
    say(
        f"COMPLETENESS: {len(missing['silent'])} of {missing['sites']} sites silent, {missing['quarantined']} rows in "
        f"quarantine, {missing['kept_aside']} files kept aside, {missing['erased']} events without who acted."
    )
    if found["against"] is None:
        note("Compare it with a checkpoint kept elsewhere: bailiwick audit verify --against FILE")


@command(audit_app, "checkpoint", example="bailiwick audit checkpoint -o checkpoint.txt")
def checkpoint(
    to: Path | None = typer.Option(None, "-o", "--output", metavar="FILE", help="Write it here as well."),
) -> None:
    """Sign the trail as it is: a note to be kept elsewhere, where who runs this hub cannot reach it."""
    from service.commands.trail import take_checkpoint

    with opened() as session:
        target = writable(to) if to is not None else None
        made = take_checkpoint(session.hub, session.viewer)
    if target is not None:
        target.write_text(made["note"], encoding="utf-8")
    emit(made, lambda: say(made["note"].rstrip()))


@command(audit_app, "proof", example="bailiwick audit proof 481")
def proof(
    seq: int = typer.Argument(..., min=0, help="The event, by its number in `audit list`."),
    since: int | None = typer.Option(None, min=1, help="Prove instead that the first SINCE events still begin it."),
) -> None:
    """A proof, as JSON, that an event is in the trail under a signed checkpoint; it can be checked without this hub."""
    from service.cli.output import write_json
    from service.commands.trail import prove_event, prove_growth

    with opened() as session:
        made = (
            prove_event(session.hub, session.viewer, seq=seq)
            if since is None
            else prove_growth(session.hub, session.viewer, first=since, second=seq + 1)
        )
    emit(made, lambda: write_json(made))


@command(audit_app, "export", example="bailiwick audit export -o trail.zip")
def export(
    to: Path = typer.Option(
        ..., "-o", "--output", metavar="FILE", help="A .zip with events, checkpoints and keys; else one leaf per line."
    ),
) -> None:
    """Every leaf as it is hashed, in order, for somebody who checks the trail with tools of their own."""
    from service.commands.trail import export_trail

    with opened() as session:
        made = export_trail(session.hub, session.viewer, target=writable(to))
    emit(made, lambda: say(f"Wrote {made['leaves']} leaves to {made['file']}."))


@command(audit_app, "rotate-key", example='bailiwick audit rotate-key --reason "yearly change"')
def rotate_key(reason: str = typer.Option("", help="Why; it stands in the trail.")) -> None:
    """Change the key that signs the trail. Old and new key sign the change; the old one is destroyed."""
    from service.commands.trail import rotate_key as change

    with opened() as session:
        made = change(session.hub, session.viewer, reason=reason)
    emit(
        made, lambda: say(f"The trail is signed by {made['new']} from event {made['seq']} on, before by {made['old']}.")
    )
