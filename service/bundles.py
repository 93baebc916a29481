"""Summary bundles: what a site that shares counts sends, made beside its data and taken in at the hub.

A bundle is canonical JSON: integers per block, section and segment, the digests of the files they were counted from,
and for noisy counts the releases with their mechanisms. No row, no identifier, no unpublished value is in it; segments
of fewer than 11 rows stay behind. The hub takes a bundle only under the bins it froze itself, refuses files that were
counted before, and computes every claimed loss again before it charges it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from monitors.accounting import Budget, Spend, admit, exact, spends_of
from service.attribution_batches import attribution_table
from service.known import known_model
from service.releases import GRAINS, check_noisy_block, check_release, moment, refuse_taken_before
from service.wiring import Hub
from store import attribution_writes, summary_writes, writes
from store.access import Viewer
from store.bins import BinSpec, Section
from store.canonical import canonical_json, make_id, sha256_hex
from store.db import Transaction
from store.errors import BadInput, NotPermitted, Refused
from store.events import Event
from store.model_file import ModelFile
from store.receipt import Kind, Receipt
from store.summary import SUMMARY_SCHEMA

SCHEMA = "bailiwick/summaries/1"
MOST_BYTES = 256 * 1024 * 1024


def bundle_text(bundle: dict[str, Any]) -> str:
    return canonical_json(bundle) + "\n"


def read_bundle(path: Path) -> tuple[dict[str, Any], bytes]:
    """The document and its bytes; raises BadInput for what is no bundle."""
    advice = "Make one with `bailiwick summarise`."
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path} is larger than {MOST_BYTES >> 20} MiB", advice="Summarise fewer days at a time.")
        raw = path.read_bytes()
        document = json.loads(raw)
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path} is no summary bundle: {error}", advice=advice, details={"file": str(path)}) from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise BadInput(f"{path} is no summary bundle of schema {SCHEMA}", advice=advice, details={"file": str(path)})
    return document, raw


def take_bundle(hub: Hub, viewer: Viewer, path: Path, *, site: dict[str, Any]) -> dict[str, Any]:
    """Takes one bundle in: its deltas, its receipt, its releases, in one transaction."""
    document, raw = read_bundle(path)
    sha256 = sha256_hex(raw)
    try:
        name, version = document["model"], document["version"]
        if not isinstance(name, str) or not isinstance(version, str):
            raise TypeError(f"model {name!r} and version {version!r} are no text")
        model = known_model(hub, viewer, name, version)
        _check_site(document, site, path)
        with hub.store.turn():
            reads = hub.store.reads(viewer)
            id_ = make_id("batch", site["site"], model.name, model.version, Kind.SUMMARIES, sha256)
            if earlier := reads.receipts_of([id_]):
                return {**earlier[0], "repeated": True}
            spec = reads.spec(model.name, model.version)
            if spec is None or spec.spec_hash != document["spec_hash"]:
                raise BadInput(
                    f"{path} was counted under other bins than those of {model.name}:{model.version}",
                    advice="Export the model again (`bailiwick model export`) and summarise with that export.",
                    details={"expected": spec.spec_hash if spec else None, "found": document["spec_hash"]},
                )
            _refuse_counted_before(hub, document, site["site"], model, path)
            about = f"{site['site']}/{model.name}:{model.version}"
            with hub.store.write(viewer.name, Event.BATCH_SUMMARIES_ACCEPTED, about) as tx:
                receipt = _write(hub, tx, document, model, spec, site, path, raw)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"{path} is damaged: {error!r}", advice="Send the bundle again.", details={"file": str(path)}
        ) from error
    return {**receipt.as_json(), "known_at": tx.now}


def _check_site(document: dict[str, Any], site: dict[str, Any], path: Path) -> None:
    if document["site"] != site["site"]:
        raise BadInput(
            f"{path} was made for site {document['site']}, not {site['site']}", advice="Name that site with --site."
        )
    exact_ones = any(block["release"] is None for block in document["blocks"])
    if site["sharing"] == "noisy-counts" and (exact_ones or not document["releases"]):
        raise NotPermitted(
            f"site {site['site']} shares noisy counts only; {path} holds exact ones: nothing was stored",
            advice="Summarise again for this site: the noise is added there.",
        )


def _refuse_counted_before(hub: Hub, document: dict[str, Any], site: str, model: ModelFile, path: Path) -> None:
    """A file counted twice would be in the sums twice, and nobody could tell afterwards."""
    reads = hub.store.reads(Viewer("house", ()))
    rows = reads.rows(
        "SELECT DISTINCT unnest(sources) AS source FROM batch WHERE site = ? AND model = ? AND version = ? AND "
        "kind = 'summaries'",
        [site, model.name, model.version],
    )
    known = {row["source"] for row in rows}
    again = [source["name"] for source in _sources(document) if source["sha256"] in known]
    if again:
        raise Refused(
            f"{path} counts files that an earlier bundle of {site} has counted: {', '.join(again[:5])}",
            advice="Summarise only the files that are new.",
            details={"files": again},
        )


def _write(
    hub: Hub,
    tx: Transaction,
    document: dict[str, Any],
    model: ModelFile,
    spec: BinSpec,
    site: dict[str, Any],
    path: Path,
    raw: bytes,
) -> Receipt:
    releases = {release["id"]: release for release in document["releases"]}
    charge_claims(hub, tx, releases, model=model, site=site["site"], spec=spec)
    blocks = document["blocks"]
    noisy = [(block["release"], block["section"]) for block in blocks if block["release"] is not None]
    if len(noisy) != len(set(noisy)):
        raise BadInput(f"{path}: a release has more than one vector of a section", advice="Send the bundle again.")
    for release_id in dict.fromkeys(block["release"] for block in blocks):
        rows = [_checked(block, spec, path, releases) for block in blocks if block["release"] == release_id]
        variance = 0.0 if release_id is None else float(releases[release_id]["scale"]) ** 2
        table = pa.Table.from_pylist(rows, schema=SUMMARY_SCHEMA)
        summary_writes.summaries(
            tx, table, site=site["site"], model=model.name, version=model.version, spec_hash=spec.spec_hash,
            variance=variance, release=release_id,
        )  # fmt: skip
    sums = attribution_table(document.get("attributions", []), model, path)
    attribution_writes.attributions(tx, sums, site=site["site"], model=model.name, version=model.version)
    events = [source for source in document["sources"] if source["first_event"]]
    receipt = Receipt(
        batch=make_id("batch", site["site"], model.name, model.version, Kind.SUMMARIES, sha256_hex(raw)),
        site=site["site"],
        model=model.name,
        version=model.version,
        format="summaries",
        kind=str(Kind.SUMMARIES),
        rows=int(document["rows"]),
        kept=int(document["kept"]),
        quarantined=int(document["quarantined"]),
        duplicates=int(document["duplicates"]),
        seq=tx.seq,
        sha256=sha256_hex(raw),
        first_event=min((moment(source["first_event"]) for source in events), default=None),
        last_event=max((moment(source["last_event"]) for source in events), default=None),
        reasons={str(reason): int(count) for reason, count in document["reasons"].items()},
        source=path.name,
        bytes=len(raw),
    )
    writes.batch(tx, receipt, sources=[source["sha256"] for source in _sources(document)])
    return receipt


def _sources(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Every file that the bundle was counted from."""
    return [*document["sources"], *document.get("attribution_sources", [])]


def _checked(block: dict[str, Any], spec: BinSpec, path: Path, releases: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One block as a row of SUMMARY_SCHEMA; raises BadInput where it cannot be counts of this spec."""
    section = Section(block["section"])
    counts = block["counts"]
    start = moment(block["block"])
    if len(counts) != spec.widths[section] or not all(type(count) is int for count in counts):
        raise BadInput(
            f"{path}: a vector of {section} is not {spec.widths[section]} integers", advice="Send the bundle again."
        )
    if block["grain"] not in GRAINS:
        raise BadInput(f"{path}: no block is called {block['grain']!r}", advice=f"Known: {', '.join(GRAINS)}.")
    if block["release"] is None and min(counts, default=0) < 0:
        raise BadInput(f"{path}: an exact count of {section} is below 0", advice="Send the bundle again.")
    if max(map(abs, counts), default=0) > np.iinfo(np.int64).max // 4:
        raise BadInput(f"{path}: a count of {section} is too large to be added", advice="Send the bundle again.")
    if not isinstance(block["segment"], str | None):
        raise BadInput(f"{path}: a segment is no text: {block['segment']!r}", advice="Send the bundle again.")
    if block["release"] is not None:
        check_noisy_block(block, releases[block["release"]], spec)
    return {
        "block": start,
        "grain": block["grain"],
        "segment": block["segment"],
        "section": str(section),
        "counts": counts,
    }


def budget_of(hub: Hub, model: ModelFile) -> Budget:
    """The budget of the people a model draws on; raises BadInput where the model or the hub names none."""
    if model.privacy is None:
        raise BadInput(
            f"{model.name}:{model.version} names no people, so nothing can be charged for its noisy counts",
            advice="Add `privacy: {people: NAME}` to the model file and [people.NAME] to bailiwick.toml.",
        )
    people = hub.config.budget(model.privacy.people)
    return Budget(people.name, people.exact_epsilon, people.exact_delta, people.per, people.block)


def charge_claims(
    hub: Hub, tx: Transaction, releases: dict[str, dict[str, Any]], *, model: ModelFile, site: str, spec: BinSpec
) -> None:
    """Charges the releases that were not charged here: each claim found again, never believed."""
    taken = tx.connection.execute("SELECT DISTINCT release FROM summary WHERE release IS NOT NULL").fetchall()
    refuse_taken_before(set(releases), {id_ for (id_,) in taken})
    known = {row["id"]: row for row in ledger_rows(tx)}
    for release in releases.values():
        check_release(release, site=site, model=model, spec=spec, ledger=known)
        if release["id"] not in known:
            start, end = moment(release["block_from"]), moment(release["block_to"])
            spend = Spend(release["people"], start, end, exact(release["rho"]), site, model.name)
            admit(spends_of(ledger_rows(tx)), spend, budget_of(hub, model))
            writes.ledger(tx, **ledger_columns(release, state="received"))


def ledger_rows(tx: Transaction) -> list[dict[str, Any]]:
    """Every ledger entry, as the transaction sees it."""
    found = tx.connection.execute(
        "SELECT id, people, block_from, block_to, rho, site, model FROM ledger_entry ORDER BY seq"
    )
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def ledger_columns(release: dict[str, Any], *, state: str) -> dict[str, Any]:
    """A release as the columns of a ledger entry."""
    same = ("id", "people", "site", "model", "version", "purpose", "rho", "squared_l2", "scale", "unit", "neighbouring")
    return {
        **{name: release[name] for name in (*same, "contributions")},
        "block_from": moment(release["block_from"]),
        "block_to": moment(release["block_to"]),
        "mechanism": canonical_json(release["mechanism"]) if release["mechanism"] is not None else None,
        "state": state,
        "output_sha256": release["output_sha256"],
    }
