"""The command line: which commands there are, and what their errors become.

The table below is all that `bailiwick --help` needs; a command's module is imported when the command is called. Every
error ends in an exit code of `service/exits.py`, a message and advice on stderr, and with `--json` the error shape of
the contract on stdout. Only this file and `service/cli/context.py` know the process's arguments and environment.
"""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import Abort, TyperException

from service.cli import output
from service.cli.context import Call, calling, read_call
from service.cli.declare import write_common_options
from service.exits import ExitCode, exit_code_of
from store.errors import BadInput, BailiwickError, did_you_mean, unwritable


@dataclass(frozen=True, slots=True)
class Entry:
    module: str
    """Under service.cli; holds a Typer app called like the command."""
    help: str


COMMANDS: dict[str, Entry] = {
    "init": Entry("hub", "Make a hub: its folder, settings, file and keys."),
    "demo": Entry("demo", "Build the demo hub and serve it; tamper: what verification says to a changed digit."),
    "serve": Entry("hub", "Console, API and scheduler in one process."),
    "site": Entry("sites", "Sites that send: add, list, show, token."),
    "model": Entry("models", "Model files: add, list, show, explain, infer, export."),
    "ingest": Entry("ingest", "Take in logs, labels, references and summaries; a receipt per batch."),
    "connect": Entry("connect", "Look at a store or folder: what is there, what is missing, a draft model file."),
    "pull": Entry("pull", "Places that are looked at again and again: take what is new there; list."),
    "quarantine": Entry("ingest", "What could not be read: list, show, retry."),
    "summarise": Entry("ingest", "Write what a site would send: a summary bundle."),
    "monitor": Entry("monitor", "Measure all windows that are due."),
    "results": Entry("monitor", "The current result of everything that is measured."),
    "alerts": Entry("alerts", "The inbox: list, show, ack, assign, snooze, mute, resolve."),
    "check": Entry("monitor", "For pipelines: exit 1 where something is not well."),
    "evidently": Entry("monitor", "Evidently's own report on one window."),
    "retrain": Entry("retrain", "Governed retraining: request, approve, reject, list, show."),
    "report": Entry("reports", "Signed reports: build, verify, list."),
    "audit": Entry("audit", "The trail: list, verify, checkpoint, proof, export, rotate-key."),
    "privacy": Entry("privacy", "Privacy budgets and what was spent of them: show."),
    "access": Entry("access", "Who may do what, and why: explain."),
    "user": Entry("access", "People who sign in: add, list."),
    "config": Entry("hub", "Settings and where each came from: show."),
    "backup": Entry("hub", "A consistent copy of the hub in one file, also while it is served."),
    "restore": Entry("hub", "Make a hub from such a copy."),
    "doctor": Entry("hub", "Look the hub and this installation over."),
}


class Root(TyperGroup):
    """All commands, by name; each is imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"service.cli.{entry.module}")
        made = typer.main.get_command(getattr(module, f"{cmd_name}_app"))
        made.name = cmd_name
        return made

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])
        write_common_options(formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise BadInput(f'there is no command "{args[0]}"', advice=did_you_mean(args[0], COMMANDS))
        return super().resolve_command(ctx, args)


def version_asked(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            output.say(f"bailiwick {version('bailiwick')}")
        except PackageNotFoundError:
            output.say("bailiwick, not installed as a package")
        raise typer.Exit(0)


root_app = typer.Typer(cls=Root, add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@root_app.callback()
def bailiwick(
    version: bool = typer.Option(False, "--version", callback=version_asked, is_eager=True, help="Print the version."),
) -> None:
    """Oversight of machine-learning models across sites: drift, fairness, performance, privacy, and evidence of it.

    Example: bailiwick demo
    """


def main() -> None:
    """The entry point `bailiwick`."""
    argv = sys.argv[1:]
    try:
        this = read_call(argv, cwd=Path.cwd(), environ=os.environ)
    except BadInput as error:
        with output.speaking(output.Streams(sys.stdout, sys.stderr, "--json" in argv)):
            output.report_error(error)
        sys.exit(ExitCode.USAGE)
    with output.speaking(output.Streams(sys.stdout, sys.stderr, this.as_json)), calling(this):
        sys.exit(run(this))


def run(this: Call) -> int:
    """Carries the call out and gives its exit code. Says everything through `output`; raises nothing of ours."""
    try:
        ended = typer.main.get_command(root_app).main(args=this.rest, prog_name="bailiwick", standalone_mode=False)
        return int(ended) if isinstance(ended, int) else ExitCode.DONE
    except Abort:
        output.note("Stopped.")
        return ExitCode.USAGE
    except TyperException as error:
        return _usage(error)
    except BailiwickError as error:
        output.report_error(error)
        return exit_code_of(error)
    except OSError as error:
        if (full := unwritable(error)) is not None:
            output.report_error(full)
            return exit_code_of(full)
        if error.filename is None:
            return _internal(this, error)
        told = BadInput(f"{error.filename}: {error.strerror}", advice="Check the path, and who may read or write it.")
        output.report_error(told)
        return exit_code_of(told)
    except Exception as error:  # the last door: a mistake of ours must not become a traceback in front of a user
        return _internal(this, error)


def _internal(this: Call, error: Exception) -> int:
    if this.environ.get("BAILIWICK_DEBUG"):
        import traceback

        output.note(traceback.format_exc())
    inner = BailiwickError(
        f"internal error: {type(error).__name__}: {error}",
        advice="This is a mistake of ours. BAILIWICK_DEBUG=1 shows where; please report it.",
    )
    inner.code = "internal"
    output.report_error(inner)
    return exit_code_of(error)


def _usage(error: TyperException) -> int:
    """A wrong option or argument, in our words and our shape."""
    context = getattr(error, "ctx", None)
    bare = type(error).__name__ == "NoArgsIsHelpError"  # Typer keeps the class to itself
    if bare and not output.streams().as_json:
        output.note(context.get_help() if context is not None else str(error))
        return ExitCode.USAGE
    path = context.command_path if context is not None else "bailiwick"
    message = "a command is missing" if bare else _told(error)
    advice = f"See {path} --help."
    output.report_error(BadInput(message, advice=advice, details={"usage": context.get_usage() if context else ""}))
    return ExitCode.USAGE


def _told(error: TyperException) -> str:
    message: str = error.format_message() if hasattr(error, "format_message") else str(error)
    return " ".join(message.split())


if __name__ == "__main__":
    main()
