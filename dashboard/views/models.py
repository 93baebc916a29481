"""Models: every version, the worst first, with who answers for it."""

from __future__ import annotations

import streamlit as st

from dashboard import parts, words
from dashboard.context import Context
from dashboard.shapes import Row, open_alerts, worst_rank
from dashboard.views.home import model_line
from reports.words import plural


def page(ctx: Context) -> None:
    with st.skeleton(height=320):
        models, sites = ctx.reads.models(), ctx.reads.sites()
        firing = open_alerts(ctx.reads.alerts())
    parts.header(ctx, words.PAGES["models"], sentence(models))
    if not models:
        parts.empty(words.NO_MODELS, words.NO_MODELS_BODY, commands="bailiwick model add model.yaml")
        return
    parts.partial(sites)
    sought = (
        st.text_input("Search", key="q", type="search", bind="query-params", placeholder="name, title, owner") or ""
    )
    shown = found(models, sought)
    if not shown:
        parts.nothing_matches({"q": ""})
        return
    parts.rows(
        ctx,
        (3, 1.6, 1.4, 1.2, 2, 1.8, 2),
        ("Model", "State", "Alerts", "Tier", "Sites", "Last event", "Owner"),
        [[*model_line(ctx, model, firing), words.plain(model["owner"]["team"] or "nobody named")] for model in shown],
    )


def sentence(models: list[Row]) -> str:
    outside = [model for model in models if model["worst"] == "outside"]
    if not models:
        return "No model is watched yet."
    names = len({model["model"] for model in models})
    told = f"{plural(names, 'model')} in {plural(len(models), 'version')}"
    return f"{told}; {len(outside) or 'none'} with a result outside its limit."


def found(models: list[Row], sought: str) -> list[Row]:
    text = sought.casefold()
    shown = [
        m
        for m in models
        if text in f"{m['model']} {m['title']} {m['version']} {m['owner']['team']} {m['owner']['email']}".casefold()
    ]
    return sorted(shown, key=lambda m: (worst_rank(m["worst"]), m["model"], -m.get("added_seq", 0)))
