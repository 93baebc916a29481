"""The evidence of one subject under one pack: controls by period, gaps named, declared here; two periods compared."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import parts, words
from dashboard.context import Context
from dashboard.report_shapes import (
    Row,
    about,
    declarable,
    gaps_named,
    matrix,
    newest_of_periods,
    period,
    subject,
    two_periods,
)
from reports.packs import load_pack, pack_names
from reports.periods import CONTROLS, COVERAGE, STATUSES, changes_between
from reports.words import plural
from store.access import Permission

WIDE = 440
"""Pixels of a field that holds a period and an id."""
AREAS = {CONTROLS: "Controls", COVERAGE: "Coverage", STATUSES: "Windows by status"}


def evidence(ctx: Context, reports: list[Row]) -> None:
    found, pack = _choose(reports)
    newest = newest_of_periods(found)
    if not newest or pack not in pack_names():
        st.markdown(words.NO_MATRIX)
        return
    with st.spinner("Reading the evidence"):
        told = [ctx.commands.report_told(report["id"]) for report in newest]
    controls = load_pack(pack).controls
    heads = ("Control", "What is asked", *(words.unbroken(period(report)) for report in newest))
    parts.table(heads, matrix(controls, told, ctx.now), alt=f"Controls of {pack} by period")
    _gaps(newest[0], told[0])
    if newest[0]["model"] != "*":
        _declared(ctx, newest[0]["model"], pack, controls)


def _choose(reports: list[Row]) -> tuple[list[Row], str]:
    """Pack and subject, and the reports that have both, as they came."""
    with st.container(horizontal=True):
        pack = parts.choose("Pack", list(dict.fromkeys(str(r["pack"]) for r in reports)), "of_pack", width=220)
        of_pack = [report for report in reports if report["pack"] == pack]
        slug = parts.choose("About", sorted({about(report) for report in of_pack}), "about", width=220)
    return [report for report in of_pack if about(report) == slug], pack


def _gaps(report: Row, told: Row | None) -> None:
    if told is None:
        st.markdown(words.FILE_GONE)
        return
    gaps = gaps_named(told)
    head = f"of {subject(report)}, {words.unbroken(period(report))}"
    if not gaps:
        st.markdown(f"✓ Every required control {head} is answered.")
        return
    st.markdown(f"◆ **{plural(len(gaps), 'gap')}** {head}:\n\n" + "\n".join(f"- {gap}" for gap in gaps))


def _declared(ctx: Context, model: str, pack: str, controls: Any) -> None:
    """What people have said, newer than the reports above too; and the form to say it."""
    said = ctx.reads.declarations(model, pack)
    if said:
        lines = [
            (
                words.plain(control),
                words.plain(one["text"]),
                "not applicable" if one["not_applicable"] else "declared",
                f"{words.plain(one['by'])}, {words.since(one['at'], ctx.now)}",
            )
            for control, one in said.items()
        ]
        st.subheader("Declared by people", anchor=False)
        parts.table(("Control", "Words", "As", "By"), lines, alt=f"What people declared for {model}")
    if not ctx.may(Permission.REPORT_BUILD, model=model):
        return
    with st.expander("Declare a control"), st.form("declare", border=False, clear_on_submit=False):
        offered = {f"{one.id} {one.title}": one for one in declarable(controls)}
        control = offered[str(st.selectbox("Control", list(offered)))]
        text = st.text_area("What you declare, or why it does not apply", help=words.DECLARE_HELP)
        aside = st.checkbox("Not applicable: the words above say why")
        if not st.form_submit_button("Declare", type="primary"):
            return
        given = {"pack": pack, "control": control.id, "model": model, "text": text or "", "not_applicable": aside}
        if parts.attempt(lambda: ctx.commands.declare_control(**given), done="Declared") is not None:
            st.rerun()


def comparison(ctx: Context, reports: list[Row]) -> None:
    found, _ = _choose(reports)
    if len(found) < 2:
        st.markdown(words.ONE_REPORT)
        return
    called = {f"{period(report)} · {report['id']}": report for report in found}
    one, other = (found.index(report) for report in two_periods(found))
    with st.container(horizontal=True):
        before = called[str(st.selectbox("Before", list(called), index=one, key="before", width=WIDE))]
        after = called[str(st.selectbox("After", list(called), index=other, key="after", width=WIDE))]
    with st.spinner("Reading the evidence"):
        left, right = (ctx.commands.report_told(report["id"]) for report in (before, after))
    if left is None or right is None:
        st.markdown(words.FILE_GONE)
        return
    changes = changes_between(left, right)
    st.markdown(f"**{plural(len(changes), 'difference')}**. {words.COMPARE_NOTE}" if changes else words.SAME_REPORTS)
    heads = ("What", words.unbroken(period(before)), words.unbroken(period(after)))
    for area, title in AREAS.items():
        lines = [tuple(map(words.plain, (c.what, c.before, c.after))) for c in changes if c.area == area]
        if lines:
            st.subheader(title, anchor=False)
            parts.table(heads if heads[1] != heads[2] else ("What", "Before", "After"), lines, alt=title)
