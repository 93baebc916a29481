"""One model (`/model?id=&version=&section=`): health, drift, performance, fairness, privacy, lineage, history."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from dashboard import parts, theme, words
from dashboard.context import Context
from dashboard.shapes import CANNOT, Row, grouped, move_sentence, moves, newest_each, open_alerts, status_of, worst_rank
from dashboard.views import model_fairness, model_history, model_measures
from reports.words import count, listed, plural

SECTIONS = ("health", "drift", "performance", "fairness", "privacy", "lineage", "history")


def page(ctx: Context) -> None:
    with st.skeleton(height=320):
        name = st.query_params.get("id", "")
        version = st.query_params.get("version") or in_use(ctx.reads.models(), name)
        model = ctx.reads.model(name, version)
        sites = ctx.reads.sites()
    if model is None:
        parts.not_found()
        return
    alerts = [a for a in open_alerts(ctx.reads.alerts(model=model["model"])) if a["version"] == model["version"]]
    parts.header(
        ctx, f"{words.plain(model['title'])}, version {words.plain(model['version'])}", sentence(model, alerts)
    )
    st.caption(who(model))
    _versions(ctx, model)
    parts.partial([site for site in sites if site["site"] in model["sites"]])
    section = parts.segments("Section", SECTIONS, "section")
    if section == "health":
        _health(ctx, model, alerts)
    elif section in ("drift", "performance"):
        getattr(model_measures, section)(ctx, model)
    elif section in ("fairness", "privacy"):
        getattr(model_fairness, section)(ctx, model)
    else:
        getattr(model_history, section)(ctx, model)


def in_use(models: list[Row], name: str) -> str | None:
    """The newest version that anything was received for: one just trained serves nothing until a log names it."""
    mine = [row for row in models if row["model"] == name]
    return next((row["version"] for row in mine if row["last_event"]), mine[0]["version"] if mine else None)


def sentence(model: Row, alerts: list[Row]) -> str:
    """What this model is for, and how it stands, in one line."""
    state = theme.state(model["worst"])
    if not model["last_event"]:
        return f"{state} Nothing was received for this version yet."
    where = listed(words.plain(site) for site in model["sites"])
    rows = f"{count(model['rows'])} rows, received from or counted at {where}"
    return f"{state} {plural(len(alerts), 'open alert')}; {rows}."


def who(model: Row) -> str:
    owner = model["owner"]["team"] or "nobody"
    why = f" ({words.plain(model['tier']['why'])})" if model["tier"]["why"] else ""
    use = f"{words.plain(model['use'])}. " if model["use"] else ""
    return f"{use}Answered for by {words.plain(owner)}; tier {model['tier']['level']}{why}, set by its owner."


def _versions(ctx: Context, model: Row) -> None:
    if len(model["versions"]) < 2:
        return
    with st.container(horizontal=True):
        for version in model["versions"]:
            if version != model["version"]:
                parts.link(
                    ctx,
                    parts.Link(f"Version {words.plain(version)}", "model", {"id": model["model"], "version": version}),
                )


def _health(ctx: Context, model: Row, alerts: list[Row]) -> None:
    """Monitor by site: the worst newest result of each, and what is open."""
    mine = {"model": model["model"], "version": model["version"]}
    results = ctx.reads.results(**mine, latest=True)
    # Outcomes come late: the newest window with outcomes lies behind the newest window.
    results += ctx.reads.results(**mine, monitor="performance")
    if not results:
        st.markdown(words.NO_RESULTS)
        return
    sites = sorted({r["site"] for r in results if r["site"] != "*"})
    table = health(results, sites)
    heads = ["Watched", *(words.plain(site) for site in sites)]
    lines = [
        [words.MONITORS.get(monitor, monitor), *(f"{theme.state(cell.status)}{beside(cell)}" for cell in cells)]
        for monitor, cells in table
    ]
    st.subheader("The worst newest result, by site", anchor=False)
    parts.table(heads, lines, alt="Worst newest result by monitor and site")
    st.caption(
        "Each cell is the worst of the newest results that have a limit; numbers without one are told, never judged. "
        "No data is never counted as within."
    )
    moved = [move for move in moves(ctx.reads.results(**mine, monitor="drift")) if move.outside]
    if moved:
        st.subheader("What moved, and where", anchor=False)
        for move in moved:
            st.markdown(f"- {move_sentence(move)}")
    if alerts:
        st.subheader("Open alerts", anchor=False)
        parts.rows(
            ctx,
            (1.1, 6, 1.6),
            ("Severity", "What happened", "Owner"),
            [
                [
                    theme.severity(a["severity"]),
                    (parts.Link(words.plain(words.heading(a)), "alert", {"id": a["id"]}), words.plain(a["sentence"])),
                    words.plain(a["owner"] or "nobody yet"),
                ]
                for a in alerts
            ],
        )


@dataclass(frozen=True, slots=True)
class HealthCell:
    """One monitor at one site."""

    status: str
    cannot_say: int = 0
    """Of the measures with a limit, how many could not be judged beside those that could."""


def health(results: list[Row], sites: list[str]) -> list[tuple[str, list[HealthCell]]]:
    """(monitor, its cell per site in order); `no_data` where a site has no result of that monitor."""
    cells = grouped((r for r in newest_each(results) if r["site"] != "*"), "monitor", "site")
    monitors = [name for name in words.MONITORS if any(key[0] == name for key in cells)]
    return [(monitor, [worst(cells.get((monitor, site), [])) for site in sites]) for monitor in monitors]


def worst(results: list[Row]) -> HealthCell:
    """The worst of those held against a limit. "Cannot say" only where none of them could be judged: a number that
    nobody set a limit for decides nothing, and is told only where there is nothing else.
    """
    limited = [status_of(r) for r in results if r.get("limit")]
    judged = [state for state in limited if state not in CANNOT]
    rest = limited or [status_of(r) for r in results]
    return HealthCell(
        min(judged or rest, key=worst_rank, default="no_data"), len(limited) - len(judged) if judged else 0
    )


def beside(cell: HealthCell) -> str:
    return f" :gray[{cell.cannot_say}\u00a0cannot\u00a0say]" if cell.cannot_say else ""
