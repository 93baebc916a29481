"""The command that has Evidently write its own report on one window. Evidently runs in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from monitors.windows import aligned
from service.known import known_model, known_site
from service.wiring import Hub
from store.access import Permission, Viewer, require
from store.errors import BadInput, Final
from store.model_file import ModelFile
from store.reads import Reads
from store.row_shape import RowShape

FEWEST = 2
MOST_SECONDS = 900


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
    """Writes Evidently's report on the inputs of the window that holds this moment, against the reference."""
    require(viewer, Permission.MODEL_READ, site=site, model=model)
    file = known_model(hub, viewer, model, version)
    if site is not None:
        known_site(hub, viewer, site)
    reads = hub.store.reads(viewer)
    shapes = reads.shapes(file.name, file.version)
    if not shapes:
        raise BadInput(
            f"there are no rows of {file.name}:{file.version} here",
            advice="Evidently needs rows; sites that share counts keep theirs.",
        )
    start, end = _bounds(reads, file, window, site)
    reference = _frame(reads.reference_rows(file.name, file.version, shapes[-1]), shapes[-1])
    current = _frame(reads.window_rows(file.name, file.version, shapes[-1], start, end, site=site), shapes[-1])
    for what, frame in (("reference", reference), ("window", current)):
        if frame.num_rows < FEWEST:
            raise BadInput(
                f"the {what} of {file.name}:{file.version} has {frame.num_rows} rows here",
                advice="Ingest a reference, or name a window that has rows.",
                details={"from": start, "to": end},
            )
    kinds = dict(zip(shapes[-1].inputs, shapes[-1].types, strict=True))
    columns = _run_apart(hub.folder / "spool", reference, current, kinds, output)
    return {
        "schema": "bailiwick/evidently/1",
        "file": str(output),
        "model": file.name,
        "version": file.version,
        "site": site,
        "window": {"from": start, "to": end},
        "rows": {"reference": reference.num_rows, "current": current.num_rows},
        "columns": columns,
    }


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


def _run_apart(
    spool: Path, reference: pa.Table, current: pa.Table, kinds: dict[str, str], output: Path
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=spool) as name:
        folder = Path(name)
        sides = {"reference": folder / "reference.parquet", "current": folder / "current.parquet"}
        pq.write_table(reference, sides["reference"])
        pq.write_table(current, sides["current"])
        request = folder / "request.json"
        asked = {**{side: str(path) for side, path in sides.items()}, "kinds": kinds, "html": str(output)}
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
