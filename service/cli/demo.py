"""`demo`: builds the demo hub and shows it; `demo tamper` shows what verification says to a changed digit."""

from __future__ import annotations

from typing import Any

import typer

from service.cli.context import call, local_only
from service.cli.declare import Command, Group
from service.cli.output import emit, facts, note, progress, say, streams

demo_app = typer.Typer(cls=Group, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@demo_app.callback(invoke_without_command=True, epilog="Example: bailiwick demo --no-serve --hub ./demo")
def demo(
    context: typer.Context,
    serve: bool = typer.Option(True, "--serve/--no-serve", help="Whether to serve the console when it is built."),
    port: int | None = typer.Option(None, min=1, max=65535, help="The port; else 8501."),
) -> None:
    """Build a hub with the demo story, measure it, write its report, and serve it with a numbered tour.

    A hub that the demo built before is used as it is.
    """
    if context.invoked_subcommand is not None:
        return
    from service.demo.build import build, find
    from service.demo.tour import tour

    local_only("demo")
    path = call().hub_dir
    with progress("Building the demo ...") as doing:
        built = find(path) or build(path, progress=lambda step: _step(step, doing))
    try:
        config = built.hub.config
        made = tour(built, address=f"http://{config.address}:{port or config.port}")
    finally:
        built.hub.close()
    emit(made, lambda: _tour(made))
    if serve and not streams().as_json:
        from service.server import serve as run_server

        note("Serving it; Ctrl-C ends it.")
        streams().out.flush()
        run_server(path, environ=call().environ, port=port)


def _step(step: str, doing: Any) -> None:
    """On the spinner where a person watches, else as a line."""
    doing(step)
    if not streams().err.isatty():
        note(step)


def _tour(made: dict[str, Any]) -> None:
    for number, stop in enumerate(made["tour"], start=1):
        say(f"{number}. {stop['address']}")
        say(f"   {stop['sentence']}")
    say()
    for user in made["users"]:
        say(f"Sign in as {user['name']} (password {user['password']}), who {user['does']}.")
    facts([("The report:", made["report"])])


@demo_app.command("tamper", cls=Command, epilog="Example: bailiwick demo tamper --hub ./demo")
def tamper() -> None:
    """Change one digit in a copy of the report and one row in a copy of the hub, and show what verification says."""
    from service.demo.tamper import tamper as change

    local_only("demo tamper")
    with progress("Changing copies ..."):
        found = change(call().hub_dir, environ=call().environ)

    def human() -> None:
        for act in found["acts"]:
            say(act["did"])
            for line in act["verification"] or ["nothing was noticed"]:
                say(f"  {line}")
            say()

    emit(found, human)
