"""`audit`: the trail of everything that was done, and the check that it was not touched."""

from __future__ import annotations

from pathlib import Path

import typer

from service.cli.context import here, opened, writable
from service.cli.declare import command, group_app
from service.cli.output import emit, facts, note, progress, say, table
from service.exits import ExitCode

audit_app = group_app("The trail: every event in order, append-only, under one Merkle root.")


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
        None, help="A checkpoint that was kept elsewhere; without one, a file rewritten as a whole passes."
    ),
) -> None:
    """Derive the trail again from its leaves. Exit 1 where something does not hold, naming what and where."""
    from service.checkpoints import against_checkpoint, read_checkpoint
    from store.access import Permission, require

    with opened() as session, progress("Verifying ..."):
        require(session.viewer, Permission.AUDIT_READ)
        found = session.reads.verify_trail(data=data).as_json()
        if against is not None:
            flaws = against_checkpoint(session.hub.store, read_checkpoint(here(against)))
            found = {**found, "flaws": [*found["flaws"], *flaws], "holds": found["holds"] and not flaws}
    found["against"] = str(against) if against else None

    def human() -> None:
        if found["holds"]:
            say(f"The trail holds: {found['size']} events, root {found['root']}.")
        for flaw in found["flaws"]:
            facts(
                [
                    ("what", flaw["what"]),
                    ("where", flaw["where"]),
                    ("expected", flaw["expected"]),
                    ("found", flaw["found"]),
                ]
            )
            say()
        if against is None:
            note("Compare it with a checkpoint kept elsewhere: bailiwick audit verify --against FILE")

    emit(found, human)
    raise typer.Exit(ExitCode.DONE if found["holds"] else ExitCode.NOT_WELL)


@command(audit_app, "checkpoint", example="bailiwick audit checkpoint -o checkpoint.txt")
def checkpoint(
    to: Path | None = typer.Option(None, "-o", "--output", metavar="FILE", help="Write it here as well."),
) -> None:
    """The size and root of the trail as a note to be kept elsewhere. Not signed yet; the note says so."""
    from service.checkpoints import make_checkpoint
    from store.access import Permission, require

    with opened() as session:
        require(session.viewer, Permission.AUDIT_READ)
        made = make_checkpoint(session.hub.config.org, session.reads.seq + 1, session.reads.root())
    if to is not None:
        writable(to).write_text(made["note"], encoding="utf-8")
    emit(made, lambda: say(made["note"].rstrip()))


@command(audit_app, "export", example="bailiwick audit export -o trail.jsonl")
def export(
    to: Path = typer.Option(..., "-o", "--output", metavar="FILE", help="The file to write, one JSON leaf per line."),
) -> None:
    """Every leaf as it is hashed, in order, for somebody who checks the trail with tools of their own."""
    from service.checkpoints import export_leaves
    from store.access import Permission, require

    with opened() as session:
        require(session.viewer, Permission.AUDIT_READ)
        made = export_leaves(session.hub.store, writable(to))
    emit(made, lambda: say(f"Wrote {made['leaves']} leaves to {made['file']}."))
