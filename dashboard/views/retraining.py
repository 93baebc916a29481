"""Retraining: who asked, who may approve, and what came back, with its price."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard import parts, theme, words
from dashboard.context import Context
from dashboard.parts import Link
from dashboard.shapes import Change, Row, changes, measured
from reports.words import measure, moment, number, plural, site
from store.access import Permission
from store.errors import BailiwickError, NotPermitted


def page(ctx: Context) -> None:
    id_ = st.query_params.get("id")
    if id_:
        _one(ctx, id_)
        return
    with st.skeleton(height=320):
        requests = ctx.reads.requests()
    parts.header(ctx, words.PAGES["retraining"], sentence(requests))
    if not requests:
        parts.empty(words.NO_REQUESTS, words.NO_REQUESTS_BODY)
        return
    parts.rows(
        ctx,
        (2, 2.2, 1.6, 1.6, 4),
        ("State", "Model", "Site", "Asked", "Why"),
        [
            [
                theme.request_state(r["state"]),
                Link(f"{words.plain(r['model'])} {words.plain(r['version'])}", "retraining", {"id": r["id"]}),
                where(r),
                f"{words.plain(r['requested_by'])}, {words.since(words.moment_of(r['requested_at']), ctx.now)}",
                words.plain(r["why"]),
            ]
            for r in requests
        ],
    )


def sentence(requests: list[Row]) -> str:
    waiting = sum(r["state"] == "requested" for r in requests)
    if not requests:
        return "No request so far."
    return f"{plural(len(requests), 'request')}; {waiting or 'none'} waiting for approval."


def _one(ctx: Context, id_: str) -> None:
    request = ctx.reads.request(id_)
    if request is None:
        parts.not_found()
        return
    title = f"Retraining of {words.plain(request['model'])} {words.plain(request['version'])}"
    who, when = words.plain(request["requested_by"]), words.since(words.moment_of(request["requested_at"]), ctx.now)
    parts.header(ctx, title, f"Asked for by {who} {when}, for {where(request)}.")
    st.markdown(theme.request_state(request["state"]))
    _facts(ctx, request)
    if request["state"] == "requested":
        _decide(ctx, request)
    if request["state"] in ("approved", "running"):
        _running(ctx, request)
    _outcome(ctx, request)
    _history(request)
    parts.link(ctx, Link("All requests", "retraining"))


def where(request: Row) -> str:
    return words.plain(site(request["site"] or "*"))


def _facts(ctx: Context, request: Row) -> None:
    parts.facts(
        {
            "Why": words.plain(request["why"]),
            "Runs": f"{words.plain(request['command'])}, by {words.plain(request['executor'])}, where the rows are",
            "Asked by": words.plain(request["requested_by"]),
            "Approved by": words.plain(request.get("approved_by") or "nobody yet"),
        },
        alt="What was asked for",
    )
    if request.get("alert"):
        parts.link(ctx, Link("Open the alert it came from", "alert", {"id": request["alert"]}))


def _decide(ctx: Context, request: Row) -> None:
    """Approve and Reject. One's own request can be pressed, and is refused by the command itself."""
    own = request["requested_by"] == ctx.viewer.name
    if not own and not ctx.may(Permission.RETRAIN_APPROVE, model=request["model"]):
        st.caption("Your role may not approve. Somebody with the role compliance or admin may.")
        return
    reason = st.text_input(words.REASON, key="reason", help=words.REASON_HELP, placeholder="needed to reject") or ""
    with st.container(horizontal=True):
        approve = st.button(words.APPROVE, type="primary", key="approve")
        reject = st.button(words.REJECT, key="reject")
    if approve:
        _press(ctx, request, lambda: ctx.commands.approve(request["id"]))
    if reject:
        _press(ctx, request, lambda: ctx.commands.reject(request["id"], reason))


def _press(ctx: Context, request: Row, act: Callable[[], Any]) -> None:
    try:
        act()
    except NotPermitted as error:
        if request["requested_by"] == ctx.viewer.name:
            st.error(words.OWN_REQUEST)
        else:
            parts.refused(error)
    except BailiwickError as error:
        parts.refused(error)
    else:
        st.rerun()


@st.fragment(run_every="2s")
def _running(ctx: Context, request: Row) -> None:
    """Waits with the reader: draws the page again when the run is over."""
    st.markdown("The command runs where the rows are. This page shows what comes back.")
    now = ctx.reopen().request(request["id"])
    if now is not None and now["state"] != request["state"]:
        st.rerun()


def _outcome(ctx: Context, request: Row) -> None:
    """Before and after, each with its interval; the gate's verdict; the price."""
    outcome = request.get("outcome") or {}
    if not outcome:
        return
    result = outcome.get("result") or {}
    st.subheader("What came back", anchor=False)
    if outcome.get("reason"):
        st.markdown(f":red-badge[▲ failed] {words.plain(outcome['reason'])}")
    if request.get("new_version"):
        to = {"id": request["model"], "version": request["new_version"]}
        label = f"Open {words.plain(request['model'])} {words.plain(request['new_version'])}"
        st.markdown("A new version is a candidate: it serves nothing until a log names it.")
        parts.link(ctx, Link(label, "model", to))
    for condition in outcome.get("gate") or []:
        st.markdown(gate_sentence(condition))
    if outcome.get("price"):
        st.markdown(f"Its price: **{words.plain(outcome['price'])}**.")
    _before_after("Measures", changes(result.get("metrics")))
    _before_after("Groups, rate of favourable decisions", changes(result.get("groups")))
    if outcome.get("stderr"):
        with st.expander("What the command printed"):
            st.code(str(outcome["stderr"])[-4000:], language=None)


def gate_sentence(condition: Row) -> str:
    """`✓ gate: ROC AUC no worse than 0.01; 0.734 before, 0.792 after.`"""
    marks = {True: ":green-badge[✓ gate passed]", False: ":red-badge[▲ gate not passed]"}
    mark = marks.get(condition["met"], ":gray-badge[? gate cannot say]")
    rule = f"{measure(condition['measure'])} {condition['rule'].replace('_', ' ')} {condition['number']:g}"
    told = f"{rule}: {number(condition['before'])} before, {number(condition['after'])} after."
    return f"{mark} {words.plain(told)}"


def _before_after(title: str, lines: list[Change]) -> None:
    if not lines:
        return
    told = []
    for line in lines:
        difference = line.difference
        change = words.NO_DATA if difference is None else f"{difference:+.3f}"
        cells = (measure(line.name), _value(line.before), _value(line.after), change)
        told.append([words.plain(cell) for cell in cells])
    parts.table((title, "Before", "After", "Change"), told, alt=f"{title} before and after retraining")


def _value(side: Row) -> str:
    if side.get("value") is None:
        return words.NO_DATA
    return measured(
        {"value": side["value"], "interval": side.get("interval"), "n": {"current": side.get("n")}}, limit=False
    )


def _history(request: Row) -> None:
    st.subheader("What was done", anchor=False)
    lines = [
        (
            moment(h["known_at"]),
            words.plain(h["actor"] or "system"),
            words.plain(str(h["event"]).replace("_", " ")),
            words.plain(h["state"].replace("_", " ")),
        )
        for h in reversed(request["history"])
    ]
    parts.table(("When", "Who", "What", "State after"), lines, alt="History of this request")
