"""The demo's tour: six addresses, each with the sentence that will be seen there. Every figure in it is computed.

What was planted stands in `service/demo/data.py`; the tour reads the hub as anybody would, and asserts nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monitors.method_sets import rows_results
from monitors.subject import Subject
from service.demo.build import MODEL, PASSWORD, USERS, Built
from service.demo.data import CLOUD, DAYS, KIOSK, NORTH, PLANTED_NAME
from service.ingest import known_model
from service.wiring import HUB_FILE, Hub, local_viewer, open_hub
from store.errors import BadInput
from store.model_file import DriftWatch
from store.reads import Reads
from store.result import Monitor, Status
from store.rows import RowShape

PEER = "evidently-0.7"
PLANTED_AT_CLOUD = 1
"""Columns that move at cloud-eu: loan_purpose."""


def tour(built: Built, *, address: str) -> dict[str, Any]:
    """Addresses with their sentences, who may sign in, and where the report is."""
    reads = built.hub.store.reads(local_viewer())
    stops = [
        _home(reads),
        _fairness(reads),
        _local_or_global(built.hub, reads),
        _stayed(built, reads),
        _request(built),
        ("/reports", f"The report's first page says {built.report['state']}, and what it does not answer yet."),
    ]
    return {
        "schema": "bailiwick/demo/1",
        "hub": str(built.hub.folder),
        "tour": [{"address": address + path, "sentence": sentence} for path, sentence in stops],
        "users": [{"name": name, "role": role, "password": PASSWORD, "does": does} for name, role, does in USERS],
        "report": built.report["path"],
    }


def find(path: Path) -> Built | None:
    """The demo that was built in this folder before; None where the folder holds no hub."""
    if not (path / HUB_FILE).exists():
        return None
    hub = open_hub(path)
    reads = hub.store.reads(local_viewer())
    reports, requests = reads.reports(model=MODEL), reads.requests(model=MODEL)
    if not reports or not requests:
        hub.close()
        raise BadInput(
            f"{path} holds a hub that is not a finished demo",
            advice="Name another folder with --hub, or remove this one if an earlier demo was interrupted.",
        )
    kept = hub.folder / "reports" / reports[-1]["file"]
    return Built(hub, {**reports[-1], "path": str(kept)}, requests[-1], path.parent / f"{path.name}-sites")


def _alert(reads: Reads, *, site: str, monitor: str, about: str | None = None) -> dict[str, Any]:
    """The alert of the story; the demo is broken where it is not there."""
    found = [
        alert
        for alert in reads.alerts(model=MODEL, site=site)
        if alert["monitor"] == monitor and about in (None, alert["about"])
    ]
    return found[0]


def _home(reads: Reads) -> tuple[str, str]:
    return "/", _alert(reads, site=KIOSK.site, monitor=Monitor.SILENCE)["sentence"]


def _fairness(reads: Reads) -> tuple[str, str]:
    north = _alert(reads, site=NORTH.site, monitor=Monitor.FAIRNESS, about="sex")
    kiosk = _alert(reads, site=KIOSK.site, monitor=Monitor.FAIRNESS, about="sex")
    return (
        f"/alert?id={north['id']}",
        f"{NORTH.site}: {north['value']:.2f} of n {north['n']:,}, clearly outside; beside it {KIOSK.site}: "
        f"{kiosk['value']:.2f} of n {kiosk['n']:,}, cannot tell.",
    )


def _local_or_global(hub: Hub, reads: Reads) -> tuple[str, str]:
    sites: dict[str, set[str]] = {}
    for alert in reads.alerts(model=MODEL):
        if alert["monitor"] == Monitor.DRIFT and alert["condition"] == "firing" and alert["about"]:
            sites.setdefault(alert["about"], set()).add(alert["site"])
    moved = "; ".join(f"{column} at {', '.join(sorted(where))}" for column, where in sorted(sites.items()))
    flagged, days = _peer_flags(hub, reads)
    return (
        f"/model?id={MODEL}",
        f"What moved, and where: {moved}. On the last {days} days at {CLOUD.site}, Evidently's defaults flag "
        f"{len(flagged)} of the columns ({', '.join(sorted(flagged)) or 'none'}); {PLANTED_AT_CLOUD} was planted.",
    )


def _peer_flags(hub: Hub, reads: Reads) -> tuple[set[str], int]:
    """Columns that Evidently's rules call drifted on any of the days since loan_purpose moved."""
    file = known_model(hub, local_viewer(), MODEL, None)
    spec = reads.spec(file.name, file.version)
    shapes = reads.shapes(file.name, file.version)
    windows = {
        (result["window_from"], result["window_to"])
        for result in reads.result_table(model=MODEL, site=CLOUD.site, monitor=Monitor.DRIFT).to_pylist()
    }
    days = sorted(windows)[-(DAYS - (CLOUD.purpose_from or DAYS) + 1) :]
    if spec is None or not shapes:
        return set(), len(days)
    reference = _columns(reads.reference_rows(file.name, file.version, shapes[-1]), shapes[-1])
    flagged: set[str] = set()
    for start, end in days:
        rows = reads.window_rows(file.name, file.version, shapes[-1], start, end, site=CLOUD.site)
        subject = Subject(file.name, file.version, CLOUD.site, None, start, end)
        watch = DriftWatch(method_set=PEER)
        judged = rows_results(spec, reference, _columns(rows, shapes[-1]), subject=subject, watch=watch)
        inputs = [result for result in judged if result.monitor == Monitor.DRIFT]
        flagged |= {str(result.about) for result in inputs if result.status == Status.OUTSIDE}
    return flagged, len(days)


def _columns(rows: Any, shape: RowShape) -> dict[str, Any]:
    return {name: rows.column(f"x{at}") for at, name in enumerate(shape.inputs)}


def _stayed(built: Built, reads: Reads) -> tuple[str, str]:
    left = reads.departures(NORTH.site).get("summaries", {"files": 0, "bytes": 0, "rows": 0})
    found = _occurrences(built.hub.folder, PLANTED_NAME)
    return (
        f"/site?id={NORTH.site}",
        f"{left['rows']:,} rows stayed at {NORTH.site}; {left['files']} files with {left['bytes']:,} bytes of counts "
        f'left it. "{PLANTED_NAME}", a customer there, is found {found} times in the hub\'s files.',
    )


def _occurrences(folder: Path, name: str) -> int:
    return sum(path.read_bytes().count(name.encode()) for path in sorted(folder.rglob("*")) if path.is_file())


def _request(built: Built) -> tuple[str, str]:
    request = built.request
    return (
        f"/retraining?id={request['id']}",
        f"{request['requested_by']} asked for a retraining of {request['model']}:{request['version']}; another person "
        "must approve.",
    )
