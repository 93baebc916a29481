"""Alerts: the inbox. One row per alert, tabs by what people did about it, filters in the URL. No Plotly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial

import streamlit as st

from dashboard import parts, theme, words
from dashboard.context import Context
from dashboard.parts import Link
from dashboard.shapes import SEVERITIES, Row, by_severity, is_overdue, open_alerts, triage_of
from reports.words import plural, site
from store.access import Permission

OPEN_TO_ALL = {"state": "All", "severity": words.ALL, "model": words.ALL, "site": words.ALL, "sought": ""}
PER_PAGE = 20


def page(ctx: Context) -> None:
    with st.skeleton(height=320):
        alerts, sites = ctx.reads.alerts(), ctx.reads.sites()
        measured = bool(alerts) or bool(ctx.reads.results(latest=True))
    parts.header(ctx, words.PAGES["alerts"], sentence(alerts))
    if not alerts:
        parts.empty(words.NO_ALERTS, words.NO_ALERTS_BODY if measured else words.NO_ALERTS_UNMEASURED)
        parts.partial(sites)
        return
    parts.partial(sites)
    shown = chosen(alerts, _filters(alerts))
    if not shown:
        parts.nothing_matches(OPEN_TO_ALL)
        return
    pages = -(-len(shown) // PER_PAGE)
    at = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    _inbox(ctx, shown[(at - 1) * PER_PAGE : at * PER_PAGE])


def sentence(alerts: list[Row]) -> str:
    """How many wait, and how bad they are."""
    firing = open_alerts(alerts)
    waiting = [alert for alert in firing if triage_of(alert) == "review"]
    if not firing:
        return "No alert is open."
    return f"{plural(len(firing), 'alert')} open ({by_severity(firing)}); {len(waiting)} not yet taken up by anybody."


def chosen(alerts: list[Row], filters: Mapping[str, str]) -> list[Row]:
    """What the filters leave, firing before cleared and the most severe first."""
    sought = filters["sought"].casefold()
    found = [
        alert
        for alert in alerts
        if filters["state"] in (words.ALL, triage_of(alert))
        and filters["severity"] in (words.ALL, alert["severity"])
        and filters["model"] in (words.ALL, alert["model"])
        and filters["site"] in (words.ALL, alert["site"])
        and sought in f"{alert['sentence']} {alert['about']} {alert['owner']} {alert['monitor']}".casefold()
    ]
    return sorted(found, key=lambda a: (a["condition"] != "firing", SEVERITIES.index(a["severity"])))


def _filters(alerts: list[Row]) -> dict[str, str]:
    counts = {
        name: sum(triage_of(a) == name for a in alerts) for name in ("review", "acknowledged", "snoozed", "resolved")
    }
    state = parts.segments("State", ("review", "acknowledged", "snoozed", "resolved", words.ALL), "state")
    st.caption(" · ".join([*(f"{n} {words.TRIAGE[name].lower()}" for name, n in counts.items()), *_cleared(alerts)]))
    columns = st.columns([1, 1, 1, 2])
    with columns[0]:
        severity = parts.choose("Severity", [words.ALL, *SEVERITIES], "severity")
    with columns[1]:
        model = parts.choose("Model", [words.ALL, *sorted({a["model"] for a in alerts})], "model")
    with columns[2]:
        where = parts.choose("Site", [words.ALL, *sorted({a["site"] for a in alerts})], "site")
    with columns[3]:
        sought = (
            st.text_input(
                "Search",
                key="sought",
                type="search",
                bind="query-params",
                placeholder="a word in the sentence, an owner",
            )
            or ""
        )
    return {"state": state, "severity": severity, "model": model, "site": where, "sought": sought}


def _cleared(alerts: list[Row]) -> list[str]:
    """Those whose cause went away and that nobody closed yet: they stand in the tabs, and are not open."""
    n = sum(alert["condition"] == "cleared" and triage_of(alert) != "resolved" for alert in alerts)
    return [f"{n} of them cleared since"] if n else []


def _inbox(ctx: Context, alerts: list[Row]) -> None:
    parts.rows(
        ctx,
        (1.1, 5.3, 1.4, 1.9, 1.6),
        ("Severity", "What happened", "Site", "First and last seen", "Owner, due"),
        [_line(ctx, alert) for alert in alerts],
    )
    mine = [a for a in alerts if triage_of(a) == "review" and _may(ctx, a)]
    label = f"Acknowledge the {len(mine)} shown" if len(mine) > 1 else "Acknowledge it"
    if mine and st.button(label, help="Says that you have seen them. They stay open."):
        done = [parts.attempt(partial(ctx.commands.acknowledge, alert["id"]), done="Acknowledged") for alert in mine]
        if all(result is not None for result in done):
            st.rerun()


def _may(ctx: Context, alert: Row) -> bool:
    return ctx.may(Permission.ALERT_TRIAGE, site=alert["site"], model=alert["model"])


def seen(moment: datetime) -> str:
    return words.unbroken(f"{moment:%Y-%m-%d}")


def _line(ctx: Context, alert: Row) -> list[str | Link | tuple[Link, str]]:
    first, last = words.moment_of(alert["first_window"]["from"]), words.moment_of(alert["last_window"]["to"])
    return [
        theme.severity(alert["severity"])
        + ("" if alert["condition"] == "firing" else f"  \n{theme.condition(alert['condition'])}"),
        (Link(words.plain(words.heading(alert)), "alert", {"id": alert["id"]}), words.plain(alert["sentence"])),
        words.plain(site(alert["site"])),
        f"{seen(first)} to {seen(last)}  \n{plural(alert['count'], 'window')}" if first and last else words.NO_DATA,
        (words.plain(alert["owner"]) if alert["owner"] else "nobody yet") + due(alert, ctx.now),
    ]


def due(alert: Row, now: datetime) -> str:
    """By when somebody should have dealt with it, where it still waits."""
    time = words.moment_of(alert.get("due_at"))
    if time is None or alert["condition"] == "cleared" or triage_of(alert) == "resolved":
        return ""
    late = "overdue since" if is_overdue(alert, now) else "due"
    return "  \n" + words.unbroken(f"{late} {time:%Y-%m-%d}")
