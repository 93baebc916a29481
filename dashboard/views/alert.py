"""One alert (`/alert?id=`): what happened, at which other sites, what was done about it, and what you can do now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import streamlit as st

from dashboard import charts, parts, theme, words
from dashboard.context import Context
from dashboard.parts import Link
from dashboard.shapes import Row, group_rates, is_overdue, measured, newest_each, status_of, triage_of
from dashboard.views import ask
from reports.words import clean, limit, listed, moment, plural, site, window
from store.access import Permission

SPANS = {"1 day": timedelta(days=1), "7 days": timedelta(days=7), "30 days": timedelta(days=30)}
UNTIL = {"Until it gets worse": "worse", "Until the next version": "next_version"}


def page(ctx: Context) -> None:
    alert = ctx.reads.alert(st.query_params.get("id", ""))
    if alert is None:
        parts.not_found()
        return
    results = ctx.reads.results(
        model=alert["model"],
        version=alert["version"],
        monitor=alert["monitor"],
        measure=alert["measure"],
        about=alert["about"],
    )
    title = f"{words.heading(alert)} at {site(alert['site'])}"
    parts.header(ctx, words.plain(title), words.plain(alert["sentence"]))
    st.markdown(
        f"{theme.severity(alert['severity'])} {theme.condition(alert['condition'])} · "
        f"{words.TRIAGE[triage_of(alert)].lower()}"
    )
    _actions(ctx, alert)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _course(alert, results)
    with right:
        _facts(ctx, alert)
    _why(ctx, alert)
    _elsewhere(ctx, alert, results)
    _groups(ctx, alert)
    _moved(alert)
    _history(alert)


def _actions(ctx: Context, alert: Row) -> None:
    """Buttons for what this viewer may do; each asks for what the record needs."""
    triage = ctx.may(Permission.ALERT_TRIAGE, site=alert["site"], model=alert["model"])
    retrain = ctx.may(Permission.RETRAIN_REQUEST, model=alert["model"])
    with st.container(horizontal=True):
        if retrain and st.button(words.REQUEST_RETRAINING, type="primary", key="request"):
            ask.retraining(ctx, alert)
        if not triage:
            return
        if triage_of(alert) == "review" and st.button("Acknowledge", key="ack"):
            _then_draw_again(parts.attempt(lambda: ctx.commands.acknowledge(alert["id"]), done="Acknowledged"))
        if alert["owner"] != ctx.viewer.name and st.button("Assign to me", key="assign"):
            _then_draw_again(
                parts.attempt(lambda: ctx.commands.assign(alert["id"], ctx.viewer.name), done="Assigned to you")
            )
        if triage_of(alert) != "resolved":
            with st.popover("Snooze"):
                _snooze(ctx, alert)
            with st.popover("Mute"):
                _mute(ctx, alert)
            with st.popover("Resolve"):
                _resolve(ctx, alert)


def _snooze(ctx: Context, alert: Row) -> None:
    st.caption("It comes back before, where it gets worse.")
    with st.form("snooze", border=False):
        choices = [
            *SPANS,
            *(name for name, ends in UNTIL.items() if ends != "worse" or alert["severity"] != "critical"),
        ]
        length = str(st.selectbox("For", choices))
        reason = st.text_input(words.REASON, help=words.REASON_HELP) or ""
        if st.form_submit_button("Snooze"):
            ends = UNTIL.get(length, "time")
            until = ctx.now + SPANS[length] if length in SPANS else None
            done = f"Snoozed until {moment(until)}" if until else f"Snoozed {length.lower()}"
            _then_draw_again(
                parts.attempt(lambda: ctx.commands.snooze(alert["id"], until, reason, ends=ends), done=done)
            )


def _mute(ctx: Context, alert: Row) -> None:
    st.caption("It stays silent for this time, however grave it gets.")
    with st.form("mute", border=False):
        until = ctx.now + SPANS[str(st.selectbox("For", list(SPANS)))]
        reason = st.text_input(words.REASON, help=words.REASON_HELP) or ""
        if st.form_submit_button("Mute"):
            _then_draw_again(
                parts.attempt(
                    lambda: ctx.commands.mute(alert["id"], until, reason), done=f"Muted until {moment(until)}"
                )
            )


def _resolve(ctx: Context, alert: Row) -> None:
    with st.form("resolve", border=False):
        reason = st.text_input(words.REASON, help=words.REASON_HELP) or ""
        if st.form_submit_button("Resolve"):
            _then_draw_again(parts.attempt(lambda: ctx.commands.resolve(alert["id"], reason), done="Resolved"))


def _then_draw_again(result: Any) -> None:
    if result is not None:
        st.rerun()


def _course(alert: Row, results: list[Row]) -> None:
    """How the measure went at this site, with the limit."""
    mine = [r for r in results if r["site"] == alert["site"] and r.get("segment") == alert.get("segment")]
    told = [r for r in mine if r["value"] is not None]
    if len(told) < 2:
        return
    beyond = sum(r["status"] == "outside" for r in told)
    finding = f"{words.plain(words.heading(alert))}: outside in {beyond} of {len(told)} windows that could be measured."
    opened = words.moment_of(alert.get("opened_at"))
    figure = charts.timeline(
        mine,
        parts.colours(),
        title=words.thing(alert),
        limit=told[-1].get("limit"),
        marks={"alert": opened} if opened else None,
    )
    parts.chart(figure, finding=finding, alt=clean(finding), key="course")


def _facts(ctx: Context, alert: Row) -> None:
    result = alert.get("result_document") or {}
    pairs = {
        "Measured": measured(result, limit=False) if result else words.NO_DATA,
        "Limit": f"{limit(alert['limit'])}, set by {words.plain(alert['limit'].get('source') or 'nobody')}"
        if alert.get("limit")
        else "no limit set",
        "Window": window(alert["last_window"]),
        "Seen in": f"{plural(alert['count'], 'window')} since {moment(alert['first_window']['from'])}",
        "Severity rule": words.plain(alert["rule"]),
        "Owner": words.plain(alert["owner"] or "nobody yet"),
        "Basis": words.plain(basis(result)),
    }
    if alert.get("due_at") and alert.get("open", True):
        pairs["Due"] = moment(alert["due_at"]) + (", which has passed" if is_overdue(alert, ctx.now) else "")
    if alert.get("snooze_until"):
        name = "Muted until" if alert.get("snoozed_for") == "muted" else "Snoozed until"
        pairs[name] = moment(alert["snooze_until"])
    if alert.get("reason"):
        pairs[words.REASON] = words.plain(alert["reason"])
    parts.facts(
        {
            key: words.plain(value) if key in ("Measured", "Window", "Seen in") else value
            for key, value in pairs.items()
        },
        alt="Facts of this alert",
    )
    parts.link(
        ctx,
        Link(
            f"Open {words.plain(alert['model'])} {words.plain(alert['version'])}",
            "model",
            {"id": alert["model"], "version": alert["version"]},
        ),
    )
    if alert["site"] != "*":
        parts.link(ctx, Link(f"Open {words.plain(alert['site'])}", "site", {"id": alert["site"]}))


def _why(ctx: Context, alert: Row) -> None:
    """How it came about, what it is due to, and what would end it; the first sentence heads the page already."""
    st.subheader("How it came about", anchor=False)
    sentences = ctx.commands.explained(alert)
    st.markdown("\n".join(f"- {words.plain(sentence)}" for sentence in sentences[1:]))


def basis(result: Row) -> str:
    """What the number stands on, as the method says."""
    method = result.get("method") or {}
    if not method:
        return words.NO_DATA
    exact = "exact" if method.get("exact") else "not exact"
    noise = ", with noise added at the site" if result.get("noise") else ""
    return f"{method.get('basis', 'unknown')}, {exact}{noise}; rules of {method.get('name', 'unknown')}"


def _elsewhere(ctx: Context, alert: Row, results: list[Row]) -> None:
    """The same measurement at every site: what is local, and where the sample cannot tell."""
    found = sorted(
        newest_each(r for r in results if r.get("segment") is None),
        key=lambda r: (r["site"] != alert["site"], r["site"] == "*", r["site"]),
    )
    if len(found) < 2:
        return
    st.subheader("The same measure at every site", anchor=False)
    cannot = [
        r["site"]
        for r in found
        if r["status"] in ("unclear", "too_few", "no_labels", "no_reference", "not_computable") and r["site"] != "*"
    ]
    if cannot:
        st.markdown(f"Cannot say at {listed(words.plain(name) for name in cannot)}. {words.CANNOT_SAY_NOTE}")
    by_site = {a["site"]: a["id"] for a in alert["siblings"]}
    lines = []
    for r in found:
        name = words.plain(site(r["site"]))
        lines.append(
            (
                f"**{name}**" if r["site"] == alert["site"] else name,
                theme.state(status_of(r)),
                words.plain(measured(r)),
                words.plain(verdict(r)),
                window(r["window"]),
            )
        )
    parts.table(
        ("Site", "State", "Newest, with interval and n", "Why", "Window"), lines, alt="The same measure at every site"
    )
    for name, id_ in by_site.items():
        parts.link(ctx, Link(f"Alert at {words.plain(site(name))}", "alert", {"id": id_}))


def verdict(result: Row) -> str:
    """Why a result has its status, in a clause."""
    reason = (result.get("details") or {}).get("reason")
    if reason:
        return str(reason)
    return {
        "outside": "beyond the limit, and not by chance",
        "unclear": "beyond the limit, but this sample cannot tell",
        "within": "inside the limit",
        "stale": "nothing came when it was due",
    }.get(status_of(result), "no limit to hold it against")


def _groups(ctx: Context, alert: Row) -> None:
    """Rates of the groups behind a gap."""
    if alert["monitor"] != "fairness":
        return
    gap = alert.get("result_document")
    shown = ctx.reads.results(
        model=alert["model"],
        version=alert["version"],
        site=alert["site"],
        monitor="fairness",
        measure="selection_rate",
    )
    rates = group_rates(gap, shown)
    if not rates:
        return
    st.subheader("Rates of the groups", anchor=False)
    st.caption(words.FAIRNESS_NOTE)
    lines = [(words.plain(r["about"]), words.plain(measured(r, limit=False))) for r in rates]
    parts.table(("Group", "Rate of favourable decisions, with interval and n"), lines, alt="Rates per group")


def _moved(alert: Row) -> None:
    """Which values gained and lost share, where the alert is about a distribution."""
    moved = ((alert.get("result_document") or {}).get("details") or {}).get("moved") or []
    if not moved:
        return
    st.subheader("What moved", anchor=False)
    lines = [(words.plain(m["cell"]), f"{100 * m['reference']:.1f} %", f"{100 * m['current']:.1f} %") for m in moved]
    parts.table(("Values", "Share in the reference", "Share now"), lines, alt="Cells whose share moved most")


def stood(entry: Row) -> str:
    """`firing, for review, high`."""
    told = (entry.get("condition"), words.TRIAGE[triage_of(entry)].lower(), entry.get("severity"))
    return ", ".join(str(part).replace("_", " ") for part in told if part)


def _history(alert: Row) -> None:
    st.subheader("What was done", anchor=False)
    lines = [
        (
            moment(entry["known_at"]),
            words.plain(entry["actor"] or "system"),
            words.plain(str(entry["event"]).replace("_", " ")),
            words.plain(stood(entry)),
            words.plain(entry.get("reason") or ""),
        )
        for entry in reversed(alert["history"])
    ]
    parts.table(("When", "Who", "What", "Stood at", "Reason"), lines, alt="History of this alert")
