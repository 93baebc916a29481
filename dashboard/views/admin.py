"""Admin: who may do what here, and how this hub is set up. Read only; accounts are changed on the command line."""

from __future__ import annotations

import streamlit as st

from dashboard import parts, words
from dashboard.context import Context
from dashboard.shapes import Row
from reports.words import moment, plural


def page(ctx: Context) -> None:
    users = ctx.reads.users()
    parts.header(ctx, words.PAGES["admin"], f"{plural(len(users), 'account')} may sign in.")
    if users:
        parts.table(
            ("Name", "May", "State", "Since"),
            [
                (
                    words.plain(user["name"]),
                    words.plain("; ".join(grant_words(grant) for grant in user["grants"])),
                    "disabled" if user["disabled"] else "live",
                    moment(user["known_at"]),
                )
                for user in users
            ],
            alt="Accounts",
        )
    else:
        parts.empty("No account yet", "Whoever owns the hub's folder acts as admin from the command line.")
    shown = getattr(ctx.config, "shown", ())
    if shown:
        st.subheader("Configuration", anchor=False)
        parts.table(
            ("Setting", "Value", "From", "What it does"),
            [
                (words.plain(s.key), words.plain(s.value or "not set"), words.plain(s.origin), words.plain(s.help))
                for s in shown
            ],
            alt="Configuration",
        )


def grant_words(grant: Row) -> str:
    """`compliance`, `data on site branch-north`."""
    where = [f"{what} {grant[what]}" for what in ("site", "model") if grant.get(what, "*") != "*"]
    return f"{grant['role']}{' on ' + ', '.join(where) if where else ''}"
