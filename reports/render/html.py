"""A report as one self-contained HTML file: no script, no request to anywhere, light and dark, fit to print.

Every text is escaped here and nowhere else. Charts are inline SVG from the shared layout. The evidence hangs on a
link that saves it, as data inside the file.
"""

from __future__ import annotations

from base64 import b64encode
from html import escape
from importlib.resources import files
from typing import Any

from reports.elements import (
    Bullets,
    Cell,
    DotWhisker,
    Element,
    Facts,
    Heading,
    Kind,
    Note,
    Proof,
    Report,
    Section,
    Table,
    Text,
    TimeSeries,
)
from reports.render.chart import layout
from store.canonical import canonical_json

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def render_html(report: Report) -> bytes:
    """Equal reports give equal bytes."""
    style = files("reports").joinpath("templates", "report.css").read_text("utf-8")
    evidence = b64encode(canonical_json(report.evidence).encode()).decode()
    contents = "".join(f'<li><a href="#{escape(s.id)}">{escape(s.title)}</a></li>' for s in report.sections)
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="bailiwick-report" content="{escape(report.id)}">',
        f'<meta name="bailiwick-evidence-sha256" content="{escape(report.evidence_sha256)}">',
        f"<title>{escape(report.title)}: {escape(report.subtitle)}</title>\n",
        f"<style>{style}</style></head><body><main>\n",
        f'<header><p class="head"><span>{escape(report.id)}</span><span>{escape(report.state)}</span></p>',
        f'<h1>{escape(report.title)}</h1><p class="subtitle">{escape(report.subtitle)}</p>',
        _facts(report.scope),
        '<ul class="summary">',
        *(f"<li>{escape(sentence)}</li>" for sentence in report.summary),
        f'</ul></header>\n<nav aria-label="Contents"><ol>{contents}</ol></nav>\n',
        *(_section(section) for section in report.sections),
        f'<p><a id="evidence" download="{report.evidence_name}" href="data:application/json;base64,{evidence}">'
        "Save the evidence of this report (JSON)</a></p>\n</main></body></html>\n",
    ]
    return "".join(parts).encode()


def _section(section: Section) -> str:
    body = "".join(_element(element) for element in section.elements)
    return f'<section id="{escape(section.id)}"><h2>{escape(section.title)}</h2>{body}</section>\n'


def _element(element: Element) -> str:
    match element:
        case Heading(text):
            return f"<h3>{escape(text)}</h3>"
        case Text(text, quiet):
            return f"<p{' class=quiet' if quiet else ''}>{escape(text)}</p>"
        case Bullets(items):
            return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"
        case Facts(rows):
            return _facts(rows)
        case Note(text, caution):
            return f'<p class="note{" caution" if caution else ""}">{escape(text)}</p>'
        case Proof(rows, commands):
            told = "".join(f"<code>{escape(command)}</code>\n" for command in commands)
            return f'<div class="proof">{_facts(rows)}<pre>{told}</pre></div>'
        case Table():
            return _table(element)
        case TimeSeries() | DotWhisker():
            return _figure(element)


def _facts(rows: tuple[tuple[str, str], ...]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(label)}</dt><dd>{escape(value)}</dd>' for label, value in rows)}</dl>"


def _table(table: Table) -> str:
    caption = f'<p class="caption">{escape(table.title)}</p>'
    if not table.rows:
        return f'{caption}<p class="empty">{escape(table.empty)}</p>'
    head = "".join(f'<th scope="col" class="{column.kind}">{escape(column.title)}</th>' for column in table.columns)
    body = "".join(
        f"<tr>{''.join(_cell(cell, column.kind) for cell, column in zip(row, table.columns, strict=True))}</tr>"
        for row in table.rows
    )
    note = f'<p class="quiet">{escape(table.note)}</p>' if table.note else ""
    return f'{caption}<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}'


def _cell(cell: Cell, kind: Kind) -> str:
    icon = f'<span class="icon" aria-hidden="true">{escape(cell.icon)}</span>' if cell.icon else ""
    tone = f" t-{escape(cell.tone)}" if cell.tone else ""
    return f'<td class="{kind}{tone}">{icon}<span class="v">{escape(cell.text)}</span></td>'


def _figure(chart: TimeSeries | DotWhisker) -> str:
    plan = layout(chart)
    drawn = _series(plan) if isinstance(chart, TimeSeries) else _dots(plan)
    view = f"0 0 {plan['width']:g} {plan['height']:g}"
    svg = f'<svg viewBox="{view}" role="img" aria-label="{escape(chart.alt)}">{drawn}</svg>'
    caption = f'<p class="caption">{escape(chart.title)}</p>'
    return f"<figure>{caption}{svg}<figcaption>{escape(chart.alt)}</figcaption></figure>"


def _series(plan: dict[str, Any]) -> str:
    left, right, top, bottom = (plan[side] for side in ("left", "right", "top", "bottom"))
    out = [
        _line(left, tick["at"], right, tick["at"], "grid") + _label(left - 5, tick["at"] + 3, tick["label"], "end")
        for tick in plan["y_ticks"]
    ]
    out += [_label(tick["at"], bottom + 13, tick["label"], "middle") for tick in plan["x_ticks"]]
    out += [f'<polygon class="band" points="{_points(band)}"/>' for band in plan["bands"]]
    for mark in plan["marks"]:
        out.append(_line(mark["at"], top - 4, mark["at"], bottom, "mark"))
        out.append(_label(mark["at"] + 3, top - 5, mark["label"]))
    if plan["limit"]:
        at = plan["limit"]["at"]
        out.append(_line(left, at, right, at, "limit") + _label(right, at - 4, plan["limit"]["label"], "end", "limit"))
    out += [f'<polyline class="line" points="{_points(line)}"/>' for line in plan["lines"]]
    out += [_glyph(x, y, point["tone"], 1.7) for point in plan["points"] for x, y in [point["at"]]]
    out += [_line(at, bottom - 3, at, bottom + 3, "gap") for at in plan["gaps"]]
    return "".join(out)


def _dots(plan: dict[str, Any]) -> str:
    top, bottom = plan["top"], plan["bottom"]
    out = [
        _line(tick["at"], top, tick["at"], bottom, "grid") + _label(tick["at"], bottom + 13, tick["label"], "middle")
        for tick in plan["x_ticks"]
    ]
    if plan["parity"] is not None:
        out.append(_line(plan["parity"], top, plan["parity"], bottom, "axis"))
    if plan["limit"]:
        at = plan["limit"]["at"]
        name = _label(at, top - 7, plan["limit"]["label"], "middle", "limit")
        out.append(_line(at, top - 4, at, bottom, "limit") + name)
    for row in plan["rows"]:
        y = row["y"]
        out.append(_label(plan["left"] - 8, y + 3, row["label"], "end", "name"))
        out.append(_label(plan["right"] + 8, y + 3, row["text"]))
        if row["low"] is not None and row["high"] is not None:
            out.append(_line(row["low"], y, row["high"], y, f"whisker t-{row['tone']}"))
        if row["value"] is not None:
            out.append(_glyph(row["value"], y, row["tone"], 3.4))
    return "".join(out)


def _glyph(x: float, y: float, tone: str, size: float) -> str:
    """State by shape as well as by colour: a triangle is outside, a diamond is watch, a dot is the rest."""
    kind = f'class="dot t-{escape(tone)}"'
    if tone == "outside":
        size *= 1.45
        corners = [[x, y - size], [x + size, y + 0.8 * size], [x - size, y + 0.8 * size]]
        return f'<polygon {kind} points="{_points(corners)}"/>'
    if tone == "unclear":
        size *= 1.3
        return f'<polygon {kind} points="{_points([[x, y - size], [x + size, y], [x, y + size], [x - size, y]])}"/>'
    return f'<circle {kind} cx="{x:g}" cy="{y:g}" r="{size:g}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{escape(kind)}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>'


def _label(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _points(points: list[list[float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
