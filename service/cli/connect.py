"""`connect`: looks at a store or folder, says what is there and what is missing, drafts model files; stores nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from service.cli.context import call, here
from service.cli.declare import command, single_app
from service.cli.output import emit, note, progress, say, table
from store.errors import BadInput, did_you_mean

connect_app = single_app()

EXAMPLE = "bailiwick connect azureml az://azureml/modelDataCollector -o drafts/"


@command(connect_app, "connect", example=EXAMPLE)
def connect(
    kind: str = typer.Argument(..., metavar="KIND", help="azureml, kserve, or folder for tables of any format."),
    where: str = typer.Argument(..., metavar="WHERE", help="A folder, a glob, or an address of an object store."),
    to: Path | None = typer.Option(None, "-o", "--output", metavar="DIR", help="Write the draft model files here."),
    name: str | None = typer.Option(None, help="The model's name; left out, the endpoint's, else the folder's."),
) -> None:
    """Look at a store or folder: what is there, what is missing, a draft of each model file, and a preview of results.

    The preview holds the first week against the rest, as a provisional reference. Nothing is stored until `model add`.
    """
    from service.connecting import KINDS, utc_now
    from service.connecting import connect as look

    if kind not in KINDS:
        raise BadInput(f'"{kind}" cannot be connected', advice=did_you_mean(kind, KINDS))
    place: Path | str = where if "://" in where else here(where)
    with progress("Looking ..."):
        found = look(kind, place, _config(), now=utc_now, name=name)
    if to is not None:
        _write(here(to), found)
    emit(found, lambda: _told(found))


def _config() -> Any:
    """The hub's settings, for its stores; the defaults where there is no hub yet. The hub's file stays closed."""
    from service.config import FILE, load, parse

    this = call()
    if (this.hub_dir / FILE).is_file():
        return load(this.hub_dir, this.environ)
    return parse("", environ=this.environ)


def _write(folder: Path, found: dict[str, Any]) -> None:
    """Each draft in a file of its own; an existing file is never written over."""
    folder.mkdir(parents=True, exist_ok=True)
    for deployment in found["deployments"]:
        if deployment["draft"] is None:
            continue
        path = folder / f"{deployment['name']}.yaml"
        if path.exists():
            raise BadInput(f"{path} is there already", advice="Move it away, or name another folder with -o.")
        path.write_text(deployment["draft"], encoding="utf-8")
        deployment["file"] = str(path)
        deployment["next"][1] = f"bailiwick model add {path}"


def _told(found: dict[str, Any]) -> None:
    for deployment in found["deployments"]:
        told = [f"{key} {deployment[key]}" for key in ("endpoint", "deployment") if deployment[key]]
        say(f"{deployment['name']}: {', '.join(told) or 'no endpoint is named by its folders'}")
        keys = ("collection", "files", "hours", "rows_read", "first_event", "last_event")
        rows = [[each[key] for key in keys] + [len(each["columns"])] for each in deployment["collections"]]
        table((*keys, "columns"), rows, empty="Nothing.")
        for item in deployment["missing"]:
            say(f"  ? {item['what']}. {item['fix']}.")
        _preview(deployment["preview"])
        if deployment.get("file") is None and deployment["draft"]:
            say()
            say(deployment["draft"].rstrip())
        say()
        say("Next:")
        for line in deployment["next"]:
            say(f"  {line}")
        say()
    note("Nothing was stored.")


def _preview(preview: dict[str, Any]) -> None:
    if preview["reason"]:
        say(f"  No preview: {preview['reason']}")
        return
    told = ", ".join(f"{count} {status}" for status, count in sorted(preview["results"].items())) or "nothing to judge"
    say(f"  Preview against {preview['reference']} ({preview['rows_reference']} rows, provisional): {told}.")
    for result in preview["outside"][:5]:
        about = f" of {result['about']}" if result["about"] else ""
        say(f"    {result['monitor']}: {result['measure']}{about} is {result['value']:.3g}")
