"""`report`: results told to people, with the evidence inside, and the check that a file is untouched and ours."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import typer

from service.cli.context import here, opened, writable
from service.cli.declare import command, group_app, split_model
from service.cli.output import emit, facts, note, progress, say, table
from service.exits import ExitCode
from service.times import parse_time
from store.errors import BadInput

report_app = group_app("Reports with their evidence: build, verify, list.")

VERDICTS = {
    "intact": "Untouched, and ours.",
    "changed": "CHANGED since this hub built it.",
    "unknown": "UNKNOWN: this hub built no such report.",
}
EXAMPLE = "bailiwick report build --pack general --model loan-approval --from 2026-10-01 --to 2026-11-01 -o report.pdf"


@command(report_app, "build", example=EXAMPLE)
def build(
    pack: str = typer.Option(..., help="Which report: general, committee, nyc-ll144, eu-ai-act-evidence."),
    model: str | None = typer.Option(None, help="M or M:V; for packs on one model."),
    site: str | None = typer.Option(None, help="Of this site only; for packs on all models."),
    from_: str = typer.Option(..., "--from", metavar="T", help="Start of the period."),
    to: str = typer.Option(..., "--to", metavar="T", help="End of the period, exclusive."),
    output: Path = typer.Option(..., "-o", "--output", metavar="FILE", help="The file to write."),
    format: str | None = typer.Option(None, help="pdf, html or json; left out, by the file's name, else pdf."),
    bundle: bool = typer.Option(
        False, "--bundle", help="Also write a zip beside it, with proofs and verify.py: all that a reader needs."
    ),
    issue: bool = typer.Option(
        False, "--issue", help="Submit it for review and issue; refused (exit 2) where something is missing."
    ),
) -> None:
    """Build a report. Where something is missing it is a DRAFT and says what (exit 0)."""
    from service.commands.reports import build_report
    from service.report_bundles import bundle_report

    name, version = split_model(model)
    target = writable(output)
    zipped = writable(output.with_suffix(".zip")) if bundle else None
    with opened() as session, progress("Building the report ..."):
        made = build_report(
            session.hub,
            session.viewer,
            pack=pack,
            model=name,
            version=version,
            site=site,
            start=parse_time(from_),
            end=parse_time(to),
            format=format or format_of(output),
            issue=issue,
        )
        if zipped is not None:
            zipped.write_bytes(bundle_report(session.hub, session.viewer, id=made["id"])["bytes"])
            made["bundle"] = str(zipped)
    if target != zipped:
        shutil.copyfile(made["path"], target)
        made["output"] = str(target)

    def human() -> None:
        say(f"Wrote {output}: {made['state']}, SHA-256 {made['sha256']}.")
        if bundle:
            say(f"Wrote {made['bundle']}: python3 verify.py in it checks the report without this hub.")
        for gap in made.get("gaps", []):
            note(f"Missing: {gap}")

    emit(made, human)


def format_of(output: Path) -> str:
    ending = output.suffix.lower().lstrip(".")
    return {"htm": "html"}.get(ending, ending) if ending in ("pdf", "html", "htm", "json") else "pdf"


@command(report_app, "bundle", example="bailiwick report bundle report_... -o report.zip")
def bundle(
    id: str = typer.Argument(..., help="The report's id, from `report list`."),
    output: Path = typer.Option(..., "-o", "--output", metavar="FILE", help="The zip to write."),
) -> None:
    """Write a PDF report with proofs, keys and verify.py, which checks it with Python's standard library alone."""
    from service.report_bundles import bundle_report

    target = writable(output)
    with opened() as session, progress("Packing the bundle ..."):
        made = bundle_report(session.hub, session.viewer, id=id)
    target.write_bytes(made.pop("bytes"))
    made["output"] = str(target)
    emit(made, lambda: say(f"Wrote {output}: python3 verify.py in it checks the report without this hub."))


@command(report_app, "verify", example="bailiwick report verify report.pdf --recompute")
def verify(
    file: Path = typer.Argument(..., help="Any file."),
    recompute: bool = typer.Option(
        False, "--recompute", help="Also compute its numbers again, as they were known then."
    ),
) -> None:
    """Exit 0 only if the file is untouched and ours. What it lacks is reported, and does not change the code."""
    from service.commands.reports import verify_report

    with opened() as session, progress("Verifying ..."):
        found = verify_report(session.hub, session.viewer, path=here(file), recompute_too=recompute)
    again = found.get("recomputed")
    well = found["integrity"] == "intact" and (again is None or again["same"])

    def human() -> None:
        say(VERDICTS.get(found["integrity"], found["integrity"]) + f" It is {found['signature']}.")
        for step in found["steps"]:
            bad = "gaps" if step["told"].startswith("completeness") else "FAILS"
            mark = {True: "holds", False: bad, None: "?"}[step["held"]]
            say(f"  ({step['step']}) {mark}: {step['told']}")
        for flaw in [*found["findings"], *(again["differences"] if again else [])]:
            say()
            facts(list(flaw.items()))
        if again and again["same"]:
            say("Its numbers were computed again, as they were known then: the same.")

    emit(found, human)
    raise typer.Exit(ExitCode.DONE if well else ExitCode.NOT_WELL)


@command(report_app, "check-claims", example="bailiwick report check-claims published-audit.csv")
def check_claims(
    file: Path = typer.Argument(..., help="CSV: a category a line, its counts, and what is claimed."),
) -> None:
    """Check an audit that somebody else published: what does not follow from its counts. Needs no hub."""
    from reports import claims

    try:
        text = here(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read: {error}", advice="Give a CSV file in UTF-8.") from error
    rows = claims.read_claims(text, source=file.name)
    found = claims.check_claims(rows)
    told = {"schema": "bailiwick/claims/1", "file": str(file), "rows": len(rows), "claims": claims.count_claims(rows)}
    serious = sum(one.kind in claims.SERIOUS for one in found)

    def human() -> None:
        say(f"{told['claims']} claims on {len(rows)} lines: {serious or 'none'} does not follow from the counts.")
        for one in found:
            say(f"  {'line ' + str(one.line) if one.line else 'all lines'}, {one.where}: {one.told}")
        if any(one.kind == "tables_differ" for one in found):
            say(f"  Totals: {found[-1].claimed}")

    emit({**told, "does_not_follow": serious, "findings": [one.as_json() for one in found]}, human)
    raise typer.Exit(ExitCode.NOT_WELL if serious else ExitCode.DONE)


@command(report_app, "lint", example="bailiwick report lint our-pack.toml")
def lint(file: Path = typer.Argument(..., help="A rule pack.")) -> None:
    """Read a rule pack as strictly as reports do, and say what stands in the way of issuing with it. Needs no hub."""
    from reports.packs import parse_pack

    try:
        text = here(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read: {error}", advice="Give a TOML file in UTF-8.") from error
    pack = parse_pack(text, source=file.name)
    told = {"schema": "bailiwick/pack-lint/1", "id": pack.id, "version": pack.version, "date": pack.date.isoformat()}
    problems = [*pack.not_read_at_source, *([f"superseded by {pack.superseded_by}"] if pack.superseded_by else [])]

    def human() -> None:
        say(f"{pack.id} {pack.version} of {pack.date.isoformat()}: {len(pack.controls)} controls, well formed.")
        for problem in problems:
            note(problem)

    emit({**told, "controls": len(pack.controls), "problems": problems}, human)


@command(report_app, "list", example="bailiwick report list --model loan-approval")
def list_(model: str | None = typer.Option(None, help="Of this model only.")) -> None:
    """Reports that were built, newest first."""
    with opened() as session:
        rows: list[dict[str, Any]] = session.reads.reports(model=model)
    columns = ("id", "pack", "model", "version", "from", "to", "state", "stage", "format", "built_by")
    emit(
        {"reports": rows},
        lambda: table(columns, [[row.get(name) for name in columns] for row in rows], empty="No reports yet."),
    )


@command(
    report_app,
    "declare",
    example='bailiwick report declare nyc-ll144 LL-01 --model screener --text "in use since 2026-03-01"',
)
def declare(
    pack: str = typer.Argument(..., help="The pack."),
    control: str = typer.Argument(..., help="Its control."),
    model: str = typer.Option(..., help="The model it is declared for."),
    text: str = typer.Option(..., help="What is declared, or why it does not apply."),
    not_applicable: bool = typer.Option(False, "--not-applicable", help="It does not apply, for the reason in --text."),
) -> None:
    """Declare, under your name, what a control of a pack asks and no record can show."""
    from service.commands.report_release import declare_control

    with opened() as session:
        done = declare_control(
            session.hub,
            session.viewer,
            pack=pack,
            control=control,
            model=model,
            text=text,
            not_applicable=not_applicable,
        )
    emit(done, lambda: say(f"{done['control']} of {done['pack']} is declared for {done['model']} by {done['by']}."))


@command(report_app, "submit", example="bailiwick report submit report_... --as anna")
def submit(id: str = typer.Argument(..., help="The report's id, from `report list`.")) -> None:
    """Hand a complete draft that you prepared to review."""
    _released("submit_report", id=id)


@command(report_app, "review", example='bailiwick report review report_... --reason "figures traced" --as ben')
def review(
    id: str = typer.Argument(..., help="The report's id."),
    reason: str = typer.Option("", help="What was looked at."),
) -> None:
    """Stand behind a draft that somebody else prepared."""
    _released("review_report", id=id, reason=reason)


@command(report_app, "flag", example='bailiwick report flag report_... --reason "branch-north is missing" --as ben')
def flag(
    id: str = typer.Argument(..., help="The report's id."), reason: str = typer.Option(..., help="What is wrong.")
) -> None:
    """Send a draft back, with a reason that stands in the library."""
    _released("flag_report", id=id, reason=reason)


@command(report_app, "approve", example="bailiwick report approve report_... -o issued.pdf --as carla")
def approve(
    id: str = typer.Argument(..., help="The report's id."),
    output: Path | None = typer.Option(None, "-o", "--output", metavar="FILE", help="Also write the issued file here."),
) -> None:
    """Issue a reviewed draft: a third person approves, and the file is signed as ISSUED."""
    from service.commands.report_release import approve_report

    target = writable(output) if output else None
    with opened() as session, progress("Issuing the report ..."):
        made = approve_report(session.hub, session.viewer, id=id)
    if target is not None:
        shutil.copyfile(made["path"], target)
        made["output"] = str(target)
    emit(made, lambda: say(f"Issued {made['id']}: signed, SHA-256 {made['sha256']}."))


def _released(name: str, **arguments: str) -> None:
    from service.commands import load

    with opened() as session:
        done = load(name)(session.hub, session.viewer, **arguments)
    emit(done, lambda: say(f"{done['id']} is {done['stage']}."))
