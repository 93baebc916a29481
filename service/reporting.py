"""Reports: the facts gathered as of one seq, and the same numbers found again later.

`gather` reads everything a report tells under one as-of and one clock; `recompute` gathers it again as of that seq and
judges every window anew from the summaries that were known when its result was recorded.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from math import isclose
from pathlib import Path
from typing import Any

from monitors.accounting import spends_of, spent
from reports.build.controls import gaps
from reports.build.facts import GeneralFacts, json_ready
from reports.build.fleet import build_fleet
from reports.build.fleet_controls import fleet_gaps
from reports.build.fleet_facts import FleetFacts
from reports.build.general import build
from reports.compare import recomputed_findings
from reports.elements import Report, State
from reports.packs import load_pack
from reports.render.pdf import write_request
from service.bundles import budget_of
from service.fleet_reporting import fleet_facts
from service.impact_counts import impact_counts
from service.judging import judge
from service.known import known_model
from service.series import load_version
from service.wiring import Hub
from store.access import Viewer
from store.errors import BadInput, BailiwickError
from store.model_file import ModelFile
from store.reads import Reads
from store.result import Monitor, table_of

LIBRARIES = ("bailiwick", "duckdb", "numpy", "scipy", "fairlearn", "opendp", "typst")
NOT_FROM_SUMMARIES = (Monitor.SILENCE, Monitor.PRIVACY)
RENDER_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Release:
    """How a report stands: a draft, or issued by the people who prepared, reviewed and approved it."""

    state: State = State.DRAFT
    signatories: tuple[dict[str, Any], ...] = ()
    """role, by, at."""
    signing_root: str = ""
    """SHA-256 of the root certificate under which the file is signed; empty for formats that carry no signature."""


DRAFT = Release()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which report: a pack, its subject, and a period."""

    pack: str
    start: datetime
    end: datetime
    """Exclusive."""
    model: str | None = None
    version: str | None = None
    """None: the newest."""
    site: str | None = None
    """For packs on all models: only this site's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """As of which seq, at which time and by whom; the fields that are None are the present's."""

    as_of: int | None = None
    now: datetime | None = None
    built_by: str | None = None


PRESENT = Moment()
Gathered = GeneralFacts | FleetFacts


def gather(hub: Hub, viewer: Viewer, asked: Asked, *, at: Moment = PRESENT, release: Release = DRAFT) -> Gathered:
    """Everything the report tells, of one model or of all, as the pack's subject is."""
    pack = load_pack(asked.pack)
    moment = hub.now() if at.now is None else at.now
    reads = Reads(hub.store.cursor(), viewer, as_of=at.as_of, now=moment)
    leaf = reads.one("SELECT known_at FROM audit_leaf WHERE seq = ?", [reads.seq])
    head: dict[str, Any] = {
        "org": hub.config.org or "this organisation",
        "pack": pack,
        "state": release.state,
        "signatories": list(release.signatories),
        "signing_root": release.signing_root,
        "as_of": reads.seq,
        "as_of_at": _text(leaf["known_at"] if leaf else moment),
        "period_from": _text(asked.start),
        "period_to": _text(asked.end),
        "built_at": _text(moment),
        "built_by": viewer.name if at.built_by is None else at.built_by,
        "declarations": reads.declarations(asked.model or "*", asked.pack),
        "proof": {"seq": reads.seq, "size": reads.seq + 1, "root": reads.root(), "checked": reads.verify_trail().holds},
        "libraries": {name: found for name in LIBRARIES if (found := _version(name))},
    }
    if pack.subject == "models":
        if asked.model is not None:
            raise BadInput(f"{pack.id} is a report on all models", advice="Leave --model out; --site narrows it.")
        return FleetFacts(**head, **fleet_facts(reads, asked.site, asked.start, asked.end, coverage=coverage_of))
    if asked.model is None or asked.site is not None:
        raise BadInput(f"{pack.id} is a report on one model", advice="Name it with --model, and no --site.")
    return GeneralFacts(**head, **_model_facts(hub, viewer, reads, asked.model, asked, moment))


def gaps_of(facts: Gathered) -> list[str]:
    """Why a report of these facts cannot be issued yet; empty when it can."""
    return fleet_gaps(facts) if isinstance(facts, FleetFacts) else gaps(facts)


def _model_facts(hub: Hub, viewer: Viewer, reads: Reads, model: str, asked: Asked, moment: datetime) -> dict[str, Any]:
    """What a report on one model tells beside its head."""
    version, start, end = asked.version, asked.start, asked.end
    wanted = version or reads.newest_version(model)
    row = reads.model(model, wanted) if wanted else None
    if row is None:
        known_model(hub, viewer, model, version)
        raise BailiwickError(f"{model} was not known at seq {reads.seq}", advice="Choose a later as-of.")
    file: ModelFile = row["file"]
    results = [
        result
        for result in reads.results(model=model, version=row["version"], window_from=start)
        if result["window"]["from"] < _text(end)
    ]
    author = reads.one(
        "SELECT json_extract_string(p.private, '$.actor') AS actor FROM model_at(?) m JOIN audit_private p USING (seq) "
        "WHERE m.model = ? AND m.version = ?",
        [reads.seq, model, row["version"]],
    )
    told = {key: value for key, value in row.items() if key not in ("file", "spec", "changes")}
    sections = load_pack(asked.pack).sections
    return {
        "model": {**told, "declared_by": author["actor"] if author else None},
        "file": file,
        "coverage": coverage_of(reads, model, row, start, end),
        "receipts": [r for r in reads.receipts(model=model) if _meets(r, start, end)],
        "results": results,
        "changes": [change for change in row["changes"] if change["known_at"] < max(end, moment)],
        "alerts": [
            reads.alert(alert["id"]) or {} for alert in reads.alerts(model=model) if alert["version"] == row["version"]
        ],
        "requests": [reads.request(request["id"]) or {} for request in reads.requests(model=model)],
        "impact": impact_counts(reads, file, row["spec"], start, end) if "impact" in sections else {},
        "ledger": reads.ledger(file.privacy.people) if file.privacy else [],
        "people": people_of(hub, reads, file, moment),
    }


def coverage_of(reads: Reads, model: str, row: dict[str, Any], start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Every site that ever served this version, those that sent nothing in the period too."""
    sites = {site["site"]: site for site in reads.sites()}
    found = {held["site"]: held for held in reads.coverage(model, row["version"], start, end)}
    out = []
    for name in sorted({*found, *row["sites"]} & {*sites}):
        nothing = dict.fromkeys(
            ("batches", "rows", "kept", "quarantined", "duplicates", "bytes", "outcomes", "labelled"), 0
        )
        held = found.get(name) or {
            "site": name,
            "sharing": sites[name]["sharing"],
            **nothing,
            "reasons": {},
            "label_share": None,
        }
        out.append({"first_event": None, "last_event": None, **held, "fresh": sites[name]["fresh"]})
    return out


def _meets(receipt: dict[str, Any], start: datetime, end: datetime) -> bool:
    first, last = receipt["first_event"] or receipt["known_at"], receipt["last_event"] or receipt["known_at"]
    return bool(first < end and last >= start)


def people_of(hub: Hub, reads: Reads, file: ModelFile, moment: datetime) -> list[dict[str, Any]]:
    """The budget of the people a model draws on, with what is spent of it; empty where it names none."""
    if file.privacy is None:
        return []
    budget, people = budget_of(hub, file), hub.config.budget(file.privacy.people)
    entries = spends_of(reads.ledger(people.name))
    until = max((entry.block_to for entry in entries), default=moment)
    window = spent(entries, budget, until=until)
    return [
        {
            "people": people.name,
            **people.as_json(),
            "spent_rho": str(window.rho),
            "cap_rho": str(budget.cap),
            "share": float(window.rho / budget.cap),
            "from": window.window_from,
            "to": window.window_to,
        }
    ]


def _text(moment: datetime) -> str:
    return moment.isoformat() + "Z"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def make_report(facts: Gathered) -> Report:
    return build_fleet(facts) if isinstance(facts, FleetFacts) else build(facts)


def render_pdf_apart(report: Report, folder: Path) -> bytes:
    """The PDF, typeset in a process of its own: typesetting never holds up the house."""
    request, out = folder / f"{report.id}.request.json", folder / f"{report.id}.pdf"
    write_request(report, request, out=out)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "reports.render.pdf", str(request)],
            capture_output=True,
            text=True,
            timeout=RENDER_SECONDS,
            check=False,
        )
        if done.returncode or not out.exists():
            last = done.stderr.strip().splitlines()[-1:] or ["no word of why"]
            raise BailiwickError(
                f"the PDF could not be typeset: {last[0]}",
                advice="Build it as HTML or JSON, and report this as a fault.",
            )
        return out.read_bytes()
    finally:
        request.unlink(missing_ok=True)
        out.unlink(missing_ok=True)


# -- the same numbers again -----------------------------------------------------------------------------------------


def recompute(hub: Hub, viewer: Viewer, evidence: dict[str, Any]) -> list[dict[str, Any]]:
    """What differs when the report's facts are gathered and its results judged again: nothing, in a sound hub."""
    told, held = evidence["report"], evidence.get("model_file")
    again = gather(
        hub,
        viewer,
        Asked(
            pack=told["pack"]["id"],
            model=None if held is None else str(held["name"]),
            version=None if held is None else str(held["version"]),
            site=evidence.get("site"),
            start=_moment(evidence["period"]["from"]),
            end=_moment(evidence["period"]["to"]),
        ),
        at=Moment(as_of=evidence["as_of"]["seq"], now=_moment(told["built_at"]), built_by=told["built_by"]),
        release=Release(State(told["state"]), tuple(told["signatories"]), told["signing_root"]),
    )
    fresh = make_report(again).evidence
    found: list[dict[str, Any]] = [finding.as_json() for finding in recomputed_findings(evidence, fresh)]
    return found if held is None else found + _rejudge(hub, viewer, evidence)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z"))


def _rejudge(hub: Hub, viewer: Viewer, evidence: dict[str, Any]) -> list[dict[str, Any]]:
    """Every result of the report judged again from the summaries and rows known at its own basis."""
    results = {result["id"]: result for result in evidence["results"] if result["monitor"] not in NOT_FROM_SUMMARIES}
    if not results:
        return []
    rows = hub.store.reads(viewer).rows(
        "SELECT id, basis_seq, known_at FROM result WHERE model = ? AND version = ?",
        [str(evidence["model_file"]["name"]), str(evidence["model_file"]["version"])],
    )
    runs: dict[tuple[int, datetime], list[dict[str, Any]]] = {}
    for row in rows:
        if row["id"] in results:
            runs.setdefault((row["basis_seq"], row["known_at"]), []).append(results[row["id"]])
    found: list[dict[str, Any]] = []
    for (basis, at), members in sorted(runs.items(), key=lambda item: item[0]):
        found += _compare_run(hub, viewer, evidence, basis, at, members)
    judged = sum(len(members) for members in runs.values())
    if judged != len(results):
        found.append(
            {"what": "results are gone from the hub", "where": "results", "expected": len(results), "found": judged}
        )
    return found


def _compare_run(
    hub: Hub, viewer: Viewer, evidence: dict[str, Any], basis: int, at: datetime, members: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    reads = Reads(hub.store.cursor(), viewer, as_of=basis, now=at)
    name, of = str(evidence["model_file"]["name"]), str(evidence["model_file"]["version"])
    file, spec = reads.model_file(name, of), reads.spec(name, of)
    if file is None or spec is None:
        return [{"what": "the bins are gone", "where": f"seq {basis}", "expected": "a bin spec", "found": None}]
    again = {
        _key(json_ready({**row, "window": {"from": row["window_from"], "to": row["window_to"]}})): row
        for row in table_of(judge(load_version(reads, file, spec), now=at, again=True)).to_pylist()
    }
    found = []
    for member in members:
        row = again.get(_key(member))
        where = "{monitor} {measure} of {about} at {site}".format(**member) + f", window to {member['window']['to']}"
        if row is None:
            found.append(
                {
                    "what": "a result cannot be computed again",
                    "where": where,
                    "expected": member["value"],
                    "found": None,
                }
            )
        elif row["status"] != member["status"] or not _same(row["value"], member["value"]):
            expected = f"{member['value']} {member['status']}"
            found.append(
                {
                    "what": "a result differs",
                    "where": where,
                    "expected": expected,
                    "found": f"{row['value']} {row['status']}",
                }
            )
    return found


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["site"], row["segment"], row["monitor"], row["measure"], row["about"], row["window"]["to"])


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return isclose(one, other, rel_tol=1e-12, abs_tol=1e-12)
