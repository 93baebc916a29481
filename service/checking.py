"""`check`: whether anything stands against letting a model go on, for pipelines.

Not well is: an open alert of severity high or above; one that was snoozed by whoever wrote the model file; a model
that is stale, without reference, without any result, or with rows of a version that nobody added. Nothing known is
never well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from service.wiring import Hub
from store.access import Grant, Permission, Viewer, require
from store.errors import BadInput, UnknownName, did_you_mean
from store.events import Event
from store.result import SEVERITIES, Severity, Status

GRAVE = SEVERITIES[SEVERITIES.index(Severity.HIGH) :]
NO_DATA = "no_data"
UNKNOWN_VERSION = "unknown_version"
ALLOWED = (*Status, *GRAVE, NO_DATA, UNKNOWN_VERSION)
_HOUSE = Viewer("house", (Grant("admin"),))
"""Who wrote a model file must be known, whether or not whoever asks may read the trail."""


def check(
    hub: Hub, viewer: Viewer, *, model: str | None = None, version: str | None = None, allow: Sequence[str] = ()
) -> dict[str, Any]:
    """What stands against the newest version of each model (or the one that is named)."""
    for status in allow:
        if status not in ALLOWED:
            raise BadInput(f'--allow "{status}" is no status', advice=did_you_mean(status, ALLOWED))
    require(viewer, Permission.MODEL_READ, model=model)
    rows = _chosen(hub.store.reads(viewer).models(), model, version)
    problems = [problem for row in rows for problem in _problems(hub, viewer, row) if problem["status"] not in allow]
    if not rows:
        problems = [_problem("*", NO_DATA, "no model", "nothing was added yet, so nothing is known")]
        problems = [problem for problem in problems if problem["status"] not in allow]
    checked = [f"{row['model']}:{row['version']}" for row in rows]
    return {"schema": "bailiwick/check/1", "well": not problems, "checked": checked, "problems": problems}


def _chosen(rows: list[dict[str, Any]], model: str | None, version: str | None) -> list[dict[str, Any]]:
    """The version that is named, else the newest of each model."""
    newest: dict[str, dict[str, Any]] = {}
    for row in rows:
        if model in (None, row["model"]) and version in (None, row["version"]):
            newest.setdefault(row["model"], row)
    if model is not None and not newest:
        raise UnknownName(f'there is no model "{model}"', advice=did_you_mean(model, {row["model"] for row in rows}))
    return list(newest.values())


def _problems(hub: Hub, viewer: Viewer, row: dict[str, Any]) -> Iterable[dict[str, Any]]:
    reads = hub.store.reads(viewer)
    called = f"{row['model']}:{row['version']}"
    for alert in reads.alerts(model=row["model"]):
        if alert["version"] != row["version"] or alert["condition"] == "cleared" or alert["severity"] not in GRAVE:
            continue
        snoozed = alert["triage"] == "snoozed"
        if alert["triage"] == "resolved" or (snoozed and alert.get("snoozed_by") not in _authors(hub, called)):
            continue
        what = f"alert {alert['id']}" + (", snoozed by the model's author" if snoozed else "")
        yield _problem(called, alert["severity"], what, alert.get("sentence", ""))
    latest = reads.results(model=row["model"], version=row["version"], latest=True)
    judged = [result for result in latest if result["monitor"] not in ("silence", "privacy")]
    if not judged:
        yield _problem(called, NO_DATA, "no result", "nothing was measured yet: ingest rows, then `bailiwick monitor`")
    for status, told in (
        (Status.STALE, "nothing came when it was due"),
        (Status.NO_REFERENCE, "there is no reference"),
    ):
        where = sorted({result["site"] for result in latest if result["status"] == status})
        if where:
            yield _problem(called, status, str(status).replace("_", " "), f"{told}: {', '.join(where)}")
    strange: dict[str, int] = {}
    for kept in reads.aside(model=row["model"]):
        if kept["version"] is not None:
            strange[kept["version"]] = strange.get(kept["version"], 0) + kept["rows"]
    for version, count in sorted(strange.items()):
        told = f"{count:,} rows of it came and are kept aside; nobody added it"
        yield _problem(called, UNKNOWN_VERSION, f"version {version}", told)


def _authors(hub: Hub, called: str) -> set[str]:
    """Who wrote or revised the model file."""
    written = (str(Event.MODEL_FILE_ADDED), str(Event.MODEL_FILE_REVISED))
    return {event["actor"] for event in hub.store.reads(_HOUSE).events(about=called) if event["event"] in written}


def _problem(model: str, status: str, what: str, why: str) -> dict[str, Any]:
    return {"model": model, "status": str(status), "what": what, "why": why}
