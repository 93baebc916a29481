"""Reports: the library, building one, and taking it away as a PDF."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import streamlit as st

from dashboard import parts, words
from dashboard.context import Context
from dashboard.shapes import Row
from reports.packs import pack_names
from reports.words import day, moment, plural
from store.access import Permission

PERIOD = timedelta(days=60)


def page(ctx: Context) -> None:
    with st.skeleton(height=320):
        reports, models = ctx.reads.reports(), ctx.reads.models()
    parts.header(ctx, words.PAGES["reports"], sentence(reports))
    if models and ctx.may(Permission.REPORT_BUILD):
        with st.expander("Build a report", expanded=not reports):
            _build(ctx, models)
    if not reports:
        parts.empty(words.NO_REPORTS, words.NO_REPORTS_BODY)
        return
    for report in reports[:50]:
        _report(ctx, report)


def sentence(reports: list[Row]) -> str:
    if not reports:
        return "None so far."
    drafts = sum(str(report["state"]).upper() == "DRAFT" for report in reports)
    return f"{plural(len(reports), 'report')}; {drafts or 'none'} {'are drafts' if drafts > 1 else 'is a draft'}."


def _build(ctx: Context, models: list[Row]) -> None:
    names = sorted({model["model"] for model in models})
    with st.form("build", border=False):
        columns = st.columns(4)
        model = str(columns[0].selectbox("Model", names))
        pack = str(columns[1].selectbox("Pack", pack_names()))
        start = columns[2].date_input("From", value=(ctx.now - PERIOD).date())
        end = columns[3].date_input("To, not included", value=ctx.now.date())
        pressed = st.form_submit_button("Build report", type="primary")
    if not pressed:
        return
    if not start < end:
        st.error("The period ends before it starts. Choose an end after the start.")
        return
    version = next(m["version"] for m in models if m["model"] == model)
    with st.spinner("Building"):
        done = parts.attempt(
            lambda: ctx.commands.build_report(
                model=model,
                version=version,
                pack=pack,
                start=datetime.combine(start, time()),
                end=datetime.combine(end, time()),
            ),
            done="Built",
        )
    if done is not None:
        st.rerun()


def _report(ctx: Context, report: Row) -> None:
    with st.container(border=True):
        told, way = st.columns([5, 1], vertical_alignment="center")
        period = f"{day(report['from'])} to {day(report['to'])}"
        told.markdown(
            f"**{words.plain(report['model'])} {words.plain(report['version'] or '')}** · {words.plain(period)} · "
            f"{words.plain(report['pack'])} · :gray-badge[{words.plain(report['state'])}]"
        )
        told.caption(
            f"{words.plain(report['id'])} · built {moment(report['known_at'])} "
            f"by {words.plain(report['built_by'] or 'system')}, "
            f"as of seq {report['as_of']} · SHA-256 {report['sha256'][:16]}…"
        )
        with way:
            if st.session_state.get("prepared") == report["id"]:
                _download(ctx, report)
            elif st.button(f"Get {report['format'].upper()}", key=f"get {report['id']}"):
                st.session_state["prepared"] = report["id"]
                st.rerun()


def _download(ctx: Context, report: Row) -> None:
    """The bytes are read when asked for, not for each line of the library."""
    content = ctx.commands.report_bytes(report["id"])
    if content is None:
        st.caption("The file is no longer in the hub's folder; its digest stands in the trail.")
        return
    kinds = {"pdf": "application/pdf", "html": "text/html", "json": "application/json"}
    st.download_button(
        f"Download {report['format'].upper()}",
        content,
        file_name=f"{report['id']}.{report['format']}",
        mime=kinds.get(report["format"], "application/octet-stream"),
        type="primary",
        on_click="ignore",
        key=f"download {report['id']}",
    )
