"""`site`: sites that send, how fresh they are, and their tokens."""

from __future__ import annotations

from typing import Any

import typer

from service.cli.context import opened
from service.cli.declare import command, group_app
from service.cli.output import emit, facts, note, say, table
from store.durations import parse_duration
from store.errors import UnknownName, did_you_mean

site_app = group_app("Sites that send: who they are, how fresh they are, what they share.")

SHARING = "What may leave the site: rows, counts, or noisy-counts."


@command(site_app, "add", example="bailiwick site add branch-north --kind branch --sharing counts --contact-window 6h")
def add(
    name: str = typer.Argument(..., help="A name of a-z 0-9 . _ -, such as branch-north."),
    title: str = typer.Option("", help="What people call it."),
    kind: str = typer.Option("cloud", help="cloud, datacentre, edge, hospital or branch."),
    region: str = typer.Option("", help="Where it is, in your own words."),
    jurisdiction: str = typer.Option("", help="Whose law its data is under, such as IE."),
    timezone: str = typer.Option("", help="IANA zone of its times without zone, such as Europe/Dublin; else UTC."),
    sharing: str = typer.Option("rows", help=SHARING),
    contact_window: str | None = typer.Option(None, "--contact-window", help="How long it may be silent, such as 6h."),
    clock_skew: str = typer.Option(
        "10m", "--clock-skew", help="How far ahead its clock may be; rows from beyond that are quarantined."
    ),
) -> None:
    """Register a site. Sharing is rows unless said; rows of a site that does not share them are refused."""
    from service.commands.sites import add_site

    with opened() as session:
        made = add_site(
            session.hub,
            session.viewer,
            name=name,
            title=title,
            kind=kind,
            region=region,
            jurisdiction=jurisdiction,
            timezone=timezone,
            sharing=sharing,
            contact_window=parse_duration(contact_window) if contact_window else None,
            clock_skew=parse_duration(clock_skew),
        )
    emit(made, lambda: say(f"Added site {made['site']}; it shares {made['sharing']}."))


@command(site_app, "list", example="bailiwick site list")
def list_() -> None:
    """Every site with its freshness and what came from it."""
    with opened() as session:
        rows, arrivals = session.reads.sites(), session.reads.label_arrivals()
    for row in rows:
        row["labels_due"] = [one for one in arrivals if one["site"] == row["site"]]
    columns = ("site", "sharing", "fresh", "last_event", "batches", "rows", "quarantined", "duplicates", "labels in")
    emit(
        {"sites": rows},
        lambda: table(
            columns,
            [[_labels_in(row) if name == "labels in" else row.get(name) for name in columns] for row in rows],
            empty="No site yet. Add one: bailiwick site add NAME",
        ),
    )


def _labels_in(row: dict[str, Any]) -> str:
    """`loan 84 % (median 3 days, nine in ten within 9 days)` for each model whose outcomes are due."""
    from reports.words import arrivals

    return "; ".join(f"{one['model']} {arrivals(one)}" for one in row["labels_due"])


@command(site_app, "show", example="bailiwick site show branch-north")
def show(name: str = typer.Argument(..., help="The site's name.")) -> None:
    """One site: freshness, what left it, and its last batches."""
    with opened() as session:
        reads = session.reads
        row = reads.site(name)
        if row is None:
            known = [site["site"] for site in reads.sites()]
            raise UnknownName(f'there is no site "{name}"', advice=did_you_mean(name, known), details={"site": name})
        left = reads.departures(name)
        row["labels_due"] = reads.label_arrivals(name)
        receipts = reads.receipts(site=name, limit=10)

    def human() -> None:
        facts([(key.replace("_", " "), value) for key, value in row.items() if key != "labels_due"])
        facts([("labels in", _labels_in(row) or "no outcome is due")])
        say()
        say("What left it:")
        table(
            ("kind", "files", "bytes", "rows"),
            [(kind, one["files"], one["bytes"], one["rows"]) for kind, one in left.items()],
            empty="Nothing yet.",
        )

    emit({"schema": "bailiwick/site/1", **row, "left": left, "receipts": receipts}, human)


@command(site_app, "token", example="bailiwick site token branch-north")
def token(name: str = typer.Argument(..., help="The site's name.")) -> None:
    """Make an ingest token for a site. It is shown once and stored hashed."""
    from service.commands.sites import issue_token

    with opened() as session:
        made = issue_token(session.hub, session.viewer, site=name)

    def human() -> None:
        say(made["token"])
        note(f"This token lets its holder send as {name}. It is not shown again.")

    emit(made, human)
