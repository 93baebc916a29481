"""Report files: rendered, signed where the format can carry a signature, kept in the hub's reports/ and recorded.

The file stands there whole before its record does: a record of a file that is not there would be worse than a file
nobody recorded.
"""

from __future__ import annotations

import logging
from typing import Any

from reports.elements import State
from reports.render.html import render_html
from reports.render.json import render_json
from reports.sign import sign
from service.checkpoints import checkpoint_now
from service.reporting import Asked, Gathered, gaps_of, make_report, render_pdf_apart
from service.signing_keys import load_signing_identity, root_digest
from service.wiring import Hub
from store import writes
from store.access import Viewer
from store.canonical import sha256_hex
from store.errors import Refused
from store.events import Event

log = logging.getLogger("bailiwick.reports")
FORMATS = ("pdf", "html", "json")


def root_for(hub: Hub, format: str) -> str:
    """SHA-256 of the root under which a file of this format is signed; empty where it carries no signature."""
    return root_digest(load_signing_identity(hub.folder / "keys")) if format == "pdf" else ""


def keep_report(
    hub: Hub,
    viewer: Viewer,
    facts: Gathered,
    asked: Asked,
    *,
    format: str,
    event: Event,
    draft: str | None = None,
) -> dict[str, Any]:
    """draft: the id of the draft that this issued file came from; it is marked approved in the same transaction."""
    report = make_report(facts)
    content = {
        "pdf": lambda: _signed(hub, facts, render_pdf_apart(report, hub.folder / "spool")),
        "html": lambda: render_html(report),
        "json": lambda: render_json(report),
    }[format]()
    kept = hub.folder / "reports" / f"{report.id}.{format}"
    model, version = facts.subject
    with hub.store.write(viewer.name, event, f"{model}:{version}".rstrip(":")) as tx:
        beside = kept.with_name(kept.name + ".part")
        beside.write_bytes(content)
        beside.replace(kept)
        columns = {
            "id": report.id,
            "pack": facts.pack.id,
            "model": model,
            "version": version,
            "period_from": asked.start,
            "period_to": asked.end,
            "as_of": facts.as_of,
            "format": format,
            "state": str(report.state),
            "sha256": sha256_hex(content),
            "evidence_sha256": report.evidence_sha256,
            "file": kept.name,
            "draft": draft,
            "gaps": gaps_of(facts),
            "site": asked.site,
        }
        writes.report(tx, **columns)
        # The paper carries the root that it stands on: whoever holds a copy is a witness of the trail.
        writes.anchor(tx, size=facts.proof["size"], root=facts.proof["root"], kind="report", about=report.id)
        if draft is not None:
            writes.report_step(tx, id_=draft, step="approved")
    try:
        checkpoint_now(hub, actor=viewer.name, why=f"report {report.id}")
    except Refused as error:
        log.warning("the trail was not signed after report %s: %s", report.id, error)
    return {"schema": "bailiwick/report/1", **columns, "path": str(kept), "seq": tx.seq}


def _signed(hub: Hub, facts: Gathered, pdf: bytes) -> bytes:
    return sign(
        pdf,
        load_signing_identity(hub.folder / "keys"),
        org=facts.org,
        reason="Issued" if facts.state is State.ISSUED else "Draft",
        moment=hub.now(),
        timestamp_url=hub.config.time_stamp,
    )
