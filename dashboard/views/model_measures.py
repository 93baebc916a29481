"""A model's drift and performance: which column moved where and since when, and how measures went at each site."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

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
)
from dashboard.views import peer_report
from reports.words import clean, count, limit, listed, measure, number, plural, site, window

if TYPE_CHECKING:
    from service.comparison import Compared


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
    peer = st.container()
    chosen = parts.choose("Column", [move.about for move in found], "column")
    _course(results, chosen)
    _also(ctx, model)
    peer_report.offer(ctx, model, results)
    with peer:  # last, for it takes longest: everything else is there to read meanwhile
        _peer(ctx, model, moved)


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
    """`▲ outside 0.22, since 2026-10-17`; no figure where the sample cannot tell."""
    cell = move.cells.get(name)
    if cell is None:
        return theme.icon("no_data")
    value = "" if cell["value"] is None or cell["status"] in CANNOT else f" {_small(cell['value'])}"
    outside = name in move.since and cell["status"] == "outside"
    since = f", since {words.unbroken(f'{move.since[name]:%Y-%m-%d}')}" if outside else ""
    return f"{theme.icon(status_of(cell))}{value}{since}"


def _small(value: float) -> str:
    return "under 0.001" if value < 0.001 else words.plain(number(value))


def _peer(ctx: Context, model: Row, moved: list[Move]) -> None:
    """What Evidently's defaults say of the same rows, since the move that reached the most sites."""
    starts = [start for name, start in moved[0].since.items() if name != "*"] if moved else []
    if not starts or model["file"] is None or model["spec"] is None:
        return
    told = _compared(ctx, model, min(starts))
    if not told:
        return
    st.subheader("What Evidently's defaults say of the same rows", anchor=False)
    for one in told:
        st.markdown(f"- {peer_sentence(one)}")
    st.caption("They need both samples, so only sites that share rows can be compared. Nothing of it is recorded.")


def _compared(ctx: Context, model: Row, since: datetime) -> list[Compared]:
    """Kept in this viewer's session for as long as nothing new is recorded: it reads rows."""
    from service.comparison import evidently_defaults

    key = (ctx.viewer, ctx.reads.seq, model["model"], model["version"], since)
    held: tuple[Any, list[Compared]] | None = st.session_state.get("compared")
    if held is None or held[0] != key:
        with st.spinner("Judging the same rows by Evidently's defaults"):
            held = (key, evidently_defaults(ctx.reads, model["file"], model["spec"], start=since))
        st.session_state["compared"] = held
    return held[1]


def peer_sentence(told: Compared) -> str:
    """`At edge-kiosk, in 4 windows of 48 rows, they flag 6 of 7 columns (...); these rules cannot say.`"""
    flagged, outside = (listed(map(words.plain, columns)) for columns in (told.flagged, told.outside))
    cannot = len(told.cannot_say) == told.columns
    ours = "these rules **cannot say**" if cannot else f"these rules flag **{len(told.outside)}** ({outside})"
    return (
        f"At {words.plain(told.site)}, in {plural(told.windows, 'window')} of {count(told.rows)} rows since "
        f"{told.start:%Y-%m-%d}, they flag **{len(told.flagged)} of {plural(told.columns, 'column')}** ({flagged}); "
        f"{ours}."
    )


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
    verdict = (found.cells["*"].get("details") or {}).get("verdict_in_words") if "*" in found.cells else None
    if verdict:
        st.markdown(words.plain(verdict))
    for name in sorted(name for name in found.cells if name != "*"):
        moved = (found.cells[name].get("details") or {}).get("moved") or []
        if moved and name in found.since:
            told = "; ".join(
                f"{words.plain(m['cell'])} from {100 * m['reference']:.1f} % to {100 * m['current']:.1f} %"
                for m in moved[:3]
            )
            st.caption(f"What moved at {words.plain(site(name))}: {told}.")


def _also(ctx: Context, model: Row) -> None:
    """Predictions, labels and contributions, and what was missing or unseen: the newest of each."""
    for monitor in ("prediction_drift", "label_drift", "attribution_drift", "quality"):
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
        for r in sorted(results, key=lambda r: (str(r["about"] or ""), r["measure"], r["site"] == "*", r["site"]))
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
    by_site = with_values(mine)
    told = sorted(newest_each(mine), key=lambda r: (r["site"] == "*", r["site"]))
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


def with_values(results: list[Row]) -> dict[str, list[Row]]:
    """Sites where anything could be measured, all sites together last."""
    found = {key[0]: rows for key, rows in grouped(results, "site").items()}
    names = sorted(found, key=lambda name: (name == "*", name))
    return {name: found[name] for name in names if any(r["value"] is not None for r in found[name])}


def performance_sentence(told: list[Row]) -> str:
    """Which sites are outside in their newest window with outcomes, and which cannot tell."""
    outside = [f"{words.plain(site(r['site']))} {words.plain(measured(r))}" for r in told if r["status"] == "outside"]
    cannot = [words.plain(site(r["site"])) for r in told if r["status"] in CANNOT or r["status"] == "unclear"]
    first = f"Outside the limit: {'; '.join(outside)}." if outside else "No site is outside the limit."
    return first + (f" Cannot say at {listed(cannot)}." if cannot else "")
