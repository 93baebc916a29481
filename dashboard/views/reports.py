"""Reports: the library with each report's next step, the evidence by control, and two periods side by side."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from dashboard import parts, words
from dashboard.context import Context
from dashboard.report_shapes import STAGES, Row, chosen, stage_of
from dashboard.views.report_build import build_form
from dashboard.views.report_card import card
from dashboard.views.report_evidence import comparison, evidence
from reports.words import listed, plural
from store.access import Permission

PER_PAGE = 20
NARROW = 200
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
    with st.container(horizontal=True):
        stage = parts.choose("Stage", [words.ALL, *STAGES], "stage", width=NARROW)
        pack = parts.choose("Pack", [words.ALL, *sorted({str(r["pack"]) for r in reports})], "pack", width=NARROW)
        model = parts.choose("Model", [words.ALL, *sorted({str(r["model"]) for r in reports})], "model", width=NARROW)
        hint = "a control, a person, a day"
        asked = st.text_input("Search", key="q", type="search", bind="query-params", placeholder=hint, width=320)
    sought = asked or ""
    shown = chosen(reports, stage=stage, pack=pack, model=model, sought=sought, every=words.ALL)
    if not shown:
        parts.nothing_matches({"stage": words.ALL, "pack": words.ALL, "model": words.ALL, "q": ""})
        return
    pages = -(-len(shown) // PER_PAGE)
    at = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    for report in shown[(at - 1) * PER_PAGE : at * PER_PAGE]:
        card(ctx, report)
