"""The dialog that asks for retraining, filled in from an alert or a model. It asks; another person approves."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import parts, words
from dashboard.context import Context
from dashboard.shapes import Row
from reports.words import measure as told_measure
from reports.words import site as site_name


def retraining(ctx: Context, alert: Row) -> None:
    """Opens the dialog for this alert."""
    model = ctx.reads.model(alert["model"], alert["version"])
    dialog: Any = st.dialog(words.REQUEST_RETRAINING, width="medium")
    dialog(form)(ctx, alert, model)


def filled_in(alert: Row, model: Row | None) -> dict[str, str]:
    """What the dialog shows before anything is typed."""
    file = None if model is None else model["file"]
    retrain = None if file is None else file.retrain
    gate = "; ".join(gate_words(*condition) for condition in retrain.gate) if retrain else ""
    return {
        "model": alert["model"],
        "version": alert["version"],
        "site": alert["site"],
        "why": alert["sentence"],
        "executor": retrain.executor if retrain else "",
        "command": retrain.command if retrain else "",
        "gate": gate,
        "approvals": str(retrain.approvals) if retrain else "",
    }


def gate_words(measure: str, rule: str, number: float) -> str:
    return f"{told_measure(measure)} {rule.replace('_', ' ')} {number:g}"


def form(ctx: Context, alert: Row, model: Row | None) -> None:
    """The dialog's content."""
    told = filled_in(alert, model)
    if not told["command"]:
        st.markdown(
            f"The model file of {words.plain(told['model'])} names no way of retraining. Add `retrain:` to it first."
        )
        return
    parts.facts(
        {
            "Model": f"{words.plain(told['model'])} {words.plain(told['version'])}",
            "Site": words.plain(site_name(told["site"])),
            "Runs": f"{words.plain(told['command'])}, by {words.plain(told['executor'])}, where the rows are",
            "Gate": words.plain(told["gate"] or "none"),
            "Approvals": f"{told['approvals']}, by somebody other than you",
        },
        alt="What will be asked for",
    )
    with st.form("retraining", border=False):
        why = st.text_area(words.REASON, value=told["why"], help=words.REASON_HELP) or ""
        if st.form_submit_button(words.REQUEST_RETRAINING, type="primary"):
            done = parts.attempt(
                lambda: ctx.commands.request_retraining(
                    alert=alert["id"], model=told["model"], site=None if told["site"] == "*" else told["site"], why=why
                ),
                done="Requested. Another person must approve.",
            )
            if done is not None:
                parts.go(ctx, "retraining", {"id": str(done["id"])})
                st.rerun()
