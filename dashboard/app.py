"""Navigation, and nothing else: which pages there are, and which of them this viewer may open.

Run by st.App. A page that the viewer's role does not include is not registered, so its address leads home.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from dashboard import parts, words
from dashboard.context import Context, current_context
from dashboard.settings import LOGO, PAGE_ICON
from store.access import Permission

LAYOUT: tuple[tuple[str, str, Permission, bool], ...] = (
    # page, group, what one must hold, shown in the sidebar
    ("home", "watch", Permission.SITE_READ, True),
    ("alerts", "watch", Permission.MODEL_READ, True),
    ("alert", "watch", Permission.MODEL_READ, False),
    ("models", "watch", Permission.MODEL_READ, True),
    ("model", "watch", Permission.MODEL_READ, False),
    ("sites", "watch", Permission.SITE_READ, True),
    ("site", "watch", Permission.SITE_READ, False),
    ("fairness", "judge", Permission.MODEL_READ, True),
    ("privacy", "judge", Permission.SITE_READ, True),
    ("reports", "judge", Permission.REPORT_READ, True),
    ("verify", "judge", Permission.REPORT_READ, True),
    ("retraining", "act", Permission.MODEL_READ, True),
    ("audit", "act", Permission.AUDIT_READ, True),
    ("admin", "act", Permission.USER_WRITE, True),
)

WIDTH = 1400
"""Pixels; wider lines are hard to read."""

STYLE = """<style>
[data-testid=stMain] [data-testid=stPageLink-NavLink] { padding: 0; margin: 0; min-height: 0; }
[data-testid=stMain] [data-testid=stPageLink-NavLink] p { font-size: 1rem; }
[data-testid=stMain] [data-testid=stPageLink-NavLink]:hover { background: none; text-decoration: underline; }
@media (max-width: 1150px) {
  [class*=st-key-rows] [data-testid=stHorizontalBlock] { flex-wrap: wrap; row-gap: 0.25rem; }
  [class*=st-key-rows] [data-testid=stColumn] { min-width: 8rem; }
  [class*=st-key-rows] > [data-testid=stLayoutWrapper]:first-child { display: none; }
  [class*=st-key-needs] [data-testid=stHorizontalBlock] { flex-wrap: nowrap; }
  [class*=st-key-needs] [data-testid=stColumn] { min-width: 8.5rem; }
}
</style>"""
"""Streamlit's links within the console are made like a menu's: here they stand in text, in line with it. On a narrow
screen a row of a table becomes a card, rather than columns that break words."""


def main() -> None:
    st.set_page_config(page_title=words.APP, page_icon=str(PAGE_ICON), layout="wide", initial_sidebar_state="auto")
    with parts.page_errors("console"):
        _console()


def _console() -> None:
    ctx = current_context()
    if ctx is None:
        st.title(words.SIGNED_OUT, anchor=False)
        return
    shown = [entry for entry in LAYOUT if ctx.may(entry[2])]
    if not shown:
        st.title(words.NO_PAGES, anchor=False)
        return
    holder: dict[str, Context] = {}
    places = {
        name: st.Page(
            _draw(name, holder),
            title=words.PAGES[name],
            url_path=None if place == 0 else name,
            default=place == 0,
            visibility="visible" if listed else "hidden",
        )
        for place, (name, _, _, listed) in enumerate(shown)
    }
    holder["ctx"] = replace(ctx, places=places)
    menu: dict[str, list[Any]] = {}
    for name, group, _, _ in shown:
        menu.setdefault(words.GROUPS[group], []).append(places[name])
    st.logo(str(LOGO["dark" if st.context.theme.type == "dark" else "light"]), size="large", icon_image=str(PAGE_ICON))
    page = st.navigation(menu, expanded=True)
    st.html(STYLE)
    _foot(ctx)
    with st.container(width=WIDTH):
        page.run()


def _draw(name: str, holder: dict[str, Context]) -> Callable[[], None]:
    """The page's function, loaded when it is opened; its name is what st.Page tells pages apart by."""

    def draw() -> None:
        ctx = replace(holder["ctx"], here=name)
        with parts.page_errors(f"{name} {ctx.reads.seq}"):
            importlib.import_module(f"dashboard.views.{name}").page(ctx)

    draw.__name__ = name
    return draw


def _foot(ctx: Context) -> None:
    with st.sidebar:
        org = f"{words.plain(ctx.org)} · " if ctx.org else ""
        st.caption(f"{org}signed in as **{words.plain(ctx.viewer.name)}** ({', '.join(ctx.viewer.roles)})")
        # Our own words only: a Markdown link would open another tab and leave this one signed in to look at.
        style = f"color:{parts.colours().accent};font-size:0.875rem;text-decoration:none"
        st.html(f'<a href="/logout" target="_self" style="{style}">{words.SIGN_OUT}</a>')


if __name__ == "__main__":
    main()
