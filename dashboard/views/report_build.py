"""The form that builds a report: the pack decides which subject is asked for."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import streamlit as st

from dashboard import parts, words
from dashboard.context import Context
from dashboard.shapes import Row
from reports.packs import load_pack, pack_names

PERIOD = timedelta(days=60)
WIDTH = 200
"""Pixels of a field: four stand in one line on a wide screen."""


def build_form(ctx: Context, models: list[Row]) -> None:
    """Not an st.form: the fields follow the pack as it is chosen."""
    names = pack_names()
    first = names.index("general") if "general" in names else 0
    with st.container(horizontal=True):
        pack = load_pack(str(st.selectbox("Pack", names, index=first, key="build pack", width=WIDTH)))
        subject = _subject(models) if pack.subject == "model" else _site(ctx)
        start = st.date_input("From", value=(ctx.now - PERIOD).date(), key="build from", width=WIDTH)
        end = st.date_input("To, not included", value=ctx.now.date(), key="build to", width=WIDTH)
    st.caption(words.plain(f"{pack.name}, version {pack.version}. {pack.what_it_is[0]}"))
    for told in pack.not_read_at_source[:1]:
        st.markdown(f":orange[◆] {words.plain(told)}; it can be built, and not issued.")
    if not st.button("Build report", type="primary", key="build"):
        return
    if not start < end:
        st.error("The period ends before it starts. Choose an end after the start.")
        return
    first_day, end_day = datetime.combine(start, time()), datetime.combine(end, time())
    with st.spinner("Building"):
        done = parts.attempt(
            lambda: ctx.commands.build_report(pack=pack.id, start=first_day, end=end_day, **subject), done="Built"
        )
    if done is not None:
        st.rerun()


def _subject(models: list[Row]) -> dict[str, Any]:
    model = str(st.selectbox("Model", sorted({model["model"] for model in models}), key="build model", width=WIDTH))
    return {"model": model, "version": next(m["version"] for m in models if m["model"] == model)}


def _site(ctx: Context) -> dict[str, Any]:
    sites = [str(row["site"]) for row in ctx.reads.sites()]
    site = str(st.selectbox("Site", [words.ALL, *sites], key="build site", width=WIDTH))
    return {"site": None if site == words.ALL else site}
