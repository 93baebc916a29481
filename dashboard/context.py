"""Who looks, through which reads, at what time: everything a page is given.

A page takes one `Context` and nothing else. `current_context` makes it from the running server's hub and from the
name that the sign-in middleware put into a trusted header; it is the only place that knows where either comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import streamlit as st

from dashboard.actions import Actions
from store.access import Permission, Viewer, decide

USER_HEADER = "X-Bailiwick-User"


@dataclass(frozen=True)
class Context:
    reads: Any
    """`store.reads.Reads` of this viewer: what is not theirs to see is not in it."""
    viewer: Viewer
    now: datetime
    """The hub's clock, UTC without zone."""
    org: str
    commands: Actions
    reopen: Callable[[], Any]
    """Reads anew, with what was recorded since: for parts of a page that draw themselves again."""
    places: Mapping[str, Any] = field(default_factory=dict)
    """Page name to st.Page; empty where a page is drawn alone, in tests."""
    here: str = ""
    """The page that is open."""
    config: Any = None

    def may(self, permission: Permission, *, site: str | None = None, model: str | None = None) -> bool:
        return decide(self.viewer, permission, site=site, model=model).allowed


def current_context() -> Context | None:
    """The context of this browser session; None for a name without a live account."""
    from service.runtime import hub as running_hub

    hub = running_hub()
    viewer = current_viewer(hub)
    if viewer is None:
        return None
    return Context(
        reads=hub.store.reads(viewer),
        viewer=viewer,
        now=hub.now(),
        org=hub.config.org,
        commands=Actions(hub, viewer),
        reopen=lambda: hub.store.reads(viewer),
        config=hub.config,
    )


def current_viewer(hub: Any) -> Viewer | None:
    """Who stands behind the trusted header. Read anew on each run: a changed grant counts from the next click."""
    from service.identity import viewer_named

    name = st.context.headers.get(USER_HEADER)
    return viewer_named(hub, name) if name else None
