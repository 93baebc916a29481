"""Commands that build reports and check them."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from reports.identify import identify
from reports.periods import told_of
from service.commands.report_release import submit_report
from service.kept_reports import FORMATS, keep_report, root_for
from service.reporting import Asked, Release, gaps_of, gather, recompute
from service.verdicts import verdict_apart, verdict_of
from service.wiring import Hub
from store.access import Grant, Permission, Viewer, require
from store.canonical import sha256_hex
from store.errors import BadInput, Refused, UnknownName
from store.events import Event
from store.reads import Reads

_HOUSE = Viewer("house", (Grant("admin"),))
"""Who computes a report again: whether its numbers are found does not depend on what the asker may read elsewhere."""


def build_report(
    hub: Hub,
    viewer: Viewer,
    *,
    pack: str,
    start: datetime,
    end: datetime,
    model: str | None = None,
    version: str | None = None,
    site: str | None = None,
    format: str = "pdf",
    issue: bool = False,
) -> dict[str, Any]:
    """Builds a report, keeps it in the hub's reports/, and records its digests in the trail."""
    require(viewer, Permission.REPORT_BUILD, site=site, model=model)
    if format not in FORMATS:
        raise BadInput(f"format {format!r} is none of {', '.join(FORMATS)}", advice="PDF is the default.")
    if not start < end:
        raise BadInput("the period ends before it begins", advice="Give --from before --to; --to is exclusive.")
    release = Release(signing_root=root_for(hub, format))
    asked = Asked(pack=pack, model=model, version=version, site=site, start=start, end=end)
    facts = gather(hub, viewer, asked, release=release)
    missing = gaps_of(facts)
    if issue and missing:
        raise Refused(
            f"the report cannot be issued: {missing[0]}" + (f"; and {len(missing) - 1} more" if missing[1:] else ""),
            advice="Close the gaps, or build it as a draft, without --issue.",
            details={"pack": pack, "gaps": missing},
        )
    made = keep_report(hub, viewer, facts, asked, format=format, event=Event.REPORT_FILE_BUILT)
    if issue:
        made |= submit_report(hub, viewer, id=made["id"])
    return made


def report_file(hub: Hub, viewer: Viewer, *, id: str) -> dict[str, Any]:
    """The file's name and its bytes (None where it is gone), for whoever may read reports of this model."""
    row = hub.store.reads(viewer).report(id_=id)
    if row is None:
        raise UnknownName(f"no report {id}", advice="List them on the Reports page.")
    path = hub.folder / "reports" / row["file"]
    return {"name": row["file"], "bytes": path.read_bytes() if path.exists() else None}


def report_evidence(hub: Hub, viewer: Viewer, *, id: str) -> dict[str, Any]:
    """What the library shows and compares of a report, from the evidence in its file; None where that is gone."""
    row = hub.store.reads(viewer).report(id_=id)
    if row is None:
        raise UnknownName(f"no report {id}", advice="List them on the Reports page.")
    path = hub.folder / "reports" / row["file"]
    return {"id": id, "told": _told(str(path), row["sha256"]) if path.exists() else None}


@lru_cache(maxsize=256)
def _told(path: str, sha256: str) -> dict[str, Any] | None:
    """Small: a figure's worth of a large document, held by the digest of the file it was read from."""
    content = Path(path).read_bytes()
    document = identify(content).evidence_document() if sha256_hex(content) == sha256 else None
    return None if document is None else told_of(document)


def check_file(hub: Hub, viewer: Viewer, *, content: bytes, file_name: str) -> dict[str, Any]:
    """The verdict on bytes that somebody hands in, found in a process apart; nothing is written."""
    require(viewer, Permission.REPORT_READ)
    reads = hub.store.reads(viewer)
    return _with_trail(verdict_apart(content, file_name, reads.reports(), hub.folder), file_name, reads)


def verify_report(hub: Hub, viewer: Viewer, *, path: Path, recompute_too: bool = False) -> dict[str, Any]:
    """Whether a file is one of ours and untouched; with recompute_too, whether its numbers can be found again."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error}", advice="Check the path.") from error
    reads = hub.store.reads(viewer)
    verdict, inside = verdict_of(content, path.name, reads.reports(), hub.folder)
    out = _with_trail(verdict.as_json(), str(path), reads)
    if recompute_too and verdict.integrity == "intact":
        evidence = inside.evidence_document()
        differences = (
            recompute(hub, _HOUSE, evidence) if evidence else [{"what": "no evidence in the file", "where": str(path)}]
        )
        out["recomputed"] = {"same": not differences, "differences": differences}
    return out


def _with_trail(verdict: dict[str, Any], file: str, reads: Reads) -> dict[str, Any]:
    """What the trail says of a report counts only while the trail itself holds."""
    trail = reads.verify_trail()
    out = {**verdict, "schema": "bailiwick/report-verification/1", "file": file, "trail": trail.as_json()}
    if not trail.holds and verdict["integrity"] == "intact":
        out["integrity"] = "unknown"
    return out
