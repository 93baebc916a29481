"""Home: what needs you, then how things stand, then the models. No Plotly: this page must be there at once."""

from __future__ import annotations

import streamlit as st

from dashboard import parts, theme, words
from dashboard.context import Context
from dashboard.parts import Link
from dashboard.shapes import (
    Row,
    freshness_sentence,
    grouped,
    open_alerts,
    quiet,
    triage_of,
    worst_rank,
    worst_severities,
)
from reports.words import count, listed, plural
from store.access import Permission

MOST_NEEDS = 8


def page(ctx: Context) -> None:
    with st.skeleton(height=320):
        reads = ctx.reads
        sites, models, alerts = reads.sites(), reads.models(), reads.alerts()
        requests = reads.requests()
        privacy = reads.results(monitor="privacy", latest=True)
    parts.header(ctx, words.PAGES["home"], freshness_sentence(sites))
    reads_models = ctx.may(Permission.MODEL_READ)
    if not sites or (reads_models and not models):
        parts.empty(words.FIRST_RUN, words.FIRST_RUN_BODY, commands=words.FIRST_RUN_COMMANDS)
        return
    if not any(site["batches"] for site in sites):
        parts.empty(words.FIRST_RUN, words.FIRST_RUN_BODY, commands=words.FIRST_RUN_COMMANDS)
    parts.partial(sites)
    parts.aside(reads.aside())
    _needs(ctx, needs(ctx, sites, alerts, requests, privacy))
    if reads_models:
        _metrics(ctx, sites, models, alerts, privacy)
        _models(ctx, models, open_alerts(alerts))
    _sites(ctx, sites)


def needs(
    ctx: Context, sites: list[Row], alerts: list[Row], requests: list[Row], privacy: list[Row]
) -> list[tuple[str, str, Link]]:
    """(state, sentence, where to) for everything that waits for somebody: decisions first, then the worst."""
    out: list[tuple[str, str, Link]] = []
    for request in requests:
        if request["state"] == "requested" and ctx.may(Permission.RETRAIN_APPROVE, model=request["model"]):
            own = request["requested_by"] == ctx.viewer.name
            who = "you" if own else words.plain(request["requested_by"])
            sentence = f"Retraining of {words.plain(request['model'])} asked for by {who}: " + (
                "another person must approve." if own else "approve or reject."
            )
            out.append(
                (theme.request_state("requested"), sentence, Link("Open request", "retraining", {"id": request["id"]}))
            )
    silent = {site["site"] for site in quiet(sites)}
    for site in quiet(sites):
        last = words.since(site["last_event"], ctx.now)
        window = words.span(site["contact_window_s"])
        sentence = f"Nothing from {words.plain(site['site'])}: last event {last}, due every {window}."
        out.append((theme.state(site["fresh"]), sentence, Link("Open site", "site", {"id": site["site"]})))
    for members in _cases(alerts, silent):
        first = members[0]
        more = f" Also at {listed(words.plain(a['site']) for a in members[1:])}." if len(members) > 1 else ""
        out.append(
            (
                theme.severity(first["severity"]),
                words.plain(first["sentence"]) + more,
                Link("Open alert", "alert", {"id": first["id"]}),
            )
        )
    for result in privacy:
        if result["status"] == "outside":
            sentence = f"The privacy budget of {words.plain(result['about'])} is {share_spent(result)} spent."
            out.append((theme.state("unclear"), sentence, Link("Open budgets", "privacy")))
    return out


def _cases(alerts: list[Row], silent: set[str]) -> list[list[Row]]:
    """Open alerts nobody has taken up, one entry per shared cause; silence and budgets are told on their own."""
    waiting = [
        alert
        for alert in open_alerts(alerts)
        if triage_of(alert) == "review"
        and alert["severity"] in ("critical", "high")
        and alert["monitor"] != "privacy"
        and not (alert["monitor"] == "silence" and alert["site"] in silent)
    ]
    return list(grouped(waiting, "case_id").values())


def share_spent(result: Row) -> str:
    return words.NO_DATA if result["value"] is None else f"{100 * result['value']:.0f} %"


def _needs(ctx: Context, found: list[tuple[str, str, Link]]) -> None:
    st.subheader(words.NEEDS_YOU, anchor=False)
    if not found:
        st.markdown(words.NOTHING_NEEDS_YOU)
        return
    with st.container(border=True, gap="xsmall", key="needs"):
        for state, sentence, to in found[:MOST_NEEDS]:
            mark, text, way = st.columns([1.3, 6.2, 1.1], vertical_alignment="center")
            mark.markdown(state)
            text.markdown(sentence)
            with way:
                parts.link(ctx, to)
        if len(found) > MOST_NEEDS:
            parts.link(ctx, Link(f"{len(found) - MOST_NEEDS} more in the inbox", "alerts"))


def _metrics(ctx: Context, sites: list[Row], models: list[Row], alerts: list[Row], privacy: list[Row]) -> None:
    """Five numbers; each says what it counts, and none is shown as a figure where there is no data."""
    live = sum(site["fresh"] == "live" for site in sites)
    firing = open_alerts(alerts)
    unfair = [a for a in firing if (a["monitor"], a["condition"]) == ("fairness", "firing")]
    well = sum(model["worst"] == "within" for model in models)
    spent = max((r for r in privacy if r["value"] is not None), key=lambda r: r["value"], default=None)
    with st.grid(5, min_column_width=170):
        st.metric(
            "Sites fresh",
            f"{live} of {len(sites)}",
            border=True,
            height="stretch",
            help="Heard from within their own contact window.",
        )
        st.metric(
            "Versions within limits",
            f"{well} of {len(models)}",
            border=True,
            height="stretch",
            help="Every newest result within its limit. A version without data is not counted as within.",
        )
        st.metric(
            "Open alerts",
            len(firing),
            worst_severities(firing) or None,
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
        )
        st.metric(
            "Fairness outside limits",
            len(unfair),
            "gaps that are significant",
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
            help=words.FAIRNESS_NOTE,
        )
        left = words.NO_DATA if spent is None else f"{100 * max(0.0, 1 - spent['value']):.0f} % left"
        told = None if spent is None else f"of {words.plain(spent['about'])}"
        st.metric(
            "Smallest privacy budget", left, told, delta_color="off", delta_arrow="off", border=True, height="stretch"
        )


def _models(ctx: Context, models: list[Row], firing: list[Row]) -> None:
    st.subheader("Models, the worst first", anchor=False)
    ordered = sorted(models, key=lambda m: (worst_rank(m["worst"]), m["model"]))[:10]
    parts.rows(
        ctx,
        (3, 1.6, 1.4, 1.2, 2, 1.8),
        ("Model", "State", "Alerts", "Tier", "Sites", "Last event"),
        [model_line(ctx, model, firing) for model in ordered],
    )


def model_line(ctx: Context, model: Row, firing: list[Row]) -> list[str | Link | tuple[Link, str]]:
    mine = [a for a in firing if (a["model"], a["version"]) == (model["model"], model["version"])]
    name = f"{words.plain(model['model'])} {words.plain(model['version'])}"
    return [
        (Link(name, "model", {"id": model["model"], "version": model["version"]}), words.plain(model["title"])),
        theme.state(model["worst"]),
        f"{count(len(mine))} open" if model["last_event"] else words.NO_DATA,
        f"tier {model['tier']['level']}",
        plural(len(model["sites"]), "site") if model["sites"] else words.NO_DATA,
        words.since(model["last_event"], ctx.now),
    ]


def _sites(ctx: Context, sites: list[Row]) -> None:
    st.subheader("Sites", anchor=False)
    with st.grid(4, min_column_width=220):
        for site in sorted(sites, key=lambda s: (s["fresh"] == "live", s["site"])):
            with st.container(border=True, gap="xxsmall", height="stretch"):
                parts.link(ctx, Link(words.plain(site["site"]), "site", {"id": site["site"]}))
                st.markdown(theme.state(site["fresh"]))
                st.caption(
                    f"last event {words.since(site['last_event'], ctx.now)} · "
                    f"shares {words.SHARING.get(site['sharing'], site['sharing'])}"
                )
