"""Reports: the library with each report's next step, the evidence by control, and two periods side by side."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from dashboard import parts, words
from dashboard.context import Context
from dashboard.report_shapes import STAGES, Row, about, chosen, period, stage_of
from dashboard.views.report_build import build_form
from dashboard.views.report_card import card
from dashboard.views.report_evidence import comparison, evidence
from reports.packs import load_pack, pack_names
from reports.words import listed, plural
from store.access import Permission

PER_PAGE = 20
NARROW = 165
WIDTHS = {"stage": 140, "period": 225, "control": 110}
"""Pixels of a filter: they stand in one line on a wide screen, and below each other on a narrow one."""
SECTIONS = ("library", "evidence", "comparison")


def page(ctx: Context) -> None:
    with st.skeleton(height=320):
        reports = ctx.reads.reports()
        may_build = ctx.may(Permission.REPORT_BUILD)
        models = ctx.reads.models() if may_build else []
    parts.header(ctx, words.PAGES["reports"], sentence(reports))
    if models:
        with st.expander("Build a report", expanded=not reports):
            build_form(ctx, models)
    if not reports:
        parts.empty(words.NO_REPORTS, words.NO_REPORTS_BODY)
        return
    section = parts.segments("Section", SECTIONS, "section")
    {"library": _library, "evidence": evidence, "comparison": comparison}[section](ctx, reports)


def sentence(reports: list[Row]) -> str:
    """`3 reports: 1 issued, 2 drafts.`; in the order of the stages."""
    if not reports:
        return "None so far."
    counts = Counter(stage_of(report) for report in reports)
    told = [f"{counts[name]} {name}" for name in (*STAGES, *sorted(counts.keys() - STAGES.keys())) if counts[name]]
    return f"{plural(len(reports), 'report')}: {listed(told)}."


def _library(ctx: Context, reports: list[Row]) -> None:
    asking = {str(r["pack"]): controls_of(str(r["pack"])) for r in reports}
    options = {
        "stage": list(STAGES),
        "pack": sorted(asking),
        "model": sorted({about(r) for r in reports}),
        "period": sorted({period(r) for r in reports}, reverse=True),
        "control": sorted({control for controls in asking.values() for control in controls}),
    }
    with st.container(horizontal=True):
        wanted = {
            key: parts.choose(key.capitalize(), [words.ALL, *values], key, width=WIDTHS.get(key, NARROW))
            for key, values in options.items()
        }
        hint = "a gap, a person, a day"
        asked = st.text_input("Search", key="q", type="search", bind="query-params", placeholder=hint, width=NARROW)
    shown = chosen(reports, wanted, sought=asked or "", asking=asking, every=words.ALL)
    if not shown:
        parts.nothing_matches({**dict.fromkeys(options, words.ALL), "q": ""})
        return
    pages = -(-len(shown) // PER_PAGE)
    at = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    for report in shown[(at - 1) * PER_PAGE : at * PER_PAGE]:
        card(ctx, report)


def controls_of(pack: str) -> list[str]:
    """Ids of what a pack asks; none of one that this version does not have."""
    return [control.id for control in load_pack(pack).controls] if pack in pack_names() else []
