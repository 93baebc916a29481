"""`model`: model files, read back, drafted and handed on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from service.cli.context import Session, here, opened, writable
from service.cli.declare import command, group_app, split_model
from service.cli.output import emit, facts, note, say, streams, table
from store.errors import BadInput, UnknownName, did_you_mean

model_app = group_app("Model files: what is watched, for whom, against which limits.")


@command(model_app, "add", example='bailiwick model add loan.yaml --reason "limit set by the board on 3 March"')
def add(
    file: Path = typer.Argument(..., help="A model file, YAML or JSON."),
    reason: str = typer.Option("", help="Why a limit, reference, bins, window or group moves; every report shows it."),
) -> None:
    """Add a model version, or revise one. A revision that moves a limit needs --reason."""
    from service.commands.models import add_model

    path = here(file)
    text = read_text(path)
    with opened() as session:
        made = add_model(session.hub, session.viewer, text=text, source=str(file), reason=reason, folder=path.parent)

    def human() -> None:
        if made.get("unchanged"):
            say(f"{made['model']}:{made['version']} stands like this already.")
        else:
            say(f"{'Added' if made['revision'] == 1 else 'Revised'} {made['model']}:{made['version']}.")
        for change in made.get("changes", []):
            say(f"  {change['path']}: {change['old'] or 'nothing'} -> {change['new'] or 'nothing'}")
        if made.get("replay"):
            say(made["replay"])
        taken = made.get("taken_in") or {"receipts": [], "errors": []}
        if taken["receipts"]:
            rows = sum(receipt["kept"] for receipt in taken["receipts"])
            say(f"Took in what was kept aside for it: {len(taken['receipts'])} files, {rows:,} rows kept.")
        for error in taken["errors"]:
            note(f"Still aside: {error['message']}\n{error['advice']}".rstrip())

    emit(made, human)


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file", advice="Check the path.", details={"file": str(path)}) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{path} cannot be read: {error}", advice="Expected UTF-8 text.", details={"file": str(path)}
        ) from error


@command(model_app, "list", example="bailiwick model list")
def list_() -> None:
    """Every version of every model, with its state as far as it is known."""
    from reports.words import aside

    with opened() as session:
        rows, kept = session.reads.models(), session.reads.aside()
    columns = ("model", "version", "title", "tier", "worst", "open_alerts", "rows", "last_event", "sites")

    def line(row: dict[str, Any]) -> list[Any]:
        return [row["tier"]["level"] if name == "tier" else row.get(name) for name in columns]

    emit(
        {"models": rows},
        lambda: table(columns, [line(row) for row in rows], empty="No model yet. Add one: bailiwick model add FILE"),
    )
    if kept:
        note(f"{aside(kept)} See them: bailiwick model aside")


@command(model_app, "aside", example="bailiwick model aside")
def aside_() -> None:
    """Files kept aside because they name a model or a version that nobody added; `model add` takes them in."""
    with opened() as session:
        rows = session.reads.aside()
    columns = ("model", "version", "site", "kind", "source", "rows", "first_event", "last_event", "known_at")
    emit(
        {"aside": rows},
        lambda: table(columns, [[row[name] for name in columns] for row in rows], empty="Nothing is kept aside."),
    )


def _found(session: Session, text: str) -> dict[str, Any]:
    name, version = split_model(text)
    row: dict[str, Any] | None = session.reads.model(str(name), version)
    if row is None:
        known = sorted({each["model"] for each in session.reads.models()})
        raise UnknownName(f'there is no model "{text}"', advice=did_you_mean(str(name), known), details={"model": text})
    return row


@command(model_app, "show", example="bailiwick model show loan-approval:3")
def show(
    model: str = typer.Argument(..., metavar="M[:V]", help="A model, and a version; left out, the newest."),
) -> None:
    """One model version: its file, its bins' hash, its versions and what was changed in it and why."""
    with opened() as session:
        row = _found(session, model)
    file, spec = row.pop("file"), row.pop("spec")
    document = {
        "schema": "bailiwick/model/1",
        **row,
        "file": file.document if file else None,
        "bins": spec.as_json() if spec else None,
    }

    def human() -> None:
        facts([(key.replace("_", " "), value) for key, value in row.items() if key != "changes"])
        for revision in row["changes"]:
            say()
            say(f"Revision {revision['revision']} by {revision['actor']}: {revision['reason'] or 'no limit moved'}")
            for change in revision["changes"]:
                say(f"  {change['path']}: {change['old'] or 'nothing'} -> {change['new'] or 'nothing'}")

    emit(document, human)


@command(model_app, "explain", example="bailiwick model explain loan-approval")
def explain(
    model: str = typer.Argument(..., metavar="M[:V]|FILE", help="A model of the hub, or a model file."),
) -> None:
    """Read a model file back in plain sentences."""
    from store.model_reader import read_model_file
    from store.model_words import explain as sentences_of

    if here(model).is_file():
        file = read_model_file(read_text(here(model)), source=model)
    else:
        with opened() as session:
            file = _found(session, model)["file"]
    sentences = sentences_of(file)
    document = {
        "schema": "bailiwick/explanation/1",
        "model": file.name,
        "version": file.version,
        "sentences": sentences,
    }
    emit(document, lambda: say("\n".join(sentences)))


@command(model_app, "infer", example="bailiwick model infer rows.parquet --name loan-approval > loan.yaml")
def infer(
    data: Path = typer.Argument(..., metavar="DATA", help="A file or folder of rows."),
    name: str | None = typer.Option(None, help="The model's name; left out, the file's."),
    format: str = typer.Option("auto", help="auto, or the name of a source."),
) -> None:
    """Draft a model file from data, with questions as comments. It is printed, not added."""
    from service.inferring import column_facts, slug_of
    from store.model_draft import draft

    text = draft(name or slug_of(data.name), column_facts(here(data), format_name=format))
    emit({"schema": "bailiwick/model-draft/1", "draft": text}, lambda: say(text.rstrip()))
    note("Answer its questions, then: bailiwick model add FILE")


@command(model_app, "export", example="bailiwick model export loan-approval -o loan.json")
def export(
    model: str = typer.Argument(..., metavar="M[:V]", help="A model, and a version; left out, the newest."),
    to: Path | None = typer.Option(
        None, "-o", "--output", metavar="FILE", help="Write it here instead of printing it."
    ),
) -> None:
    """What a site needs to count beside its data: the model file, its bins and their hash, as JSON."""
    from service.commands.models import export_model

    name, version = split_model(model)
    with opened() as session:
        made = export_model(session.hub, session.viewer, name=str(name), version=version)
    text = json.dumps(made, ensure_ascii=False, indent=2)
    if to is None:
        say(text)
        return
    writable(to).write_text(text + "\n", encoding="utf-8")
    if streams().as_json:
        say(text)
    else:
        say(f"Wrote {to}: {made['model']}:{made['version']}, bins {made['spec_hash'][:12]}.")
