"""A model's fairness and the privacy budget it draws on."""

from __future__ import annotations

import streamlit as st

from dashboard import charts, parts, theme, words
from dashboard.context import Context
from dashboard.shapes import Row, attribute_of, grouped, measured, newest_each, status_of
from dashboard.views import privacy as privacy_page
from reports.words import clean, count, listed, measure, site, window


def fairness(ctx: Context, model: Row) -> None:
    """Gaps at every site, each with its interval: what is outside, and where the sample cannot tell."""
    results = ctx.reads.results(model=model["model"], version=model["version"], monitor="fairness", latest=True)
    st.caption(words.FAIRNESS_NOTE)
    if not results:
        st.markdown(words.NO_RESULTS)
        return
    gaps = [r for r in results if not is_rate(r) and r.get("segment") is None]
    limited = {r["about"] for r in gaps if r.get("limit")}
    attributes = sorted({r["about"] for r in gaps}, key=lambda name: (name not in limited, " & " in name, name))
    if attributes:
        columns = st.columns([1, 1, 2])
        with columns[0]:
            about = parts.choose("Compared by", attributes, "by")
        names = sorted(
            {r["measure"] for r in gaps if r["about"] == about}, key=lambda name: (name != "selection_rate_ratio", name)
        )
        with columns[1]:
            chosen = parts.choose("Measure", names, "measure")
        draw_gap([r for r in gaps if r["about"] == about and r["measure"] == chosen])
        _rates([r for r in results if is_rate(r) and attribute_of(r) == about])


def is_rate(result: Row) -> bool:
    """A single group's rate, told without a limit; everything else is a gap between groups."""
    return "=" in str(result.get("about") or "")


def draw_gap(gaps: list[Row]) -> None:
    found = sorted(newest_each(gaps), key=lambda r: (r["site"] == "*", r["site"]))
    rows = [
        {"label": site(r["site"]), "value": r["value"], "interval": r["interval"], "status": status_of(r)}
        for r in found
    ]
    limit = next((r["limit"] for r in found if r.get("limit")), None)
    ratio = bool(found) and found[0]["measure"].endswith("_ratio")
    finding = gap_sentence(found)
    if any(row["value"] is not None for row in rows):
        figure = charts.dots(rows, parts.colours(), limit=limit, parity=1.0 if ratio else 0.0)
        parts.chart(figure, finding=finding, alt=clean(finding), key=f"gap {found[0]['about']} {found[0]['measure']}")
    else:
        st.markdown(finding)
    lines = [
        (
            words.plain(site(r["site"])),
            theme.state(status_of(r)),
            words.plain(measured(r)),
            words.plain(why(r)),
            words.plain(window(r["window"])),
        )
        for r in found
    ]
    parts.table(("Site", "State", "Newest, with interval and n", "Why", "Window"), lines, alt="The gap at each site")


def gap_sentence(found: list[Row]) -> str:
    """`Outside at branch-north; cannot say at edge-kiosk.`"""
    outside = [words.plain(site(r["site"])) for r in found if r["status"] == "outside"]
    cannot = [
        words.plain(site(r["site"]))
        for r in found
        if r["status"] in ("unclear", "too_few", "not_computable", "no_labels")
    ]
    name = words.plain(f"{measure(found[0]['measure'])} by {found[0]['about']}") if found else "Nothing measured"
    sentence = f"{name[:1].upper() + name[1:]}: outside at {listed(outside, none='no site')}"
    return sentence + (f"; cannot say at {listed(cannot)}." if cannot else ".")


def why(result: Row) -> str:
    """The significance behind a verdict, or the reason there is none."""
    details = result.get("details") or {}
    if details.get("reason"):
        return str(details["reason"])
    p = details.get("p_adjusted")
    if p is None:
        return ""
    size = "under 0.001" if p < 0.001 else f"{p:.2g}"
    verdict = "significant" if result.get("significant") else "not significant"
    return f"difference from parity {verdict} (p {size})"


def _rates(rates: list[Row]) -> None:
    """Rates of single groups, small multiples as a table: groups down, sites across."""
    if not rates:
        return
    found = newest_each(rates)
    sites = sorted({r["site"] for r in found}, key=lambda name: (name == "*", name))
    by_group = grouped(found, "about")
    lines = []
    for (group,), rows in sorted(by_group.items()):
        cells = {r["site"]: r for r in rows}
        lines.append([words.plain(group), *(_rate(cells.get(name)) for name in sites)])
    st.subheader("Rates of favourable decisions", anchor=False)
    parts.table(["Group", *(words.plain(site(name)) for name in sites)], lines, alt="Rates per group and site")


def _rate(result: Row | None) -> str:
    if result is None:
        return theme.icon("no_data")
    if result["value"] is None:
        return f"{theme.icon(result['status'])} (n {count((result.get('n') or {}).get('current'))})"
    return words.plain(measured(result, limit=False))


def privacy(ctx: Context, model: Row) -> None:
    """The budget of the people behind this model, and what its noisy releases spent."""
    file = model["file"]
    if file is None or file.privacy is None:
        st.markdown("The model file names no people, so no budget is drawn on and no noisy counts can be released.")
        return
    privacy_page.draw(ctx, people=file.privacy.people)
