"""Audit: what happened, in the order it happened, and whether the trail still adds up."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from dashboard import parts, words
from dashboard.context import Context
from dashboard.shapes import Row
from reports.words import count, listed, moment, plural
from service.checkpoints import days_ago

PER_PAGE = 50
MOST = 5000


def page(ctx: Context) -> None:
    with st.skeleton(height=320):
        events = ctx.reads.events(limit=MOST)
    newest = f"the newest {moment(events[0]['known_at'])}" if events else "none yet"
    parts.header(ctx, words.PAGES["audit"], f"{plural(ctx.reads.seq + 1, 'event')} in the trail, {newest}.")
    if not events:
        parts.empty(words.NO_EVENTS, "Every change to this hub appends one leaf to its trail.")
        return
    _state(ctx)
    columns = st.columns([1, 2])
    with columns[0]:
        kind = parts.choose("Event", [words.ALL, *sorted({e["event"] for e in events})], "event")
    with columns[1]:
        sought = st.text_input("Search", key="q", type="search", bind="query-params", placeholder="a name, an id") or ""
    shown = chosen(events, kind=kind, sought=sought)
    if not shown:
        parts.nothing_matches({"event": words.ALL, "q": ""})
        return
    pages = -(-len(shown) // PER_PAGE)
    at = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    lines = [
        (
            str(e["seq"]),
            words.unbroken(moment(e["known_at"])),
            words.EVENTS.get(e["event"], words.plain(e["event"])),
            words.plain(e["about"]),
            words.plain(e["actor"] or "system"),
            words.plain(e.get("reason") or ""),
            f"`{e['leaf_hash'][:12]}`",
        )
        for e in shown[(at - 1) * PER_PAGE : at * PER_PAGE]
    ]
    parts.table(("Seq", "When", "What", "About", "Who", "Reason", "Leaf"), lines, alt="The audit trail")


def chosen(events: list[Row], *, kind: str, sought: str) -> list[Row]:
    text = sought.casefold()
    return [e for e in events if kind in (words.ALL, e["event"]) and text in _searched(e)]


def _searched(event: Row) -> str:
    return f"{event['about']} {event['actor']} {event.get('reason')} {event['event']}".casefold()


def _state(ctx: Context) -> None:
    """How far it is signed, when a checkpoint last left the hub, and what may be done about it."""
    state = ctx.reads.trail_state()
    parts.facts(state_facts(state, ctx.now), alt="How far the trail is signed")
    with st.container(horizontal=True):
        if st.button("Verify the trail", type="primary", help=words.VERIFY_HELP):
            parts.attempt(lambda: ctx.commands.ask_verification())
        if st.button("Sign a checkpoint", help=words.CHECKPOINT_HELP):
            made = parts.attempt(lambda: ctx.commands.take_checkpoint())
            if made is not None:
                st.session_state["checkpoint"] = made
        held = st.session_state.get("checkpoint")
        if held is not None:
            st.download_button(
                f"Download checkpoint of {count(held['size'])} events",
                held["note"],
                file_name=f"checkpoint-{held['size']}.txt",
                mime="text/plain",
            )
    _verdict(ctx)


def state_facts(state: Row, now: datetime) -> dict[str, str]:
    """Plain sentences about signatures and anchors; none of them claims that anything was verified."""
    since = state["size"] - state["signed"]
    signed = f"the first {count(state['signed'])} events; {count(since)} since" if state["signed"] else "nothing yet"
    at = state["anchored"]
    if at is None:
        anchored = "never: no checkpoint has left this hub, so whoever runs it could rewrite all of it"
    else:
        where = words.plain(f"{at['kind']} {at['about']}".strip())
        anchored = f"{days_ago(now - at['known_at'])}, {where}, {plural(at['size'], 'event')}"
    facts = {"Signed": signed, "Last anchored": anchored}
    for branch in state["restored"]:
        lost = branch["lost"]
        gone = f"; events {lost['from']} to {lost['to']} from before are gone" if lost else ""
        facts["Restored"] = f"to event {branch['to']}, as event {branch['seq']} says{gone}"
    return facts


@st.fragment(run_every="2s")
def _verdict(ctx: Context) -> None:
    """Drawn anew while the worker is at it."""
    asked = ctx.commands.verification()
    if asked["state"] in ("waiting", "running"):
        st.markdown(":material/hourglass_empty: Every event and every table is being hashed again.")
    elif asked["state"] == "failed":
        st.error(words.plain(asked["found"]["told"]))
    elif asked["state"] == "done":
        _told(asked["found"], asked["known_at"])


def _told(found: Row, at: datetime) -> None:
    flaws = found["flaws"]
    badge = {
        "intact": ":green-badge[✓ integrity: intact]",
        "restored": ":orange-badge[◆ integrity: restored]",
        "tampered": ":red-badge[▲ integrity: tampered]",
    }[found["integrity"]]
    checked = f"{count(found['size'])} events and {plural(found['checked'].get('tables', 0), 'table')}"
    st.markdown(f"{badge} {checked} as of {moment(at)}, root `{str(found['root'])[:16]}`.")
    for flaw in flaws[:20]:
        told = f"{flaw['what']}, {flaw['where']}: expected {flaw['expected']}, found {flaw['found']}"
        st.markdown(f"- {words.plain(told)}")
    if len(flaws) > 20:
        st.markdown(f"- and {plural(len(flaws) - 20, 'other place')}: `bailiwick audit verify --data`")
    missing = found["completeness"]
    silent = listed(words.plain(site["site"]) for site in missing["silent"]) or "none"
    st.markdown(
        f"Completeness: silent sites: {silent}; {plural(missing['quarantined'], 'row')} in quarantine; "
        f"{plural(missing['kept_aside'], 'file')} kept aside."
    )
