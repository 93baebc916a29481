"""Azure ML Model Data Collector: one CloudEvent per line, each with the rows of one or more requests.

Rows stand in `data` (a list), or in a file beside the log that `dataref` names. Each row gets the envelope id
`<correlationid>_<index>` (the event's own id where no correlation id was logged), so that inputs and outputs of one
request meet; its time is the event's. The collection is told by the folder (`model_inputs`, `response` ...), for the
event type is not reliable. Rows without names (request and response payloads) take the model's columns in order.
The batch's sha256 is that of the log's bytes; where payloads are referred to, theirs are folded in, for the log alone
is then not the data.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from connectors.base import Chunk, File, Raw, Source, Unreadable, Wanted
from connectors.sources.azureml_bulk import bulk_chunk
from connectors.sources.beside import path_beside
from connectors.sources.content import (
    Content,
    Damaged,
    beginning,
    examine,
    line_count,
    lines,
    lines_of,
    segments,
    unreadable,
)
from connectors.sources.json_rows import Record, chunks_of, json_hints, parse_records
from connectors.sources.payloads import rows_of
from store.errors import BadInput

COLLECTIONS = ("model_inputs_outputs", "model_inputs", "model_outputs", "request", "response")
DEFAULT = "default"
UNVERSIONED = (
    'The log names no model version (modelversion is "default"), so its rows count for the newest version, whichever '
    "served them. Ingest each deployment's folder with its own version: --model M:V."
)
LARGEST_PAYLOAD = 256 << 20
HINT_LINES = 50
VERSION = re.compile(rb'"modelversion"\s*:\s*"([A-Za-z0-9._+-]{1,64})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureMLOptions:
    collection: str = ""
    """Which half of a row the log holds (model_inputs, model_outputs, model_inputs_outputs, request, response), where
    its folder does not say it."""


@dataclass(frozen=True, slots=True)
class _Log:
    file: File
    content: Content
    collection: str | None
    wanted: Wanted


class AzureML(Source):
    kind = "azureml"
    reads = "Azure ML Model Data Collector, its logs or straight from it"
    gives = "predictions, joined from inputs and outputs"
    options = AzureMLOptions

    def sniff(self, path: Path, head: bytes) -> float:
        if path.suffix != ".jsonl":
            return 0.0
        first = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:4096]
        if b'"azureml.inference.' in first:
            return 0.95
        return 0.9 if b'"specversion"' in first and b"Microsoft.MachineLearningServices" in first else 0.0

    def walk(self, path: Path) -> Iterator[File]:
        if path.is_file():
            yield File(path=path, root=path.parent, name=path.name)
            return
        if not path.is_dir():
            raise BadInput(f"{path}: no such file or folder", advice="Check the path.", details={"file": str(path)})
        for found in sorted(path.rglob("*.jsonl")):
            if found.is_file():
                yield File(path=found, root=path, name=found.relative_to(path).as_posix())

    def read(self, file: File, options: Any, wanted: Wanted) -> Raw:
        log = _Log(file, examine(file.path), options.collection or _collection(file.path), wanted)
        versions, payloads = _look_ahead(log)
        default = versions == {DEFAULT}
        versions -= {DEFAULT}
        notes = []
        if len(versions) > 1:
            notes.append(f"names {len(versions)} model versions: {', '.join(sorted(versions))}; none is taken from it")
        first = (record for event in _events(log, most=HINT_LINES) for record in event)
        return Raw(
            file=file,
            format=self.kind,
            sha256=_fold(log.content.sha256, payloads),
            size=log.content.size + sum(size for _, _, size, _ in payloads),
            chunks=partial(_chunks, log),
            hints=json_hints(first, wanted),
            version=versions.pop() if len(versions) == 1 else None,
            notes=tuple(notes),
            unversioned=UNVERSIONED if default else "",
            beside=tuple(found for _, _, _, found in payloads),
        )

    def beside(self, file: File) -> Iterator[str]:
        """The payloads that `dataref` names."""
        try:
            for _, line in lines(file.path):
                if b'"dataref"' in line:
                    events = (event for event in _parsed(line) if isinstance(event, dict))
                    yield from (event["dataref"] for event in events if isinstance(event.get("dataref"), str))
        except Damaged:
            return  # told when the log is read


def collection_in(text: str) -> str | None:
    """The collection that a name means; a custom one is told by a part of it."""
    return next((name for name in COLLECTIONS if name in text), None)


def _collection(path: Path) -> str | None:
    """The collection that the folders name, from the nearest; a custom name is told by a part of it."""
    for part in reversed(path.parent.parts):
        if (found := collection_in(part)) is not None:
            return found
    return None


def _look_ahead(log: _Log) -> tuple[set[str], list[tuple[str, str, int, Path]]]:
    """(model versions that the log names, (reference, sha256, size, path) of every payload it refers to)."""
    versions: set[bytes] = set()
    payloads: list[tuple[str, str, int, Path]] = []
    try:
        for segment in segments(log.file.path):
            if segment.count(b'"modelversion"') != sum(segment.count(b'"modelversion":"%b"' % v) for v in versions):
                versions |= {found for _, line in lines_of(segment, 1) for found in VERSION.findall(line)}
            if b'"dataref"' not in segment:
                continue
            for event in (event for _, line in lines_of(segment, 1) if b'"dataref"' in line for event in _parsed(line)):
                if isinstance(event, dict) and (found := path_beside(event.get("dataref"), log.file)) is not None:
                    payload = examine(found)
                    payloads.append((str(event["dataref"]), payload.sha256, payload.size, found))
    except Damaged:
        pass  # told when the log is read
    return {version.decode() for version in versions}, payloads


def _fold(sha256: str, payloads: list[tuple[str, str, int, Path]]) -> str:
    if not payloads:
        return sha256
    folded = hashlib.sha256(sha256.encode())
    for reference, digest, _, _ in payloads:
        folded.update(f"\n{digest} {reference}".encode("utf-8", "backslashreplace"))
    return folded.hexdigest()


def _parsed(line: bytes) -> list[Any]:
    try:
        return parse_records(line.decode())
    except ValueError:
        return []


def _chunks(log: _Log) -> Iterator[Chunk]:
    names: set[str] = set()
    for chunk in _pieces(log):
        names.update(name.casefold() for name in chunk.table.column_names)
        yield replace(chunk, notes=_joins(log.wanted, names) if len(chunk.n) else ())
    log.content.check_unchanged()


def _pieces(log: _Log) -> Iterator[Chunk]:
    """Plain events by the thousand; where something in a piece of the log is not plain, the piece line by line."""
    line, n = 1, 0
    try:
        for segment in segments(log.file.path):
            chunk = bulk_chunk(segment, line=line, n=n, wanted=log.wanted, time_of=_time)
            found = (record for number, text in lines_of(segment, line) for record in _line(log, number, text))
            for each in chunks_of(found, log.wanted, first=n) if chunk is None else (chunk,):
                n += len(each.n) + len(each.unreadable)
                yield each
            line += line_count(segment)
    except Damaged as damage:
        lost = unreadable("file", None, str(damage), beginning(log.file.path))
        yield from chunks_of((lost,), log.wanted, first=n)


def _joins(wanted: Wanted, names: set[str]) -> tuple[str, ...]:
    """What stands between these rows and their outcomes, and how to mend it."""
    if wanted.label is None or wanted.label.casefold() in names or (wanted.id and wanted.id.casefold() in names):
        return ()
    lacks = "the model file names no id column" if wanted.id is None else f"the log carries no column {wanted.id}"
    return (
        f"Outcomes ({wanted.label}) can be joined on Azure's correlation ids alone, for {lacks}. Add an id of your own "
        "to the frame that is given to collect(), and name it as columns.id in the model file.",
    )


def _events(log: _Log, most: int | None = None) -> Iterator[Iterator[Record | Unreadable]]:
    try:
        for at, (number, line) in enumerate(lines(log.file.path)):
            if most is not None and at >= most:
                return
            yield _line(log, number, line)
    except Damaged as damage:
        yield iter([unreadable("file", None, str(damage), beginning(log.file.path))])


def _line(log: _Log, number: int, line: bytes) -> Iterator[Record | Unreadable]:
    try:
        values = parse_records(line.decode())
    except UnicodeDecodeError:
        yield unreadable("encoding", number, "UTF-8 text", line)
        return
    except ValueError:
        yield unreadable("json", number, "one JSON event per line", line)
        return
    for value in values:
        if isinstance(value, dict):
            yield from _rows(log, number, line, value)
        else:
            yield unreadable("json", number, "a JSON object: an event of the collector", line)


def _rows(log: _Log, number: int, line: bytes, event: dict[str, Any]) -> Iterator[Record | Unreadable]:
    """The rows of one event."""
    if "tracing_spans" in str(event.get("type", "")):
        yield unreadable("not_tabular", number, "rows; these are spans of a language model", line)
        return
    if str(event.get("datainblob", "")).lower() == "true":
        yield unreadable("binary", number, "rows; this payload is binary and was left in a blob", line)
        return
    data: Any = event.get("data")
    if data is None and event.get("dataref") is not None:
        data, problem = _payload(event["dataref"], log.file)
        if problem:
            yield unreadable("dataref", number, problem, line)
            return
    if data is None:
        yield unreadable("no_data", number, "an event with `data` or `dataref`", line)
        return
    moment, fine = _time(event.get("time"))
    if not fine:
        yield unreadable("time", number, "an event time such as 2026-01-31T12:00:00Z", line)
        return
    own = event.get("correlationid") or event.get("xrequestid") or event.get("id")
    collection = log.collection or str(event.get("type", "")).rpartition(".")[2]
    for index, row in enumerate(rows_of(data, collection, log.wanted)):
        if isinstance(row, str):
            yield unreadable("not_tabular", number, row, line)
        elif "context" in row and isinstance(row["context"], dict) and "trace_id" in row["context"]:
            yield unreadable("not_tabular", number, "rows; these are spans of a language model", line)
        elif not row:
            yield unreadable("no_columns", number, "a row with at least one column", line)
        else:
            yield Record(number, row, None if own is None else f"{own}_{index}", moment)


def _time(text: Any) -> tuple[datetime | None, bool]:
    """(naive UTC or None where the event has no time, whether it could be read)."""
    if text is None:
        return None, True
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else datetime.fromtimestamp(text, UTC)
        return (moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)), True
    except (ValueError, TypeError, OverflowError, OSError):
        return None, False


# -- payloads beside the log --------------------------------------------------------------------------------------


def _payload(reference: Any, file: File) -> tuple[Any, str]:
    """(what the payload holds, or None; what would have been right)."""
    found = path_beside(reference, file)
    if found is None:
        return None, f"the payload {str(reference)[:300]} beside the log"
    if found.stat().st_size > LARGEST_PAYLOAD:
        return None, f"a payload of at most {LARGEST_PAYLOAD} bytes at {found.name}"
    try:
        return json.loads(found.read_bytes().decode("utf-8-sig")), ""
    except (ValueError, RecursionError, OSError):
        return None, f"a JSON list in {found.name}"
