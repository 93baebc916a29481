"""`retrain`: governed retraining. One person asks, another approves, the executor runs, a new version comes back."""

from __future__ import annotations

from typing import Any

import typer

from service import runtime
from service.cli.context import call, opened
from service.cli.declare import command, group_app
from service.cli.output import emit, facts, progress, say, table
from store.errors import UnknownName

retrain_app = group_app("Governed retraining: one person asks, another approves.")

REQUEST = typer.Argument(..., metavar="REQUEST", help="An id of `retrain list`.")


@command(retrain_app, "request", example='bailiwick retrain request --alert alert_... --why "income moved for good"')
def request(
    model: str | None = typer.Option(None, help="The model; left out, that of the alert."),
    alert: str | None = typer.Option(None, help="The alert that gives the reason."),
    site: str | None = typer.Option(None, help="The site whose rows it is trained on; left out, that of the alert."),
    why: str = typer.Option(..., "--why", "--reason", help="Why retraining is the right answer."),
) -> None:
    """Ask for retraining by the model file's command. Another person must approve."""
    from service.commands.retraining import request_retraining

    with opened() as session:
        made = request_retraining(session.hub, session.viewer, model=model, site=site, alert=alert, why=why)
    emit(made, lambda: say(f"Asked: {made['id']}. Another person must approve it."))


@command(retrain_app, "approve", example="bailiwick retrain approve request_... --as ben")
def approve(
    request: str = REQUEST,
    why: str = typer.Option("", "--why", "--reason", help="A remark."),
    run: bool = typer.Option(True, "--run/--no-run", help="Whether to carry it out at once after the last approval."),
) -> None:
    """Approve somebody else's request; with the last approval it is carried out."""
    from service.commands.retraining import approve_request, run_request

    with opened() as session, progress("Retraining ..."):
        made = approve_request(session.hub, session.viewer, id=request, why=why)
        if run and made["state"] == "approved":
            if call().hub is None:
                made = run_request(session.hub, session.viewer, id=request)
            else:
                runtime.work.set()  # the server's scheduler carries it out
    emit(made, lambda: _human(made))


@command(retrain_app, "reject", example='bailiwick retrain reject request_... --why "wait for the new feed"')
def reject(request: str = REQUEST, why: str = typer.Option(..., "--why", "--reason", help="Why not.")) -> None:
    """Turn a request down. Needs a reason."""
    from service.commands.retraining import reject_request

    with opened() as session:
        made = reject_request(session.hub, session.viewer, id=request, why=why)
    emit(made, lambda: _human(made))


@command(retrain_app, "list", example="bailiwick retrain list --state requested")
def list_(
    state: str | None = typer.Option(None, help="Of this state only."),
    model: str | None = typer.Option(None, help="Of this model only."),
) -> None:
    """Requests as they stand, newest first."""
    with opened() as session:
        rows = session.reads.requests(state=state, model=model)
    columns = ("id", "model", "version", "site", "state", "requested_by", "why")
    emit(
        {"requests": rows},
        lambda: table(columns, [[row.get(name) for name in columns] for row in rows], empty="No requests."),
    )


@command(retrain_app, "show", example="bailiwick retrain show request_abcdefghij0123456789")
def show(request: str = REQUEST) -> None:
    """One request: who asked and approved, what ran, metrics and group rates before and after, the gate's verdict."""
    with opened() as session:
        found = session.reads.request(request)
    if found is None:
        raise UnknownName(f"there is no request {request}", advice="See `bailiwick retrain list`.")
    emit({"schema": "bailiwick/request/1", **found}, lambda: _human(found))


def _human(found: dict[str, Any]) -> None:
    nested = ("history", "schema")
    facts([(key.replace("_", " "), value) for key, value in found.items() if key not in nested])
