"""Databricks inference tables: a row per request, with request and response as JSON text, from Parquet or Delta.

Three schemas are told by their columns: the AI Gateway payload table (`request_time`), the legacy one (`timestamp_ms`,
`request_metadata`) and the newest (`event_time`, `invocation_id`). A request of many rows is unrolled; a row's id is
the request's, with the row's place where there are several. Who asked (`requester`) is not read unless wanted. What
was not answered, or was too large to be logged, is counted by its reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.base import Chunk, File, Raw, Source, Unreadable, Wanted
from connectors.sources.content import Content, beginning, examine, unreadable
from connectors.sources.delta import delta_files, is_delta
from connectors.sources.event_lines import utc_of, walk_files
from connectors.sources.halves import NoRows, Rows, joined, row_id
from connectors.sources.json_rows import Record, chunks_of, json_hints
from connectors.sources.json_text import json_of, reason_of
from connectors.sources.parquet_file import BROKEN, check_parquet
from connectors.sources.payloads import rows_of

IDS = ("databricks_request_id", "invocation_id")
TIMES = ("request_time", "event_time", "timestamp_ms")
ASKED = ("client_request_id", "status_code", "sampling_fraction", "request", "response", "logging_error_codes")
ROWS_AT_ONCE = 512
"""Requests whose text is held at a time; each may be megabytes."""
HINT_ROWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabricksOptions:
    client_id: bool = False
    """Take `client_request_id` as the row's id, where the caller gave one."""
    requester: bool = False
    """Read who asked, as a column `requester`; personal data, so the model file should name it as `person`."""
    outputs: tuple[str, ...] = ()
    """Names of the values of an answer, in order, where they are not prediction, then score."""
    features: str = ""
    """The key under which a row of `instances` keeps its values without names, where it has one."""


@dataclass(frozen=True, slots=True)
class _Log:
    file: File
    content: Content
    wanted: Wanted
    options: DatabricksOptions


class Databricks(Source):
    kind = "databricks"
    reads = "Databricks inference tables, from Parquet or Delta"
    options = DatabricksOptions

    def sniff(self, path: Path, head: bytes) -> float:
        if not head.startswith(b"PAR1"):
            return 0.0
        try:
            return 0.95 if _is_table(set(pq.read_schema(path).names)) else 0.0
        except BROKEN:
            return 0.0

    def walk(self, path: Path) -> Iterator[File]:
        yield from delta_files(path) if is_delta(path) else walk_files(path, (".parquet",))

    def read(self, file: File, options: Any, wanted: Wanted) -> Raw:
        named = replace(wanted, outputs=options.outputs or wanted.outputs)
        content = examine(file.path, wanted.limits)
        check_parquet(content, file.name)
        log = _Log(file, content, named, options)
        versions = _versions(log)
        notes: tuple[str, ...] = ()
        if len(versions) > 1:
            notes = (
                f"{file.name} names {len(versions)} model versions: {', '.join(sorted(versions))}; none is taken from "
                "it. Ingest each version's rows on their own, or name the version with --model M:V.",
            )
        return Raw(
            file=file,
            format=self.kind,
            sha256=log.content.sha256,
            size=log.content.size,
            chunks=partial(_chunks, log),
            hints=json_hints((found for found, _ in _records(log, most=HINT_ROWS)), named),
            version=versions.pop() if len(versions) == 1 else None,
            notes=notes,
        )


def _is_table(names: set[str]) -> bool:
    return bool(names & set(IDS)) and bool(names & set(TIMES)) and {"request", "response"} <= names


def _versions(log: _Log) -> set[str]:
    """The model versions that the legacy table names in `request_metadata`."""
    try:
        with pq.ParquetFile(log.file.path) as file:
            if "request_metadata" not in file.schema_arrow.names:
                return set()
            found = (
                dict(held or {}).get("model_version")
                for batch in file.iter_batches(columns=["request_metadata"])
                for held in batch.column(0).to_pylist()
            )
            return {str(version) for version in found if version}
    except (pa.ArrowException, OSError, ValueError):
        return set()  # told when the file is read


def _chunks(log: _Log) -> Iterator[Chunk]:
    fractions: set[float] = set()

    def records() -> Iterator[Record | Unreadable]:
        for record, fraction in _records(log):
            if fraction is not None:
                fractions.add(fraction)
            yield record

    for chunk in chunks_of(records(), log.wanted):
        told = tuple(_sampled(log.file, fraction) for fraction in sorted(fractions) if fraction < 1)
        yield replace(chunk, notes=told)
    log.content.check_unchanged()


def _sampled(file: File, fraction: float) -> str:
    return (
        f"The endpoint logs a sample of its requests (sampling_fraction {fraction:g}): counts are of the sample. "
        "Raise it in the endpoint's AI Gateway settings for all of them."
    )


def _records(log: _Log, most: int | None = None) -> Iterator[tuple[Record | Unreadable, float | None]]:
    """(a row or what could not be read, the share of requests that is logged)."""
    try:
        with pq.ParquetFile(log.file.path) as file:
            names = file.schema_arrow.names
            if not _is_table(set(names)):
                expected = "the columns of an inference table: databricks_request_id, request_time, request, response"
                yield unreadable("file", None, expected, ", ".join(names).encode()), None
                return
            id_ = next(name for name in IDS if name in names)
            time = next(name for name in TIMES if name in names)
            more = ("requester",) if log.options.requester else ()
            columns = [name for name in (id_, time, *ASKED, *more) if name in names]
            for at, batch in enumerate(
                file.iter_batches(batch_size=ROWS_AT_ONCE if most is None else most, columns=columns)
            ):
                if most is not None and at:
                    return
                for request in batch.to_pylist():
                    fraction = request.get("sampling_fraction")
                    for record in _rows(log, request, request[id_], request[time]):
                        yield record, fraction
    except (pa.ArrowException, OSError, ValueError) as error:
        log.content.check_unchanged()
        yield unreadable("file", None, f"a complete Parquet file ({error})", beginning(log.file.path)), None


def _rows(log: _Log, request: dict[str, Any], own: Any, time: Any) -> Iterator[Record | Unreadable]:
    """The rows of one request."""
    moment, fine = _moment(time)
    try:
        if not fine:
            raise NoRows("time", "a time of the request")
        rows = _whole(log, request)
    except NoRows as error:
        shown = {name: value for name, value in request.items() if name != "requester"}
        text = json.dumps(shown, ensure_ascii=False, default=str).encode("utf-8", "backslashreplace")
        yield unreadable(error.reason, None, error.expected, text)
        return
    if log.options.client_id and request.get("client_request_id"):
        own = request["client_request_id"]
    for index, row in enumerate(rows):
        if log.options.requester:
            row = {**row, "requester": request.get("requester")}
        yield Record(None, row, row_id(own, index, len(rows)), moment)


def _moment(time: Any) -> tuple[datetime | None, bool]:
    if isinstance(time, datetime):
        return utc_of(time.isoformat())
    return utc_of(time / 1000 if isinstance(time, int) and not isinstance(time, bool) else time)


def _whole(log: _Log, request: dict[str, Any]) -> Rows:
    status = request.get("status_code")
    if status is not None and status != 200:
        raise NoRows(f"status:{status}", "a request that was answered (status 200)")
    lost = next((name for name in ("request", "response") if not request.get(name)), None)
    if lost is not None:
        codes = [str(code).lower() for code in request.get("logging_error_codes") or []]
        raise NoRows(codes[0] if codes else "no_data", f"a {lost} in the log; the endpoint did not write it")
    asked = _half(log, request["request"], "request")
    return joined([asked, _half(log, request["response"], "response")], log.wanted)


def _half(log: _Log, text: Any, collection: str) -> Rows:
    try:
        document = json_of(text, log.wanted.limits) if isinstance(text, str) else text
    except ValueError as error:
        raise NoRows(reason_of(error), f"JSON text in {collection}, {log.wanted.limits.nested}") from None
    key = log.options.features
    if key and isinstance(document, dict) and isinstance(document.get("instances"), list):
        rows = [row.get(key, row) if isinstance(row, dict) else row for row in document["instances"]]
        document = {**document, "instances": rows}
    found = []
    for row in rows_of(document, collection, log.wanted):
        if isinstance(row, str):
            raise NoRows("not_tabular", row)
        found.append(row)
    return found
