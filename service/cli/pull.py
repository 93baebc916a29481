"""`pull`: takes what is new at the places under `[[pull]]`, now or by their schedule; `pull list`: how each stands."""

from __future__ import annotations

import time
from typing import Any

import typer

from service.cli.context import Session, local_only, opened
from service.cli.declare import Group, command
from service.cli.output import emit, note, say, table
from service.exits import ExitCode
from store.errors import BadInput, Refused

pull_app = typer.Typer(cls=Group, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

ROUND_S = 5.0
COLUMNS = ("name", "site", "state", "last_visit", "next_at", "seen", "waiting", "refused", "error")


@pull_app.callback(invoke_without_command=True, epilog="Example: bailiwick pull --once")
def pull(
    context: typer.Context,
    once: bool = typer.Option(False, "--once", help="Look at each now, due or not, and end: for cron."),
    name: list[str] = typer.Option([], help="Only this one; may be repeated."),
) -> None:
    """Take what is new or changed at the places under [[pull]] in bailiwick.toml.

    With --once it ends after one look, with 2 where a place could not be read. Without, it goes on by their schedule
    until it is stopped; `bailiwick serve` does the same, and needs no second process.
    """
    if context.invoked_subcommand is not None:
        return
    if not once:
        local_only("pull by the schedule")
    with opened() as session:
        names = name or list(session.hub.config.pulls)
        if not names:
            raise Refused(
                "there is nothing to pull",
                advice="Add a [[pull]] with site and where to bailiwick.toml; see docs/settings.md.",
            )
        if not once:
            _by_schedule(session, names)
            return
        done = _look(session, names)
    emit({"pulls": done}, lambda: table(_TOLD, [[row[key] for key in _TOLD] for row in done], empty=""))
    for row in done:
        if row["error"]:
            note(f"{row['pull']}: {row['error']}\n{row['advice'] or ''}".rstrip())
    if any(row["error"] for row in done):
        raise typer.Exit(ExitCode.USAGE)


_TOLD = ("pull", "site", "found", "taken", "refused", "waiting", "error")


def _look(session: Session, names: list[str]) -> list[dict[str, Any]]:
    from service.commands.pulling import pull as visit

    unknown = [each for each in names if each not in session.hub.config.pulls]
    if unknown:
        known = ", ".join(session.hub.config.pulls) or "none"
        raise BadInput(f'there is no pull "{unknown[0]}"', advice=f"Known: {known}.")
    return [visit(session.hub, session.viewer, name=each) for each in names]


def _by_schedule(session: Session, names: list[str]) -> None:
    from service.commands.pulling import due
    from service.wiring import wall_clock

    note(f"Looking at {', '.join(names)}; Ctrl-C ends it.")
    while True:
        for row in _look(session, [each for each in due(session.hub, wall_clock()) if each in names]):
            told = row["error"] or "no error"
            say(f"{row['started_at']:%Y-%m-%d %H:%M:%S}  {row['pull']}: took {row['taken']}, {told}")
        time.sleep(ROUND_S)


@command(pull_app, "list", example="bailiwick pull list")
def list_() -> None:
    """How each pull stands: when it looked, when it looks again, what waits, and what went wrong."""
    from service.commands.pulling import pull_states

    with opened() as session:
        rows = pull_states(session.hub, session.viewer)

    def human() -> None:
        table(COLUMNS, [[row[key] for key in COLUMNS] for row in rows], empty="No [[pull]] in bailiwick.toml yet.")
        for row in rows:
            if row["refused_why"]:
                say(f"{row['name']}: refused, last {row['refused_file']}: {row['refused_why']}")

    emit({"pulls": rows}, human)
