"""`privacy`: budgets and what was spent of them."""

from __future__ import annotations

import typer

from service.cli.context import opened
from service.cli.declare import command, group_app
from service.cli.output import emit, say, table

privacy_app = group_app("Privacy budgets and what was spent of them.")


@command(privacy_app, "show", example="bailiwick privacy show --people customers")
def show(people: str | None = typer.Option(None, help="Of these people only.")) -> None:
    """Each people's budget with its spends, entry by entry, in exact numbers."""
    with opened() as session:
        budgets = {
            name: budget.as_json() for name, budget in session.hub.config.people.items() if people in (None, name)
        }
        if people is not None:
            session.hub.config.budget(people)
        entries = session.reads.ledger(people)
    columns = ("people", "block_from", "block_to", "site", "model", "rho", "state")

    def human() -> None:
        for name, budget in budgets.items():
            say(
                f"{name}: epsilon {budget['epsilon']} at delta {budget['delta']} over any {budget['per']}, "
                f"in blocks of {budget['block']}."
            )
        table(columns, [[row.get(name) for name in columns] for row in entries], empty="Nothing was spent.")

    emit({"schema": "bailiwick/privacy/1", "people": budgets, "ledger": entries}, human)
