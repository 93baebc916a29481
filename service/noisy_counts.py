"""Noisy counts: what a site that adds noise to its counts releases, charged before it is drawn.

Counts are made again in the blocks of the people's budget, with each unit's contributions bounded first. Blocks that
are not over yet are held back: releasing them twice would cost twice. How many rows there were is released by the
noisy counts alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from monitors.accounting import Budget, Spend, admit, exact, spends_of
from monitors.engines import duckdb as engine
from monitors.engines.base import Blocks
from monitors.noise import NoisyCounts, release, scale_for
from monitors.windows import section_rows
from service.bundles import budget_of, ledger_columns, ledger_rows
from service.releases import RELEASED, released_cells, squared_sensitivity
from service.wiring import Hub, local_viewer
from store import rows, writes
from store.access import Viewer
from store.bins import BinSpec, Section
from store.canonical import make_id, sha256_hex
from store.db import Connection
from store.errors import BadInput
from store.events import Event
from store.model_file import InputType, ModelFile
from store.row_shape import INPUTS, PREDICTION, RowShape, shape_of
from store.summary import matrix

GRAIN_OF_BLOCK = {timedelta(hours=1): "hour", timedelta(days=1): "day", timedelta(days=7): "week"}


def block_row(
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


def told_rows(blocks: Sequence[dict[str, Any]], spec: BinSpec) -> int:
    """How many rows the noisy counts themselves tell of: the only number of rows that may leave."""
    vectors = [block["counts"] for block in blocks if block["section"] == Section.INPUTS]
    if not vectors:
        return 0
    return int(section_rows(spec, Section.INPUTS, np.asarray(vectors, dtype=np.int64)).sum())


def noisy_blocks(
    hub: Hub, viewer: Viewer, memory: Hub, file: ModelFile, spec: BinSpec, site: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Noisy blocks and their releases: charge all, draw, record what was released."""
    budget = budget_of(hub, file)
    vectors = _bounded_counts(memory, file, spec, GRAIN_OF_BLOCK[budget.block])
    over = {start: sections for start, sections in vectors.items() if start + budget.block <= hub.now()}
    if not over:
        raise BadInput(
            f"no block of {GRAIN_OF_BLOCK[budget.block]} is over yet, so nothing can be released",
            advice="Summarise again when the block is over; releasing part of it would cost twice.",
        )
    rho = exact(file.privacy.rho) if file.privacy and file.privacy.rho else budget.default_rho
    claims = _charge(hub, viewer, budget, sorted(over), file=file, spec=spec, site=site, rho=rho)
    blocks = []
    for start, claim in zip(sorted(over), claims, strict=True):
        noisy, sections = _draw(over[start], spec, sensitivity=squared_sensitivity(file, spec), rho=rho)
        claim |= {
            "scale": noisy.scale,
            "mechanism": json.loads(noisy.mechanism_json),
            "output_sha256": sha256_hex(noisy.values.astype("<i8").tobytes()),
        }
        for section, counts in sections.items():
            blocks.append(block_row(start, GRAIN_OF_BLOCK[budget.block], None, section, counts, str(claim["id"])))
    about = f"{site}/{file.name}:{file.version}"
    with hub.store.write(viewer.name, Event.PRIVACY_SPEND_RELEASED, about, {"releases": len(claims)}) as tx:
        for claim in claims:
            writes.ledger(tx, **ledger_columns(claim, state="released"))
    return blocks, claims


def _charge(
    hub: Hub,
    viewer: Viewer,
    budget: Budget,
    starts: Sequence[datetime],
    *,
    file: ModelFile,
    spec: BinSpec,
    site: str,
    rho: Fraction,
) -> list[dict[str, Any]]:
    """Every block's spend, charged in one transaction before noise is drawn: all of them, or BudgetExceeded."""
    about = f"{site}/{file.name}:{file.version}"
    details = {"people": budget.people, "rho": str(rho)}
    sensitivity = squared_sensitivity(file, spec)
    claims = []
    with hub.store.write(viewer.name, Event.PRIVACY_SPEND_CHARGED, about, details) as tx:
        for start in starts:
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
            claims.append(claim)
    return claims


def _draw(
    sections: dict[Section, np.ndarray[Any, np.dtype[np.int64]]],
    spec: BinSpec,
    *,
    sensitivity: Fraction,
    rho: Fraction,
) -> tuple[NoisyCounts, dict[str, list[int]]]:
    """One release over the released cells of all sections together, put back in their places; other cells are 0."""
    cells = released_cells(spec)
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
            for bit in (INPUTS, PREDICTION)
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
