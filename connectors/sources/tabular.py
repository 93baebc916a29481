"""Tables in files: Parquet, Arrow IPC, CSV, TSV, JSON Lines and JSON arrays, text also as .gz.

The content decides, not the name alone: a file that starts as Parquet or as JSON is read as such. `csv`, `tsv`,
`parquet`, `arrow` and `jsonl` are the same reader held to one of them. Folders `key=value` give columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.base import Chunk, File, Raw, Source, Unreadable, Wanted
from connectors.sources.arrow_file import arrow_chunks, arrow_hints, is_arrow
from connectors.sources.content import Content, Damaged, beginning, blocks, examine, lines, unreadable
from connectors.sources.csv_text import Dialect, csv_chunks, sample_chunk, sniff_dialect, text_hints
from connectors.sources.delta import delta_files, is_delta
from connectors.sources.json_rows import Record, chunks_of, json_hints, parse_records
from connectors.sources.parquet_file import parquet_chunks, parquet_hints
from connectors.sources.partitions import with_partitions
from store.errors import BadInput

ENDINGS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
LARGEST_ARRAY = 256 << 20
"""A JSON array is one value and must be held whole; larger ones belong in JSON Lines."""
HINT_BYTES = 256 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TabularOptions:
    delimiter: str | None = None
    """What separates cells of a CSV; None: found from the first lines."""


class Tabular(Source):
    kind = "tabular"
    reads = "Parquet, Arrow IPC, Delta, CSV, TSV, JSON Lines, JSON, text also gzipped"
    gives = "predictions, labels, references, contributions"
    options = TabularOptions
    only: str | None = None
    """The one format that a subclass is held to."""

    def sniff(self, path: Path, head: bytes) -> float:
        if not head:
            return 0.3 if _ending(path) else 0.0
        known = _format(path, head)
        if known is None or (self.only and known != self.only):
            return 0.0
        return 0.5 if self.only is None else 0.45

    def walk(self, path: Path) -> Iterator[File]:
        if path.is_file():
            yield File(path=path, root=path.parent, name=path.name)
            return
        if not path.is_dir():
            raise BadInput(f"{path}: no such file or folder", advice="Check the path.", details={"file": str(path)})
        if is_delta(path) and self.only in (None, "parquet"):
            yield from delta_files(path)
            return
        for found in sorted(path.rglob("*")):
            hidden = any(part.startswith((".", "_")) for part in found.relative_to(path).parts)
            ending = _ending(found)
            if not hidden and ending and (self.only in (None, ending)) and found.is_file():
                yield File(path=found, root=path, name=found.relative_to(path).as_posix())

    def read(self, file: File, options: Any, wanted: Wanted) -> Raw:
        return with_partitions(self._read(file, options, wanted), wanted)

    def _read(self, file: File, options: Any, wanted: Wanted) -> Raw:
        content = examine(file.path)
        head = b""
        try:
            head = next(blocks(file.path), b"")
            form = self.only or _format(file.path, head) or _ending(file.path) or "csv"
        except Damaged:
            form = self.only or _ending(file.path) or "csv"
        if form == "parquet":
            return _raw(file, content, form, partial(parquet_chunks, content, wanted), parquet_hints(file.path))
        if form == "arrow":
            return _raw(file, content, form, partial(arrow_chunks, content, wanted), arrow_hints(file.path))
        if form == "jsonl":
            chunks = partial(
                _json_chunks, content, wanted, array=head.lstrip().startswith(b"[") or is_document(file.path, head)
            )
            return _raw(file, content, form, chunks, _json_hints(head, wanted))
        if not head.strip():
            return _raw(file, content, form, partial(_nothing, content), {})
        dialect = sniff_dialect(head, options.delimiter or ("\t" if form == "tsv" else None))
        hints = _csv_hints(head, dialect, wanted)
        return _raw(file, content, form, partial(csv_chunks, content, dialect, wanted), hints)


class Csv(Tabular):
    kind = only = "csv"


class Tsv(Tabular):
    kind = only = "tsv"


class Parquet(Tabular):
    kind = only = "parquet"


class Arrow(Tabular):
    kind = only = "arrow"


class JsonLines(Tabular):
    kind = only = "jsonl"


def _raw(file: File, content: Content, form: str, chunks: Any, hints: dict[str, str]) -> Raw:
    return Raw(file=file, format=form, sha256=content.sha256, size=content.size, chunks=chunks, hints=hints)


def _ending(path: Path) -> str | None:
    name = path.name.lower().removesuffix(".gz")
    return ENDINGS.get(Path(name).suffix)


def _format(path: Path, head: bytes) -> str | None:
    """What the first bytes say, then what the name says."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if is_arrow(head):
        return "arrow"
    ending = _ending(path)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if ending in ("csv", "tsv", "parquet", "arrow"):
        return ending
    if start.startswith(b"{") or (ending == "jsonl" and start.startswith(b"[")):
        return "jsonl"
    if ending == "jsonl":
        return ending
    first = start.split(b"\n", 1)[0]
    looks = b"\x00" not in head[:4096] and (first.count(b",") or first.count(b"\t") or first.count(b";"))
    return "csv" if looks and b"{" not in first else None


def is_document(path: Path, head: bytes) -> bool:
    """Whether a .json file is one value over many lines."""
    if not path.name.lower().removesuffix(".gz").endswith(".json"):
        return False
    try:
        parse_records(head.split(b"\n", 1)[0].decode("utf-8", "replace"))
    except ValueError:
        return head.lstrip().startswith(b"{")
    return False


def _nothing(content: Content) -> Iterator[Chunk]:
    """An empty file is an empty batch; one that only looks empty because it is broken is told."""
    try:
        for _ in blocks(content.path):
            pass
    except Damaged as damage:
        lost = unreadable("file", None, str(damage), beginning(content.path))
        yield Chunk(table=pa.table({}), n=pa.array([], pa.int64()), unreadable=(lost,))


# -- JSON -------------------------------------------------------------------------------------------------------


def _json_chunks(content: Content, wanted: Wanted, *, array: bool) -> Iterator[Chunk]:
    yield from chunks_of(json_records(content, array=array), wanted)
    content.check_unchanged()


def json_records(content: Content, *, array: bool) -> Iterator[Record | Unreadable]:
    """The objects of JSON Lines; array: of one JSON value that spans lines, an array or an object."""
    return _array_records(content) if array else _line_records(content)


def _line_records(content: Content) -> Iterator[Record | Unreadable]:
    try:
        for number, line in lines(content.path):
            yield from line_records(number, line)
    except Damaged as damage:
        content.check_unchanged()
        yield unreadable("file", None, str(damage), beginning(content.path))


def line_records(number: int, line: bytes) -> Iterator[Record | Unreadable]:
    """The rows of one line of JSON Lines."""
    try:
        values = parse_records(line.decode())
    except UnicodeDecodeError:
        yield unreadable("encoding", number, "UTF-8 text", line)
        return
    except ValueError:
        yield unreadable("json", number, "one JSON object per line", line)
        return
    for value in values:
        if isinstance(value, dict):
            yield Record(number, value)
        else:
            yield unreadable("json", number, "a JSON object", json.dumps(value).encode())


def _array_records(content: Content) -> Iterator[Record | Unreadable]:
    """The elements of a JSON array up to where it breaks; or a document that is one object."""
    try:
        text = b"".join(blocks(content.path)) if content.size <= LARGEST_ARRAY else None
    except Damaged as damage:
        yield unreadable("file", None, str(damage), beginning(content.path))
        return
    if text is None:
        yield unreadable(
            "file", None, f"JSON Lines: an array of more than {LARGEST_ARRAY} bytes", beginning(content.path)
        )
        return
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        yield unreadable("encoding", None, "UTF-8 text", text)
        return
    yield from _elements(decoded)


def _elements(text: str) -> Iterator[Record | Unreadable]:
    decoder = json.JSONDecoder()
    inside = text.lstrip().startswith("[")
    at = text.index("[") + 1 if inside else 0
    closed = not inside
    try:
        while (at := _past(text, at, " \t\r\n")) < len(text):
            if inside and text[at] == "]":
                closed, at = True, _past(text, at + 1, " \t\r\n")
                break
            value, at = decoder.raw_decode(text, at)
            if isinstance(value, dict):
                yield Record(None, value)
            else:
                yield unreadable("json", None, "a JSON object", json.dumps(value).encode())
            at = _past(text, at, " \t\r\n")
            if inside and text[at : at + 1] == ",":
                at += 1
            elif inside and text[at : at + 1] != "]":
                break
        if closed and at >= len(text):
            return
    except (ValueError, RecursionError):
        pass
    yield unreadable(
        "json",
        text.count("\n", 0, at) + 1,
        "the rest of a JSON array",
        text[at:][:100_000].encode("utf-8", "backslashreplace"),
    )


def _past(text: str, at: int, blank: str) -> int:
    while at < len(text) and text[at] in blank:
        at += 1
    return at


# -- hints ------------------------------------------------------------------------------------------------------


def _complete_lines(head: bytes) -> bytes:
    if len(head) <= HINT_BYTES:
        return head
    return head[: head.rfind(b"\n", 0, HINT_BYTES) + 1] or head[:HINT_BYTES]


def _json_hints(head: bytes, wanted: Wanted) -> dict[str, str]:
    if head.lstrip().startswith(b"["):
        records: Iterator[Record | Unreadable] = _elements(head.decode("utf-8", "replace"))
    else:
        sample = _complete_lines(head).split(b"\n")
        records = (
            found for number, line in enumerate(sample, 1) if line.strip() for found in line_records(number, line)
        )
    return json_hints(records, wanted)


def _csv_hints(head: bytes, dialect: Dialect, wanted: Wanted) -> dict[str, str]:
    return text_hints(sample_chunk(_complete_lines(head), dialect, wanted))
