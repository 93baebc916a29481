"""Privacy budgets: how much of each is spent, by which releases. Totals are the ledger's, never a site's own claim."""

from __future__ import annotations

from fractions import Fraction

import streamlit as st

from dashboard import parts, theme, words
from dashboard.context import Context
from dashboard.shapes import Row, newest_each, window_end
from reports.words import count, day, listed, number


def page(ctx: Context) -> None:
    with st.skeleton(height=320):
        budgets = present(ctx.reads.results(monitor="privacy", latest=True))
        ledger = ctx.reads.ledger()
    parts.header(ctx, words.PAGES["privacy"], sentence(budgets))
    if not budgets and not ledger:
        parts.empty(
            "No noisy counts were released yet",
            "A site that shares noisy counts draws on the budget of its people: `[people.NAME]` in `bailiwick.toml`.",
        )
        return
    for people in sorted({str(r["about"]) for r in budgets} | {entry["people"] for entry in ledger}):
        draw(ctx, people=people)


def present(results: list[Row]) -> list[Row]:
    """The newest share of each people, whichever model or site it was recorded for."""
    newest: dict[str, Row] = {}
    for result in newest_each(results):
        name = str(result["about"])
        if name not in newest or window_end(result) > window_end(newest[name]):
            newest[name] = result
    return [newest[name] for name in sorted(newest)]


def sentence(budgets: list[Row]) -> str:
    told = [f"{words.plain(r['about'])} {100 * r['value']:.0f} %" for r in budgets if r["value"] is not None]
    return f"Spent of each budget: {listed(told)}." if told else "Nothing that you may read has drawn on a budget."


def draw(ctx: Context, *, people: str) -> None:
    budget = next((r for r in present(ctx.reads.results(monitor="privacy", latest=True)) if r["about"] == people), None)
    entries = ctx.reads.ledger(people=people)
    st.subheader(f"Budget of {words.plain(people)}", anchor=False)
    if budget is None or budget["value"] is None:
        st.markdown(f"{theme.state('no_data')} No share of the budget was recorded yet.")
    else:
        _budget(budget)
    if entries:
        _ledger(entries)


def _budget(budget: Row) -> None:
    details, share = budget["details"], budget["value"]
    blocks = f"{details.get('from', '')} to {details.get('to', '')}"
    st.progress(
        min(1.0, share),
        text=f"{100 * share:.0f} % spent, in the blocks from {words.plain(blocks)}",
    )
    state = theme.state("unclear") if budget["status"] == "outside" else theme.state("within")
    st.markdown(f"{state} People are warned from 80 %. A release beyond 100 % is refused before noise is drawn.")
    spent = details.get("epsilon_spent")
    parts.facts(
        {
            "Spent": words.plain(
                f"rho {decimal(details.get('spent_rho'))} of {decimal(details.get('cap_rho'))}; "
                f"exactly {details.get('spent_rho')} of {details.get('cap_rho')}"
            ),
            "In the usual terms": words.plain(
                f"epsilon {number(float(spent))} of {details.get('epsilon')}, delta {details.get('delta')}"
            )
            if spent is not None
            else words.NO_DATA,
            "Blocks": words.plain(str(details.get("blocks", words.NO_DATA))),
        },
        alt="The budget",
    )


def _ledger(entries: list[Row]) -> None:
    st.markdown("**The ledger**: charged before noise was drawn, entry by entry.")
    lines = [
        (
            words.unbroken(f"{day(e['block_from'])} to {day(e['block_to'])}"),
            words.plain(e["site"] or ""),
            words.plain(f"{e['model'] or ''} {e['version'] or ''}"),
            words.plain(e["purpose"] or ""),
            words.plain(f"{decimal(e['rho'])} ({e['rho']})"),
            words.plain(mechanism(e)),
            words.plain(e["state"]),
        )
        for e in sorted(entries, key=lambda e: str(e["block_from"]), reverse=True)[:40]
    ]
    parts.table(("Block", "Site", "Model", "Purpose", "rho (exactly)", "Noise", "State"), lines, alt="Privacy ledger")
    st.caption(
        f"{count(len(entries))} entries; the newest 40 are shown."
        if len(entries) > 40
        else f"{count(len(entries))} entries."
    )


def decimal(exact: str | None) -> str:
    """`297/10000` as `0.0297`; the exact text stands beside it."""
    try:
        return number(float(Fraction(str(exact))))
    except (ValueError, ZeroDivisionError):
        return words.NO_DATA


def mechanism(entry: Row) -> str:
    """`discrete Gaussian, sigma 13.0`: the ledger keeps the whole of it, for whoever computes the loss again."""
    if entry["scale"] is None:
        return words.NO_DATA
    name = "discrete Gaussian" if "gaussian" in str(entry["mechanism"]).casefold() else "mechanism in the ledger"
    return f"{name}, sigma {number(entry['scale'])}"
