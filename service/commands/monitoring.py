"""The command that measures: every due window of every model, and what follows for alerts, in one transaction
a model.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from monitors.accounting import privacy_result, spends_of
from monitors.severity import graded
from monitors.silence import silence_result
from monitors.subject import Subject
from service.alerting import step_alerts, woken
from service.binning import current_spec, freeze_if_known
from service.bundles import budget_of
from service.discoveries import discovered
from service.judging import ALWAYS, judge
from service.known import known_model
from service.outbox import deliver, notices, post
from service.replaying import compared, other_bins, stored_results
from service.series import load_version
from service.wiring import Hub
from store import writes
from store.access import Permission, Viewer, require
from store.errors import BadInput
from store.events import Event
from store.model_changes import changes
from store.model_file import ModelFile
from store.model_reader import read_model_file
from store.reads import Reads
from store.result import Monitor, Result, table_of

_GRAINS = {Monitor.SILENCE: 1.0, Monitor.PRIVACY: 1e-9}
"""Hours, and share of the budget: a smaller move is no news."""


def monitor(
    hub: Hub,
    viewer: Viewer,
    *,
    model: str | None = None,
    version: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    dry_run: bool = False,
    limits: str | None = None,
) -> dict[str, Any]:
    """Measures all due windows; with dry_run nothing is written, and what would change is counted.

    limits: the text of a model file whose limits are tried in a dry run, instead of those that stand.
    """
    # Whoever sees one site alone would judge all sites merged from that one, and record it for everybody.
    require(viewer, Permission.MONITOR_RUN, site="*", model=model)
    if start is not None and end is not None and end <= start:
        raise BadInput(
            f"--to {end:%Y-%m-%d %H:%M} is not after --from {start:%Y-%m-%d %H:%M}",
            advice="Name the earlier one first.",
        )
    reads = hub.store.reads(viewer)
    tried = _tried(hub, viewer, limits, dry_run=dry_run, model=model, version=version)
    if tried is not None:
        model, version = tried.name, tried.version
    if model is not None:
        known_model(hub, viewer, model, version)
    wanted = [
        (row["model"], row["version"])
        for row in reads.models()
        if (model is None or row["model"] == model) and (version is None or row["version"] == version)
    ]
    between = (start or ALWAYS[0], end or ALWAYS[1])
    runs = [_run(hub, viewer, name, of, between=between, dry_run=dry_run, tried=tried) for name, of in wanted]
    statuses: dict[str, int] = {}
    for run in runs:
        for status, count in run["statuses"].items():
            statuses[status] = statuses.get(status, 0) + count
    return {
        "schema": "bailiwick/monitor/1",
        "dry_run": dry_run,
        "runs": runs,
        "results": sum(run["results"] for run in runs),
        "statuses": statuses,
        "alerts": [alert for run in runs for alert in run["alerts"]],
    }


def _tried(
    hub: Hub, viewer: Viewer, text: str | None, *, dry_run: bool, model: str | None, version: str | None
) -> ModelFile | None:
    """The model file whose limits are to be tried; its model and version must be known, and counted as it counts."""
    if text is None:
        return None
    if not dry_run:
        raise BadInput("limits are tried in a dry run", advice="Add --dry-run, or `model add` the file with a reason.")
    file = read_model_file(text, source="the file to try")
    stands = known_model(hub, viewer, file.name, file.version)
    if model not in (None, file.name) or version not in (None, file.version):
        raise BadInput(f"the file is of {file.name}:{file.version}", advice="Leave --model out.")
    if other_bins(changes(stands, file)):
        raise BadInput(
            "this file changes columns, groups or the reference, and history is counted by the old ones",
            advice="Try a file that changes limits alone.",
        )
    return file


def _run(
    hub: Hub,
    viewer: Viewer,
    name: str,
    version: str,
    *,
    between: tuple[datetime, datetime],
    dry_run: bool,
    tried: ModelFile | None = None,
) -> dict[str, Any]:
    stands = known_model(hub, viewer, name, version)
    file = tried or stands
    with hub.store.turn():
        why_not = _ensure_bins(hub, viewer, file, dry_run=dry_run)
        reads = hub.store.reads(viewer)
        spec = current_spec(hub.store.cursor(), file)
        results: list[Result] = []
        if spec is not None:
            results += judge(load_version(reads, file, spec), now=reads.now, between=between, again=dry_run)
        results += _news(reads, file, _silence(reads, file) + _privacy(hub, reads, file))
        results = [graded(result, tier=file.tier.level) for result in discovered(reads, file, results)]
        if dry_run:
            return {
                **_told(name, version, results),
                "alerts": [],
                "replay": compared(stored_results(reads, file, between), results, old=stands, new=file).as_json(),
                "why_not": why_not,
            }
        if not results and not woken(reads, file, now=hub.now()):
            return {**_told(name, version, results), "alerts": [], "why_not": why_not}
        with hub.store.write(viewer.name, Event.MONITOR_RUN_RECORDED, f"{name}:{version}") as tx:
            ids = writes.results(tx, table_of(results), basis_seq=reads.seq)
            changed = step_alerts(tx, reads, file, list(zip(results, ids, strict=True)))
            tx.details["alerts"] = len(changed)
            # Before the commit: a notice of a run that was rolled back is a smaller harm than an alert nobody hears of.
            if hub.config.sinks:
                post(hub, notices(hub, changed))
    if hub.config.sinks:
        deliver(hub)
    return {**_told(name, version, results), "alerts": [a["id"] for a in changed], "seq": tx.seq, "why_not": why_not}


def _ensure_bins(hub: Hub, viewer: Viewer, file: ModelFile, *, dry_run: bool) -> str | None:
    """Freezes the bins from the rows at hand where nothing else gave any; the reason where even that cannot be."""
    connection = hub.store.cursor()
    if dry_run or current_spec(connection, file) is not None:
        return None
    here = connection.execute(
        "SELECT count(*) FROM batch WHERE model = ? AND version = ? AND kind = 'predictions' AND kept > 0",
        [file.name, file.version],
    ).fetchall()[0][0]
    if not here:
        return "no rows and no counts have come in yet"
    try:
        with hub.store.write(viewer.name, Event.MODEL_BINS_FROZEN, f"{file.name}:{file.version}") as tx:
            freeze_if_known(tx, file, force=True)
    except BadInput as error:
        return error.message
    return None


def _told(name: str, version: str, results: list[Result]) -> dict[str, Any]:
    statuses: dict[str, int] = {}
    for result in results:
        statuses[str(result.status)] = statuses.get(str(result.status), 0) + 1
    return {"model": name, "version": version, "results": len(results), "statuses": statuses}


def _silence(reads: Reads, file: ModelFile) -> list[Result]:
    """One result per site that serves this version now: nothing came when it was due is never green."""
    rows = reads.rows(
        "SELECT b.site, max(b.last_event) AS last, arg_max(b.version, b.last_event) AS serving, "
        "any_value(s.contact_window_s) AS window_s, "
        "min(b.known_at) AS since FROM batch b JOIN site_at(?) s USING (site) WHERE b.seq <= ? AND b.model = ? "
        "AND b.kind IN ('predictions', 'summaries') GROUP BY b.site ORDER BY b.site",
        [reads.seq, reads.seq, file.name],
    )
    return [
        silence_result(
            model=file.name,
            version=file.version,
            site=row["site"],
            last_contact=row["last"],
            registered_at=row["since"],
            contact_window=timedelta(seconds=row["window_s"]),
            now=reads.now,
        )
        for row in rows
        if row["serving"] == file.version
    ]


def _news(reads: Reads, file: ModelFile, results: list[Result]) -> list[Result]:
    """Those that say something new: a silence that lasts is told again by the hour, a budget when it moves."""
    told = {}
    for monitor in {result.monitor for result in results}:
        for row in reads.result_table(model=file.name, version=file.version, monitor=str(monitor)).to_pylist():
            told[row["monitor"], row["site"], row["about"], row["window_to"]] = (row["status"], row["value"])
    news = []
    for result in results:
        status, value = told.get((str(result.monitor), result.site, result.about, result.window_to), (None, None))
        moved = value is None or result.value is None or abs(result.value - value) >= _GRAINS[Monitor(result.monitor)]
        if status != result.status or moved:
            news.append(result)
    return news


def _privacy(hub: Hub, reads: Reads, file: ModelFile) -> list[Result]:
    """The spend of the people this model draws on, where anything was ever spent."""
    if file.privacy is None or file.version != reads.newest_version(file.name):
        return []
    entries = reads.rows("SELECT * FROM ledger_at(?) WHERE people = ?", [reads.seq, file.privacy.people])
    if not entries:
        return []
    budget = budget_of(hub, file)
    last = max(entry["block_to"] for entry in entries)
    subject = Subject(file.name, file.version, "*", None, last - budget.per, last)
    return [privacy_result(subject, budget=budget, spends=spends_of(entries))]
