"""Summarising with Spark: Parquet files whose rows are whole are counted where they lie; the bundle is DuckDB's own.

Promises: equal, integer for integer, to what the default engine writes of the same files. Refuses what needs rows one
by one: other formats, halves in different files, labels or contributions apart, noise (whose bound on each person's
rows is drawn from the rows), and local times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.roles import Role, fields_of
from monitors.engines import ibis as engine
from monitors.engines.spark import Declared, Told, rows_in_spark
from service.counting import blocks_at
from service.wiring import Hub, local_viewer
from store import summary_writes
from store.bins import BinSpec, NumberBins, Section
from store.errors import BadInput
from store.events import Event
from store.model_file import InputType, ModelFile
from store.receipt import Kind
from store.row_shape import BOTH

ADVICE = "Leave --engine out: duckdb takes every format and joins halves."
KINDS = {Role.ID: "text", Role.TIME: "time", Role.SCORE: "number", Role.GROUP: "text", Role.SEGMENT: "text"}


def bring_with_spark(
    memory: Hub,
    paths: Sequence[Path | str],
    *,
    file: ModelFile,
    spec: BinSpec,
    site: str,
    timezone: str | None,
    clock_skew: timedelta | None,
) -> list[dict[str, Any]]:
    """Counts the files into the in-memory hub; gives what receipts would say of each of them."""
    files = _files(paths)
    columns = _columns(file, spec, files, timezone)
    now = memory.now()
    latest = None if clock_skew is None else now + clock_skew
    names = [str(path) for path in files]
    with rows_in_spark(names, columns, received_at=now, latest=latest) as (session, relation, told, rows):
        counted = _counted(engine.on_spark(session), relation, spec, file, now)
    about = f"{file.name}:{file.version}"
    with memory.store.write(local_viewer().name, Event.BATCH_ROWS_ACCEPTED, about) as tx:
        summary_writes.summaries(
            tx, counted, site=site, model=file.name, version=file.version, spec_hash=spec.spec_hash
        )
    return _receipts(files, told, rows)


def _files(paths: Sequence[Path | str]) -> list[Path]:
    """Every Parquet file at these paths, each content once."""
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        folder = path.is_dir()
        every = sorted(one for one in path.rglob("*") if one.is_file()) if folder else [path]
        for one in every:
            hidden = folder and any(part.startswith((".", "_")) for part in one.relative_to(path).parts)
            if "_delta_log" in one.parts or any("=" in part for part in one.parts[len(path.parts) - 1 :]):
                raise BadInput(f"{path} is a table of many files, not a folder of logs", advice=ADVICE)
            if hidden:
                continue
            if one.suffix.lower() not in (".parquet", ".pq"):
                raise BadInput(f"{one} is no Parquet file, and Spark counts no other", advice=ADVICE)
            found.setdefault(_digest(one), one.resolve())
    if not found:
        raise BadInput("there was no file to read", advice="Check the path; --engine spark takes Parquet files.")
    return list(found.values())


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _columns(file: ModelFile, spec: BinSpec, files: Sequence[Path], timezone: str | None) -> list[Declared]:
    """The declared columns that the files have, under the files' own names; all files must agree."""
    schemas = [pq.read_schema(path) for path in files]
    types = tuple(InputType.NUMBER if isinstance(b, NumberBins) else InputType.CATEGORY for b in spec.inputs)
    names = schemas[0].names
    folded = {name.casefold(): name for name in reversed(names)}
    out, parts, wanted = [], 0, 0
    for field in fields_of(file, Kind.PREDICTIONS, types):
        if not field.column or field.role is Role.PERSON:
            continue
        wanted |= field.role.part
        own = field.column if field.column in names else folded.get(field.column.casefold())
        if own is None:
            continue
        parts |= field.role.part
        kind = KINDS.get(field.role) or ("number" if pa.types.is_floating(field.type) else "text")
        out.append(Declared(field.name, own, kind))
    for path, schema in zip(files, schemas, strict=True):
        if {of.column: schema.field(of.column).type for of in out if of.column in schema.names} != {
            of.column: schemas[0].field(of.column).type for of in out
        } or any(name.casefold() in folded and name not in names for name in schema.names):
            raise BadInput(f"{path} has other columns or types than {files[0]}", advice=ADVICE)
    if parts & wanted & BOTH != wanted & BOTH or not out:
        raise BadInput(f"{files[0]} holds one half of the rows of {file.name}: inputs or outputs", advice=ADVICE)
    time = next((of for of in out if of.kind == "time"), None)
    if time and timezone not in (None, "UTC") and getattr(schemas[0].field(time.column).type, "tz", "") is None:
        raise BadInput(f"column {time.column} tells local times of {timezone}", advice=ADVICE)
    return out


def _counted(connection: Any, relation: str, spec: BinSpec, file: ModelFile, now: datetime) -> pa.Table:
    """Every row is whole, so that all sections are of the same relation."""
    tables = [
        engine.count(connection, relation, spec, section, blocks=blocks_at(now), segments=file.columns.segments)
        for section in Section
        if spec.widths[section]
    ]
    return pa.concat_tables(tables)


def _receipts(files: Sequence[Path], told: Sequence[Told], rows: int) -> list[dict[str, Any]]:
    """As ingest tells them; rows that were told twice are a number of all files together, said with the first."""
    good = sum(of.rows for of in told if of.reason is None)
    by_file: dict[str, list[Told]] = {}
    for of in told:
        by_file.setdefault(unquote(urlparse(of.file).path), []).append(of)
    out: list[dict[str, Any]] = []
    for path in files:
        own = by_file.get(str(path), [])
        read = next((of for of in own if of.reason is None), None)
        reasons = {str(of.reason): of.rows for of in own if of.reason is not None}
        aside, twice = sum(reasons.values()), 0 if out else good - rows
        out.append(
            {
                "source": path.name,
                "sha256": _digest(path),
                "rows": sum(of.rows for of in own),
                "kept": (read.rows if read else 0) - twice,
                "quarantined": aside,
                "duplicates": twice,
                "reasons": dict(sorted(reasons.items())),
                "first_event": read.first if read else None,
                "last_event": read.last if read else None,
                "repeated": False,
            }
        )
    return out
