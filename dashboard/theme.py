"""Colours for light and dark, the states, and how a Plotly figure is dressed.

A state is always an icon, a word and a colour: nobody has to see colours to read a page, and no pair of colours that
carry meaning is red and green (green-teal against vermilion). Contrast of text on its ground is at least 4.5 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.words import state as told_state

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    paper: str
    raised: str
    ink: str
    line: str
    accent: str
    within: str
    within_wash: str
    outside: str
    outside_wash: str
    watch: str
    watch_ink: str
    watch_wash: str
    quiet: str
    quiet_wash: str
    series: tuple[str, ...]
    """At most five series; a sixth is told apart by dash or marker."""


LIGHT = Palette(
    paper="#FFFFFF",
    raised="#F5F5F1",
    ink="#1B1F24",
    line="#DCDBD4",
    accent="#0B5CAD",
    within="#00695A",
    within_wash="#DFF1ED",
    outside="#B23A00",
    outside_wash="#FBE6DB",
    watch="#C98A00",
    watch_ink="#5C4300",
    watch_wash="#FAEBC4",
    quiet="#565E68",
    quiet_wash="#E9EAEC",
    series=("#0072B2", "#C04E00", "#007A5A", "#A8447A", "#8A6A00"),
)
DARK = Palette(
    paper="#14171B",
    raised="#1C2026",
    ink="#E6E8EB",
    line="#343A42",
    accent="#6CB6FF",
    within="#4CCBB0",
    within_wash="#123A34",
    outside="#FF9A66",
    outside_wash="#46230F",
    watch="#E6B23C",
    watch_ink="#F3CF7C",
    watch_wash="#40300B",
    quiet="#A7AFB9",
    quiet_wash="#2A2F36",
    series=("#56B4E9", "#E69F00", "#00B583", "#CC79A7", "#F0E442"),
)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
MARKERS = ("circle", "square", "diamond", "triangle-up", "x")

_TONES = {"within": "green", "outside": "red", "unclear": "orange", "nodata": "gray", "cannot": "gray", "plain": "gray"}
_SHORT = {
    "within": "within",
    "outside": "outside",
    "unclear": "watch",
    "nodata": "no\u00a0data",
    "cannot": "cannot\u00a0say",
}
_SEVERITIES = {
    "critical": ("▲", "critical", "red"),
    "high": ("▲", "high", "red"),
    "medium": ("◆", "medium", "orange"),
    "low": ("◆", "low", "orange"),
    "info": ("•", "info", "gray"),
}
_REQUESTS = {
    "requested": ("◆", "waits for approval", "orange"),
    "approved": ("◆", "approved, waits to run", "blue"),
    "running": ("◆", "running", "blue"),
    "trained": ("✓", "a new version came back", "blue"),
    "rejected": ("■", "rejected", "gray"),
    "failed": ("▲", "failed", "red"),
}
_CONDITIONS = {
    "firing": ("▲", "firing", "red"),
    "pending": ("◆", "pending", "orange"),
    "no_data": ("■", "no data", "gray"),
    "cleared": ("✓", "cleared", "green"),
}


def palette(kind: str | None) -> Palette:
    return DARK if kind == "dark" else LIGHT


def _mark(icon: str, word: str, colour: str, *, wash: bool) -> str:
    return f":{colour}-badge[{icon} {word}]" if wash else f":{colour}[{icon}\u00a0{word}]"


def state(status: str) -> str:
    """A result's status or a site's freshness as Markdown. What cannot be said has no ground under it."""
    cell = told_state(status)
    return _mark(cell.icon, cell.text, _TONES.get(cell.tone, "gray"), wash=cell.tone not in ("cannot", "plain"))


def icon(status: str) -> str:
    """The same without a ground and in one word or two, for dense tables."""
    cell = told_state(status)
    return _mark(cell.icon, _SHORT.get(cell.tone, cell.text), _TONES.get(cell.tone, "gray"), wash=False)


def severity(name: str) -> str:
    return _mark(*_SEVERITIES.get(name, ("•", name, "gray")), wash=True)


def request_state(name: str) -> str:
    return _mark(*_REQUESTS.get(name, ("•", name.replace("_", " "), "gray")), wash=True)


def condition(name: str) -> str:
    return _mark(*_CONDITIONS.get(name, ("•", name.replace("_", " "), "gray")), wash=False)


PLOT_CONFIG: dict[str, Any] = {"displayModeBar": False, "displaylogo": False, "showTips": False}
"""No mode bar: its buttons are tab stops on every chart."""


def dress(figure: go.Figure, colours: Palette, *, height: int = 260) -> go.Figure:
    """Our colours and spacing on a figure; Plotly's own theming leaves markers and annotations behind."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": colours.ink, "size": 12, "family": '"Source Sans", sans-serif'},
        colorway=list(colours.series),
        hoverlabel={"bgcolor": colours.raised, "bordercolor": colours.line, "font": {"color": colours.ink}},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"color": colours.ink}},
        hovermode="closest",
    )
    axis = {
        "gridcolor": colours.line,
        "linecolor": colours.line,
        "zeroline": False,
        "tickfont": {"color": colours.quiet},
    }
    figure.update_xaxes(**axis, showgrid=False, automargin=True)
    figure.update_yaxes(**axis, automargin=True)
    return figure
