"""One report of the library: where it stands, what is next and who may do it, and taking the file away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard import parts, words
from dashboard.context import Context
from dashboard.report_shapes import Row, Step, may_flag, next_step, period, stage, stage_of, subject
from reports.words import moment, plural
from store.access import Permission

KINDS = {"pdf": "application/pdf", "html": "text/html", "json": "application/json"}


def card(ctx: Context, report: Row) -> None:
    with st.container(border=True, key=f"report {report['id']}"):
        told, way = st.columns([2, 1], vertical_alignment="top")
        with told:
            _told(report)
        with way, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
            _steps(ctx, report)
            _file(ctx, report)
        _more(report)


def _told(report: Row) -> None:
    st.markdown(
        f"**{subject(report)}** · {words.plain(report['pack'])} · {words.unbroken(period(report))} {stage(report)}"
    )
    st.caption(
        f"{words.plain(report['id'])} · {'approved' if stage_of(report) == 'issued' else 'built'} "
        f"{moment(report['known_at'])} by {words.plain(report['built_by'] or 'system')}, "
        f"as of seq {report['as_of']} · SHA-256 {report['sha256'][:16]}…"
    )
    taken = [
        f"{words.plain(step['step'])} by {words.plain(step['by'])}, {words.unbroken(moment(step['at']))}"
        + (f": “{words.plain(step['reason'])}”" if step.get("reason") else "")
        for step in report.get("steps") or []
    ]
    if taken:
        st.markdown(" · ".join(taken))
    if report.get("draft"):
        st.caption(f"Issued from {words.plain(report['draft'])}")


def _more(report: Row) -> None:
    gaps = report.get("gaps") or []
    if gaps:
        with st.expander(f"{plural(len(gaps), 'gap')} to close before it can be submitted"):
            st.markdown("\n".join(f"- {words.plain(gap)}" for gap in gaps))


def _steps(ctx: Context, report: Row) -> None:
    model = None if report["model"] == "*" else report["model"]
    may_build = ctx.may(Permission.REPORT_BUILD, site=report.get("site"), model=model)
    may_issue = ctx.may(Permission.REPORT_ISSUE, site=report.get("site"), model=model)
    step = next_step(report, viewer=ctx.viewer.name, may_build=may_build, may_issue=may_issue)
    flaggable = may_build and may_flag(report)
    if step.why_not:
        st.caption(f"{step.name.capitalize()}: {words.plain(step.why_not)}.", width="content")
    elif step.name:
        _act(ctx, report, step)
    if flaggable:
        _worded(ctx.commands.flag_report, report["id"], "Flag", words.REASON, done="Flagged")


def _act(ctx: Context, report: Row, step: Step) -> None:
    id_ = report["id"]
    if step.name == "review":
        _worded(ctx.commands.review_report, id_, "Review", "Note (optional)", done="Reviewed")
    elif st.button(step.name.capitalize(), type="primary", key=f"{step.name} {id_}"):
        act, done = {
            "submit": (ctx.commands.submit_report, "Submitted"),
            "approve": (ctx.commands.approve_report, "Issued and signed"),
        }[step.name]
        with st.spinner("Building it again and signing" if step.name == "approve" else "Submitting"):
            found = parts.attempt(lambda: act(id_), done=done)
        if found is not None:
            st.rerun()


def _worded(act: Callable[[str, str], Any], id_: str, verb: str, label: str, *, done: str) -> None:
    """A step with words of the person who takes it."""
    with st.popover(verb), st.form(f"{verb} {id_}", border=False):
        text = st.text_area(label, key=f"{verb} text {id_}", help=words.REASON_HELP)
        if st.form_submit_button(verb, type="primary"):
            found = parts.attempt(lambda: act(id_, text or ""), done=done)
            if found is not None:
                st.rerun()


def _file(ctx: Context, report: Row) -> None:
    """The bytes are read when asked for, not for each line of the library."""
    id_, kind = report["id"], str(report["format"])
    if st.session_state.get("prepared") != id_:
        if st.button(f"Get {kind.upper()}", key=f"get {id_}"):
            st.session_state["prepared"] = id_
            st.rerun()
        return
    content = ctx.commands.report_bytes(id_)
    if content is None:
        st.caption(words.FILE_GONE)
        return
    st.download_button(
        f"Download {kind.upper()}",
        content,
        file_name=f"{id_}.{kind}",
        mime=KINDS.get(kind, "application/octet-stream"),
        type="primary",
        on_click="ignore",
        key=f"download {id_}",
    )
