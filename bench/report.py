"""What a PDF report costs: against WeasyPrint on the same content, and a long one against a short one.

    python bench/report.py [--json]

Ours is the report's page document typeset as PDF/A-3a with PDF/UA-1, its evidence attached, in this process. The peer
gets the same report as our own HTML and makes a plain PDF of it (`pip install weasyprint`, and Pango from the system;
without it only the second ratio is told). Lengths are reached by repeating the findings of one model's series. Each is
the best of three, taken in turns, imports left out on both sides.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

from reports.elements import Cell, Column, Heading, Kind, Report, Section, State, Table, Text
from reports.render.html import render_html
from reports.render.pdf import render_pdf

ROWS_A_PAGE = 30


def report(pages: int) -> Report:
    """So many pages of tables and text, as a report's findings are."""
    columns = (
        Column("What", width=2),
        Column("Site", width=1.4),
        Column("Value", Kind.NUMBER),
        Column("Interval", width=1.6),
        Column("n", Kind.NUMBER),
        Column("State", Kind.STATE, 1.2),
    )
    sections = []
    for page in range(pages):
        rows = tuple(
            (
                Cell(f"income of applicants {page} {row}"),
                Cell(f"branch-{row}"),
                Cell(f"{row / 97:.3f}", row / 97),
                Cell(f"{row / 120:.3f} to {row / 80:.3f}"),
                Cell(f"{1000 + 37 * row:,}", 1000 + 37 * row),
                Cell("within", "within", "within", "✓"),
            )
            for row in range(ROWS_A_PAGE)
        )
        told = Text("Each figure stands on the rows that were kept; what could not be read stands apart. " * 3)
        table = Table(f"Findings of page {page}", columns, rows)
        sections.append(Section(f"s{page}", f"Findings {page}", (Heading("What was measured"), told, table)))
    return Report(
        id="report_aaaaaaaaaaaaaaaaaaaa",
        title="A report of the bench",
        subtitle="General report",
        state=State.DRAFT,
        scope=(("Organisation", "Example Bank"), ("Model", "bench, version 1")),
        summary=("Nothing is outside.",),
        built_at="2026-11-02T03:00:00Z",
        sections=tuple(sections),
        evidence={"schema": "bailiwick/evidence/1", "results": [{"value": n / 7} for n in range(100 * pages)]},
        evidence_sha256="0" * 64,
    )


def pages_of(pdf: bytes) -> int:
    from pypdf import PdfReader

    return len(PdfReader(BytesIO(pdf)).pages)


def of_length(wanted: int) -> Report:
    """A report of about so many pages."""
    made = report(wanted)
    found = pages_of(render_pdf(made))
    return replace(report(max(1, round(wanted * wanted / found))), id="report_bbbbbbbbbbbbbbbbbbbb")


def peer() -> Callable[[str], bytes] | None:
    try:
        from weasyprint import HTML
    except (ImportError, OSError):
        return None
    return lambda html: bytes(HTML(string=html).write_pdf())


def best(runs: list[Callable[[], object]], times: int = 3) -> list[float]:
    """Seconds of each, the best of several, taken in turns."""
    found = [float("inf")] * len(runs)
    for _ in range(times):
        for at, run in enumerate(runs):
            start = time.perf_counter()
            run()
            found[at] = min(found[at], time.perf_counter() - start)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    asked = parser.parse_args()
    short, long = of_length(20), of_length(100)
    html, weasyprint = render_html(short), peer()
    runs: list[Callable[[], object]] = [lambda: render_pdf(short), lambda: render_pdf(long)]
    if weasyprint is not None:
        runs.append(lambda: weasyprint(html))
    seconds = best(runs)
    told = {
        "pages": [pages_of(render_pdf(short)), pages_of(render_pdf(long))],
        "seconds_20": round(seconds[0], 3),
        "seconds_100": round(seconds[1], 3),
        "long_ratio": round(seconds[1] / seconds[0], 2),
        "weasyprint_seconds_20": round(seconds[2], 3) if weasyprint else None,
        "weasyprint_ratio": round(seconds[2] / seconds[0], 1) if weasyprint else None,
    }
    if asked.json:
        print(json.dumps(told))
        return
    print(f"ours, {told['pages'][0]} pages: {told['seconds_20']} s; {told['pages'][1]} pages: {told['seconds_100']} s")
    print(f"long_ratio {told['long_ratio']} (at most 4)")
    if weasyprint is None:
        print("WeasyPrint is not installed here: pip install weasyprint, and Pango from the system")
    else:
        print(f"weasyprint_ratio {told['weasyprint_ratio']} (at least 5): it took {told['weasyprint_seconds_20']} s")


if __name__ == "__main__":
    main()
