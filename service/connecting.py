"""Looks at a store or a folder before anything is connected: what is there, what is missing, a draft model file, and
what the monitors would say with the first week as a provisional reference.

Nothing is stored: rows are counted in a hub in memory that ends with the call. At most `MOST_ROWS` rows of each kind
of file are read, and what was left unread is said.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.base import Chunk, Source, Wanted
from connectors.places import Found, Place
from service.config import Config
from service.connecting_layout import Where, where_of
from service.delivery import Delivery
from service.inferring import MOST_ROWS, Columns, slug_of
from service.ingest import ingest_file, ingest_paths
from service.stores import visiting
from service.wiring import memory_hub
from store.access import Grant, Viewer
from store.errors import BadInput, BailiwickError
from store.model_draft import ColumnFacts, draft, roles_of
from store.receipt import Kind

KINDS = {"azureml": "azureml", "kserve": "kserve", "folder": "auto"}
ASKED = ("model_inputs", "request")
GIVEN = ("model_outputs", "response")
"""Collections that hold one half of a row."""
MOST_FILES = 500
"""Files of one deployment that are read."""
MOST_KEPT = 20_000
"""Rows that are kept in memory to make the provisional reference of."""
WEEK = timedelta(days=7)
_LOOKER = Viewer("connect", (Grant("admin"),))
_JUDGED = ("within", "outside", "unclear")


@dataclass
class _Collection:
    """What was seen of one kind of file of a deployment."""

    files: list[Found] = field(default_factory=list)
    hours: set[str] = field(default_factory=set)
    columns: Columns = field(default_factory=Columns)
    unreadable: Counter[str] = field(default_factory=Counter)
    expected: dict[str, str] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None
    read: int = 0
    notes: set[str] = field(default_factory=set)


@dataclass
class _Deployment:
    where: Where
    collections: dict[str, _Collection] = field(default_factory=dict)
    rows: dict[str, tuple[datetime | None, dict[str, Any]]] = field(default_factory=dict)
    """Rows by their id, halves together: what the provisional reference is made of."""


def connect(
    kind: str, where: Path | str, config: Config, *, now: Callable[[], datetime], name: str | None = None
) -> dict[str, Any]:
    """What was found at a place: a document with its deployments, drafts, previews and the next commands."""
    with visiting(where, config) as place:
        source = place.source(KINDS[kind])
        deployments: dict[Where, _Deployment] = {}
        for found in place.files(source):
            at = where_of(found.key, kind)
            deployment = deployments.setdefault(at.deployed, _Deployment(at.deployed))
            deployment.collections.setdefault(at.collection, _Collection()).files.append(found)
            if at.hour:
                deployment.collections[at.collection].hours.add(at.hour)
        if not deployments:
            raise BadInput(
                f"{where}: nothing of {kind} was found there",
                advice="Name the folder or prefix that holds the logs; `bailiwick connect folder` takes any table.",
            )
        told = [_deployment(place, source, each, str(where), config, now, name) for each in deployments.values()]
    return {"schema": "bailiwick/connection/1", "kind": kind, "where": str(where), "deployments": told}


def _deployment(
    place: Place,
    source: Source,
    deployment: _Deployment,
    where: str,
    config: Config,
    now: Callable[[], datetime],
    name: str | None,
) -> dict[str, Any]:
    for collection in deployment.collections.values():
        _read(place, source, deployment, collection)
    facts, outputs = _facts(deployment)
    called = name or slug_of(deployment.where.name or Path(where.rstrip("/")).name or "model")
    missing = _missing(deployment, facts, outputs)
    questions = [f"{item['what']}. {item['fix']}" for item in missing]
    text = draft(called, facts, outputs=outputs, questions=questions) if facts else None
    preview = _preview(place, source, deployment, text, config, now) if text else _no_preview("no columns were found")
    command = f"bailiwick ingest {where} --site SITE --model {called} --format {source.kind}"
    return {
        "name": called,
        "endpoint": deployment.where.endpoint,
        "deployment": deployment.where.deployment,
        "collections": [_told(label, each) for label, each in sorted(deployment.collections.items())],
        "missing": missing,
        "draft": text,
        "preview": preview,
        "next": ["bailiwick site add SITE", f"bailiwick model add {called}.yaml", command],
    }


# -- reading ------------------------------------------------------------------------------------------------------


def _read(place: Place, source: Source, deployment: _Deployment, collection: _Collection) -> None:
    for found in collection.files[:MOST_FILES]:
        if collection.columns.rows >= MOST_ROWS:
            return
        try:
            with place.brought(found, source) as file:
                raw = source.read(file, source.options(), Wanted())
                for chunk in raw.chunks():
                    _look(deployment, collection, chunk)
                collection.notes |= {*raw.notes, *([raw.unversioned] if raw.unversioned else [])}
        except BadInput as error:
            collection.unreadable["file"] += 1
            collection.expected.setdefault("file", error.message)
        collection.read += 1


def _look(deployment: _Deployment, collection: _Collection, chunk: Chunk) -> None:
    collection.columns.look(chunk)
    for record in chunk.unreadable:
        collection.unreadable[record.reason] += 1
        collection.expected.setdefault(record.reason, record.expected)
    count = chunk.table.num_rows
    ids = chunk.envelope_id.to_pylist() if chunk.envelope_id is not None else [None] * count
    times = chunk.envelope_time.to_pylist() if chunk.envelope_time is not None else [None] * count
    collection.ids.update(id_ for id_ in ids if id_ is not None)
    known = [moment for moment in times if moment is not None]
    if known:
        collection.first = min(known) if collection.first is None else min(collection.first, *known)
        collection.last = max(known) if collection.last is None else max(collection.last, *known)
    if len(deployment.rows) >= MOST_KEPT:
        return
    for row, id_, moment in zip(chunk.table.to_pylist(), ids, times, strict=True):
        key = id_ if id_ is not None else f"row {len(deployment.rows)}"
        earlier = deployment.rows.get(key, (moment, {}))
        deployment.rows[key] = (moment or earlier[0], {**earlier[1], **{k: v for k, v in row.items() if v is not None}})


def _facts(deployment: _Deployment) -> tuple[list[ColumnFacts], list[str]]:
    """(the columns of all collections, those of outputs that are not of inputs)."""
    facts: dict[str, ColumnFacts] = {}
    inputs: set[str] = set()
    outputs: list[str] = []
    for label, collection in sorted(deployment.collections.items()):
        for fact in collection.columns.facts():
            facts.setdefault(fact.name, fact)
            if label in GIVEN:
                outputs.append(fact.name)
            elif label in ASKED:
                inputs.add(fact.name)
    return list(facts.values()), [name for name in outputs if name not in inputs]


# -- what is missing ----------------------------------------------------------------------------------------------


def _missing(deployment: _Deployment, facts: list[ColumnFacts], outputs: list[str]) -> list[dict[str, str]]:
    return [{"what": what, "fix": fix} for what, fix in _gaps(deployment, facts, outputs)]


def _gaps(deployment: _Deployment, facts: list[ColumnFacts], outputs: list[str]) -> Iterator[tuple[str, str]]:
    """(what is missing, what to do about it)."""
    roles = roles_of(facts, outputs)
    parts = deployment.collections
    asked = [parts[label] for label in ASKED if label in parts]
    given = next((parts[label] for label in GIVEN if label in parts), None)
    if asked and given is None:
        yield "There are inputs and no outputs", "Collect model_outputs too: without them nothing is known of decisions"
    if given is not None and not asked:
        yield "There are outputs and no inputs", "Collect model_inputs too: without them drift cannot be told"
    if given is not None and asked and asked[0].ids and given.ids:
        met = len(asked[0].ids & given.ids)
        if met < len(given.ids):
            yield (
                f"{len(given.ids) - met} of {len(given.ids)} outputs have no inputs of the same correlation id",
                "Collect both at the same rate, under one context of the collector",
            )
    if "prediction" not in roles:
        yield "No column looks like the prediction", "Name it under columns: prediction"
    if "outcome" not in roles:
        yield "No labels were found", "Log an id of your own, name it under columns: id, and ingest --kind labels later"
    if not any(each.first for each in parts.values()) and "time" not in roles:
        yield "No row carries a time", "Name the time column under columns: time; else the time of arrival counts"
    for note in sorted({note for each in parts.values() for note in each.notes}):
        yield note.rstrip("."), "See the format's page in docs/connectors"
    for each in parts.values():
        for reason, count in each.unreadable.items():
            yield (
                f"{count} records could not be read ({reason})",
                f"Expected: {each.expected.get(reason, 'another form')}",
            )
        if each.read < len(each.files):
            yield (
                f"{len(each.files) - each.read} of {len(each.files)} files were not read",
                "`ingest` reads all of them",
            )


def _told(label: str, collection: _Collection) -> dict[str, Any]:
    return {
        "collection": label,
        "files": len(collection.files),
        "files_read": collection.read,
        "bytes": sum(found.size for found in collection.files),
        "hours": len(collection.hours),
        "first_event": collection.first,
        "last_event": collection.last,
        "rows_read": collection.columns.rows,
        "unreadable": dict(collection.unreadable),
        "columns": [
            {"name": fact.name, "type": str(fact.type), "missing": fact.missing} for fact in collection.columns.facts()
        ],
    }


# -- preview ------------------------------------------------------------------------------------------------------


def _preview(
    place: Place,
    source: Source,
    deployment: _Deployment,
    text: str,
    config: Config,
    now: Callable[[], datetime],
) -> dict[str, Any]:
    """What the monitors say of the draft, in a hub in memory."""
    from service.commands.models import add_model
    from service.commands.monitoring import monitor
    from service.commands.sites import add_site

    hub = memory_hub(config, now, b"preview of connect")
    try:
        add_site(hub, _LOOKER, name="preview")
        model = add_model(hub, _LOOKER, text=text, source="the draft")["model"]
        reference, basis = _first_week(deployment)
        delivery = Delivery(site="preview", timezone=None, kind=Kind.REFERENCE, model=model, version=None)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "reference.jsonl"
            path.write_text("".join(json.dumps(row, default=str) + "\n" for row in reference), encoding="utf-8")
            _, errors = ingest_paths(hub, _LOOKER, [path], delivery, format_name="jsonl")
        if errors:
            raise errors[0]
        kept = 0
        predictions = Delivery(site="preview", timezone=None, kind=Kind.PREDICTIONS, model=model, version="1")
        for found in [found for each in deployment.collections.values() for found in each.files[: each.read]]:
            with suppress(BadInput), place.brought(found, source) as file:  # what is wrong with it was said before
                kept += ingest_file(hub, _LOOKER, source, file, predictions, since=None).get("kept", 0)
        monitor(hub, _LOOKER, model=model)
        results = hub.store.reads(_LOOKER).results(model=model, site="preview", latest=True)
    except BailiwickError as error:
        return _no_preview(error.message)
    finally:
        hub.close()
    return _summed(results, basis, len(reference), kept)


def _first_week(deployment: _Deployment) -> tuple[list[dict[str, Any]], str]:
    """(rows, which they are): those of the first week; of rows without a time the first quarter."""
    timed = [(moment, row) for moment, row in deployment.rows.values() if moment is not None]
    if not timed:
        rows = [row for _, row in deployment.rows.values()]
        return rows[: max(1, len(rows) // 4)], "the first quarter of the rows, for the log gives them no time"
    first = min(moment for moment, _ in timed)
    chosen = [row for moment, row in timed if moment < first + WEEK]
    return chosen, f"the first week, from {first:%Y-%m-%d}"


def _summed(results: list[dict[str, Any]], basis: str, reference: int, kept: int) -> dict[str, Any]:
    judged = [result for result in results if result["monitor"] not in ("silence", "privacy")]
    keys = ("monitor", "measure", "about", "window", "value", "status")
    outside = [result for result in judged if result["status"] == "outside"]
    return {
        "reference": basis,
        "provisional": True,
        "rows_reference": reference,
        "rows_kept": kept,
        "results": dict(Counter(str(result["status"]) for result in judged)),
        "judged": sum(result["status"] in _JUDGED for result in judged),
        "outside": [{key: result.get(key) for key in keys} for result in outside[:20]],
        "reason": None,
    }


def _no_preview(reason: str) -> dict[str, Any]:
    return {"provisional": True, "results": {}, "judged": 0, "outside": [], "reason": reason}


def utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
