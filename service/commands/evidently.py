"""The command that has Evidently write its own report on one window. Evidently runs in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitors.representative import representative_rows
from monitors.windows import aligned, section_rows
from service.known import known_model, known_site
from service.wiring import Hub
from store.access import Permission, Viewer, require
from store.bins import NumberBins, Section
from store.canonical import canonical_json, sha256_hex
from store.errors import BadInput, Final
from store.model_file import ModelFile
from store.reads import Reads
from store.row_shape import RowShape
from store.summary import Counts

FEWEST = 2
MOST_ROWS = 20_000
"""Rows of each side that Evidently is given."""
NOTES = {
    "rows": "Evidently's own report, on the rows at hand; of more than {most} on either side, on a sample of so many.",
    "representative": "Evidently's own report, on representative rows drawn from counts: the rows never left their "
    "site. Bins and categories are in the proportions of the counts; inside a bin values are spread evenly, and "
    "columns are drawn apart from each other, so correlations and fine detail mean nothing.",
}
MOST_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Sides:
    """What Evidently compares."""

    reference: pa.Table
    current: pa.Table
    kinds: dict[str, str]
    basis: str
    """`rows` or `representative`."""
    of: dict[str, int]
    """How many rows each side is a sample of."""


def evidently_report(
    hub: Hub,
    viewer: Viewer,
    *,
    model: str,
    version: str | None = None,
    window: datetime,
    site: str | None = None,
    output: Path,
) -> dict[str, Any]:
    """Writes Evidently's report on the inputs of the window that holds this moment, against the reference.

    On a seeded sample of the rows; where they never left the site, on rows drawn from the counts, and labelled so.
    """
    require(viewer, Permission.MODEL_READ, site=site, model=model)
    file = known_model(hub, viewer, model, version)
    if site is not None:
        known_site(hub, viewer, site)
    reads = hub.store.reads(viewer)
    start, end = _bounds(reads, file, window, site)
    seed = int(sha256_hex(canonical_json([file.name, file.version, site, str(start), str(end)]))[:12], 16)
    sides = _of_rows(reads, file, start, end, site, seed) or _of_counts(reads, file, start, end, site, seed)
    note = NOTES[sides.basis].format(most=f"{MOST_ROWS:,}")
    columns = _run_apart(hub.folder / "spool", sides, note, output)
    return {
        "schema": "bailiwick/evidently/1",
        "file": str(output),
        "model": file.name,
        "version": file.version,
        "site": site,
        "window": {"from": start, "to": end},
        "basis": sides.basis,
        "note": note,
        "rows": {"reference": sides.reference.num_rows, "current": sides.current.num_rows},
        "of": sides.of,
        "columns": columns,
    }


def _of_rows(
    reads: Reads, file: ModelFile, start: datetime, end: datetime, site: str | None, seed: int
) -> Sides | None:
    """The rows at hand on both sides; None where one side has too few for a report."""
    shapes = reads.shapes(file.name, file.version)
    if not shapes:
        return None
    shape = shapes[-1]
    reference = reads.reference_rows(file.name, file.version, shape)
    current = reads.window_rows(file.name, file.version, shape, start, end, site=site)
    if min(reference.num_rows, current.num_rows) < FEWEST:
        return None
    of = {"reference": reference.num_rows, "current": current.num_rows}
    reference, current = (_sample(rows, seed + k) for k, rows in enumerate((reference, current)))
    kinds = dict(zip(shape.inputs, shape.types, strict=True))
    return Sides(_frame(reference, shape), _frame(current, shape), kinds, "rows", of)


def _sample(rows: pa.Table, seed: int) -> pa.Table:
    if rows.num_rows <= MOST_ROWS:
        return rows
    chosen = np.random.default_rng(seed).choice(rows.num_rows, MOST_ROWS, replace=False)
    return rows.take(pa.array(np.sort(chosen)))


def _of_counts(reads: Reads, file: ModelFile, start: datetime, end: datetime, site: str | None, seed: int) -> Sides:
    """Representative rows of the two summaries."""
    spec = reads.spec(file.name, file.version)
    reference = reads.reference_counts(file.name, file.version, spec.spec_hash).get("inputs") if spec else None
    if spec is None or reference is None:
        raise BadInput(
            f"there is no reference of {file.name}:{file.version} to hold the window against",
            advice="Ingest one with `bailiwick ingest --kind reference`.",
        )
    blocks = reads.summary_blocks(file.name, file.version, spec, Section.INPUTS)
    mine = [of.between(start, end)[0] for of in blocks if site in (None, of.site)]
    current: Counts = np.asarray(np.sum([*mine, np.zeros_like(reference)], axis=0, dtype=np.int64))
    totals = {}
    for name, counts in (("reference", reference), ("current", current)):
        totals[name] = int(section_rows(spec, Section.INPUTS, np.asarray([counts])).sum())
        if totals[name] < FEWEST:
            what = "reference" if name == "reference" else "window"
            raise BadInput(
                f"the {what} of {file.name}:{file.version} has {totals[name]} rows here",
                advice="Ingest a reference, or name a window that has rows.",
                details={"from": start, "to": end},
            )
    drawn = [
        representative_rows(spec.input_cells, counts, most=min(MOST_ROWS, totals[name]), seed=seed + k)
        for k, (name, counts) in enumerate((("reference", reference), ("current", current)))
    ]
    kinds = {of.bins.name: "number" if isinstance(of.bins, NumberBins) else "category" for of in spec.input_cells}
    return Sides(drawn[0], drawn[1], kinds, "representative", totals)


def _bounds(reads: Reads, file: ModelFile, moment: datetime, site: str | None) -> tuple[datetime, datetime]:
    """The window that was judged there, grown as it was; else the one that the model file's length gives."""
    judged = reads.result_table(
        model=file.name, version=file.version, site=site, monitor="drift", window=moment
    ).to_pylist()
    if judged:
        newest = max(judged, key=lambda row: (row["window_to"], row["seq"]))
        return newest["window_from"], newest["window_to"]
    every = file.watch.window.every
    start = aligned(moment, every)
    return start, start + every


def _frame(rows: pa.Table, shape: RowShape) -> pa.Table:
    """The inputs under their own names."""
    return pa.table({name: rows.column(f"x{at}") for at, name in enumerate(shape.inputs)})


def _run_apart(spool: Path, compared: Sides, note: str, output: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=spool) as name:
        folder = Path(name)
        sides = {"reference": folder / "reference.parquet", "current": folder / "current.parquet"}
        pq.write_table(compared.reference, sides["reference"])
        pq.write_table(compared.current, sides["current"])
        request = folder / "request.json"
        asked: dict[str, Any] = {**{side: str(path) for side, path in sides.items()}, "kinds": compared.kinds}
        asked |= {"html": str(output), "note": note}
        request.write_text(json.dumps(asked), encoding="utf-8")
        try:
            done = subprocess.run(
                [sys.executable, "-m", "monitors.evidently", str(request)],
                capture_output=True,
                text=True,
                timeout=MOST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Final(f"Evidently took more than {MOST_SECONDS} s", advice="Name a smaller window.") from error
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise Final(f"Evidently failed: {last[0]}", advice="Is the extra installed? pip install 'bailiwick[hub]'")
    columns: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])["columns"]
    return columns
