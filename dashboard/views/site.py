"""One site (`/site?id=`): is it heard from, what left it, what stayed, and what could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import parts, theme, words
from dashboard.context import Context
from dashboard.parts import Link
from dashboard.shapes import Row, open_alerts
from reports.words import arrivals, count, listed, moment, plural, tally
from store.access import Permission


def page(ctx: Context) -> None:
    site = ctx.reads.site(st.query_params.get("id", ""))
    if site is None:
        parts.not_found()
        return
    name = site["site"]
    departures, receipts = ctx.reads.departures(name), ctx.reads.receipts(site=name, limit=12)
    parts.header(ctx, words.plain(site["title"] or name), sentence(ctx, site))
    st.markdown(f"{theme.state(site['fresh'])} {words.SHARING_MEANS.get(site['sharing'], '')}")
    left, right = st.columns([3, 2], gap="large")
    with left:
        _left(site, departures)
        if ctx.may(Permission.AUDIT_READ):
            _search(ctx)
    with right:
        _facts(ctx, site)
    _alerts(ctx, name)
    _receipts(receipts)
    _quarantine(ctx, name)


def sentence(ctx: Context, site: Row) -> str:
    if site["fresh"] == "never":
        return "Nothing ever came from this site."
    last = f"Last event {words.since(site['last_event'], ctx.now)} ({moment(site['last_event'])})"
    return f"{last}; due every {words.span(site['contact_window_s'])}."


def stayed(site: Row, departures: dict[str, Row]) -> str:
    """Whether rows left, in one sentence, from what the hub received."""
    rows = [words.KINDS.get(kind, kind) for kind in departures if kind in ("predictions", "labels", "attributions")]
    if rows:
        return f"Rows left this site: {listed(rows)} came to the hub."
    counted = (
        f"{plural(site['kept'], 'row')} {'was' if site['kept'] == 1 else 'were'} counted there, and none left it. "
    )
    sharing = words.SHARING.get(site["sharing"], site["sharing"])
    return (counted if site["kept"] else "") + words.ROWS_STAYED.format(sharing=sharing)


def _left(site: Row, departures: dict[str, Row]) -> None:
    st.subheader(f"What left {words.plain(site['site'])}", anchor=False)
    if not departures:
        st.markdown("Nothing came from this site.")
        return
    st.markdown(f"**{stayed(site, departures)}**")
    lines = [
        (
            words.plain(words.KINDS.get(kind, kind)),
            count(row["files"]),
            words.amount_of_bytes(row["bytes"]),
            "none" if kind == "summaries" else count(row["rows"]),
        )
        for kind, row in departures.items()
    ]
    files, size = sum(row["files"] for row in departures.values()), sum(row["bytes"] for row in departures.values())
    parts.table(("Kind", "Files", "Size", "Rows in them"), lines, alt="What left this site, by kind")
    told = f"{plural(files, 'file')}, {count(size)} bytes ({words.amount_of_bytes(size)}) in all"
    st.caption(f"{told}, as the hub received them.")


def _search(ctx: Context) -> None:
    """Is a name that stands in the site's rows anywhere in the hub's file?"""
    with st.form("search", border=False):
        text = (
            st.text_input(
                words.SEARCH_HUB, key="sought", help=words.SEARCH_HUB_HELP, placeholder="a name, an id, any text"
            )
            or ""
        )
        pressed = st.form_submit_button("Search")
    if pressed and text:
        done = parts.attempt(lambda: ctx.commands.search_hub_file(text))
        if done is not None:
            st.markdown(search_sentence(text, done))


def search_sentence(text: str, done: Mapping[str, Any]) -> str:
    """What the search found, and where it looked."""
    told = words.SEARCH_SOME if done["found"] else words.SEARCH_NONE
    columns = plural(int(done["columns_searched"]), "text column")
    return told.format(text=words.plain(text), count=plural(int(done["found"]), "time"), columns=columns)


def _labels(ctx: Context, name: str) -> dict[str, str]:
    """What of the outcomes that are due has come, per model."""
    return {
        f"Outcomes of {words.plain(row['model'])}": words.plain(arrivals(row)) for row in ctx.reads.label_arrivals(name)
    }


def _facts(ctx: Context, site: Row) -> None:
    came = bool(site["batches"])
    parts.facts(
        {
            "Name": words.plain(site["site"]),
            "Kind": words.plain(site["kind"] or "not said"),
            "Region": words.plain(site["region"] or "not said"),
            "Jurisdiction": words.plain(site["jurisdiction"] or "not said"),
            "Shares": words.SHARING.get(site["sharing"], words.plain(site["sharing"])),
            "Batches": count(site["batches"]) if came else words.NO_DATA,
            f"Rows {'received' if site['sharing'] == 'rows' else 'counted there'}": count(site["kept"])
            if came
            else words.NO_DATA,
            "Set aside": count(site["quarantined"]) if came else words.NO_DATA,
            "Repeated": count(site["duplicates"]) if came else words.NO_DATA,
            **_labels(ctx, site["site"]),
        },
        alt="Facts of this site",
    )
    models = sorted(
        {(r["model"], r["version"]) for r in ctx.reads.receipts(site=site["site"]) if r["model"] and r["version"]}
    )
    for model, version in models:
        parts.link(
            ctx, Link(f"{words.plain(model)} {words.plain(version)}", "model", {"id": model, "version": version})
        )


def _alerts(ctx: Context, name: str) -> None:
    found = open_alerts(ctx.reads.alerts(site=name))
    if not found:
        return
    st.subheader("Open alerts here", anchor=False)
    parts.rows(
        ctx,
        (1.1, 8),
        ("Severity", "What happened"),
        [
            [
                theme.severity(a["severity"]),
                (Link(words.plain(words.heading(a)), "alert", {"id": a["id"]}), words.plain(a["sentence"])),
            ]
            for a in found
        ],
    )


def _receipts(receipts: list[Row]) -> None:
    if not receipts:
        return
    st.subheader("Newest batches", anchor=False)
    lines = [
        (
            moment(r["known_at"]),
            words.plain(words.KINDS.get(r["kind"], r["kind"])),
            words.plain(str(r["source"]).rsplit("/", 1)[-1]),
            count(r["rows"]),
            count(r["kept"]),
            count(r["quarantined"]),
            count(r["duplicates"]),
            words.plain(tally(r["reasons"])),
        )
        for r in receipts
    ]
    heads = ("Received", "Kind", "File", "Rows", "Kept", "Set aside", "Repeated", "Reasons")
    parts.table(heads, lines, alt="Newest batches of this site")


def _quarantine(ctx: Context, name: str) -> None:
    found = ctx.reads.quarantine(site=name, limit=20)
    if not found:
        return
    st.subheader("Could not be read", anchor=False)
    lines = [
        (
            words.plain(q["source"]),
            "" if q["line"] is None else str(q["line"]),
            words.plain(q["reason"]),
            words.plain(q["expected"]),
            words.plain(str(q["text"])[:80]),
        )
        for q in found[:20]
    ]
    parts.table(("File", "Row", "Reason", "Expected", "As it came"), lines, alt="Records that could not be read")
