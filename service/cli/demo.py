"""`demo`: builds the demo hub and shows it; `demo tamper` shows what verification says to a changed digit."""

from __future__ import annotations

from typing import Any

import typer

from service.cli.context import call, local_only
from service.cli.declare import Command, Group
from service.cli.output import emit, facts, progress, say, streams

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
    from service.demo.build import build_demo

    local_only("demo")
    with progress("Building the demo ...") as doing:
        made = build_demo(call().hub_dir, environ=call().environ, doing=doing, port=port)
    emit(made, lambda: _tour(made))
    if serve and not streams().as_json:
        from service.server import serve as run_server

        streams().out.flush()
        run_server(call().hub_dir, environ=call().environ, port=port)


def _tour(made: dict[str, Any]) -> None:
    for number, stop in enumerate(made["tour"], start=1):
        say(f"{number}. {stop['address']}")
        say(f"   {stop['sentence']}")
    say()
    facts([("sign in as", [f"{user['name']} (password {user['password']})" for user in made["users"]])])
    facts([("report", made["report"])])


@demo_app.command("tamper", cls=Command, epilog="Example: bailiwick demo tamper --hub ./demo")
def tamper() -> None:
    """Change one digit in a copy of the report and one row in a copy of the hub, and show what verification says."""
    from service.demo.tamper import tamper as change

    local_only("demo tamper")
    found = change(call().hub_dir, environ=call().environ)

    def human() -> None:
        for act in found["acts"]:
            say(act["did"])
            for line in act["verification"]:
                say(f"  {line}")
            say()

    emit(found, human)
