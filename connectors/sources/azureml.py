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
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from connectors.base import Chunk, File, Raw, Source, Unreadable, Wanted
from connectors.limits import Limits
from connectors.sources.azureml_bulk import bulk_chunk
from connectors.sources.beside import path_beside
from connectors.sources.content import (
    Content,
    Damaged,
    damaged,
    examine,
    line_count,
    lines,
    lines_of,
    segments,
    unreadable,
)
from connectors.sources.json_rows import Record, chunks_of, json_hints
from connectors.sources.json_text import TooDeep, json_of, parse_records, values_in
from connectors.sources.payloads import rows_of
from store.errors import BadInput

COLLECTIONS = ("model_inputs_outputs", "model_inputs", "model_outputs", "request", "response")
DEFAULT = "default"
UNVERSIONED = (
    'The log names no model version (modelversion is "default"), so its rows count for the newest version, whichever '
    "served them. Ingest each deployment's folder with its own version: --model M:V."
)
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
        log = _Log(file, examine(file.path, wanted.limits), options.collection or _collection(file.path), wanted)
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
    limits = log.wanted.limits
    try:
        for segment in segments(log.file.path, limits=limits):
            if segment.count(b'"modelversion"') != sum(segment.count(b'"modelversion":"%b"' % v) for v in versions):
                versions |= {found for _, line in lines_of(segment, 1, limits) for found in VERSION.findall(line)}
            if b'"dataref"' not in segment:
                continue
            named = (line for _, line in lines_of(segment, 1, limits) if b'"dataref"' in line)
            for event in (event for line in named for event in _parsed(line)):
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
    known: set[str] = set()
    limits = log.wanted.limits
    try:
        for segment in segments(log.file.path, limits=limits):
            chunk = bulk_chunk(segment, line=line, n=n, wanted=log.wanted, time_of=_time)
            if chunk is not None and len(known.union(chunk.table.column_names, chunk.others)) > limits.columns:
                chunk = None
            if chunk is not None:
                known.update(chunk.table.column_names, chunk.others)
            found = (record for number, text in lines_of(segment, line, limits) for record in _line(log, number, text))
            for each in chunks_of(found, log.wanted, first=n, known=known) if chunk is None else (chunk,):
                n += len(each.n) + len(each.unreadable)
                yield each
            line += line_count(segment)
    except Damaged as damage:
        yield from chunks_of((damaged(damage, log.file.path),), log.wanted, first=n)


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
        for at, (number, line) in enumerate(lines(log.file.path, log.wanted.limits)):
            if most is not None and at >= most:
                return
            yield _line(log, number, line)
    except Damaged as damage:
        yield iter([damaged(damage, log.file.path)])


def _line(log: _Log, number: int, line: bytes) -> Iterator[Record | Unreadable]:
    values = values_in(number, line, "one JSON event per line", log.wanted.limits)
    if isinstance(values, Unreadable):
        yield values
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
        data, reason, problem = _payload(event["dataref"], log.file, log.wanted.limits)
        if problem:
            yield unreadable(reason, number, problem, line)
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


def _payload(reference: Any, file: File, limits: Limits) -> tuple[Any, str, str]:
    """(what the payload holds, or None; the reason for quarantine; what would have been right)."""
    found = path_beside(reference, file)
    if found is None:
        return None, "dataref", f"the payload {str(reference)[:300]} beside the log"
    try:
        if found.stat().st_size > limits.record:
            return None, "too_large", f"a payload of at most {limits.record} bytes at {found.name}"
        return json_of(found.read_bytes(), limits), "", ""
    except TooDeep:
        return None, "too_deep", f"values {limits.nested} in {found.name}"
    except (ValueError, OSError):
        return None, "dataref", f"a JSON list in {found.name}"
