"""`ingest`, `quarantine`, `summarise`: what comes in, what could not be read, and what a site would send."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from service.cli.context import here, opened
from service.cli.declare import command, group_app, single_app, split_model
from service.cli.output import emit, facts, note, progress, say, table
from store.errors import UnknownName

ingest_app = single_app()
quarantine_app = group_app("What could not be read, with its reason and its bytes.")
summarise_app = single_app()

KINDS = "predictions, labels, reference, summaries, attributions, reference-attributions, lineage or cost."


def _places(paths: list[str]) -> list[Any]:
    """Paths of this machine as paths; addresses of object stores as they are."""
    return [path if "://" in path else here(path) for path in paths]


@command(ingest_app, "ingest", example="bailiwick ingest logs/ --site cloud-eu --model loan-approval")
def ingest(
    paths: list[str] = typer.Argument(..., metavar="PATH...", help="Files, folders, object-store URLs."),
    site: str = typer.Option(..., help="The site it comes from."),
    model: str | None = typer.Option(None, help="M or M:V; left out, the only model there is."),
    format: str = typer.Option("auto", help="auto, or the name of a source: parquet, csv, jsonl, azureml ..."),
    kind: str = typer.Option("predictions", help=KINDS),
    option: list[str] = typer.Option([], metavar="KEY=VALUE", help="An option of the source; may be repeated."),
) -> None:
    """Take in files: each is a batch and gets a receipt. The same bytes again give the same receipt."""
    from service.commands.ingest import ingest as take

    name, version = split_model(model)
    with opened() as session, progress("Reading ..."):
        done = take(
            session.hub,
            session.viewer,
            paths=_places(paths),
            site=site,
            model=name,
            version=version,
            kind=kind,
            format=format,
            options=option,
        )
    receipts, errors, aside = done["receipts"], done.get("errors", []), done.get("aside", [])
    for error in errors:
        note(f"Not taken: {error['message']}\n{error.get('advice', '')}".rstrip())
    for said in dict.fromkeys(said for receipt in receipts for said in receipt.get("notes") or ()):
        note(said)
    for kept in aside:
        called = kept["model"] if kept["version"] is None else f"{kept['model']}:{kept['version']}"
        note(f"Kept aside: {kept['source']} names {called}, which nobody added. `bailiwick model add` takes it in.")
    more = {name: found for name, found in (("aside", aside), ("errors", errors)) if found}
    emit(
        {"receipts": receipts, **more},
        lambda: table(
            ("source", "kind", "rows", "kept", "quarantined", "duplicates", "repeated", "reasons"),
            [_line(receipt) for receipt in receipts],
            empty="Nothing was counted." if aside else "No file of a known format was found there.",
        ),
    )


def _line(receipt: dict[str, Any]) -> tuple[Any, ...]:
    names = ("source", "kind", "rows", "kept", "quarantined", "duplicates", "repeated", "reasons")
    return tuple(receipt.get(name) for name in names)


@command(quarantine_app, "list", example="bailiwick quarantine list --site cloud-eu")
def quarantine_list(
    site: str | None = typer.Option(None, help="Of this site only."),
    model: str | None = typer.Option(None, help="Of this model only."),
    limit: int = typer.Option(10_000, min=1, help="The newest so many."),
) -> None:
    """What could not be read: reason, file, line."""
    with opened() as session:
        rows = session.reads.quarantine(site=site, model=model, limit=limit + 1)
    if len(rows) > limit:
        rows = rows[:limit]
        note(f"There are more: these are the newest {limit:,}. Receipts count them all; --limit shows more of them.")
    columns = ("id", "site", "model", "source", "line", "reason", "expected")
    emit(
        {"quarantine": rows},
        lambda: table(
            columns, [[row.get(name) for name in columns] for row in rows], empty="Nothing is in quarantine."
        ),
    )


@command(quarantine_app, "show", example="bailiwick quarantine show quarantine_abcdefghij0123456789")
def quarantine_show(id: str = typer.Argument(..., help="An id of `quarantine list`.")) -> None:
    """One record that could not be read, with its bytes."""
    with opened() as session:
        row = next(iter(session.reads.quarantine(id=id)), None)
    if row is None:
        raise UnknownName(f"nothing in quarantine is called {id}", advice="See `bailiwick quarantine list`.")
    emit({"schema": "bailiwick/quarantine/1", **row}, lambda: facts(list(row.items())))


@command(quarantine_app, "retry", example="bailiwick quarantine retry quarantine_abcdefghij0123456789")
def quarantine_retry(id: str = typer.Argument(..., help="An id of `quarantine list`.")) -> None:
    """Read a record again, after the model file or the settings were mended."""
    from service.commands.quarantine import retry_quarantine

    with opened() as session:
        done = retry_quarantine(session.hub, session.viewer, id=id)
    emit(done, lambda: facts(list(done.items())))


EXAMPLE = "bailiwick summarise logs/ --model loan-approval --site branch-north -o bundle.json"


@command(summarise_app, "summarise", example=EXAMPLE)
def summarise(
    paths: list[str] = typer.Argument(..., metavar="PATH...", help="Files or folders of rows, beside the data."),
    model: str = typer.Option(..., metavar="M[:V]|FILE", help="A model of this hub, or what `model export` wrote."),
    site: str = typer.Option(..., help="The site that counts; its sharing says whether noise is added."),
    to: Path = typer.Option(..., "-o", "--output", metavar="FILE", help="The bundle to write."),
    labels: list[str] = typer.Option([], metavar="PATH", help="Outcomes that belong to the rows; may be repeated."),
    attributions: list[str] = typer.Option(
        [], metavar="PATH", help="Contributions of the inputs to these rows; may be repeated."
    ),
    format: str = typer.Option("auto", help="auto, or the name of a source."),
    engine: str = typer.Option(
        "duckdb", metavar="duckdb|spark", help="What counts; spark takes Parquet files of whole rows."
    ),
) -> None:
    """Write what a site would send: a summary bundle with counts only, noisy where its sharing asks for it."""
    from service.commands.summaries import write_bundle

    exported = here(model) if here(model).is_file() else None
    name, version = (None, None) if exported else split_model(model)
    with opened() as session, progress("Counting ..."):
        made = write_bundle(
            session.hub,
            session.viewer,
            paths=_places(paths),
            labels=_places(labels),
            attributions=_places(attributions),
            model=name,
            version=version,
            export=exported,
            site=site,
            output=here(to),
            format=format,
            engine=engine,
        )

    def human() -> None:
        facts([(key.replace("_", " "), value) for key, value in made.items() if key != "schema"])
        say("The rows stayed here; the bundle holds counts only.")

    emit(made, human)
