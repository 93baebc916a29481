"""A model's lineage so far, and its history: what came from where, and who changed what, when and why."""

from __future__ import annotations

import streamlit as st

from dashboard import parts, words
from dashboard.context import Context
from dashboard.shapes import Row, grouped
from reports.words import count, moment, plural


def lineage(ctx: Context, model: Row) -> None:
    """What this version stands on, as far as the hub received it. Nothing is inferred."""
    receipts = ctx.reads.receipts(model=model["model"])
    mine = [r for r in receipts if r["version"] in (None, model["version"])]
    file = model["file"]
    st.markdown(
        "What the hub itself received for this version. Where the data of a batch came from is known to its site."
    )
    digest = str(model.get("file_sha256") or "not known")[:12]
    spec = f"bins {model['spec_hash'][:12]}" if model.get("spec_hash") else "no bins yet"
    parts.facts(
        {
            "Model file": f"revision {model['revision']}, SHA-256 {words.plain(digest)}",
            "Bins": words.plain(
                spec + (f", learned from {model['learned_from']}" if model.get("learned_from") else "")
            ),
            "Inputs": words.plain(", ".join(item.name for item in file.columns.inputs)) if file else words.NO_DATA,
        },
        alt="What this version stands on",
    )
    if not mine:
        st.markdown("Nothing was received yet.")
        return
    lines = [
        (
            words.plain(site),
            words.plain(words.KINDS.get(kind, kind)),
            count(len(rows)),
            count(sum(r["kept"] for r in rows)),
            *_span([r for r in rows if r["first_event"] and r["last_event"]]),
        )
        for (site, kind), rows in sorted(grouped(mine, "site", "kind").items())
    ]
    parts.table(
        ("Site", "Kind", "Batches", "Kept", "First event", "Last event"),
        lines,
        alt="What was received, by site and kind",
    )


def _span(rows: list[Row]) -> tuple[str, str]:
    """First and last event; labels carry the time of their rows, not their own."""
    if not rows:
        return "no time of its own", "no time of its own"
    return moment(min(r["first_event"] for r in rows)), moment(max(r["last_event"] for r in rows))


def history(ctx: Context, model: Row) -> None:
    st.subheader("Changes to limits, reference, bins, windows and groups", anchor=False)
    if not model["changes"]:
        st.markdown("None since this version was added.")
    else:
        lines = [
            (
                moment(change["known_at"]),
                words.plain(change["actor"] or "system"),
                words.plain("; ".join(_change(item) for item in change["changes"])),
                words.plain(change["reason"] or "none given"),
            )
            for change in reversed(model["changes"])
        ]
        parts.table(("When", "Who", "What", "Reason"), lines, alt="Revisions of the model file")
    requests = ctx.reads.requests(model=model["model"])
    st.subheader(plural(len(requests), "retraining request"), anchor=False)
    for request in requests:
        label = f"{words.plain(request['state'])}: {words.plain(request['why'])}"
        parts.link(ctx, parts.Link(label, "retraining", {"id": request["id"]}))
    found = ctx.reads.events(limit=500)
    mine = [e for e in found if str(e["about"]).split(":")[0] == model["model"]][:30]
    if mine:
        st.subheader("In the trail", anchor=False)
        parts.table(
            ("When", "What", "About", "Who"),
            [
                (
                    moment(e["known_at"]),
                    words.EVENTS.get(e["event"], words.plain(e["event"])),
                    words.plain(e["about"]),
                    words.plain(e["actor"] or "system"),
                )
                for e in mine
            ],
            alt="Events of this model",
        )


def _change(item: Row) -> str:
    return f"{item['path']}: {_told(item['old'])} to {_told(item['new'])}"


def _told(value: object) -> str:
    return "nothing" if value is None else str(value)
