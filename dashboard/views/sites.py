"""Sites: is each one heard from, judged against its own contact window, and what may leave it."""

from __future__ import annotations

import streamlit as st

from dashboard import parts, theme, words
from dashboard.context import Context
from dashboard.parts import Link
from dashboard.shapes import Row, freshness_sentence
from reports.words import count

ORDER = {"silent": 0, "never": 1, "late": 2, "live": 3}


def page(ctx: Context) -> None:
    with st.skeleton(height=320):
        sites, kept, pulls = ctx.reads.sites(), ctx.reads.aside(), ctx.reads.pulls()
    parts.header(ctx, words.PAGES["sites"], freshness_sentence(sites))
    parts.aside(kept)
    parts.pulls(pulls)
    if not sites:
        parts.empty(words.NO_SITES, words.FIRST_RUN_BODY, commands=words.FIRST_RUN_COMMANDS)
        return
    fresh = parts.segments("Freshness", (words.ALL, "live", "late", "silent", "never"), "status")
    shown = [site for site in sites if fresh in (words.ALL, site["fresh"])]
    if not shown:
        parts.nothing_matches({"status": "All"})
        return
    parts.rows(
        ctx,
        (2.2, 1.5, 1.8, 1.6, 1.8, 1.8, 1.4, 1.4),
        ("Site", "State", "Last event", "Due every", "Shares", "Where", "Received", "Set aside"),
        [_line(ctx, site) for site in sorted(shown, key=lambda s: (ORDER[s["fresh"]], s["site"]))],
    )


def _line(ctx: Context, site: Row) -> list[str | Link]:
    came = bool(site["batches"])
    return [
        Link(words.plain(site["site"]), "site", {"id": site["site"]}),
        theme.state(site["fresh"]),
        words.since(site["last_event"], ctx.now),
        words.span(site["contact_window_s"]),
        words.SHARING.get(site["sharing"], words.plain(site["sharing"])),
        words.plain(", ".join(part for part in (site["kind"], site["region"], site["jurisdiction"]) if part)),
        f"{count(site['kept'])} rows{'' if site['sharing'] == 'rows' else ', counted there'}"
        if came
        else words.NO_DATA,
        count(site["quarantined"]) if came else words.NO_DATA,
    ]
