"""SageMaker Data Capture: a line per call, with what went in and what came out, each as text in its own encoding.

Both halves stand in one line, so rows are whole; where only one half was captured, that half. CSV has no header: its
values take the model's columns in order (`Wanted.inputs`; prediction, then score), or the names given as options.
BASE64 is opened and read by its content type. A row's id is the caller's inferenceId, else the eventId; where a call
holds several rows, `<id>_<index>`. Ground-truth lines, alone or merged into the capture, give the label.
"""

from __future__ import annotations

import base64
import binascii
import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from connectors.base import Chunk, File, Raw, Source, Unreadable, Wanted
from connectors.limits import Limits
from connectors.sources.content import Content, examine, unreadable
from connectors.sources.csv_text import text_hints
from connectors.sources.event_lines import Line, events, utc_of, walk_files
from connectors.sources.halves import NoRows, Rows, joined, row_id
from connectors.sources.json_rows import Record, chunks_of
from connectors.sources.json_text import TooDeep, json_of, parse_records
from connectors.sources.payloads import rows_of

HINT_LINES = 50
EVENT = "a JSON object with captureData or groundTruthData"


@dataclass(frozen=True, slots=True, kw_only=True)
class SageMakerOptions:
    inputs: tuple[str, ...] = ()
    """Names of the values of a call, in order, where they are not the model file's inputs in its order."""
    outputs: tuple[str, ...] = ()
    """Names of the values of an answer, in order, where they are not prediction, then score (`probability`, say)."""
    features: str = "features"
    """The key under which a JSON row keeps its values without names."""


@dataclass(frozen=True, slots=True)
class _Log:
    file: File
    content: Content
    wanted: Wanted
    features: str


class SageMaker(Source):
    kind = "sagemaker"
    reads = "SageMaker Data Capture and ground truth"
    gives = "predictions, labels"
    options = SageMakerOptions

    def sniff(self, path: Path, head: bytes) -> float:
        first = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:65_536]
        told = b'"captureData"' in first or b'"groundTruthData"' in first
        return 0.95 if first.startswith(b"{") and told and b'"eventMetadata"' in head else 0.0

    def walk(self, path: Path) -> Iterator[File]:
        yield from walk_files(path, (".jsonl", ".jsonl.gz"))

    def read(self, file: File, options: Any, wanted: Wanted) -> Raw:
        named = replace(wanted, inputs=options.inputs or wanted.inputs, outputs=options.outputs or wanted.outputs)
        log = _Log(file, examine(file.path, wanted.limits), named, options.features)
        return Raw(
            file=file,
            format=self.kind,
            sha256=log.content.sha256,
            size=log.content.size,
            chunks=partial(_chunks, log),
            hints=_hints(log),
        )


def _hints(log: _Log) -> dict[str, str]:
    """The types in the first lines; values of CSV are text that may read as numbers."""
    out: dict[str, str] = {}
    for chunk in chunks_of(_records(log, most=HINT_LINES), log.wanted):
        out = {**text_hints(chunk), **{name: kind for name, kind in out.items() if kind != "null"}}
    return out


def _chunks(log: _Log) -> Iterator[Chunk]:
    yield from chunks_of(_records(log), log.wanted)
    log.content.check_unchanged()


def _records(log: _Log, most: int | None = None) -> Iterator[Record | Unreadable]:
    for event in events(log.file.path, expected=EVENT, most=most, limits=log.wanted.limits):
        if isinstance(event, Unreadable):
            yield event
        else:
            yield from _rows(log, event)


def _rows(log: _Log, event: Line) -> Iterator[Record | Unreadable]:
    number, line, value = event
    about = value.get("eventMetadata")
    about = about if isinstance(about, dict) else {}
    moment, fine = utc_of(about.get("inferenceTime"))
    if not fine:
        yield unreadable("time", number, "an inferenceTime such as 2026-01-31T12:00:00Z", line)
        return
    try:
        rows = _whole(value, log)
    except NoRows as error:
        yield unreadable(error.reason, number, error.expected, line)
        return
    own = about.get("inferenceId") or about.get("eventId")
    for index, row in enumerate(rows):
        yield Record(number, row, row_id(own, index, len(rows)), moment)


def _whole(event: dict[str, Any], log: _Log) -> Rows:
    """The rows of one line: both halves and the ground truth beside each other, as far as they are there."""
    capture = event.get("captureData")
    capture = capture if isinstance(capture, dict) else {}
    halves = []
    for key, place, collection in (
        ("endpointInput", capture, "request"),
        ("endpointOutput", capture, "response"),
        ("groundTruthData", event, "labels"),
    ):
        part = place.get(key)
        if isinstance(part, dict) and part.get("data") not in (None, ""):
            halves.append(_half(part, collection, log))
    if not halves:
        raise NoRows("no_data", EVENT)
    return joined(halves, log.wanted)


def _half(part: dict[str, Any], collection: str, log: _Log) -> Rows:
    data, kind = part["data"], str(part.get("observedContentType") or "").partition(";")[0].strip().lower()
    encoding = str(part.get("encoding") or "").upper()
    if encoding == "BASE64":
        data = _opened(data, kind)
        encoding = "" if kind in ("", "application/octet-stream") else "CSV" if kind == "text/csv" else "JSON"
    if encoding == "CSV":
        return _csv_rows(str(data), collection, log)
    document = _document(data, log.wanted.limits)
    if document is None:
        if encoding == "JSON":
            raise NoRows("json", "JSON text in data, as its encoding says")
        return _csv_rows(str(data), collection, log)
    found = []
    wanted = log.wanted
    if collection == "labels":
        collection, wanted = "response", replace(wanted, outputs=(wanted.label,) if wanted.label else ())
    for row in rows_of(_unwrapped(document, log.features), collection, wanted):
        if isinstance(row, str):
            raise NoRows("not_tabular", row)
        found.append(row)
    return found


def _opened(data: Any, kind: str) -> str:
    try:
        return base64.b64decode(str(data), validate=True).decode()
    except UnicodeDecodeError:
        raise NoRows("binary", f"rows; this payload is binary ({kind or 'no content type'})") from None
    except (binascii.Error, ValueError):
        raise NoRows("base64", "base64 text in data, as its encoding says") from None


def _document(data: Any, limits: Limits) -> Any:
    """What JSON says, one value or a line for each row; None where it is no JSON."""
    if not isinstance(data, str):
        return data
    try:
        return json_of(data, limits)
    except TooDeep:
        raise _too_deep(limits) from None
    except ValueError:
        pass
    try:
        return [value for line in data.split("\n") if line.strip() for value in parse_records(line, limits)] or None
    except TooDeep:
        raise _too_deep(limits) from None
    except ValueError:
        return None


def _too_deep(limits: Limits) -> NoRows:
    return NoRows("too_deep", f"values {limits.nested}")


def _unwrapped(document: Any, key: str) -> Any:
    """`{"features": [...]}` as the list alone, at the depth where rows stand."""
    if isinstance(document, dict):
        if isinstance(document.get(key), list):
            return [document[key]] if not _nested(document[key]) else document[key]
        return {name: _unwrapped_list(value, key) for name, value in document.items()}
    return _unwrapped_list(document, key)


def _unwrapped_list(value: Any, key: str) -> Any:
    if not isinstance(value, list):
        return value
    return [item[key] if isinstance(item, dict) and isinstance(item.get(key), list) else item for item in value]


def _nested(values: list[Any]) -> bool:
    return any(isinstance(value, (list, dict)) for value in values)


def _csv_rows(text: str, collection: str, log: _Log) -> Rows:
    wanted = log.wanted
    label = (wanted.label,) if wanted.label else ()
    names = {"request": wanted.inputs, "labels": label}.get(collection, wanted.outputs)
    try:
        lines = [row for row in csv.reader(text.splitlines(), strict=True) if row]
    except csv.Error as error:
        raise NoRows("csv", f"CSV text in data ({error})") from None
    if lines and {cell.strip().casefold() for cell in lines[0]} == {name.casefold() for name in names} != set():
        names, lines = tuple(cell.strip() for cell in lines[0]), lines[1:]
    if not names and wanted.parts is None and lines:
        names = tuple(f"{collection}-{at}" for at in range(len(lines[0])))  # nobody knows the model yet
    found = []
    for cells in lines:
        if len(cells) == len(names) or (collection == "response" and 0 < len(cells) < len(names)):
            # Only the last names may be missing from an answer: a score that this container does not give.
            found.append({name: cell.strip() or None for name, cell in zip(names, cells, strict=False)})
        else:
            told = ", ".join(names[:20]) or "none declared"
            raise NoRows("csv", f"{len(names)} values in the model's order ({told}); found {len(cells)}")
    return found
