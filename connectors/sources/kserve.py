"""KServe's inference logger: captured CloudEvents (structured, JSON or JSON Lines), and its objects in a blob store.

One event is one half of a call; request and response have the same id. Objects in a blob store are JSON (one record,
or an array named after its first), CSV or Parquet; each record says itself which half it is. CSV and Parquet carry no
time: their rows take the file's modification time, and the batch notes it. Events of more than one inference service
in a file are not mixed: those of the first are read, the others told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from connectors.base import Chunk, File, Raw, Source, Unreadable, Wanted
from connectors.sources.captured import Half, NoEvent, as_json, from_base64, half_rows, moment_of, payload_of, plain
from connectors.sources.content import Content, Damaged, beginning, blocks, examine, unreadable
from connectors.sources.csv_text import csv_chunks, sniff_dialect
from connectors.sources.event_lines import walk_files
from connectors.sources.json_rows import Record, chunks_of, json_hints
from connectors.sources.parquet_file import parquet_chunks
from connectors.sources.tabular import is_document, json_records

HALF = re.compile(r"(?:^|\.)inference\.(request|response)$")
"""`org.kubeflow.serving.inference.request`; newer and older senders spell what stands before differently."""
NAMED = re.compile(r"-(request|response)\.(json|csv|parquet)(\.gz)?$")
ENDINGS = (".json", ".jsonl", ".csv", ".parquet", ".json.gz", ".jsonl.gz", ".csv.gz")
RECORD_KEYS = (b'"reqType"', b'"ReqType"')
CSV_HEAD = b"url,bytes,contentType,reqType,"
HINT_EVENTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class KServeOptions:
    """None so far: a logger's events say all that is needed."""


@dataclass(frozen=True, slots=True)
class _Log:
    file: File
    content: Content
    form: str
    wanted: Wanted
    service: str | None = None
    """Whose events are read, once it is known."""


class KServe(Source):
    kind = "kserve"
    options = KServeOptions

    def sniff(self, path: Path, head: bytes) -> float:
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        if start.startswith(CSV_HEAD):
            return 0.95
        if start.startswith(b"PAR1"):
            known = b"reqType" in head and b"inferenceService" in head
            return 0.95 if known else 0.6 if NAMED.search(path.name) else 0.0
        if not start.startswith((b"{", b"[")):
            return 0.0
        if any(key in start for key in RECORD_KEYS) and b"nferenceService" in start:
            return 0.95
        return 0.95 if re.search(rb'"org\.(kubeflow|kserve)\.[a-z.]*inference\.(request|response)"', start) else 0.0

    def walk(self, path: Path) -> Iterator[File]:
        yield from walk_files(path, ENDINGS)

    def read(self, file: File, options: Any, wanted: Wanted) -> Raw:
        content = examine(file.path)
        log = _Log(file, content, _form(file.path), wanted)
        first = [item for item in islice(_halves(log), HINT_EVENTS) if not isinstance(item, Unreadable)]
        service = next((half.service for _, _, half in first if half.service), None)
        log = _Log(file, content, log.form, wanted, service)
        rows = (row for line, record, half in first for row in half_rows(half, line, record, wanted))
        notes = []
        if any(half.time is None for _, _, half in first):
            notes.append("events without a time took the file's modification time")
        return Raw(
            file=file,
            format=self.kind,
            sha256=content.sha256,
            size=content.size,
            chunks=partial(_chunks, log),
            hints=json_hints(rows, wanted),
            model=service,
            notes=tuple(notes),
        )


def _form(path: Path) -> str:
    try:
        head = next(blocks(path), b"")
    except Damaged:
        return "lines"
    start = head.lstrip()
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"["):
        return "array"
    if start.startswith(b"{") or not start:
        return "array" if is_document(path, head) else "lines"
    return "csv" if b"," in start.split(b"\n", 1)[0] and not start.startswith(b'{"') else "lines"


def _chunks(log: _Log) -> Iterator[Chunk]:
    changed = datetime.fromtimestamp(log.content.stamp[1] / 1e9, UTC).replace(tzinfo=None)
    yield from chunks_of(_rows(log, changed), log.wanted)
    log.content.check_unchanged()


def _rows(log: _Log, changed: datetime) -> Iterator[Record | Unreadable]:
    for item in _halves(log):
        if isinstance(item, Unreadable):
            yield item
            continue
        line, record, half = item
        if half.service and log.service and half.service != log.service:
            yield unreadable("other_model", line, f"events of {log.service} alone, as the file begins", record)
            continue
        timed = half if half.time is not None else replace(half, time=changed)
        yield from half_rows(timed, line, record, log.wanted)


# -- events -------------------------------------------------------------------------------------------------------


def _halves(log: _Log) -> Iterator[tuple[int | None, bytes, Half] | Unreadable]:
    for line, event in _events(log):
        if isinstance(event, Unreadable):
            yield event
            continue
        record = as_json(event)
        try:
            yield line, record, half_of(event, log.file.name)
        except NoEvent as error:
            yield unreadable(error.reason, line, error.expected, record)


def _events(log: _Log) -> Iterator[tuple[int | None, dict[str, Any] | Unreadable]]:
    if log.form in ("lines", "array"):
        for record in json_records(log.content, array=log.form == "array"):
            yield (record.line, record if isinstance(record, Unreadable) else record.row)
        return
    for chunk in _table(log):
        lines = chunk.lines.to_pylist() if chunk.lines is not None else [None] * chunk.table.num_rows
        yield from zip(lines, chunk.table.to_pylist(), strict=True)
        for lost in chunk.unreadable:
            yield lost.line, lost


def _table(log: _Log) -> Iterator[Chunk]:
    if log.form == "parquet":
        yield from parquet_chunks(log.content, Wanted())
        return
    try:
        head = next(blocks(log.file.path), b"")
    except Damaged as damage:
        lost = unreadable("file", None, str(damage), beginning(log.file.path))
        yield from chunks_of([lost], Wanted())
        return
    yield from csv_chunks(log.content, sniff_dialect(head, ","), Wanted())


def half_of(event: dict[str, Any], name: str = "") -> Half:
    """One event as half of a call; name: of its file, which says which half where the record does not.

    Raises NoEvent for what is none of ours.
    """
    if "specversion" in event:
        return _cloud_event(event)
    folded = {key.casefold(): value for key, value in event.items()}
    if "bytes" in folded and ("reqtype" in folded or "inferenceservice" in folded):
        return _stored_record(folded, name)
    raise NoEvent("json", "an event of KServe's logger: a CloudEvent, or a record with reqType and bytes")


def _asked(type_: Any, component: Any) -> bool:
    if plain(component) == "explainer":
        raise NoEvent("not_tabular", "predictions; these are explanations")
    found = HALF.search(str(type_))
    if found is None:
        raise NoEvent("event_type", f'a request or a response, found the type "{str(type_)[:100]}"')
    return found[1] == "request"


def _cloud_event(event: dict[str, Any]) -> Half:
    asked = _asked(event.get("type"), event.get("component"))
    if event.get("data_base64") is not None:
        payload, tail = payload_of(from_base64(event["data_base64"]), header_length(event.get("metadata")))
    elif isinstance(event.get("data"), str):
        payload, tail = payload_of(event["data"].encode("utf-8", "surrogatepass"))
    elif event.get("data") is None:
        raise NoEvent("no_data", "an event with `data` or `data_base64`")
    else:
        payload, tail = event["data"], b""
    return Half(
        asked=asked,
        call=plain(event.get("id")),
        time=moment_of(plain(event.get("time"))),
        service=service_of(event),
        payload=payload,
        tail=tail,
    )


def service_of(event: dict[str, Any]) -> str | None:
    """The inference service that an event names; senders of 2020 call the attribute otherwise."""
    return plain(event.get("inferenceservicename")) or plain(event.get("inferenceservice"))


def _stored_record(record: dict[str, Any], name: str) -> Half:
    """A record of the blob store; keys without case, for versions write them differently."""
    type_ = str(record.get("reqtype") or "")
    if not HALF.search(type_) and (named := NAMED.search(name)) is not None:
        type_ = f"inference.{named[1]}"
    asked = _asked(type_, record.get("component"))
    if not record.get("bytes"):
        raise NoEvent("no_data", "a record with its payload in `bytes`")
    payload, tail = payload_of(from_base64(record["bytes"]), header_length(record.get("metadata")))
    return Half(
        asked=asked,
        call=plain(record.get("id")),
        time=moment_of(record.get("occurrencetime")),
        service=plain(record.get("inferenceservice")),
        payload=payload,
        tail=tail,
    )


def header_length(metadata: Any) -> int | None:
    """Where the JSON of a body with binary tensors ends, if the logger was told to keep that header."""
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except (ValueError, RecursionError):
            return None
    for key, value in metadata.items() if isinstance(metadata, dict) else ():
        if str(key).casefold() == "inference-header-content-length":
            first = value[0] if isinstance(value, list) and value else value
            return int(first) if str(first).isdecimal() and len(str(first)) < 12 else None
    return None
