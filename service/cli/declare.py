"""How a command is declared: its app, its help with an example, and the options that all commands have in common.

A module of `service/cli/` that holds the command `site` has a `site_app`, made by `group_app` or `single_app`; each
command in it is added by `command`, which asks for an example.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from service.cli.context import COMMON_OPTIONS
from store.errors import BadInput, did_you_mean

Function = TypeVar("Function", bound=Callable[..., Any])


def write_common_options(formatter: Any) -> None:
    with formatter.section("Options of every command"):
        formatter.write_dl(list(COMMON_OPTIONS))


class Command(TyperCommand):
    """A command whose help also tells the options that all commands have."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        super().format_options(ctx, formatter)
        write_common_options(formatter)


class Group(TyperGroup):
    """A group that names the nearest command where it is asked for one that is not there."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise BadInput(
                f'{ctx.command_path} has no command "{args[0]}"',
                advice=did_you_mean(args[0], self.commands),
            )
        return super().resolve_command(ctx, args)


def single_app() -> typer.Typer:
    """An app for one command that is no group."""
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def group_app(help: str) -> typer.Typer:
    """An app for a group of commands."""
    made = typer.Typer(
        help=help,
        cls=Group,
        add_completion=False,
        rich_markup_mode=None,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )

    @made.callback()
    def group() -> None:
        """Makes the app a group even where it has one command."""

    made.registered_callback.help = help  # type: ignore[union-attr]  # registered one line above
    return made


def command(app: typer.Typer, name: str, *, example: str) -> Callable[[Function], Function]:
    """Adds a function to an app, with an example at the end of its help."""
    return app.command(name, cls=Command, epilog=f"Example: {example}")


def split_model(text: str | None) -> tuple[str | None, str | None]:
    """`M` or `M:V` as (model, version)."""
    if text is None:
        return None, None
    name, colon, version = text.partition(":")
    if not name or (colon and not version):
        raise BadInput(f'"{text}" is no model', advice="Write M, or M:V for one version.")
    return name, version or None
