"""A model's drift and performance: which column moved where and since when, and how measures went at each site."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import charts, parts, theme, words
from dashboard.context import Context
from dashboard.shapes import (
    CANNOT,
    Move,
    Row,
    grouped,
    measured,
    move_sentence,
    moves,
    newest,
    newest_each,
    status_of,
    window_end,
)
from reports.words import clean, limit, listed, measure, number, plural, site, window


def drift(ctx: Context, model: Row) -> None:
    """One site or all? A column by site matrix, the columns that moved first, and the course of one."""
    results = ctx.reads.results(model=model["model"], version=model["version"], monitor="drift")
    if not results:
        st.markdown(words.NO_RESULTS)
        return
    found = moves(results)
    moved = [move for move in found if move.outside]
    st.subheader(f"{plural(len(moved), 'column')} of {len(found)} moved", anchor=False)
    for move in moved:
        st.markdown(f"- {move_sentence(move)}")
    _matrix(found)
    _peers(results)
    chosen = parts.choose("Column", [move.about for move in found], "column")
    _course(results, chosen)
    _also(ctx, model)


def _matrix(found: list[Move]) -> None:
    sites = sorted({name for move in found for name in move.cells}, key=lambda name: (name == "*", name))
    heads = ["Column", *(words.plain(site(name)) for name in sites)]
    lines = [[f"**{words.plain(move.about)}**", *(_cell(move, name) for name in sites)] for move in found]
    parts.table(heads, lines, alt="Drift of each column at each site")
    limits = {limit(cell["limit"]) for move in found for cell in move.cells.values() if cell.get("limit")}
    names = {measure(cell["measure"]) for move in found for cell in move.cells.values()}
    st.caption(
        f"Newest window: {listed(sorted(names))}, limit {listed(sorted(limits), none='not set')}. "
        f"{words.CANNOT_SAY_NOTE}"
    )


def _cell(move: Move, name: str) -> str:
    cell = move.cells.get(name)
    if cell is None:
        return theme.icon("no_data")
    value = "" if cell["value"] is None else f" {words.plain(number(cell['value']))}"
    since = f", since {move.since[name]:%Y-%m-%d}" if name in move.since and cell["status"] == "outside" else ""
    return f"{theme.icon(status_of(cell))}{value}{words.plain(since)}"


def _peers(results: list[Row]) -> None:
    """What a peer's default rules would have said of the same windows, where the monitors compared them."""
    compared = peers(results)
    for name, (flagged, ours, windows) in compared.items():
        st.markdown(
            f"On the same {plural(windows, 'window')}, the defaults of {words.plain(name)} would have flagged "
            f"**{plural(flagged, 'column')}**; these rules flagged {ours}."
        )


def peers(results: list[Row]) -> dict[str, tuple[int, int, int]]:
    """Peer's name to (columns it flagged, columns we flagged, windows compared), from `details.peers`."""
    flagged: dict[str, set[Any]] = {}
    ours: dict[str, set[Any]] = {}
    windows: dict[str, set[Any]] = {}
    for result in results:
        for name, told in ((result.get("details") or {}).get("peers") or {}).items():
            windows.setdefault(name, set()).add((result["site"], window_end(result)))
            if told.get("status") == "outside":
                flagged.setdefault(name, set()).add(result["about"])
            if result["status"] == "outside":
                ours.setdefault(name, set()).add(result["about"])
    return {name: (len(flagged.get(name, ())), len(ours.get(name, ())), len(windows[name])) for name in sorted(windows)}


def _course(results: list[Row], about: str) -> None:
    mine = [r for r in results if r["about"] == about and r.get("segment") is None and r["value"] is not None]
    if not mine:
        st.markdown("No window of this column could be measured.")
        return
    by_site = {key[0]: rows for key, rows in sorted(grouped((r for r in mine if r["site"] != "*"), "site").items())}
    found = next(move for move in moves(results) if move.about == about)
    newest_limit = (newest(mine) or {}).get("limit")
    figure = charts.by_site(by_site, parts.colours(), limit=newest_limit)
    parts.chart(figure, finding=move_sentence(found), alt=clean(f"Drift of {about} by site over time"), key="drift")
    for name in sorted(found.cells, key=lambda name: (name == "*", name)):
        moved = (found.cells[name].get("details") or {}).get("moved") or []
        if moved and name in found.since:
            told = "; ".join(
                f"{words.plain(m['cell'])} from {100 * m['reference']:.1f} % to {100 * m['current']:.1f} %"
                for m in moved[:3]
            )
            st.caption(f"What moved at {words.plain(site(name))}: {told}.")


def _also(ctx: Context, model: Row) -> None:
    """Predictions, and what was missing or unseen: the newest of each."""
    for monitor in ("prediction_drift", "quality"):
        found = newest_each(
            ctx.reads.results(model=model["model"], version=model["version"], monitor=monitor, latest=True)
        )
        if monitor == "quality":
            found = [r for r in found if r["status"] != "within"]
        if not found:
            continue
        st.subheader(
            words.MONITORS[monitor] if monitor != "quality" else "Data quality, what is not within", anchor=False
        )
        result_table(found)


def result_table(results: list[Row]) -> None:
    lines = [
        (
            words.plain(words.thing(r) if r["monitor"] != "quality" else f"{measure(r['measure'])} of {r['about']}"),
            words.plain(site(r["site"])),
            theme.state(status_of(r)),
            words.plain(measured(r)),
            words.plain(window(r["window"])),
        )
        for r in sorted(results, key=lambda r: (str(r["about"] or ""), r["measure"], r["site"]))
    ]
    parts.table(("What", "Site", "State", "Newest, with interval and n", "Window"), lines, alt="Newest results")


def performance(ctx: Context, model: Row) -> None:
    results = ctx.reads.results(model=model["model"], version=model["version"], monitor="performance")
    if not results:
        st.markdown(words.NO_RESULTS)
        return
    names = [name for name in ("roc_auc", "accuracy", "log_loss") if any(r["measure"] == name for r in results)]
    names += sorted({r["measure"] for r in results} - set(names))
    chosen = parts.choose("Measure", names, "measure")
    mine = [r for r in results if r["measure"] == chosen and r.get("segment") is None]
    by_site = {
        key[0]: rows for key, rows in sorted(grouped(mine, "site").items()) if any(r["value"] is not None for r in rows)
    }
    told = newest_each(mine)
    if by_site:
        newest_limit = next((r["limit"] for r in told if r.get("limit")), None)
        figure = charts.by_site(by_site, parts.colours(), limit=newest_limit)
        parts.chart(
            figure,
            finding=performance_sentence(told),
            alt=clean(f"{measure(chosen)} by site over time"),
            key="performance",
        )
    else:
        st.markdown("No outcome is known yet, so nothing can be said about performance.")
    result_table(told)


def performance_sentence(told: list[Row]) -> str:
    """Which sites are outside in their newest window with outcomes, and which cannot tell."""
    outside = [f"{words.plain(site(r['site']))} {words.plain(measured(r))}" for r in told if r["status"] == "outside"]
    cannot = [words.plain(site(r["site"])) for r in told if r["status"] in CANNOT or r["status"] == "unclear"]
    first = f"Outside the limit: {'; '.join(outside)}." if outside else "No site is outside the limit."
    return first + (f" Cannot say at {listed(cannot)}." if cannot else "")
