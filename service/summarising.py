"""Summarising at a site: rows are counted in memory by the same code as at a hub, and only counts are written down.

Exact counts are the merged deltas of that in-memory hub. Noisy counts are counted again in the blocks of the people's
budget with each person's contributions bounded first; every release is charged to the ledger before its noise is
drawn. Blocks that are not over yet are held back: releasing them twice would cost twice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from monitors.accounting import Spend, admit, exact, spends_of
from monitors.engines import duckdb as engine
from monitors.engines.base import Blocks
from monitors.noise import NoisyCounts, release, scale_for
from service.bundles import SCHEMA, budget_of, ledger_columns, ledger_rows
from service.ingest import Delivery, ingest_paths, nothing_recorded
from service.releases import RELEASED, released_cells, squared_sensitivity
from service.wiring import Hub, local_viewer, memory_hub
from store import rows, writes
from store.access import Viewer
from store.bins import BinSpec, Section
from store.canonical import make_id, sha256_hex
from store.db import Connection
from store.errors import BadInput
from store.events import Event
from store.model_file import InputType, ModelFile
from store.receipt import Kind
from store.rows import RowShape, shape_of
from store.summary import matrix

FEWEST_IN_SEGMENT = 11
GRAIN_OF_BLOCK = {timedelta(hours=1): "hour", timedelta(days=1): "day", timedelta(days=7): "week"}


def summarise(
    hub: Hub,
    viewer: Viewer,
    paths: Sequence[Path],
    *,
    labels: Sequence[Path] = (),
    file: ModelFile,
    spec: BinSpec,
    site: str,
    sharing: str,
    timezone: str | None = None,
    format_name: str = "auto",
) -> dict[str, Any]:
    """The bundle of these files. hub: whose clock, salt and ledger are used; no row is written to it."""
    memory = memory_hub(hub.config, hub.now, hub.salt)
    try:
        _prepare(memory, file, spec, site)
        receipts = _bring(
            memory, paths, Kind.PREDICTIONS, file=file, site=site, timezone=timezone, format_name=format_name
        )
        if labels:
            _bring(memory, labels, Kind.LABELS, file=file, site=site, timezone=timezone, format_name=format_name)
        bundle = _header(receipts, file, spec, site, sharing)
        if sharing == "noisy-counts":
            blocks, releases = _noisy(hub, viewer, memory, file, spec, site)
            return {**bundle, "blocks": blocks, "releases": releases}
        return {**bundle, "blocks": _exact(memory, file, spec, site), "releases": []}
    finally:
        memory.close()


def _prepare(memory: Hub, file: ModelFile, spec: BinSpec, site: str) -> None:
    """The in-memory hub knows one site and one model, its bins frozen as the hub froze them."""
    viewer = local_viewer()
    with memory.store.write(viewer.name, Event.SITE_RECORD_ADDED, site) as tx:
        columns = {"title": site, "kind": "edge", "region": "", "jurisdiction": "", "timezone": None, "sharing": "rows"}
        writes.site(tx, site=site, contact_window_s=86_400, **columns)
    with memory.store.write(viewer.name, Event.MODEL_FILE_ADDED, file.name) as tx:
        writes.model(tx, file, number=1, revision=1, reason="", changes=[])
        writes.spec(tx, spec, model=file.name, version=file.version, learned_from="export")


def _bring(
    memory: Hub,
    paths: Sequence[Path],
    kind: Kind,
    *,
    file: ModelFile,
    site: str,
    timezone: str | None,
    format_name: str,
) -> list[dict[str, Any]]:
    delivery = Delivery(site=site, timezone=timezone, kind=kind, model=file.name, version=file.version)
    receipts, errors = ingest_paths(memory, local_viewer(), paths, delivery, format_name=format_name)
    if errors or not receipts:
        raise nothing_recorded(errors)
    return receipts


def _header(receipts: list[dict[str, Any]], file: ModelFile, spec: BinSpec, site: str, sharing: str) -> dict[str, Any]:
    fresh = [receipt for receipt in receipts if not receipt["repeated"]]
    sources = [
        {
            "name": sha256_hex(receipt["source"])[:12],
            "sha256": receipt["sha256"],
            "rows": receipt["rows"],
            "first_event": _text(receipt["first_event"]),
            "last_event": _text(receipt["last_event"]),
        }
        for receipt in fresh
    ]
    reasons: dict[str, int] = {}
    for receipt in fresh:
        for reason, count in receipt["reasons"].items():
            reasons[reason] = reasons.get(reason, 0) + count
    sums = {name: sum(receipt[name] for receipt in fresh) for name in ("rows", "kept", "quarantined", "duplicates")}
    return {
        "schema": SCHEMA,
        "site": site,
        "model": file.name,
        "version": file.version,
        "spec_hash": spec.spec_hash,
        "sharing": sharing,
        **sums,
        "reasons": reasons,
        "sources": sources,
    }


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value.isoformat()) + "Z"


# -- exact counts -------------------------------------------------------------------------------------------------


def _exact(memory: Hub, file: ModelFile, spec: BinSpec, site: str) -> list[dict[str, Any]]:
    reads = memory.store.reads(local_viewer())
    out = []
    for segment in (None, *reads.segments(file.name, file.version, spec)):
        found = [
            b
            for section in Section
            if spec.widths[section]
            for b in reads.summary_blocks(file.name, file.version, spec, section, segment)
        ]
        if segment is not None and _rows_of(found, spec) < FEWEST_IN_SEGMENT:
            continue
        for blocks in found:
            for start, end, counts in zip(blocks.starts.tolist(), blocks.ends.tolist(), blocks.counts, strict=True):
                out.append(_block(start, GRAIN_OF_BLOCK[end - start], segment, blocks.section, counts.tolist()))
    return out


def _rows_of(found: Sequence[Any], spec: BinSpec) -> int:
    """Rows of a segment: those of its first input column."""
    inputs = next((blocks.counts for blocks in found if blocks.section == Section.INPUTS), None)
    if inputs is None or not spec.input_cells:
        return 0
    first = spec.input_cells[0]
    return int(inputs[:, first.start : first.partition.stop].sum())


def _block(
    start: datetime, grain: str, segment: str | None, section: str, counts: list[int], release_id: str | None = None
) -> dict[str, Any]:
    return {
        "block": start.isoformat() + "Z",
        "grain": grain,
        "segment": segment,
        "section": str(section),
        "counts": counts,
        "release": release_id,
    }


# -- noisy counts -------------------------------------------------------------------------------------------------


def _noisy(
    hub: Hub, viewer: Viewer, memory: Hub, file: ModelFile, spec: BinSpec, site: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Noisy blocks and their releases: charge all, draw, record what was released."""
    budget = budget_of(hub, file)
    grain = GRAIN_OF_BLOCK[budget.block]
    vectors = _bounded_counts(memory, file, spec, grain)
    over = {start: sections for start, sections in vectors.items() if start + budget.block <= hub.now()}
    if not over:
        raise BadInput(
            f"no block of {grain} is over yet, so nothing can be released",
            advice="Summarise again when the block is over; releasing part of it would cost twice.",
        )
    rho = exact(file.privacy.rho) if file.privacy and file.privacy.rho else budget.default_rho
    sensitivity = squared_sensitivity(file, spec)
    cells = released_cells(spec)
    about = f"{site}/{file.name}:{file.version}"
    claims = []
    with hub.store.write(
        viewer.name, Event.PRIVACY_SPEND_CHARGED, about, {"people": budget.people, "rho": str(rho)}
    ) as tx:
        for start in sorted(over):
            spend = Spend(budget.people, start, start + budget.block, rho, site, file.name)
            admit(spends_of(ledger_rows(tx)), spend, budget)
            claim = {
                "id": make_id("release", tx.seq, site, file.name, file.version, start),
                "people": budget.people,
                "block_from": start.isoformat() + "Z",
                "block_to": (start + budget.block).isoformat() + "Z",
                "site": site,
                "model": file.name,
                "version": file.version,
                "purpose": "summaries for drift and fairness",
                "rho": str(rho),
                "squared_l2": str(sensitivity),
                "scale": scale_for(squared_l2=sensitivity, rho=rho),
                "unit": file.privacy.unit if file.privacy else "row",
                "neighbouring": "add or remove one unit",
                "contributions": file.privacy.contributions if file.privacy else 1,
                "mechanism": None,
                "output_sha256": None,
            }
            writes.ledger(tx, **ledger_columns(claim, state="charged"))
            claims.append((start, claim))
    blocks, releases = [], []
    for start, claim in claims:
        drawn = _draw(over[start], cells, spec, sensitivity=sensitivity, rho=rho)
        noisy, sections = drawn
        claim |= {
            "scale": noisy.scale,
            "mechanism": _document(noisy),
            "output_sha256": sha256_hex(noisy.values.astype("<i8").tobytes()),
        }
        releases.append(claim)
        blocks += [
            _block(start, grain, None, section, counts, str(claim["id"])) for section, counts in sections.items()
        ]
    with hub.store.write(viewer.name, Event.PRIVACY_SPEND_RELEASED, about, {"releases": len(releases)}) as tx:
        for claim in releases:
            writes.ledger(tx, **ledger_columns(claim, state="released"))
    return blocks, releases


def _document(noisy: NoisyCounts) -> Any:
    return json.loads(noisy.mechanism_json)


def _draw(
    sections: dict[Section, np.ndarray[Any, np.dtype[np.int64]]],
    cells: dict[Section, list[int]],
    spec: BinSpec,
    *,
    sensitivity: Fraction,
    rho: Fraction,
) -> tuple[NoisyCounts, dict[str, list[int]]]:
    """One release over the released cells of all sections together, put back in their places; other cells are 0."""
    flat = np.concatenate([sections[section][cells[section]] for section in cells])
    noisy = release(flat, squared_l2=sensitivity, rho=rho)
    out, at = {}, 0
    for section, places in cells.items():
        vector = np.zeros(spec.widths[section], dtype=np.int64)
        vector[places] = noisy.values[at : at + len(places)]
        out[str(section)] = vector.tolist()
        at += len(places)
    return noisy, out


def _bounded_counts(
    memory: Hub, file: ModelFile, spec: BinSpec, grain: str
) -> dict[datetime, dict[Section, np.ndarray[Any, np.dtype[np.int64]]]]:
    """Counts per block after each unit's rows were cut to its declared contributions, in the order of a hash
    of their ids.
    """
    out: dict[datetime, dict[Section, np.ndarray[Any, np.dtype[np.int64]]]] = {}
    with memory.store.write(local_viewer().name, Event.PRIVACY_SPEND_CHARGED, "bounding") as tx:
        for table, _, own in rows.tables(tx.connection, file.name, file.version, "rows"):
            shape = shape_of(file, tuple(_types(own)))
            _bound(tx.connection, table, own, shape, file)
            for section, relation in _relations(tx.connection, shape).items():
                if not spec.widths[section]:
                    continue
                counted = engine.count(tx.connection, relation, spec, section, blocks=Blocks(fixed=grain))
                for row, counts in zip(
                    counted.select(["block"]).to_pylist(), matrix_rows(counted, spec, section), strict=True
                ):
                    held = out.setdefault(row["block"], {s: np.zeros(spec.widths[s], dtype=np.int64) for s in RELEASED})
                    held[section] += counts
    return out


def matrix_rows(counted: pa.Table, spec: BinSpec, section: Section) -> Any:
    return matrix(counted.column("counts"), spec.widths[section])


def _types(own: RowShape) -> list[Any]:
    return [InputType(name) for name in own.types]


def _bound(connection: Connection, table: str, own: RowShape, shape: RowShape, file: ModelFile) -> None:
    """Temporary table `bounded`: at most `contributions` rows of each unit (a person's day), chosen by a hash."""
    privacy = file.privacy
    by_person = privacy is not None and privacy.unit == "user-day" and file.columns.person is not None
    if privacy is not None and privacy.unit == "user-day" and not by_person:
        raise BadInput(
            f"{file.name}: the unit is user-day, and no `person` column is declared to bound contributions by",
            advice="Declare `columns: {person: ...}`, or `unit: row` and say so in the report.",
        )
    cut = ""
    if by_person and privacy is not None:
        order = "date_trunc('day', event_time), part & {bit} ORDER BY sha256(id), id"
        kept = [
            f"(part & {bit} = 0 OR row_number() OVER (PARTITION BY person, {order.format(bit=bit)}) <= "
            f"{int(privacy.contributions)})"
            for bit in (rows.INPUTS, rows.PREDICTION)
        ]
        cut = f"QUALIFY {' AND '.join(kept)}"
    # Persons travel with the inputs: a prediction that came by itself is its person's through the id.
    whose = "coalesce(person, max(person) OVER (PARTITION BY site, id)) AS person"
    known = f"SELECT * REPLACE ({whose}) FROM ({rows.aligned_sql(table, own, shape)})"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE bounded AS SELECT * FROM ({known}) {cut}")


def _relations(connection: Connection, shape: RowShape) -> dict[Section, str]:
    connection.execute("CREATE OR REPLACE TEMP VIEW bounded_inputs AS SELECT * FROM bounded WHERE part & 1 = 1")
    connection.execute("CREATE OR REPLACE TEMP VIEW bounded_outputs AS SELECT * FROM bounded WHERE part & 2 = 2")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE bounded_complete AS {rows.complete_sql('bounded', shape)}")
    return {Section.INPUTS: "bounded_inputs", Section.OUTPUTS: "bounded_outputs", Section.OUTCOMES: "bounded_complete"}
