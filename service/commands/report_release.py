"""How a draft becomes an issued report: submitted by who prepared it, reviewed by a second, approved by a third person.

The approved report is built again as of the same place in the trail, with the three names in it, and signed; it must
tell what the draft told, or it is refused. A reviewer who is not content flags the draft with a reason. Every step is
an event; nobody takes two of the three parts.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reports.build.evidence import substance
from reports.elements import State
from reports.identify import identify
from reports.packs import load_pack
from service.kept_reports import keep_report, root_for
from service.reporting import Asked, Gathered, Moment, Release, gather, make_report
from service.wiring import Hub
from store import writes
from store.access import Permission, Viewer, require
from store.canonical import sha256_hex
from store.errors import BadInput, NotPermitted, Refused, UnknownName, did_you_mean
from store.events import Event

SUBMITTED, REVIEWED, APPROVED, FLAGGED = "submitted", "reviewed", "approved", "flagged"
_OWN = frozenset({"id", "state", "signatories", "built_at", "built_by", "signing_root"})
"""What the issued report says of itself; everything else must be the draft's."""


def submit_report(hub: Hub, viewer: Viewer, *, id: str) -> dict[str, Any]:
    """Hands a draft without gaps to review. Only who prepared it may."""
    row = _draft(hub, viewer, id, Permission.REPORT_BUILD)
    if row["gaps"]:
        raise Refused(f"{id} is not complete: {row['gaps'][0]}", advice="Close the gaps and build it again.")
    if row["built_by"] != viewer.name:
        raise NotPermitted(f"{id} was prepared by {row['built_by']}", advice="Who prepared a report submits it.")
    _refuse_stage(row, "ready", "flagged")
    return _step(hub, viewer, row, SUBMITTED, "")


def review_report(hub: Hub, viewer: Viewer, *, id: str, reason: str = "") -> dict[str, Any]:
    """Says that a second person has read the draft and stands behind it."""
    row = _draft(hub, viewer, id, Permission.REPORT_BUILD)
    _refuse_stage(row, "in review")
    _refuse_same(viewer, row, {"prepared": row["built_by"]})
    return _step(hub, viewer, row, REVIEWED, reason)


def flag_report(hub: Hub, viewer: Viewer, *, id: str, reason: str) -> dict[str, Any]:
    """Sends a draft back, with a reason that stands in the library."""
    row = _draft(hub, viewer, id, Permission.REPORT_BUILD)
    if not reason.strip():
        raise BadInput("a flag needs a reason", advice="Say what is wrong: --reason.")
    _refuse_stage(row, "in review", "reviewed", "ready", "draft")
    return _step(hub, viewer, row, FLAGGED, reason)


def approve_report(hub: Hub, viewer: Viewer, *, id: str) -> dict[str, Any]:
    """Issues a reviewed draft: a third person approves, the organisation's key signs."""
    row = _draft(hub, viewer, id, Permission.REPORT_ISSUE)
    _refuse_stage(row, "reviewed")
    reviewed = next(step for step in reversed(row["steps"]) if step["step"] == REVIEWED)
    _refuse_same(viewer, row, {"prepared": row["built_by"], "reviewed": reviewed["by"]})
    told = _evidence_of(hub, row)
    signatories = (
        {"role": "prepared", "by": row["built_by"], "at": row["known_at"]},
        {"role": "reviewed", "by": reviewed["by"], "at": reviewed["at"]},
        {"role": "approved", "by": viewer.name, "at": hub.now()},
    )
    one = None if row["model"] == "*" else row["model"]
    asked = Asked(
        pack=row["pack"],
        model=one,
        version=row["version"] if one else None,
        site=row["site"],
        start=row["from"],
        end=row["to"],
    )
    at = Moment(as_of=row["as_of"], now=_moment(told["report"]["built_at"]), built_by=row["built_by"])
    release = Release(State.ISSUED, signatories, root_for(hub, row["format"]))
    facts = gather(hub, viewer, asked, at=at, release=release)
    _refuse_other_numbers(told, facts)
    made = keep_report(hub, viewer, facts, asked, format=row["format"], event=Event.REPORT_FILE_ISSUED, draft=id)
    return {**made, "stage": "issued", "signatories": [dict(one) for one in signatories]}


def declare_control(
    hub: Hub,
    viewer: Viewer,
    *,
    pack: str,
    control: str,
    model: str,
    text: str,
    not_applicable: bool = False,
) -> dict[str, Any]:
    """What a person declares for a control, under their name; not_applicable needs the reason as its text."""
    require(viewer, Permission.REPORT_BUILD, model=model)
    known = {one.id: one for one in load_pack(pack).controls}
    if control not in known:
        raise UnknownName(f"{pack} has no control {control!r}", advice=did_you_mean(control, known))
    if not text.strip():
        raise BadInput("a declaration needs words", advice="Say it with --text; for --not-applicable, say why.")
    if known[control].kind == "fact" and not not_applicable:
        raise Refused(f"{control} is answered by the record, not by words", advice="See what it says: report build.")
    if hub.store.reads(viewer).newest_version(model) is None:
        raise UnknownName(f"no model called {model!r}", advice="List them with `bailiwick model list`.")
    with hub.store.write(viewer.name, Event.REPORT_CONTROL_DECLARED, model) as tx:
        writes.declaration(
            tx, model=model, pack=pack, control=control, text=text.strip(), not_applicable=not_applicable
        )
    told = {"pack": pack, "control": control, "model": model, "text": text.strip(), "not_applicable": not_applicable}
    return {"schema": "bailiwick/declaration/1", **told, "by": viewer.name, "seq": tx.seq}


def _draft(hub: Hub, viewer: Viewer, id_: str, permission: Permission) -> dict[str, Any]:
    row = hub.store.reads(viewer).report(id_=id_)
    if row is None:
        raise UnknownName(f"no report {id_}", advice="List them with `bailiwick report list`.")
    require(viewer, permission, site=row["site"], model=None if row["model"] == "*" else row["model"])
    return row


def _refuse_stage(row: dict[str, Any], *wanted: str) -> None:
    if row["stage"] not in wanted:
        raise Refused(
            f"{row['id']} is {row['stage']}, not {' or '.join(wanted)}",
            advice="A report is built, submitted, reviewed and approved, in this order.",
            details={"stage": row["stage"]},
        )


def _refuse_same(viewer: Viewer, row: dict[str, Any], parts: dict[str, str]) -> None:
    for part, name in parts.items():
        if name == viewer.name:
            raise NotPermitted(
                f"{viewer.name} has {part} {row['id']} and cannot take another part in it",
                advice="Preparer, reviewer and approver are three different people.",
            )


def _step(hub: Hub, viewer: Viewer, row: dict[str, Any], step: str, reason: str) -> dict[str, Any]:
    with hub.store.write(viewer.name, Event.REPORT_STEP_TAKEN, f"{row['model']}:{row['version']}") as tx:
        writes.report_step(tx, id_=row["id"], step=step, reason=reason.strip())
    stage = {SUBMITTED: "in review"}.get(step, step)
    return {"schema": "bailiwick/report-step/1", "id": row["id"], "stage": stage, "by": viewer.name, "seq": tx.seq}


def _evidence_of(hub: Hub, row: dict[str, Any]) -> dict[str, Any]:
    """The evidence of the draft as it was recorded; a file that is gone or changed is not approved."""
    path = hub.folder / "reports" / row["file"]
    content = path.read_bytes() if path.exists() else b""
    told = identify(content).evidence_document() if sha256_hex(content) == row["sha256"] else None
    if told is None:
        raise Refused(
            f"the file of {row['id']} is gone or is not the one that was built",
            advice="Build the draft again; `bailiwick report verify` says what differs.",
        )
    return told


def _refuse_other_numbers(told: dict[str, Any], facts: Gathered) -> None:
    before, now = _content(told), _content(make_report(facts).evidence)
    if before != now:
        differing = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
        raise Refused(
            f"the draft does not say what is known now: {', '.join(differing)} differ",
            advice="Build the draft again, and have that one reviewed.",
            details={"differing": differing},
        )


def _content(document: dict[str, Any]) -> dict[str, Any]:
    told = substance(document)
    return {**told, "report": {key: value for key, value in told["report"].items() if key not in _OWN}}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z"))
