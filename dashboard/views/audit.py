"""Audit: what happened, in the order it happened, and whether the trail still adds up."""

from __future__ import annotations

import streamlit as st

from dashboard import parts, words
from dashboard.context import Context
from dashboard.shapes import Row
from reports.words import count, moment, plural

PER_PAGE = 50
MOST = 5000


def page(ctx: Context) -> None:
    with st.skeleton(height=320):
        events = ctx.reads.events(limit=MOST)
    newest = f"the newest {moment(events[0]['known_at'])}" if events else "none yet"
    parts.header(ctx, words.PAGES["audit"], f"{count(ctx.reads.seq + 1)} events are in the trail, {newest}.")
    if not events:
        parts.empty(words.NO_EVENTS, "Every change to this hub appends one leaf to its trail.")
        return
    if st.button("Verify the trail", type="primary", help="Computes every leaf and the root again, and compares."):
        _verify(ctx)
    columns = st.columns([1, 2])
    with columns[0]:
        kind = parts.choose("Event", [words.ALL, *sorted({e["event"] for e in events})], "event")
    with columns[1]:
        sought = st.text_input("Search", key="q", type="search", bind="query-params", placeholder="a name, an id") or ""
    shown = chosen(events, kind=kind, sought=sought)
    if not shown:
        parts.nothing_matches({"event": words.ALL, "q": ""})
        return
    pages = -(-len(shown) // PER_PAGE)
    at = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    lines = [
        (
            str(e["seq"]),
            words.unbroken(moment(e["known_at"])),
            words.EVENTS.get(e["event"], words.plain(e["event"])),
            words.plain(e["about"]),
            words.plain(e["actor"] or "system"),
            words.plain(e.get("reason") or ""),
            f"`{e['leaf_hash'][:12]}`",
        )
        for e in shown[(at - 1) * PER_PAGE : at * PER_PAGE]
    ]
    parts.table(("Seq", "When", "What", "About", "Who", "Reason", "Leaf"), lines, alt="The audit trail")


def chosen(events: list[Row], *, kind: str, sought: str) -> list[Row]:
    text = sought.casefold()
    return [e for e in events if kind in (words.ALL, e["event"]) and text in _searched(e)]


def _searched(event: Row) -> str:
    return f"{event['about']} {event['actor']} {event.get('reason')} {event['event']}".casefold()


def _verify(ctx: Context) -> None:
    with st.spinner("Verifying"):
        done = parts.attempt(lambda: ctx.commands.verify_trail())
    if done is None:
        return
    flaws = done.get("flaws") or []
    if done["holds"]:
        checked = plural(int(done["size"]), "leaf", "leaves")
        st.markdown(f":green-badge[✓ adds up] {checked} checked, root `{str(done['root'])[:16]}`.")
        return
    st.markdown(f":red-badge[▲ does not add up] {plural(len(flaws), 'place')}:")
    for flaw in flaws[:20]:
        told = f"{flaw['what']}, {flaw['where']}: expected {flaw['expected']}, found {flaw['found']}"
        st.markdown(f"- {words.plain(told)}")
