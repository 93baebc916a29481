"""A report as PDF: PDF/A-3a and PDF/UA-1 in one file, typeset by Typst, the evidence attached.

What the template prints travels as JSON through `sys_inputs`, never as markup: a hostile name is printed, not run.
Same report, same bytes; the file ends with a newline, which a later signature needs. Typesetting is heavy, so that
`python -m reports.render.pdf REQUEST` renders in a process of its own: REQUEST is a JSON file {report, evidence, out}.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal

from reports.elements import DotWhisker, Report, Table, TimeSeries
from reports.render.chart import layout, shorten
from reports.render.json import element_json
from reports.render.safe_text import safe_values
from store.canonical import canonical_json
from store.errors import BailiwickError

STANDARDS: list[Literal["a-3a", "ua-1"]] = ["a-3a", "ua-1"]


def render_pdf(report: Report) -> bytes:
    """Equal reports give equal bytes."""
    return typeset(page_document(report), canonical_json(report.evidence))


def write_request(report: Report, request: Path, *, out: Path) -> None:
    """What `python -m reports.render.pdf REQUEST` reads; the PDF appears at `out` when it is whole."""
    evidence = canonical_json(report.evidence)
    text = canonical_json({"report": page_document(report), "evidence": evidence, "out": str(out)})
    request.write_text(text, encoding="utf-8")


def page_document(report: Report) -> dict[str, Any]:
    """The report as the template reads it: elements by kind, charts laid out, texts that the fonts can show."""
    document = {
        "id": report.id,
        "title": report.title,
        "subtitle": report.subtitle,
        "foot": shorten(report.title, 70),
        "state": str(report.state),
        "built_at": report.built_at,
        "scope": report.scope,
        "summary": report.summary,
        "evidence_name": report.evidence_name,
        "evidence_sha256": report.evidence_sha256,
        "sections": [
            {"id": s.id, "title": s.title, "elements": [_element(element) for element in s.elements]}
            for s in report.sections
        ],
    }
    safe: dict[str, Any] = safe_values(document)
    return safe


def _element(element: Any) -> dict[str, Any]:
    if isinstance(element, TimeSeries | DotWhisker):
        kind = type(element).__name__
        return {"element": kind, "title": element.title, "alt": element.alt, "plan": layout(element)}
    told: dict[str, Any] = element_json(element)
    if isinstance(element, Table):
        # The raw values are for JSON; the page prints texts alone.
        told["rows"] = [[[cell.text, cell.tone, cell.icon] for cell in row] for row in element.rows]
        told["columns"] = [[column.title, str(column.kind), column.width] for column in element.columns]
    return told


def typeset(document: dict[str, Any], evidence: str) -> bytes:
    """The template filled in; raises BailiwickError with Typst's own words where it cannot be set."""
    import typst

    moment = _moment(document["built_at"])
    with as_file(files("reports").joinpath("templates")) as templates:
        try:
            made = typst.compile(
                str(templates / "report.typ"),
                root=str(templates),
                format="pdf",
                ignore_system_fonts=True,
                sys_inputs={"report": json.dumps(document), "evidence": evidence},
                pdf_standards=[*STANDARDS],
                timestamp=moment,
            )
        except typst.TypstError as error:
            raise BailiwickError(
                f"the PDF of {document['id']} could not be typeset: {error.message}",
                advice="The same report can be had as HTML or JSON: --format html. Please report this text.",
            ) from error
    return made if made.endswith(b"\n") else made + b"\n"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z")).replace(microsecond=0, tzinfo=UTC)


def main(arguments: list[str]) -> int:
    """The door of the subprocess. Writes beside the target first, so that half a PDF never stands there."""
    request = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    out = Path(request["out"])
    try:
        made = typeset(request["report"], request["evidence"])
    except BailiwickError as error:
        print(json.dumps(error.as_json()), file=sys.stderr)
        return 2
    beside = out.with_name(out.name + ".part")
    beside.write_bytes(made)
    beside.replace(out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
