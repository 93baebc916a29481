"""Pulling: a place of bailiwick.toml is looked at, and what is new or changed there is taken in.

Promises: each file is taken once, whatever is killed when: a batch is committed before the cursor says so, and a file
that is offered again gives the receipt it has. A visit that could not be made is recorded with its error and tried
again, later each time; a file that is no log of this model is recorded as refused and offered again when it changes.
One visit of a pull at a time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.places import Found, Place
from service.connections import PullSettings
from service.delivery import Delivery
from service.ingest import ingest_file
from service.known import known_model, known_site, refuse_rows_unless_shared
from service.stores import visiting
from service.wiring import Hub, wall_clock
from store import writes
from store.access import Grant, Permission, Viewer, require
from store.errors import BadInput, BailiwickError, Refused, Retryable, UnknownName, did_you_mean
from store.events import Event
from store.receipt import Kind

GROUP = 100
"""Files after which the cursor is written: what a kill may offer again."""
GIVE_UP = 3
"""Files in a row that could not be read now, after which the rest waits for the next visit."""
LONGEST_WAIT = timedelta(hours=6)
"""After failures in a row, no longer than this (or `every`, where that is longer) until the next try."""
log = logging.getLogger("bailiwick.pull")
_busy: dict[tuple[Path | None, str], threading.Lock] = {}
_busy_guard = threading.Lock()


@dataclass
class _Visit:
    """What one visit has found so far."""

    started_at: datetime
    found: int = 0
    taken: int = 0
    refused: int = 0
    waiting: int = 0
    seen: list[dict[str, Any]] = field(default_factory=list)
    """Rows of the cursor that are not written yet."""
    error: BailiwickError | None = None


def pull(hub: Hub, viewer: Viewer, *, name: str, seconds: float | None = None) -> dict[str, Any]:
    """One visit. seconds: after which no further file is begun; the rest waits for the next visit."""
    settings = hub.config.pulls.get(name)
    if settings is None:
        raise UnknownName(
            f'there is no pull "{name}"',
            advice=did_you_mean(name, hub.config.pulls) or "Add a [[pull]] to bailiwick.toml.",
        )
    require(viewer, Permission.INGEST_WRITE, site=settings.site)
    with _busy_guard:
        lock = _busy.setdefault((hub.path, name), threading.Lock())
    if not lock.acquire(blocking=False):
        raise Refused(f"{name} is being pulled at this moment", advice="See `bailiwick pull list`.")
    try:
        return _visit(hub, viewer, settings, None if seconds is None else time.monotonic() + seconds)
    finally:
        lock.release()


def due(hub: Hub, now: datetime) -> list[str]:
    """The pulls whose time has come, the longest due first."""
    next_at = {row["pull"]: row["next_at"] for row in hub.store.reads(_EVERYWHERE).pulls()}
    times = {name: next_at.get(name, datetime.min) for name in hub.config.pulls}
    return sorted((name for name, moment in times.items() if moment <= now), key=lambda name: (times[name], name))


def pull_states(hub: Hub, viewer: Viewer) -> list[dict[str, Any]]:
    """Every pull of bailiwick.toml as it stands: `never` looked, `well`, `waiting` for its next visit, or `failing`."""
    known = {row["pull"]: row for row in hub.store.reads(viewer).pulls()}
    return [_state(settings, known.get(name, {})) for name, settings in hub.config.pulls.items()]


def _state(settings: PullSettings, row: Mapping[str, Any]) -> dict[str, Any]:
    state = "never" if not row else "failing" if row["error"] else "waiting" if row["waiting"] else "well"
    return {
        "name": settings.name,
        "site": settings.site,
        "where": settings.where,
        "model": settings.model,
        "kind": settings.kind,
        "every": settings.every,
        "state": state,
        **{key: row.get(key, 0) for key in ("found", "seen", "refused", "waiting", "failures")},
        **{key: row.get(key) for key in ("last_visit", "next_at", "refused_file", "refused_why", "error", "advice")},
    }


def _visit(hub: Hub, viewer: Viewer, settings: PullSettings, until: float | None) -> dict[str, Any]:
    visit = _Visit(wall_clock())
    try:
        delivery = _delivery(hub, viewer, settings)
        where = settings.where if "://" in settings.where else hub.folder / Path(settings.where).expanduser()
        with visiting(where, hub.config) as place:
            _take_new(hub, viewer, settings, place, delivery, visit, until)
    except BailiwickError as error:
        visit.error = error
    except Exception as error:  # a mistake of ours must be seen where the pull is looked at, and end no other pull
        log.exception("pull %s", settings.name)
        visit.error = BailiwickError(
            f"a mistake of ours: {type(error).__name__}: {error}", advice="Please report it, with run/server.log."
        )
    return _recorded(hub, viewer, settings, visit, last=True)


def _delivery(hub: Hub, viewer: Viewer, settings: PullSettings) -> Delivery:
    kind = Kind(settings.kind)
    site = known_site(hub, viewer, settings.site)
    refuse_rows_unless_shared(site, kind)
    if settings.model is not None:
        known_model(hub, viewer, settings.model, settings.version)
    return Delivery(
        site=settings.site,
        timezone=site["timezone"],
        clock_skew=timedelta(seconds=site["clock_skew_s"]),
        kind=kind,
        model=settings.model,
        version=settings.version,
    )


def _take_new(
    hub: Hub,
    viewer: Viewer,
    settings: PullSettings,
    place: Place,
    delivery: Delivery,
    visit: _Visit,
    until: float | None,
) -> None:
    """Takes what the cursor has not seen as it is now; raises what keeps the place from being read at all."""
    seen = hub.store.reads(viewer).pulled(settings.name)
    source = place.source(settings.format)
    listed = list(place.files(source))
    fresh = [found for found in listed if seen.get(found.key) != (found.size, found.etag)]
    visit.found, visit.waiting = len(listed), len(fresh)
    in_row = 0
    for found in fresh:
        if until is not None and time.monotonic() > until:
            return
        batch, refused = None, None
        try:
            with place.brought(found, source) as file:
                receipt = ingest_file(hub, viewer, source, file, delivery, since=None)
            batch = receipt.get("batch", receipt.get("aside"))
        except BadInput as error:
            refused = error.message
        except Retryable as error:
            # It waits, and keeps no other file waiting; but a place that has gone away is not asked for each of them.
            visit.error, in_row = error, in_row + 1
            if in_row == GIVE_UP:
                return
            continue
        in_row = 0
        visit.seen.append(_seen(settings, found, batch, refused))
        visit.waiting -= 1
        visit.taken += refused is None
        visit.refused += refused is not None
        if len(visit.seen) >= GROUP:
            _recorded(hub, viewer, settings, visit, last=False)


def _seen(settings: PullSettings, found: Found, batch: str | None, refused: str | None) -> dict[str, Any]:
    return {
        "pull": settings.name,
        "file": found.key,
        "size": found.size,
        "etag": found.etag,
        "modified": found.modified,
        "batch": batch,
        "refused": refused,
    }


def _recorded(hub: Hub, viewer: Viewer, settings: PullSettings, visit: _Visit, *, last: bool) -> dict[str, Any]:
    """Writes down how far the visit has come: the cursor and how the pull stands, in one transaction."""
    earlier: Mapping[str, Any] = next(
        (row for row in hub.store.reads(_EVERYWHERE).pulls() if row["pull"] == settings.name), {}
    )
    failures = int(earlier.get("failures") or 0) + 1 if visit.error is not None else 0
    row = {
        "pull": settings.name,
        "site": settings.site,
        "place": settings.where,
        "started_at": visit.started_at,
        "next_at": _next(settings, visit, failures, last=last),
        "found": visit.found,
        "taken": visit.taken,
        "refused": visit.refused,
        "waiting": visit.waiting,
        "failures": failures,
        "error": visit.error.message if visit.error else None,
        "advice": visit.error.advice if visit.error else None,
    }
    numbers = {key: row[key] for key in ("found", "taken", "refused", "waiting", "failures")}
    about = f"{settings.site}/{settings.name}"
    with hub.store.write(viewer.name, Event.PULL_VISIT_RECORDED, about, numbers) as tx:
        for seen in visit.seen:
            writes.pull_file(tx, **seen)
        writes.pull_run(tx, **row)
    visit.seen.clear()
    return {"schema": "bailiwick/pull/1", **row, "seq": tx.seq}


def _next(settings: PullSettings, visit: _Visit, failures: int, *, last: bool) -> datetime:
    """When to look again: at once while files wait, else after `every`; twice as late for each failure in a row."""
    if failures:
        longest = max(settings.every, LONGEST_WAIT)
        return visit.started_at + min(settings.every * (1 << min(failures - 1, 16)), longest)
    return visit.started_at if visit.waiting or not last else visit.started_at + settings.every


_EVERYWHERE = Viewer("house", (Grant("admin"),))
"""Whose clock it is that says when to look again."""
