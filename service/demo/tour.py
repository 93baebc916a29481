"""The demo's tour: six addresses, each with the sentence that will be seen there. Every figure in it is computed.

What was planted stands in `data.py`; the tour reads the hub as anybody would. It holds what the hub says against the
plan in one place only: how many of the columns that a peer's rules flag were planted.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from reports.words import count, listed, plural
from service.commands.inspection import search_hub_file
from service.comparison import Compared, evidently_defaults
from service.demo.build import PASSWORD, USERS, Built
from service.demo.data import DAYS, FIRST_DAY, KIOSK, MODEL, NORTH, PLANS, PLANTED_NAME, Plan
from service.wiring import Hub, local_viewer
from store.errors import BadInput
from store.reads import Reads
from store.result import Monitor, Status


def tour(built: Built, *, address: str) -> dict[str, Any]:
    """Addresses with their sentences, who may sign in, and where the report is."""
    reads = built.hub.store.reads(local_viewer())
    version = built.report["version"]
    stops = [
        ("/", home(reads)),
        _fairness(reads),
        (f"/model?id={MODEL}&version={version}&section=drift", local_or_global(reads, version)),
        (f"/site?id={NORTH.site}", stayed(built.hub, reads)),
        (f"/retraining?id={built.request['id']}", asked(built.request)),
        ("/reports", first_page(built.report["state"], reads, version)),
    ]
    return {
        "schema": "bailiwick/demo/1",
        "hub": str(built.hub.folder),
        "sites": str(built.sites),
        "tour": [{"address": address + path, "sentence": sentence} for path, sentence in stops],
        "users": [{"name": name, "role": role, "password": PASSWORD, "does": does} for name, role, does in USERS],
        "report": built.report["path"],
    }


def home(reads: Reads) -> str:
    """Nothing green about the silent site."""
    sites = reads.sites()
    fresh = [site for site in sites if site["fresh"] == "live"]
    silent = [f"{s['site']} has been silent for {s['hours_silent']:.0f} hours" for s in sites if s["fresh"] == "silent"]
    return f"{len(fresh)} of {plural(len(sites), 'site')} are fresh; {listed(silent, none='none is silent')}."


def _fairness(reads: Reads) -> tuple[str, str]:
    alert = story_alert(reads, site=NORTH.site, monitor=Monitor.FAIRNESS, about="sex")
    gaps = {"model": MODEL, "version": alert["version"], "monitor": "fairness", "measure": alert["measure"]}
    course = reads.results(**gaps, site=NORTH.site, about="sex")
    outside = sum(row["status"] == Status.OUTSIDE for row in course)
    newest = {row["site"]: row for row in reads.results(**gaps, about="sex", latest=True)}
    north, kiosk = newest[NORTH.site], newest[KIOSK.site]
    people = count(kiosk["n"]["current"])
    unclear = "cannot say, for this sample cannot tell whether that is chance"
    verdict = unclear if kiosk["status"] == Status.UNCLEAR else kiosk["status"]
    return (
        f"/alert?id={alert['id']}",
        f"At {NORTH.site} women are granted loans at {north['value']:.2f} of men's rate, against at least "
        f"{north['limit']['value']:.2f}: outside in {outside} of {plural(len(course), 'window')}. "
        f"Beside it {KIOSK.site}, {kiosk['value']:.2f} of {people} people: {verdict}.",
    )


def story_alert(reads: Reads, *, site: str, monitor: str, about: str | None = None) -> dict[str, Any]:
    """The alert of the story; the demo is broken where it is not there."""
    for alert in reads.alerts(model=MODEL, site=site):
        if alert["monitor"] == monitor and about in (None, alert["about"]):
            return alert
    raise BadInput(f"no alert about {monitor} at {site} in this hub", advice="Build the demo in another folder.")


# -- one site, or all? ----------------------------------------------------------------------------------------------


def local_or_global(reads: Reads, version: str) -> str:
    """Which move is local, and what a peer's defaults say of the days since the move that came everywhere."""
    since: dict[str, dict[str, datetime]] = {}
    for alert in reads.alerts(model=MODEL):
        if alert["monitor"] == Monitor.DRIFT and alert["condition"] == "firing" and alert["about"]:
            first = datetime.fromisoformat(alert["first_window"]["from"].removesuffix("Z"))
            since.setdefault(alert["about"], {})[alert["site"]] = first
    moved = [
        f"{column} moved at {listed(sorted(where))}{' alone' if len(where) == 1 else ''}, "
        f"since {min(where.values()):%Y-%m-%d}"
        for column, where in sorted(since.items(), key=lambda item: (len(item[1]), item[0]))
    ]
    file, spec = reads.model_file(MODEL, version), reads.spec(MODEL, version)
    widest = max(since.values(), key=len, default={})
    if file is None or spec is None or not widest:
        return "; ".join(moved) + "."
    compared = evidently_defaults(reads, file, spec, start=min(widest.values()))
    return "; ".join(moved) + ". " + " ".join(peer_sentence(one) for one in compared)


def peer_sentence(told: Compared) -> str:
    """How many columns Evidently's defaults flag, against how many were planted there on those days."""
    planted = planted_columns(next(plan for plan in PLANS if plan.site == told.site), told.start, told.end)
    cannot = len(told.cannot_say) == told.columns
    ours = "these rules cannot say" if cannot else f"these rules flag {len(told.outside)} ({listed(told.outside)})"
    return (
        f"At {told.site}, in {plural(told.windows, 'window')} of {count(told.rows)} rows, Evidently's defaults flag "
        f"{len(told.flagged)} of {plural(told.columns, 'column')} ({listed(told.flagged)}); "
        f"{ours}; planted: {len(planted)} ({listed(sorted(planted))})."
    )


def planted_columns(plan: Plan, start: datetime, end: datetime) -> set[str]:
    """The columns that were made to move at a site in [start, end)."""
    days = {(start - FIRST_DAY).days + 1, min(DAYS, (end - FIRST_DAY - timedelta(microseconds=1)).days + 1)}
    moves = {"income": plan.income_from, "loan_purpose": plan.purpose_from}
    return {column for column, first in moves.items() if first is not None and first <= max(days)}


# -- what left, what was asked, what is on paper --------------------------------------------------------------------


def stayed(hub: Hub, reads: Reads) -> str:
    sent = reads.departures(NORTH.site)
    files, size = (sum(kind[name] for kind in sent.values()) for name in ("files", "bytes"))
    rows = sum(kind["rows"] for kind in sent.values())
    found = search_hub_file(hub, local_viewer(), text=PLANTED_NAME)
    times = "does not occur" if not found["found"] else f"occurs {plural(found['found'], 'time')}"
    left = "none of them left it" if set(sent) == {"summaries"} else f"{listed(sorted(sent))} left it"
    return (
        f"{count(rows)} rows were counted at {NORTH.site} and {left}: {plural(files, 'file')} of counts, "
        f"{count(size)} bytes ({size / 1024:,.1f} KiB), did. Search there for {PLANTED_NAME}, a customer of that "
        f"branch: the name {times} in the hub's file."
    )


def asked(request: dict[str, Any]) -> str:
    told = f"Asked for by {request['requested_by']}, for {request['site']}"
    if request["state"] == "requested":
        return f"{told}; another person must approve, and {request['requested_by']}'s own Approve is refused."
    if request["state"] == "trained":
        return f"{told}, approved by {request['approved_by']}: version {request['new_version']} came back."
    return f"{told}; it is {request['state']}."


def first_page(state: str, reads: Reads, version: str) -> str:
    covered = reads.coverage(MODEL, version, FIRST_DAY, FIRST_DAY + timedelta(days=DAYS))
    came = sum(row["kept"] > 0 for row in covered)
    silent = listed(site["site"] for site in reads.sites() if site["fresh"] != "live")
    return (
        f"The first page of the PDF: {state}, {count(sum(row['kept'] for row in covered))} rows kept from "
        f"{plural(came, 'site')} of {len(covered)}; silent or without data: {silent}."
    )
