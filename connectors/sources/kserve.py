"""KServe's inference logger: captured CloudEvents (structured, JSON or JSON Lines), and its objects in a blob store.

One event is one half of a call; request and response have the same id. Objects in a blob store are JSON (one record,
or an array named after its first), CSV or Parquet; each record says itself which half it is. CSV and Parquet carry no
time: their rows take the file's modification time, and the batch notes it. Events of more than one inference service
in a file are not mixed: those of the first are read, the others told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.base import Chunk, File, Raw, Source, Unreadable, Wanted
from connectors.limits import LIMITS, Limits
from connectors.sources.captured import Half, NoEvent, from_base64, moment_of, payload_of, plain
from connectors.sources.captured_log import Event, Log, batch
from connectors.sources.content import Content, Damaged, blocks, damaged, examine
from connectors.sources.csv_text import csv_chunks, sniff_dialect
from connectors.sources.event_lines import walk_files
from connectors.sources.inference_protocol import rows_in
from connectors.sources.json_rows import chunks_of
from connectors.sources.json_text import json_of
from connectors.sources.parquet_file import check_parquet, parquet_chunks
from connectors.sources.tabular import is_document, json_records

HALF = re.compile(r"(?:^|\.)inference\.(request|response)$")
"""`org.kubeflow.serving.inference.request`; newer and older senders spell what stands before differently."""
NAMED = re.compile(r"-(request|response)\.(json|csv|parquet)(\.gz)?$")
ENDINGS = (".json", ".jsonl", ".csv", ".parquet", ".json.gz", ".jsonl.gz", ".csv.gz")
RECORD_KEYS = (b'"reqType"', b'"ReqType"')
CSV_HEAD = b"url,bytes,contentType,reqType,"


@dataclass(frozen=True, slots=True, kw_only=True)
class KServeOptions:
    service: str = ""
    """Whose events are read where a file holds several inference services; else the first named."""


class KServe(Source):
    kind = "kserve"
    reads = "KServe's inference logger, live or from its blob store"
    gives = "predictions, joined from requests and responses"
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
        content = examine(file.path, wanted.limits)
        log = Log(
            file=file,
            content=content,
            wanted=wanted,
            events=partial(_events, content, _form(file.path)),
            half_of=partial(half_of, name=file.name, limits=wanted.limits),
            rows=lambda half: rows_in(half.payload, asked=half.asked, wanted=wanted, tail=half.tail),
            service=options.service or None,
        )
        return batch(log, self.kind)


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


# -- events -------------------------------------------------------------------------------------------------------


def _events(content: Content, form: str) -> Iterator[Event]:
    if form in ("lines", "array"):
        for record in json_records(content, array=form == "array"):
            yield (record.line, record if isinstance(record, Unreadable) else record.row)
        return
    for chunk in _table(content, form):
        lines = chunk.lines.to_pylist() if chunk.lines is not None else [None] * chunk.table.num_rows
        yield from zip(lines, _cells(chunk.table), strict=True)
        for lost in chunk.unreadable:
            yield lost.line, lost


def _cells(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a table; text that is no UTF-8 keeps lone surrogates, and is told where it matters."""
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = pc.cast(column, column.type.value_type)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            raw = pc.cast(column, pa.large_binary()).to_pylist()
            columns[name] = [None if cell is None else cell.decode("utf-8", "surrogateescape") for cell in raw]
        else:
            columns[name] = column.to_pylist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _table(content: Content, form: str) -> Iterator[Chunk]:
    if form == "parquet":
        check_parquet(content, content.path.name)
        yield from parquet_chunks(content, Wanted(limits=content.limits))
        return
    try:
        head = next(blocks(content.path), b"")
    except Damaged as damage:
        yield from chunks_of([damaged(damage, content.path)], Wanted())
        return
    dialect = sniff_dialect(head, ",")
    content.limits.check_columns(content.path.name, len(dialect.columns))
    yield from csv_chunks(content, dialect, Wanted(limits=content.limits))


def half_of(event: dict[str, Any], name: str = "", limits: Limits = LIMITS) -> Half:
    """One event as half of a call; name: of its file, which says which half where the record does not.

    Raises NoEvent for what is none of ours.
    """
    if "specversion" in event:
        return _cloud_event(event, limits)
    folded = {key.casefold(): value for key, value in event.items()}
    if "bytes" in folded and ("reqtype" in folded or "inferenceservice" in folded):
        return _stored_record(folded, name, limits)
    raise NoEvent("json", "an event of KServe's logger: a CloudEvent, or a record with reqType and bytes")


def _asked(type_: Any, component: Any) -> bool:
    if plain(component) == "explainer":
        raise NoEvent("not_tabular", "predictions; these are explanations")
    found = HALF.search(str(type_))
    if found is None:
        raise NoEvent("event_type", f'a request or a response, found the type "{str(type_)[:100]}"')
    return found[1] == "request"


def _cloud_event(event: dict[str, Any], limits: Limits) -> Half:
    asked = _asked(event.get("type"), event.get("component"))
    if event.get("data_base64") is not None:
        payload, tail = payload_of(from_base64(event["data_base64"]), header_length(event.get("metadata")), limits)
    elif isinstance(event.get("data"), str):
        payload, tail = payload_of(event["data"].encode("utf-8", "surrogatepass"), limits=limits)
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


def _stored_record(record: dict[str, Any], name: str, limits: Limits) -> Half:
    """A record of the blob store; keys without case, for versions write them differently."""
    type_ = str(record.get("reqtype") or "")
    if not HALF.search(type_) and (named := NAMED.search(name)) is not None:
        type_ = f"inference.{named[1]}"
    asked = _asked(type_, record.get("component"))
    if not record.get("bytes"):
        raise NoEvent("no_data", "a record with its payload in `bytes`")
    payload, tail = payload_of(from_base64(record["bytes"]), header_length(record.get("metadata")), limits)
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
            metadata = json_of(metadata)
        except ValueError:
            return None
    for key, value in metadata.items() if isinstance(metadata, dict) else ():
        if str(key).casefold() == "inference-header-content-length":
            first = value[0] if isinstance(value, list) and value else value
            return int(first) if str(first).isdecimal() and len(str(first)) < 12 else None
    return None
