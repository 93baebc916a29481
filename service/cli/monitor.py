"""`monitor`, `results`, `check`, `evidently`: measuring, and what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from service.cli.context import here, opened, writable
from service.cli.declare import command, single_app, split_model
from service.cli.output import emit, facts, progress, say, table
from service.exits import ExitCode
from service.times import parse_time

monitor_app = single_app()
results_app = single_app()
check_app = single_app()
evidently_app = single_app()

MARKS = {"within": "✓", "outside": "▲", "unclear": "◆", "stale": "■"}
"""As the console shows them; everything else is a question mark."""


def marked(status: str) -> str:
    return f"{MARKS.get(status, '?')} {status.replace('_', ' ')}"


@command(monitor_app, "monitor", example="bailiwick monitor --model loan-approval --from 2026-10-01 --to 2026-11-01")
def monitor(
    model: str | None = typer.Option(None, help="M or M:V; left out, all."),
    from_: str | None = typer.Option(None, "--from", metavar="T", help="Windows that end after this time."),
    to: str | None = typer.Option(None, "--to", metavar="T", help="Windows that end up to this time."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Measure and print, record nothing."),
    file: Path | None = typer.Option(
        None, "--file", metavar="FILE", help="With --dry-run: a model file whose limits are tried on stored history."
    ),
) -> None:
    """Measure all windows that are due, and open or clear alerts. Exit 0 whatever it finds."""
    from service.cli.models import read_text
    from service.commands.monitoring import monitor as measure

    name, version = split_model(model)
    limits = read_text(here(file)) if file else None
    with opened() as session, progress("Measuring ..."):
        done = measure(
            session.hub,
            session.viewer,
            model=name,
            version=version,
            start=parse_time(from_) if from_ else None,
            end=parse_time(to) if to else None,
            dry_run=dry_run,
            limits=limits,
        )

    def human() -> None:
        facts([(key.replace("_", " "), value) for key, value in done.items() if key != "schema"])
        for run in done["runs"]:
            if "replay" in run:
                say(f"{run['model']}:{run['version']}: {run['replay']['sentence']}")
                for word in ("hidden", "added"):
                    for episode in run["replay"][word]:
                        say(f"  {word}, from {episode['from'][:10]}: {episode['sentence']}")

    emit(done, human)


@command(results_app, "results", example="bailiwick results --model loan-approval --monitor drift")
def results(
    model: str | None = typer.Option(None, help="M or M:V."),
    site: str | None = typer.Option(None, help="A site, or * for all merged."),
    monitor: str | None = typer.Option(None, help="drift, performance, quality, fairness ..."),
    window: str | None = typer.Option(None, metavar="T", help="The window that holds this time."),
    about: str | None = typer.Option(None, help="Of this column, group or attribute only."),
    history: bool = typer.Option(False, "--history", help="Replaced results too."),
    explain: bool = typer.Option(
        False, "--explain", help="Why each is an alert or is not; of the newest window, unless --window says another."
    ),
) -> None:
    """The current result of everything that is measured, each with its limit, its n and what it stands on."""
    from service.explaining import explained
    from service.known import known_model, known_site
    from store.result import as_document

    name, version = split_model(model)
    with opened() as session:
        if name:
            version = known_model(session.hub, session.viewer, name, version).version
        if site and site != "*":
            known_site(session.hub, session.viewer, site)
        table_ = session.reads.result_table(
            model=name,
            version=version,
            site=site,
            monitor=monitor,
            about=about,
            window=parse_time(window) if window else None,
            history=history,
            latest=explain and not window,
        )
        held = table_.to_pylist()
        told = explained(session.reads, held) if explain else []
    rows = [as_document(row) for row in held]
    if explain:
        answers = [{**row, "explanation": sentences} for row, sentences in zip(rows, told, strict=True)]
        emit({"results": answers}, lambda: _answers(answers))
        return
    columns = ("window to", "model", "site", "monitor", "about", "measure", "value", "limit", "n", "status")
    emit({"results": rows}, lambda: table(columns, [_line(row) for row in rows], empty="Nothing was measured yet."))


def _answers(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        until, model, place, monitor, about, measure, *_, status = _line(row)
        say(f"{until}  {model}  {place}  {monitor} {about or ''} {measure}: {status}".replace("  ", " "))
        for sentence in row["explanation"]:
            say(f"  {sentence}")
    if not rows:
        say("Nothing was measured yet.")


def _line(row: dict[str, Any]) -> tuple[Any, ...]:
    limit = row["limit"]
    told = f"{'≥' if limit['op'] == 'at_least' else '≤'} {limit['value']:.4g}" if limit else None
    where = f"{row['site']} {row['segment']}" if row["segment"] else row["site"]
    model = f"{row['model']}:{row['version']}"
    until = str(row["window"]["to"]).removesuffix("Z").replace("T", " ").removesuffix(" 00:00:00")
    status = marked(row["status"])
    return (
        until,
        model,
        where,
        row["monitor"],
        row["about"],
        row["measure"],
        row["value"],
        told,
        row["n"]["current"],
        status,
    )


@command(check_app, "check", example="bailiwick check --model loan-approval --allow no_reference")
def check(
    model: str | None = typer.Option(None, help="M or M:V; left out, all."),
    allow: list[str] = typer.Option([], metavar="STATUS", help="A status that is no reason to fail; may be repeated."),
) -> None:
    """For pipelines: exit 1 where something is not well, each with its reason. No data is never well."""
    from service.checking import check as look

    name, version = split_model(model)
    with opened() as session:
        found = look(session.hub, session.viewer, model=name, version=version, allow=allow)

    def human() -> None:
        table(
            ("model", "what", "why"),
            [(item["model"], item["what"], item["why"]) for item in found["problems"]],
            empty=f"Nothing stands against {', '.join(found['checked'])}.",
        )

    emit(found, human)
    raise typer.Exit(ExitCode.NOT_WELL if found["problems"] else ExitCode.DONE)


@command(
    evidently_app, "evidently", example="bailiwick evidently --model loan-approval --window 2026-10-01 -o report.html"
)
def evidently(
    model: str = typer.Option(..., help="M or M:V."),
    window: str = typer.Option(..., metavar="T", help="The window that holds this time."),
    to: Path = typer.Option(..., "-o", "--output", metavar="FILE.html", help="The file to write."),
    site: str | None = typer.Option(None, help="Rows of this site only."),
) -> None:
    """Write Evidently's own report on that window; where rows never left the site, on rows drawn from its counts."""
    from service.commands.evidently import evidently_report

    name, version = split_model(model)
    with opened() as session, progress("Evidently is at work ..."):
        made = evidently_report(
            session.hub,
            session.viewer,
            model=str(name),
            version=version,
            window=parse_time(window),
            site=site,
            output=writable(to),
        )
    emit(made, lambda: say(f"Wrote {made['file']}. {made['note']}"))
