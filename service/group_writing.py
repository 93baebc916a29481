"""Batches into the record: those that come at the same time share one commit, and each has a seq of its own.

Promises: nobody is answered before the commit; the same bytes again, in an earlier commit or in the same one, get the
receipt of the first; a batch that cannot be written fails alone: the commit is given up and the others are written
one by one. Work that several small batches of the same model version have in common is done once for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.roles import CONTRIBUTIONS
from service.arriving import Arrived, known_now, known_of, outdated
from service.attribution_batches import AttributionWriter
from service.batch_writing import BatchWriter
from service.growing import still_newest
from service.rows_writing import Member, RowsWriter
from service.wiring import Hub
from store.access import Viewer
from store.db import Entry
from store.errors import Refused
from store.events import Event
from store.receipt import Receipt

Answer = dict[str, Any]
"""A receipt as JSON has it, with `known_at`; empty where the batch was overtaken and must be read again."""
_HOUSE = Viewer("house", ())
"""Asked for whoever sends those bytes and may write there, so it is not filtered by what they may read."""


def earlier_answer(hub: Hub, id_: str) -> Answer | None:
    """The receipt of a batch that is here already."""
    return _held(hub, [id_]).get(id_)


def write_group(hub: Hub, arrived: Sequence[Arrived]) -> list[Answer | Exception]:
    """The answer to each batch, or what kept it from being written."""
    with hub.store.turn():
        try:
            return _write(hub, arrived)
        except Exception as error:
            if len(arrived) == 1:
                return [error]
    return [write_group(hub, [one])[0] for one in arrived]


def _write(hub: Hub, arrived: Sequence[Arrived]) -> list[Answer | Exception]:
    told = _held(hub, [one.id for one in arrived])
    misnamed = _misnamed(hub, arrived)
    first: dict[str, int] = {}
    for at, one in enumerate(arrived):
        if one.id not in told and at not in misnamed:
            first.setdefault(one.id, at)
    fresh = [
        one
        for one in (arrived[at] for at in first.values())
        if not outdated(hub, one) and still_newest(hub, _HOUSE, one.reading)
    ]
    told |= _written(hub, _sorted(fresh)) if fresh else {}
    answers: list[Answer | Exception] = []
    for at, one in enumerate(arrived):
        again = {"repeated": first.get(one.id) != at}
        answers.append(misnamed.get(at) or ({**told[one.id], **again} if one.id in told else {}))
    return answers


def _misnamed(hub: Hub, arrived: Sequence[Arrived]) -> dict[int, Exception]:
    """Batches sent under a name that another batch has: by their place, with what to tell the sender."""
    out: dict[int, Exception] = {}
    named: dict[tuple[str, str], str] = {}
    for at, one in enumerate(arrived):
        site, key = one.delivery.site, one.delivery.key_sha256
        if key is None:
            continue
        held = named.get((site, key)) or hub.store.reads(_HOUSE).batch_of_key(site, key)
        if named.setdefault((site, key), held or one.id) != one.id:
            out[at] = Refused(
                f"another batch of {site} was sent under this Idempotency-Key; nothing of this one was stored",
                advice="Send each batch under a key of its own, and the same batch again under the same key.",
                details={"site": site, "batch": named[site, key]},
            )
    return out


def _held(hub: Hub, ids: Sequence[str]) -> dict[str, Answer]:
    """The receipts of batches that are here already."""
    there = hub.store.batches_there(ids)
    if not there:
        return {}
    return {row["batch"]: _as_answer(row) for row in hub.store.reads(_HOUSE).receipts_of(ids)}


def _as_answer(row: Answer) -> Answer:
    moments = {name: row[name] for name in ("first_event", "last_event")}
    told = {name: at if at is None else at.isoformat() + "Z" for name, at in moments.items()}
    return {**row, **told, "repeated": True}


def _sorted(batches: list[Arrived]) -> list[Arrived]:
    """Those that can share their work beside each other, else in the order in which they came."""
    order = list(dict.fromkeys((one.model.name, one.model.version) for one in batches))
    return sorted(batches, key=lambda one: order.index((one.model.name, one.model.version)))


def _written(hub: Hub, batches: Sequence[Arrived]) -> dict[str, Answer]:
    entries = [Entry(one.actor, Event.BATCH_ROWS_ACCEPTED, one.about) for one in batches]
    with hub.store.write_together(entries, moved=False) as txs:
        told: list[Receipt] = []
        members = list(zip(txs, batches, strict=True))
        while members:
            count = _alike(members)
            told += _write_some(hub, members[:count], changed=any(tx.moved for tx in txs))
            members = members[count:]
    return {receipt.batch: {**receipt.as_json(), "known_at": txs[0].now} for receipt in told}


def _alike(members: Sequence[Member]) -> int:
    """How many of the first batches are written in one pass."""
    first = members[0][1]
    if not first.shares:
        return 1
    same = (first.model, first.types)
    ends = (at for at, (_, one) in enumerate(members) if not one.shares or (one.model, one.types) != same)
    return next(ends, len(members))


def _write_some(hub: Hub, members: Sequence[Member], *, changed: bool) -> list[Receipt]:
    tx, first = members[0]
    if first.shares:
        # What this transaction has changed itself is not remembered, and a reader does not see it yet.
        known = known_now(tx.connection, first.model) if changed else known_of(hub, first.model)
        if known.spec is not None:
            return RowsWriter(hub, members, known, known.spec).write()
    receipts = []
    for own, one in members:
        writer = AttributionWriter if one.delivery.kind in CONTRIBUTIONS else BatchWriter
        receipts.append(writer(hub, own, one.model, one.delivery, one.reading.raw, one.reading).write(one.since))
    return receipts
