"""Fairness: every gap of every model at every site, the clearest first."""

from __future__ import annotations

import streamlit as st

from dashboard import parts, theme, words
from dashboard.context import Context
from dashboard.parts import Link
from dashboard.shapes import Row, measured, newest_each, status_of, worst_rank
from dashboard.views.model_fairness import is_rate
from reports.words import measure, plural, site


def page(ctx: Context) -> None:
    with st.skeleton(height=320):
        results = ctx.reads.results(monitor="fairness", latest=True)
        sites = ctx.reads.sites()
    gaps = [r for r in newest_each(results) if not is_rate(r) and r.get("segment") is None]
    parts.header(ctx, words.PAGES["fairness"], f"{sentence(gaps)} {words.FAIRNESS_NOTE}")
    if not gaps:
        parts.empty(
            "No gap between groups has been measured yet",
            "Name groups in a model file (`groups: [sex]`) and send predictions.",
        )
        return
    parts.partial(sites)
    columns = st.columns([1, 1, 2])
    with columns[0]:
        model = parts.choose("Model", [words.ALL, *sorted({r["model"] for r in gaps})], "model")
    with columns[1]:
        by = parts.choose("Compared by", [words.ALL, *sorted({r["about"] for r in gaps})], "by")
    judged = st.toggle("Only gaps held against a limit", value=True, key="judged")
    shown = chosen(gaps, model=model, by=by, judged=judged)
    if not shown:
        parts.nothing_matches({"model": words.ALL, "by": words.ALL, "judged": False})
        return
    parts.rows(
        ctx,
        (1.5, 1.5, 2.6, 1.8, 4.2),
        ("State", "Site", "Gap", "Model", "Newest, with interval and n"),
        [_line(r) for r in shown[:60]],
    )


def sentence(gaps: list[Row]) -> str:
    outside = sum(r["status"] == "outside" for r in gaps)
    cannot = sum(status_of(r) in ("unclear", "too_few", "no_labels", "not_computable") for r in gaps if r.get("limit"))
    return f"{plural(outside, 'gap')} outside the limit and significant; {cannot} where the sample cannot tell."


def chosen(gaps: list[Row], *, model: str, by: str, judged: bool) -> list[Row]:
    found = [
        r
        for r in gaps
        if model in (words.ALL, r["model"]) and by in (words.ALL, r["about"]) and (r.get("limit") or not judged)
    ]
    return sorted(found, key=lambda r: (worst_rank(status_of(r)), r["site"] == "*", r["site"], r["measure"]))


def _line(result: Row) -> list[str | Link]:
    name = words.plain(f"{measure(result['measure'])} by {result['about']}")
    to = {"id": result["model"], "version": result["version"], "section": "fairness"}
    return [
        theme.state(status_of(result)),
        words.plain(site(result["site"])),
        name[:1].upper() + name[1:],
        Link(f"{words.plain(result['model'])} {words.plain(result['version'])}", "model", to),
        words.plain(measured(result)),
    ]
