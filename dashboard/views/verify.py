"""Verify: a file is dropped, and integrity, signature and completeness are told apart. Nothing of it is kept."""

from __future__ import annotations

import re

import streamlit as st

from dashboard import parts, words
from dashboard.context import Context
from dashboard.shapes import Row
from reports.words import plural

MOST_MEGABYTES = 20
COMPLETENESS = 5
"""The step of `reports.verify` that tells what a report leaves open."""
_DIGEST = re.compile(r"\b([0-9a-f]{16})[0-9a-f]{48}\b")
MARKS = {
    True: ":green[✓\u00a0held]",
    False: ":red[▲\u00a0did\u00a0not\u00a0hold]",
    None: ":gray[?\u00a0could\u00a0not\u00a0be\u00a0done]",
}


OPEN = ":orange[◆\u00a0gaps]"


def page(ctx: Context) -> None:
    parts.header(ctx, words.PAGES["verify"], words.VERIFY)
    handed = st.file_uploader(
        words.VERIFY_FILE,
        type=["pdf", "html", "json"],
        max_upload_size=MOST_MEGABYTES,
        key="file",
        help=words.VERIFY_KEPT,
    )
    if handed is None:
        return
    with st.spinner("Reading the file and the trail"):
        found = parts.attempt(lambda: ctx.commands.check_file(handed.getvalue(), handed.name))
    if found is not None:
        told(dict(found))


def told(found: Row) -> None:
    """The verdict in three sentences, then what differs and where, then each step."""
    st.markdown(words.INTEGRITY[found["integrity"]])
    signed = found.get("signed") or {}
    sentence = words.plain(str(signed.get("told") or "this kind of file carries no signature"))
    st.markdown(f"{words.SIGNATURES[found['signature']]} {sentence[:1].upper()}{sentence[1:]}.")
    gaps = found["gaps"]
    icon = ":orange-badge[◆ completeness: gaps]" if gaps else ":gray-badge[• completeness]"
    st.markdown(f"{icon} {words.plain(found['completeness'])}.")
    if not found["trail"]["holds"]:
        st.error("The trail of this hub does not add up: nothing that it says of a report counts. See Audit.")
    if gaps:
        st.markdown("\n".join(f"- {words.plain(gap)}" for gap in gaps))
    _findings(found["findings"])
    st.subheader("What was checked", anchor=False)
    lines = [(str(step["step"]), words.plain(_short(step["told"])), _held(step)) for step in found["steps"]]
    parts.table(("Step", "What", "Held"), lines, alt="The steps of the check")
    name = words.plain(found["report"] or "no report id")
    st.caption(f"{words.plain(found['file'])} · {name} · SHA-256 `{found['sha256']}`")


def _held(step: Row) -> str:
    """What is left open is no sign of tampering, and is not marked like one."""
    return OPEN if step["step"] == COMPLETENESS and step["held"] is False else MARKS[step["held"]]


def _findings(findings: list[Row]) -> None:
    if not findings:
        return
    st.subheader(f"{plural(len(findings), 'difference')} from what was recorded", anchor=False)
    keys = ("what", "where", "expected", "found")
    lines = [tuple(words.plain(_short(one[key])) for key in keys) for one in findings[:50]]
    parts.table(("What", "Where", "Expected", "Found"), lines, alt="What differs and where")


def _short(text: str) -> str:
    """Digests by their start: whole ones would not fit beside each other."""
    return _DIGEST.sub(r"\1…", str(text))
