"""Evidently's own report on a window of a model, asked for here, written by the worker, downloaded when it is done."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from dashboard import parts, words
from dashboard.context import Context
from dashboard.shapes import Row
from reports.words import site as named

EVERY_SITE = "*"


def offer(ctx: Context, model: Row, results: list[Row]) -> None:
    """A site, its newest window, a button; then how far it is."""
    st.subheader("Evidently's own report", anchor=False)
    newest: dict[str, str] = {}
    for result in results:
        newest[result["site"]] = max(newest.get(result["site"], ""), result["window"]["from"])
    sites = sorted(newest, key=lambda name: (name != EVERY_SITE, name))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Site", sites, format_func=lambda name: words.plain(named(name)), key="peer_site")
        if st.button("Have Evidently write it", help="On the newest window there. It takes about a minute."):
            window = datetime.fromisoformat(newest[chosen].removesuffix("Z"))
            of = {"model": model["model"], "version": model["version"], "window": window}
            parts.attempt(lambda: ctx.commands.ask_evidently(**of, site=None if chosen == EVERY_SITE else chosen))
    if ctx.commands.evidently().get("state", "none") != "none":
        _state(ctx)


@st.fragment(run_every="2s")
def _state(ctx: Context) -> None:
    """Drawn anew while the worker is at it."""
    told = ctx.commands.evidently()
    if told["state"] in ("waiting", "running"):
        st.markdown(":material/hourglass_empty: Evidently is at work.")
    elif told["state"] == "failed":
        st.error(words.plain(told["told"]))
    else:
        asked = told["asked"]
        name = f"evidently-{asked['model']}-{asked['site'] or 'all-sites'}-{asked['window']:%Y-%m-%d}.html"
        st.download_button("Download Evidently's report", told["html"], file_name=name, mime="text/html")
        st.caption(words.plain(told["note"]))
