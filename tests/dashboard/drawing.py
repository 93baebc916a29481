"""Draws one page of the console with the stand-in reads, for AppTest: `script(page, mode, user, role)`."""

from __future__ import annotations

from typing import Any


def script(page: str, mode: str, user: str, role: str, query: dict[str, str]) -> None:
    """Runs inside AppTest's own module, so it imports everything it uses."""
    import importlib

    import streamlit as st
    from fake_actions import FakeActions
    from fake_reads import FakeReads
    from fake_story import NOW, viewer

    from dashboard import parts
    from dashboard.context import Context

    idle = mode in ("idle", "calm")
    reads = FakeReads(
        empty=mode == "empty",
        silent=mode not in ("fresh", "calm"),
        broken=mode == "broken",
        requests=[] if idle else None,
        calm=mode == "calm",
    )
    actions = st.session_state.setdefault("actions", FakeActions(user))
    for name, value in query.items():
        if name not in st.query_params:
            st.query_params[name] = value
    ctx = Context(
        reads=reads, viewer=viewer(user, role), now=NOW, org="Example", commands=actions, reopen=lambda: reads
    )
    if page == "ask_form":
        # A dialog is a fragment, which AppTest cannot press into; its content is drawn on its own.
        from dashboard.views import ask

        ask.form(ctx, reads.alerts()[0], reads.model("loan-approval"))
        return
    with parts.page_errors("test"):
        importlib.import_module(f"dashboard.views.{page}").page(ctx)


def drawn(
    page: str, *, mode: str = "full", user: str = "dana", role: str = "admin", query: dict[str, str] | None = None
) -> Any:
    """The AppTest after its first run; anything that was raised fails here."""
    from streamlit.testing.v1 import AppTest

    at = AppTest.from_function(script, args=(page, mode, user, role, query or {}), default_timeout=60)
    at.run()
    assert not at.exception, [e.value for e in at.exception]
    return at


def text(at: Any) -> str:
    """Everything a reader sees as text, without Markdown's escapes."""
    parts = [
        element.value
        for kind in (at.title, at.subheader, at.markdown, at.caption, at.error, at.code)
        for element in kind
    ]
    parts += [f"{metric.label} {metric.value} {metric.delta}" for metric in at.metric]
    parts += [table.value.to_string() for table in at.table]
    return "\n".join(str(part) for part in parts).replace("\\", "")
