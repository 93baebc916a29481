"""Plotly figures from plain rows: drawn on the pages of one alert and one model, never on Home or in the inbox.

Gaps in the data stay gaps; the limit is a labelled line, the interval a band, and what cannot be said is not a point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dashboard.shapes import CANNOT, Row, window_end
from dashboard.theme import DASHES, MARKERS, Palette, dress
from reports.words import limit as limit_words
from reports.words import site

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SYMBOLS = {"outside": "triangle-up", "unclear": "diamond", "within": "circle", "stale": "square"}


def timeline(
    results: Sequence[Row],
    colours: Palette,
    *,
    title: str,
    limit: Mapping[str, Any] | None,
    marks: Mapping[str, datetime] | None = None,
) -> go.Figure:
    """One measure at one site over its windows, with its interval and limit."""
    import plotly.graph_objects as go

    ordered = sorted(results, key=window_end)
    x = [window_end(r) for r in ordered]
    figure = go.Figure()
    _band(figure, ordered, colours.series[0])
    figure.add_scatter(
        x=x,
        y=[r["value"] for r in ordered],
        mode="lines+markers",
        connectgaps=False,
        name=title,
        line={"color": colours.series[0], "width": 1.5},
        marker={
            "size": [9 if r["status"] == "outside" else 6 for r in ordered],
            "symbol": [_SYMBOLS.get(r["status"], "circle-open") for r in ordered],
            "color": [colours.outside if r["status"] == "outside" else colours.series[0] for r in ordered],
        },
        hovertemplate="%{x|%Y-%m-%d}: %{y:.3g}<extra></extra>",
    )
    _limit_line(figure, colours, limit)
    for label, moment in (marks or {}).items():
        figure.add_vline(x=moment, line={"color": colours.quiet, "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=moment,
            y=0,
            yref="paper",
            text=label,
            showarrow=False,
            xanchor="left",
            font={"color": colours.quiet, "size": 11},
        )
    figure.update_layout(showlegend=False)
    return dress(figure, colours)


def by_site(series: Mapping[str, Sequence[Row]], colours: Palette, *, limit: Mapping[str, Any] | None) -> go.Figure:
    """One measure at up to five sites: each its colour, dash and marker; none for a site that cannot say."""
    import plotly.graph_objects as go

    figure = go.Figure()
    told = {name: rows for name, rows in series.items() if any(r["status"] not in CANNOT for r in rows)}
    for place, (name, results) in enumerate(list(told.items())[: len(colours.series)]):
        ordered = sorted(results, key=window_end)
        _band(figure, ordered, colours.series[place])
        figure.add_scatter(
            x=[window_end(r) for r in ordered],
            y=[None if r["status"] in CANNOT else r["value"] for r in ordered],
            mode="lines+markers",
            connectgaps=False,
            name=site(name),
            line={"color": colours.series[place], "dash": DASHES[place], "width": 1.5},
            marker={"symbol": MARKERS[place], "size": 5},
            hovertemplate=f"{site(name)} %{{x|%Y-%m-%d}}: %{{y:.3g}}<extra></extra>",
        )
    _limit_line(figure, colours, limit)
    dress(figure, colours, height=300)
    figure.update_layout(showlegend=True, legend_traceorder="normal")
    return figure


def dots(
    rows: Sequence[Row], colours: Palette, *, limit: Mapping[str, Any] | None, parity: float | None = None
) -> go.Figure:
    """A dot with its interval per row: {label, value, interval, status}; a row without a value keeps its line."""
    import plotly.graph_objects as go

    figure = go.Figure()
    shown = [row for row in rows if row["value"] is not None]
    tones = {"outside": colours.outside, "unclear": colours.watch, "within": colours.within}
    figure.add_scatter(
        x=[row["value"] for row in shown],
        y=[row["label"] for row in shown],
        mode="markers",
        marker={
            "size": 10,
            "color": [tones.get(row["status"], colours.accent) for row in shown],
            "symbol": [_SYMBOLS.get(row["status"], "circle") for row in shown],
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [row["interval"][1] - row["value"] if row.get("interval") else 0 for row in shown],
            "arrayminus": [row["value"] - row["interval"][0] if row.get("interval") else 0 for row in shown],
            "color": colours.quiet,
            "thickness": 1.5,
            "width": 4,
        },
        hovertemplate="%{y}: %{x:.3g}<extra></extra>",
        showlegend=False,
    )
    if limit and limit.get("value") is not None:
        figure.add_vline(x=limit["value"], line={"color": colours.outside, "width": 1, "dash": "dash"})
        text = limit_words(limit)
        figure.add_annotation(
            x=limit["value"],
            y=1.02,
            yref="paper",
            yanchor="bottom",
            text=text,
            showarrow=False,
            font={"color": colours.outside, "size": 11},
        )
    if parity is not None:
        figure.add_vline(x=parity, line={"color": colours.quiet, "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=parity,
            y=1.02,
            yref="paper",
            yanchor="bottom",
            text="parity",
            showarrow=False,
            font={"color": colours.quiet, "size": 11},
        )
    figure.update_yaxes(
        categoryorder="array", categoryarray=[row["label"] for row in reversed(rows)], range=[-0.6, len(rows) - 0.4]
    )
    dress(figure, colours, height=90 + 38 * len(rows))
    figure.update_layout(margin={"l": 8, "r": 16, "t": 28, "b": 8})
    return figure


def _band(figure: go.Figure, ordered: Sequence[Row], colour: str) -> None:
    """The interval of each window, where it was measured."""
    band = [(window_end(r), *r["interval"]) for r in ordered if r.get("interval") and r["status"] not in CANNOT]
    if len(band) < 2:
        return
    when, low, high = zip(*band, strict=True)
    line: dict[str, Any] = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    figure.add_scatter(x=when, y=low, **line)
    figure.add_scatter(x=when, y=high, fill="tonexty", fillcolor=_translucent(colour), **line)


def _limit_line(figure: go.Figure, colours: Palette, limit: Mapping[str, Any] | None) -> None:
    if not limit or limit.get("value") is None:
        return
    text = limit_words(limit)
    figure.add_hline(y=limit["value"], line={"color": colours.outside, "width": 1, "dash": "dash"})
    figure.add_annotation(
        x=0,
        xref="paper",
        xanchor="left",
        y=limit["value"],
        yanchor="bottom",
        text=text,
        showarrow=False,
        font={"color": colours.outside, "size": 11},
    )


def _translucent(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.16)"
