"""The parts that pages are put together from: header, rows, facts, filters, the five states of a page.

Everything that came from outside has passed `words.plain` before it reaches a part; none of them allows HTML.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from dashboard import theme, words
from dashboard.context import Context
from dashboard.shapes import Row, quiet
from reports.words import aside as told_aside
from reports.words import count, listed, moment
from store.canonical import sha256_hex
from store.errors import BailiwickError

log = logging.getLogger("bailiwick.console")


@dataclass(frozen=True, slots=True)
class Link:
    """A cell or a sentence that leads to another page."""

    label: str
    page: str
    params: Mapping[str, str] = field(default_factory=dict)


def header(ctx: Context, title: str, sentence: str) -> None:
    """One line of title, one sentence that answers the page's first question, and what it is as of."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        st.title(title, anchor=False)
    with right:
        seq = f" · seq {ctx.reads.seq}" if ctx.reads.seq >= 0 else ""
        st.caption(f"as of {moment(ctx.now)}{seq}", text_alignment="right")
    st.markdown(sentence)


def link(ctx: Context, to: Link, *, help: str | None = None) -> None:
    """A link within the console; plain words where the page stands alone or is not this viewer's."""
    place = ctx.places.get(to.page)
    if place is None:
        st.markdown(to.label)
    elif to.page == ctx.here:
        # A Streamlit link to the open page leaves the address as it was: the next press would act on the old id.
        key = f"to {to.page} {sorted(to.params.items())}"
        label = f":blue[{to.label}]"
        st.button(
            label, type="tertiary", key=key, help=help, on_click=st.query_params.from_dict, args=(dict(to.params),)
        )
    else:
        st.page_link(place, label=f":blue[{to.label}]", query_params=dict(to.params), help=help)


def go(ctx: Context, page: str, params: Mapping[str, str]) -> None:
    place = ctx.places.get(page)
    if place is not None:
        st.switch_page(place, query_params=dict(params))


def rows(
    ctx: Context,
    widths: Sequence[float],
    heads: Sequence[str],
    cells: Sequence[Sequence[str | Link | tuple[Link, str]]],
) -> None:
    """A table whose cells may be links, or a link with a sentence under it: a real one would open them in a new tab."""
    with st.container(border=True, gap="small", key=f"rows {' '.join(heads)}"):
        for column, head in zip(st.columns(list(widths), vertical_alignment="bottom"), heads, strict=True):
            column.caption(head)
        for line in cells:
            for column, cell in zip(st.columns(list(widths), vertical_alignment="top"), line, strict=True):
                with column:
                    _cell(ctx, cell)


def _cell(ctx: Context, cell: str | Link | tuple[Link, str]) -> None:
    if isinstance(cell, tuple):
        with st.container(gap=None):
            link(ctx, cell[0])
            st.markdown(cell[1])
    elif isinstance(cell, Link):
        link(ctx, cell)
    else:
        st.markdown(cell)


def table(heads: Sequence[str], lines: Sequence[Sequence[str]], *, alt: str) -> None:
    """A small table of Markdown, in the page's own text: read by screen readers, found by the browser's search."""
    import pandas as pd

    st.table(
        pd.DataFrame([list(line) for line in lines], columns=list(heads)), border="horizontal", hide_index=True, alt=alt
    )


def facts(pairs: Mapping[str, str], *, alt: str) -> None:
    st.table(dict(pairs), border="horizontal", width="content", alt=alt)


def choose(label: str, options: Sequence[str], key: str, *, default: str | None = None, width: int = 320) -> str:
    """A select box bound to the URL under its key; options are the slugs themselves."""
    index = options.index(default) if default in options else 0
    found = st.selectbox(label, list(options), index=index, key=key, bind="query-params", width=width)
    return str(found)


def segments(label: str, options: Sequence[str], key: str) -> str:
    """One of a few, all visible, bound to the URL. Slugs in and out; shown with a capital, which the URL may omit."""
    shown = [option.capitalize() for option in options]
    asked = st.query_params.get(key, "").capitalize()
    found = st.segmented_control(
        label,
        shown,
        default=asked if asked in shown else shown[0],
        required=True,
        key=key,
        bind="query-params",
        label_visibility="collapsed",
    )
    return str(found or shown[0]).lower()


def empty(title: str, body: str, *, commands: str | None = None) -> None:
    """Nothing here yet, and what to do about it."""
    with st.container(border=True):
        st.subheader(title, anchor=False)
        st.markdown(body)
        if commands:
            st.code(commands, language="shell")


def nothing_matches(open_to_all: Mapping[str, Any]) -> None:
    """The filters leave nothing; one press gives each the value under which it keeps everything."""
    with st.container(border=True):
        st.markdown(words.NOTHING_MATCHES)

        def clear() -> None:
            # Set, not removed: they are bound to the address, which must not be changed under them.
            for key, value in open_to_all.items():
                st.session_state[key] = value

        st.button(words.CLEAR_FILTERS, on_click=clear)


def partial(sites: Sequence[Row]) -> None:
    """Says which sites are missing from the figures below, and since when. Draws nothing where none is."""
    missing = [site for site in quiet(sites) if site["fresh"] in ("silent", "never")]
    if not missing:
        return
    names = listed(words.plain(site["site"]) for site in missing)
    last = [site["last_event"] for site in missing if site["last_event"] is not None]
    since = moment(min(last)) if last else "the beginning"
    them = "it" if len(missing) == 1 else "them"
    st.markdown(f"{theme.state('stale')} {words.PARTIAL.format(sites=names, them=them, since=since)}")


def aside(kept: Sequence[Row]) -> None:
    """Says what came in under names that nobody added. Draws nothing where there is nothing of it."""
    if kept:
        names = listed(sorted({_called(row) for row in kept})[:5])
        st.markdown(f"{theme.state('unclear')} {told_aside(kept)} {words.ASIDE.format(names=names)}")


def pulls(states: Sequence[Row]) -> None:
    """How the places that are looked at again and again stand: one line. Draws nothing where there is none."""
    if states:
        failing = [row for row in states if row["error"]]
        waiting = sum(row["waiting"] for row in states)
        told = words.PULLS.format(places=len(states), waiting=count(waiting), refused=sum(r["refused"] for r in states))
        if failing:
            row = failing[0]
            told += words.PULLS_FAILING.format(
                failing=len(failing), name=words.plain(row["pull"]), error=words.plain(row["error"])
            )
        st.markdown(f"{theme.state('stale' if failing else 'live')} {told}")


def _called(row: Row) -> str:
    version = "" if row["version"] is None else f" {words.plain(row['version'])}"
    return f"{words.plain(row['model'])}{version}"


def chart(figure: Any, *, finding: str, alt: str, key: str) -> None:
    """A chart under the sentence that says what it shows."""
    st.markdown(finding)
    st.plotly_chart(figure, theme=None, config=theme.PLOT_CONFIG, alt=alt, key=key)


def colours() -> theme.Palette:
    return theme.palette(st.context.theme.type)


def attempt(act: Callable[[], Mapping[str, Any]], *, done: str = "") -> Mapping[str, Any] | None:
    """Runs a command. Told when it is done; a refusal shows what happened and what to do, and changes nothing."""
    try:
        result = act()
    except BailiwickError as error:
        refused(error)
        return None
    if done:
        st.toast(done)
    return result


def refused(error: BailiwickError) -> None:
    advice = f" {words.plain(error.advice)}" if error.advice else ""
    st.error(f"{words.plain(error.message)}{'' if error.message.endswith('.') else '.'}{advice}")


@contextmanager
def page_errors(reference_seed: str) -> Iterator[None]:
    """Whatever goes wrong in a page ends here: a reference for the reader, the trace for the log."""
    try:
        yield
    except BailiwickError as error:
        refused(error)
        st.button(words.TRY_AGAIN)
    except Exception as error:
        reference = sha256_hex(f"{reference_seed} {error!r}".encode())[:8]
        log.exception("page failed, reference %s", reference)
        with st.container(border=True):
            st.subheader(words.FAILED, anchor=False)
            st.markdown(words.FAILED_BODY.format(reference=reference))
            st.button(words.TRY_AGAIN)


def not_found() -> None:
    st.title(words.NOT_FOUND, anchor=False)
