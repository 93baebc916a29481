"""Vertex AI request-response logging: the BigQuery table, exported as Parquet or JSON Lines.

A row of the table is a call: `request_payload` and `response_payload` are lists of JSON texts, whole documents
(`instances`, `predictions`) or one for each instance. A call of many rows is unrolled; a row's id is the call's
`request_id`, with the row's place where there are several.
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
from connectors.sources.event_lines import events, utc_of, walk_files
from connectors.sources.halves import NoRows, Rows, joined, row_id
from connectors.sources.json_rows import Record, chunks_of, json_hints
from connectors.sources.json_text import json_of, reason_of
from connectors.sources.parquet_file import BROKEN, check_parquet
from connectors.sources.payloads import ROW_KEYS, rows_of

PAYLOADS = ("request_payload", "response_payload")
COLUMNS = ("request_id", "logging_time", *PAYLOADS)
CALLS_AT_ONCE = 512
HINT_CALLS = 50
EXPECTED = "a row of the logging table: request_id, logging_time, request_payload, response_payload"


@dataclass(frozen=True, slots=True, kw_only=True)
class VertexOptions:
    outputs: tuple[str, ...] = ()
    """Names of the values of an answer, in order, where they are not prediction, then score."""


@dataclass(frozen=True, slots=True)
class _Log:
    file: File
    content: Content
    wanted: Wanted


class Vertex(Source):
    kind = "vertex"
    reads = "Vertex AI request-response logs, exported from BigQuery"
    options = VertexOptions

    def sniff(self, path: Path, head: bytes) -> float:
        if head.startswith(b"PAR1"):
            try:
                return 0.95 if set(PAYLOADS) <= set(pq.read_schema(path).names) else 0.0
            except BROKEN:
                return 0.0
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        told = all(f'"{name}"'.encode() in start for name in PAYLOADS)
        return 0.95 if start.startswith(b"{") and told else 0.0

    def walk(self, path: Path) -> Iterator[File]:
        yield from walk_files(path, (".parquet", ".jsonl", ".json", ".jsonl.gz", ".json.gz"))

    def read(self, file: File, options: Any, wanted: Wanted) -> Raw:
        named = replace(wanted, outputs=options.outputs or wanted.outputs)
        log = _Log(file, examine(file.path, wanted.limits), named)
        return Raw(
            file=file,
            format=self.kind,
            sha256=log.content.sha256,
            size=log.content.size,
            chunks=partial(_chunks, log),
            hints=json_hints(_records(log, most=HINT_CALLS), named),
        )


def _chunks(log: _Log) -> Iterator[Chunk]:
    yield from chunks_of(_records(log), log.wanted)
    log.content.check_unchanged()


def _records(log: _Log, most: int | None = None) -> Iterator[Record | Unreadable]:
    with log.file.path.open("rb") as file:
        columnar = file.read(4) == b"PAR1"
    for number, line, call in _from_parquet(log, most) if columnar else _from_lines(log, most):
        if isinstance(call, Unreadable):
            yield call
        else:
            yield from _rows(log, number, line, call)


def _from_lines(log: _Log, most: int | None) -> Iterator[tuple[int | None, bytes, dict[str, Any] | Unreadable]]:
    for event in events(log.file.path, expected=EXPECTED, most=most, limits=log.wanted.limits):
        yield (None, b"", event) if isinstance(event, Unreadable) else event


def _from_parquet(log: _Log, most: int | None) -> Iterator[tuple[int | None, bytes, dict[str, Any] | Unreadable]]:
    check_parquet(log.content, log.file.name)
    try:
        with pq.ParquetFile(log.file.path) as file:
            columns = [name for name in COLUMNS if name in file.schema_arrow.names]
            for at, batch in enumerate(file.iter_batches(batch_size=most or CALLS_AT_ONCE, columns=columns)):
                if most is not None and at:
                    return
                for call in batch.to_pylist():
                    yield None, json.dumps(call, ensure_ascii=False, default=str).encode("utf-8", "replace"), call
    except (pa.ArrowException, OSError, ValueError) as error:
        log.content.check_unchanged()
        lost = unreadable("file", None, f"a complete Parquet file ({error})", beginning(log.file.path))
        yield None, b"", lost


def _rows(log: _Log, number: int | None, line: bytes, call: dict[str, Any]) -> Iterator[Record | Unreadable]:
    moment, fine = _moment(call.get("logging_time"))
    try:
        if not fine:
            raise NoRows("time", "a logging_time such as 2026-01-31T12:00:00Z")
        halves = [
            _half(call[name], "request" if name == PAYLOADS[0] else "response", log)
            for name in PAYLOADS
            if call.get(name) not in (None, [], "")
        ]
        if not halves:
            raise NoRows("no_data", EXPECTED)
        rows = joined(halves, log.wanted)
    except NoRows as error:
        yield unreadable(error.reason, number, error.expected, line)
        return
    for index, row in enumerate(rows):
        yield Record(number, row, row_id(call.get("request_id"), index, len(rows)), moment)


def _moment(time: Any) -> tuple[datetime | None, bool]:
    """BigQuery writes `2026-01-31 12:00:00.123 UTC` into JSON."""
    if isinstance(time, datetime):
        return utc_of(time.isoformat())
    return utc_of(f"{time[:-4]}+00:00" if isinstance(time, str) and time.endswith(" UTC") else time)


def _half(payload: Any, collection: str, log: _Log) -> Rows:
    documents = []
    for text in payload if isinstance(payload, list) else [payload]:
        try:
            documents.append(json_of(text, log.wanted.limits) if isinstance(text, str) else text)
        except ValueError as error:
            expected = f"JSON text in {collection}_payload, {log.wanted.limits.nested}"
            raise NoRows(reason_of(error), expected) from None
    whole = [item for item in documents if isinstance(item, dict) and any(key in item for key in ROW_KEYS)]
    found: Rows = []
    for document in whole if len(whole) == len(documents) else [{"instances": documents}]:
        for row in rows_of(document, collection, log.wanted):
            if isinstance(row, str):
                raise NoRows("not_tabular", row)
            found.append(row)
    return found
