"""`access` and `user`: who may do what, and why; people who sign in."""

from __future__ import annotations

from pathlib import Path

import typer

from service.cli.context import ask_secret, here, opened
from service.cli.declare import command, group_app
from service.cli.output import emit, facts, say, table
from service.exits import ExitCode
from store.errors import BadInput, UnknownName, did_you_mean

access_app = group_app("Who may do what, and why.")
user_app = group_app("People who sign in.")


@command(access_app, "explain", example="bailiwick access explain anna alert:triage --site branch-north")
def explain(
    user: str = typer.Argument(..., help="A user's name."),
    permission: str = typer.Argument(..., help="A permission, such as alert:triage."),
    site: str | None = typer.Option(None, help="On this site; left out: on any."),
    model: str | None = typer.Option(None, help="On this model; left out: on any."),
) -> None:
    """Whether a person may do something somewhere, and why (not). Exit 1 where they may not."""
    from store.access import Permission, decide, require

    if permission not in list(Permission):
        raise BadInput(f'there is no permission "{permission}"', advice=did_you_mean(permission, list(Permission)))
    with opened() as session:
        if user != session.viewer.name:
            require(session.viewer, Permission.USER_WRITE)
        account = session.reads.account(user)
        known = [row["name"] for row in session.reads.users()]
        viewer = session.viewer if user == session.viewer.name else account[0] if account else None
    if viewer is None:
        raise UnknownName(f"nobody is called {user} here", advice=did_you_mean(user, known))
    verdict = decide(viewer, Permission(permission), site=site, model=model)
    document = {
        "schema": "bailiwick/verdict/1",
        "user": user,
        "permission": permission,
        "site": site,
        "model": model,
        "allowed": verdict.allowed,
        "reason": verdict.reason,
    }
    emit(document, lambda: facts([("allowed", verdict.allowed), ("because", verdict.reason)]))
    raise typer.Exit(ExitCode.DONE if verdict.allowed else ExitCode.NOT_WELL)


@command(user_app, "add", example="bailiwick user add anna --role compliance --model loan-approval")
def add(
    name: str = typer.Argument(..., help="The name to sign in with."),
    role: list[str] = typer.Option(..., help="admin, data, compliance, regulator, auditor, site-operator."),
    site: str = typer.Option("*", help="The site the roles hold on; * for any."),
    model: str = typer.Option("*", help="The model the roles hold on; * for any."),
    password_file: Path | None = typer.Option(
        None, "--password-file", help="Read the password here instead of asking."
    ),
) -> None:
    """Add a person who signs in, or change their roles and password. The password is stored as an scrypt hash."""
    from service.commands.users import set_user
    from store.access import Grant

    if password_file is None:
        password = ask_secret("password", f"Password of {name}", confirm=True)
    else:
        try:
            password = here(password_file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"the password file cannot be read: {error}", advice="Check its path and mode.") from error
    with opened() as session:
        made = set_user(
            session.hub,
            session.viewer,
            name=name,
            password=password,
            grants=[Grant(one, site, model) for one in role],
        )
    emit(made, lambda: say(f"{name} may sign in as {', '.join(role)}."))


@command(user_app, "list", example="bailiwick user list")
def list_() -> None:
    """Everybody who may sign in, with their roles."""
    with opened() as session:
        rows = session.reads.users()
    shown = [
        (row["name"], [f"{g['role']} on {g['site']}/{g['model']}" for g in row["grants"]], row["disabled"])
        for row in rows
    ]
    emit(
        {"users": rows},
        lambda: table(("name", "roles", "disabled"), shown, empty="Nobody yet: bailiwick user add NAME"),
    )
