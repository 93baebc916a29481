"""`init`, `serve`, `config`, `backup`, `restore`, `doctor`: the hub as a whole."""

from __future__ import annotations

from pathlib import Path

import typer

from service.cli.context import call, here, local_only, opened
from service.cli.declare import command, group_app, single_app
from service.cli.output import emit, note, say, table
from service.exits import ExitCode

init_app = single_app()
serve_app = single_app()
config_app = group_app("Settings and where each came from.")
backup_app = single_app()
restore_app = single_app()
doctor_app = single_app()


@command(init_app, "init", example='bailiwick init --org "Bank of Examples" --hub ./hub')
def init(org: str = typer.Option("", help="The organisation whose hub this is, as reports name it.")) -> None:
    """Make a hub: its folder with bailiwick.toml, hub.duckdb and keys/. Prints the root key's fingerprint."""
    from service.commands.hubs import init_hub

    local_only("init")
    made = init_hub(call().hub_dir, org=org)

    def human() -> None:
        say(f"Made a hub in {made['hub']}.")
        say(f"Root key: {made['root_key_fingerprint']}")
        note("Write the fingerprint down elsewhere: it tells this hub's signatures from others.")

    emit(made, human)


@command(serve_app, "serve", example="bailiwick serve --port 8501")
def serve(
    port: int | None = typer.Option(
        None, min=1, max=65535, help="The port; else that of bailiwick.toml, which is 8501."
    ),
) -> None:
    """Run console, API and scheduler in one process, on 127.0.0.1 unless sign-in is configured. Ctrl-C ends it."""
    from service.config import load
    from service.server import serve as run_server

    local_only("serve")
    config = load(call().hub_dir, call().environ)
    note(f"Serving {call().hub_dir} on http://{config.address}:{port or config.port}; Ctrl-C ends it.")
    run_server(call().hub_dir, environ=call().environ, port=port)


@command(config_app, "show", example="bailiwick config show")
def config_show() -> None:
    """Every setting with its value and where that came from: default, file or environment."""
    from service.config import load

    config = load(call().hub_dir, call().environ)
    rows = [{"key": s.key, "value": s.value, "origin": s.origin, "help": s.help} for s in config.shown]
    people = {name: budget.as_json() for name, budget in config.people.items()}
    connectors = {
        section: {item.name: {"kind": item.kind} for item in named.values()}
        for section, named in (("sinks", config.sinks), ("executors", config.executors))
    }
    emit(
        {"schema": "bailiwick/config/1", "settings": rows, "people": people, **connectors},
        lambda: table(
            ("setting", "value", "from"),
            [(row["key"], row["value"], row["origin"]) for row in rows],
            empty="No settings.",
        ),
    )


@command(backup_app, "backup", example="bailiwick backup hub-2026-11-20.zip")
def backup(
    file: Path = typer.Argument(..., help="The file to write; it must not exist."),
    with_keys: bool = typer.Option(False, "--with-keys", help="Put the private keys in too. Keep such a file secret."),
) -> None:
    """Write a consistent copy of the hub into one file, also while it is served. No private keys unless asked."""
    from service.backup import write_backup

    with opened() as session:
        made = write_backup(session.hub, session.viewer, target=here(file), with_keys=with_keys)
    emit(made, lambda: say(f"Wrote {made['file']}: {made['bytes']} bytes, up to event {made['seq']}."))


@command(restore_app, "restore", example="bailiwick restore hub-2026-11-20.zip --hub ./restored")
def restore(
    file: Path = typer.Argument(..., help="A file that `bailiwick backup` wrote."),
    in_place: bool = typer.Option(False, "--in-place", help="Put it in the place of the hub that is there."),
    reason: str = typer.Option("", help="Why; it stands in the trail. Needed with --in-place."),
    head: Path | None = typer.Option(
        None, help="The newest checkpoint kept elsewhere, where the hub that was lost cannot be read any more."
    ),
) -> None:
    """Make a hub from a backup and verify its trail, which says from then on that it was restored, and what is gone."""
    from service.checkpoints import read_kept
    from service.restoring import restore as make

    local_only("restore")
    note_of = read_kept(here(head)) if head else None
    made = make(
        here(file),
        hub_dir=call().hub_dir,
        in_place=in_place,
        reason=reason,
        head=note_of,
        environ=call().environ,
    )

    def human() -> None:
        say(
            f"Restored {made['hub']} up to event {made['seq']}; "
            f"its trail {'holds' if made['holds'] else 'DOES NOT HOLD'}."
        )
        if made["lost"]:
            say(f"Missing since: events {made['lost']['from']} to {made['lost']['to']} of the hub before.")
        if made["replaced"]:
            say(f"The hub that was there is kept in {made['replaced']}.")
        if not made["keys"]:
            note("It has new keys: the backup held none. Persons' identifiers hash differently from now on.")

    emit(made, human)
    raise typer.Exit(ExitCode.DONE if made["holds"] else ExitCode.NOT_WELL)


@command(doctor_app, "doctor", example="bailiwick doctor")
def doctor() -> None:
    """Look the hub and this installation over; exit 1 where something needs attention."""
    from service.doctor import look_over

    found = look_over(call().hub_dir, environ=call().environ)
    emit(
        {"schema": "bailiwick/doctor/1", "checks": found},
        lambda: table(
            ("", "what", "found", "do"),
            [("ok" if item["ok"] else "!", item["what"], item["found"], item["advice"]) for item in found],
            empty="Nothing was checked.",
        ),
    )
    raise typer.Exit(ExitCode.DONE if all(item["ok"] for item in found) else ExitCode.NOT_WELL)
