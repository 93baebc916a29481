"""What a report on all models tells: gathered as of one seq, for the viewer's own models and sites."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from store.errors import UnknownName, did_you_mean
from store.reads import Reads

Coverage = Callable[[Reads, str, dict[str, Any], datetime, datetime], list[dict[str, Any]]]


def _within(at: datetime | str, start: datetime, end: datetime) -> bool:
    """Documents carry times as ISO text, rows as datetimes."""
    moment = datetime.fromisoformat(at.removesuffix("Z")) if isinstance(at, str) else at
    return start <= moment < end


def fleet_facts(
    reads: Reads, site: str | None, start: datetime, end: datetime, *, coverage: Coverage
) -> dict[str, Any]:
    """The fields of FleetFacts beside its head. The period before has the same length and ends where this begins."""
    if site is not None and site not in (known := [row["site"] for row in reads.sites()]):
        raise UnknownName(f"no site called {site!r}", advice=did_you_mean(site, known))
    before = start - (end - start)
    now, earlier = (reads.status_tally(*period, site=site) for period in ((start, end), (before, start)))
    newest: dict[str, dict[str, Any]] = {}
    for row in reads.models():
        if site is None or site in row["sites"]:
            newest.setdefault(row["model"], row)
    covered = [
        {"model": name, "version": row["version"], **held}
        for name, row in sorted(newest.items())
        for held in coverage(reads, name, row, start, end)
        if site is None or held["site"] == site
    ]
    return {
        "before_from": before.isoformat() + "Z",
        "site": site,
        "models": [
            {
                **{
                    key: row[key] for key in ("model", "version", "title", "owner", "tier", "use", "last_event", "rows")
                },
                "statuses": now.get((name, row["version"]), {}),
                "before": earlier.get((name, row["version"]), {}),
            }
            for name, row in sorted(newest.items())
        ],
        "coverage": covered,
        "changes": [
            {"model": name, "version": row["version"], **change}
            for name, row in sorted(newest.items())
            for change in reads.model_changes(name, row["version"])
            if start <= change["known_at"] < end
        ],
        "alerts": [alert for alert in reads.alerts() if alert["model"] in newest and site in (None, alert["site"])],
        "requests": [
            one
            for one in reads.requests()
            if one["model"] in newest and site in (None, one["site"]) and _within(one["requested_at"], start, end)
        ],
    }
