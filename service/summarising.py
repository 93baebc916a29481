"""Summarising at a site: rows are counted in memory by the same code as at a hub, and only counts are written down.

Exact counts are the merged deltas of that in-memory hub; noisy ones are service/noisy_counts.py. Nothing exact leaves
with noisy counts: not the number of rows, nor when the first and the last of them happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from service.bundles import SCHEMA
from service.delivery import Delivery
from service.ingest import ingest_paths, nothing_recorded
from service.noisy_counts import GRAIN_OF_BLOCK, block_row, noisy_blocks, told_rows
from service.wiring import Hub, local_viewer, memory_hub
from store import writes
from store.access import Viewer
from store.bins import BinSpec, Section
from store.canonical import sha256_hex
from store.errors import BadInput, Refused
from store.events import Event
from store.model_file import ModelFile
from store.receipt import Kind

FEWEST_IN_SEGMENT = 11


def summarise(
    hub: Hub,
    viewer: Viewer,
    paths: Sequence[Path],
    *,
    labels: Sequence[Path] = (),
    attributions: Sequence[Path] = (),
    file: ModelFile,
    spec: BinSpec,
    site: str,
    sharing: str,
    timezone: str | None = None,
    clock_skew: timedelta | None = None,
    format_name: str = "auto",
    engine: str = "duckdb",
) -> dict[str, Any]:
    """The bundle of these files. hub: whose clock, salt and ledger are used; no row is written to it."""
    memory = memory_hub(hub.config, hub.now, hub.salt)
    try:
        _prepare(memory, file, spec, site)
        of = Delivery(
            site=site,
            timezone=timezone,
            clock_skew=clock_skew,
            kind=Kind.PREDICTIONS,
            model=file.name,
            version=file.version,
            grows=False,
        )
        if engine == "spark":
            receipts = _with_spark(memory, paths, of, file, spec, plain=not (labels or attributions), sharing=sharing)
        else:
            receipts = _bring(memory, paths, of, format_name)
        if labels:
            _bring(memory, labels, replace(of, kind=Kind.LABELS), format_name)
        if attributions and sharing == "noisy-counts":
            raise BadInput(
                f"site {site} shares noisy counts, and contributions are not released with noise",
                advice="Leave --attributions out.",
            )
        told = []
        if attributions:
            told = _bring(memory, attributions, replace(of, kind=Kind.ATTRIBUTIONS), format_name)
        bundle = _header(receipts, file, spec, site, sharing)
        if sharing == "noisy-counts":
            blocks, releases = noisy_blocks(hub, viewer, memory, file, spec, site)
            return {**_without_exact_numbers(bundle, blocks, releases, spec), "blocks": blocks, "releases": releases}
        sums = _contributed(memory, file, told)
        return {**bundle, "blocks": _exact(memory, file, spec, site), "releases": [], **sums}
    finally:
        memory.close()


def _prepare(memory: Hub, file: ModelFile, spec: BinSpec, site: str) -> None:
    """The in-memory hub knows one site and one model, its bins frozen as the hub froze them."""
    viewer = local_viewer()
    with memory.store.write(viewer.name, Event.SITE_RECORD_ADDED, site) as tx:
        columns = {"title": site, "kind": "edge", "region": "", "jurisdiction": "", "timezone": None, "sharing": "rows"}
        writes.site(tx, site=site, contact_window_s=86_400, clock_skew_s=0, **columns)
    with memory.store.write(viewer.name, Event.MODEL_FILE_ADDED, file.name) as tx:
        writes.model(tx, file, number=1, revision=1, reason="", changes=[])
        writes.spec(tx, spec, model=file.name, version=file.version, learned_from="export")


def _bring(memory: Hub, paths: Sequence[Path], delivery: Delivery, format_name: str) -> list[dict[str, Any]]:
    receipts, errors = ingest_paths(memory, local_viewer(), paths, delivery, format_name=format_name)
    if errors or not receipts:
        raise nothing_recorded(errors)
    return receipts


def _with_spark(
    memory: Hub,
    paths: Sequence[Path],
    of: Delivery,
    file: ModelFile,
    spec: BinSpec,
    *,
    plain: bool,
    sharing: str,
) -> list[dict[str, Any]]:
    if not plain or sharing == "noisy-counts":
        what = "noisy counts" if plain else "labels and contributions in files of their own"
        raise Refused(f"Spark does not count {what}", advice="Leave --engine out: duckdb does.")
    from service.summarising_spark import bring_with_spark

    return bring_with_spark(
        memory, paths, file=file, spec=spec, site=of.site, timezone=of.timezone, clock_skew=of.clock_skew
    )


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


def _without_exact_numbers(
    bundle: dict[str, Any], blocks: list[dict[str, Any]], releases: list[dict[str, Any]], spec: BinSpec
) -> dict[str, Any]:
    """The header of a noisy bundle: rows as the noisy counts tell them, times as their blocks do, no reasons."""
    rows_told = told_rows(blocks, spec)
    span = {
        "first_event": min(release["block_from"] for release in releases),
        "last_event": max(release["block_to"] for release in releases),
    }
    sources = [{**source, "rows": None, **span} for source in bundle["sources"]]
    numbers = {"rows": rows_told, "kept": rows_told, "quarantined": 0, "duplicates": 0}
    return {**bundle, **numbers, "reasons": {}, "sources": sources}


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
                out.append(block_row(start, GRAIN_OF_BLOCK[end - start], segment, blocks.section, counts.tolist()))
    return out


def _contributed(memory: Hub, file: ModelFile, receipts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Sums of contributions, and the digests of the files they are from; nothing where there were none."""
    if not receipts:
        return {}
    table = memory.store.reads(local_viewer()).attributions(file.name, file.version)
    blocks = [
        {"block": _text(row["block"]), "sum_abs": str(row["sum_abs"]), **{k: row[k] for k in ("grain", "input", "n")}}
        for row in table.to_pylist()
    ]
    sources = [{"name": sha256_hex(r["source"])[:12], "sha256": r["sha256"]} for r in receipts if not r["repeated"]]
    return {"attributions": blocks, "attribution_sources": sources}


def _rows_of(found: Sequence[Any], spec: BinSpec) -> int:
    """Rows of a segment: those of its first input column."""
    inputs = next((blocks.counts for blocks in found if blocks.section == Section.INPUTS), None)
    if inputs is None or not spec.input_cells:
        return 0
    first = spec.input_cells[0]
    return int(inputs[:, first.start : first.partition.stop].sum())
