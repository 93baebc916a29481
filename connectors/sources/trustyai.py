"""TrustyAI: what was posted to its `/data/upload`, and what its service stores on a volume.

An upload is a JSON document with a request and a response in the V2 protocol and a tag. A volume holds, for each model,
`NAME-data.csv` without a header, `NAME-internal_data.csv` (tag, id and time of each row) and `NAME-metadata.json` (the
columns' names and places); the three are read as one. Rows that TrustyAI made up for its explanations
(`_trustyai_synthetic`) are left alone and told. Ground truth is not supported by its service, nor here.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from connectors.base import Chunk, File, Raw, Source, Unreadable, Wanted
from connectors.limits import Limits
from connectors.sources.content import Content, Cut, Damaged, blocks, damaged, examine, lines, unreadable
from connectors.sources.csv_text import text_hints
from connectors.sources.event_lines import events, utc_of, walk_files
from connectors.sources.halves import NoRows, joined, row_id
from connectors.sources.inference_protocol import rows_in
from connectors.sources.json_rows import Record, chunks_of, json_hints
from connectors.sources.json_text import json_of
from connectors.sources.tabular import is_document, json_records
from store.errors import BadInput

DATA, INTERNAL, METADATA = "-data.csv", "-internal_data.csv", "-metadata.json"
SYNTHETIC = "_trustyai_synthetic"
SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
HINT_ROWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustyAIOptions:
    tags: tuple[str, ...] = ()
    """Take rows of these tags alone (`TRAINING`, say, with --kind reference); left out, every row of a real request."""


@dataclass(frozen=True, slots=True)
class _Log:
    file: File
    content: Content
    wanted: Wanted
    tags: tuple[str, ...]

    def takes(self, tag: str) -> bool:
        return tag in self.tags if self.tags else tag != SYNTHETIC


class TrustyAI(Source):
    kind = "trustyai"
    reads = "TrustyAI uploads and stored data"
    gives = "predictions, references"
    options = TrustyAIOptions

    def sniff(self, path: Path, head: bytes) -> float:
        if path.name.endswith(DATA):
            return 0.95 if _beside(path, METADATA).is_file() else 0.0
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        told = b'"data_tag"' in start or b'"is_ground_truth"' in start
        return 0.95 if start.startswith(b"{") and told and b'"request"' in start else 0.0

    def walk(self, path: Path) -> Iterator[File]:
        for file in walk_files(path, (DATA, ".json", ".jsonl")):
            if not file.path.name.endswith(METADATA) or file.path == path:
                yield file

    def read(self, file: File, options: Any, wanted: Wanted) -> Raw:
        content = examine(file.path, wanted.limits)
        log = _Log(file, content, wanted, options.tags)
        if file.path.name.endswith(DATA):
            return _volume(log, self.kind)
        return Raw(
            file=file,
            format=self.kind,
            sha256=content.sha256,
            size=content.size,
            chunks=partial(_chunks, log, partial(_uploads, log)),
            hints=json_hints(islice(_uploads(log, Counter()), HINT_ROWS), wanted),
            model=_uploaded_model(log),
        )


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name.removesuffix(DATA) + ending)


def _chunks(log: _Log, records: Any) -> Iterator[Chunk]:
    left: Counter[str] = Counter()
    for chunk in chunks_of(records(left), log.wanted):
        told = ", ".join(f"{count} of {tag}" for tag, count in sorted(left.items()))
        note = f"{log.file.name}: rows of other tags were left alone: {told}. Choose with --option tags=TAG."
        yield replace(chunk, notes=(note,) if left else ())
    log.content.check_unchanged()


# -- uploads ------------------------------------------------------------------------------------------------------


def _documents(log: _Log) -> Iterator[tuple[int | None, bytes, dict[str, Any]] | Unreadable]:
    try:
        head = next(blocks(log.file.path), b"")
    except Damaged:
        head = b""
    if not is_document(log.file.path, head):
        expected = "an upload: model_name, request and response"
        yield from events(log.file.path, expected=expected, limits=log.wanted.limits)
        return
    for found in json_records(log.content, array=True):
        yield found if isinstance(found, Unreadable) else (None, json.dumps(found.row).encode(), found.row)


def _uploaded_model(log: _Log) -> str | None:
    first = next(_documents(log), None)
    name = str(first[2].get("model_name", "")) if isinstance(first, tuple) else ""
    return name if SLUG.fullmatch(name) else None


def _uploads(log: _Log, left: Counter[str]) -> Iterator[Record | Unreadable]:
    for found in _documents(log):
        if isinstance(found, Unreadable):
            yield found
            continue
        number, line, upload = found
        try:
            rows = _upload_rows(log, upload)
        except NoRows as error:
            yield unreadable(error.reason, number, error.expected, line)
            continue
        tag = str(upload.get("data_tag") or "")
        if not log.takes(tag):
            left[tag or "no tag"] += len(rows)
            continue
        request = upload.get("request")
        own = request.get("id") if isinstance(request, dict) else None
        for index, row in enumerate(rows):
            yield Record(number, row, row_id(own, index, len(rows)))


def _upload_rows(log: _Log, upload: dict[str, Any]) -> list[dict[str, Any]]:
    if upload.get("is_ground_truth"):
        raise NoRows("ground_truth", "predictions: send outcomes as a table of ids and labels, with --kind labels")
    halves = []
    for name, asked in (("request", True), ("response", False)):
        if not isinstance(upload.get(name), dict):
            continue
        rows = []
        for row in rows_in(upload[name], asked=asked, wanted=log.wanted):
            if isinstance(row, str):
                raise NoRows("not_tabular", row)
            rows.append(row)
        halves.append(rows)
    if not halves:
        raise NoRows("no_data", "an upload with request and response")
    return joined(halves, log.wanted)


# -- the volume ---------------------------------------------------------------------------------------------------


def _volume(log: _Log, kind: str) -> Raw:
    internal, metadata = _beside(log.file.path, INTERNAL), _beside(log.file.path, METADATA)
    parts = [examine(place) for place in (internal, metadata) if place.is_file()]
    names = _names(metadata, log.wanted)
    folded = hashlib.sha256(log.content.sha256.encode())
    for part in parts:
        folded.update(f"\n{part.sha256} {part.path.name}".encode("utf-8", "backslashreplace"))
    records = partial(_stored, log, names, internal)
    out: dict[str, str] = {}
    for chunk in chunks_of(islice(records(Counter()), HINT_ROWS), log.wanted):
        out = {**text_hints(chunk), **{name: of for name, of in out.items() if of != "null"}}
    model = log.file.path.name.removesuffix(DATA)
    return Raw(
        file=log.file,
        format=kind,
        sha256=folded.hexdigest(),
        size=log.content.size + sum(part.size for part in parts),
        chunks=partial(_chunks, log, records),
        hints=out,
        model=model if SLUG.fullmatch(model) else None,
        more_than_bytes=True,
        beside=tuple(part.path for part in parts),
    )


def _names(metadata: Path, wanted: Wanted) -> list[str]:
    """The columns of the data, in their places: under the names that the model knows, else the model's in order."""
    try:
        if metadata.stat().st_size > wanted.limits.record:
            raise ValueError(f"larger than {wanted.limits.record} bytes")
        document = json_of(metadata.read_bytes(), wanted.limits)
        halves = []
        for schema in (document["inputSchema"], document["outputSchema"]):
            mapping = schema.get("nameMapping") or {}
            items = sorted(schema["items"].values(), key=lambda item: int(item["index"]))
            halves.append([str(mapping.get(item["name"], item["name"])) for item in items])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{metadata}: cannot be read as TrustyAI's metadata: {error!r}",
            advice="Keep NAME-data.csv, NAME-internal_data.csv and NAME-metadata.json together.",
            details={"file": str(metadata)},
        ) from error
    wanted.limits.check_columns(metadata.name, sum(map(len, halves)))
    known = wanted.part_of()
    out = []
    for own, order in zip(halves, (wanted.inputs, wanted.outputs), strict=True):
        met = known is None or any(name.casefold() in known for name in own)
        fits = len(own) == len(order) or (order is wanted.outputs and 0 < len(own) < len(order))
        out += own if met or not fits else list(order[: len(own)])
    return out


def _stored(log: _Log, names: list[str], internal: Path, left: Counter[str]) -> Iterator[Record | Unreadable]:
    """The rows of the volume, each with the tag, id and time that stand on the same line beside."""
    limits = log.wanted.limits
    about = _cells(internal, limits) if internal.is_file() else iter(())
    for number, (cells, told) in enumerate(zip_longest(_cells(log.file.path, limits), about), 1):
        if isinstance(cells, Unreadable) or cells is None:
            yield cells or unreadable("file", number, "as many rows as the file of ids has", b"")
            continue
        raw = ",".join(cells).encode("utf-8", "backslashreplace")
        tag, own, time = told if isinstance(told, list) and len(told) == 3 else ("", None, None)
        moment, fine = utc_of(time)
        if len(cells) != len(names):
            yield unreadable("csv", number, f"{len(names)} values, as the metadata has columns", raw)
        elif internal.is_file() and (own is None or not fine):
            yield unreadable("no_id", number, f"a tag, an id and a time on line {number} of {internal.name}", raw)
        elif not log.takes(tag):
            left[tag or "no tag"] += 1
        else:
            row = {name: cell.strip() or None for name, cell in zip(names, cells, strict=True)}
            yield Record(number, row, own or None, moment)


def _cells(path: Path, limits: Limits) -> Iterator[list[str] | Unreadable]:
    try:
        for number, line in lines(path, limits):
            if isinstance(line, Cut):
                yield unreadable("too_large", number, limits.too_large, line)
                continue
            try:
                yield next(csv.reader([line.decode()], strict=True))
            except (UnicodeDecodeError, csv.Error, StopIteration):
                yield unreadable("csv", number, "a line of CSV", line)
    except Damaged as damage:
        yield damaged(damage, path)
