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
from connectors.limits import LIMITS, Limits
from connectors.sources.arrow_file import arrow_chunks, arrow_hints, is_arrow
from connectors.sources.arrow_sizes import told_size
from connectors.sources.content import Content, Damaged, blocks, damaged, examine, lines, unreadable
from connectors.sources.csv_text import Dialect, csv_chunks, sample_chunk, sniff_dialect, text_hints
from connectors.sources.delta import delta_files, is_delta
from connectors.sources.json_array import array_records, elements
from connectors.sources.json_rows import Record, chunks_of, json_hints
from connectors.sources.json_text import parse_records, values_in
from connectors.sources.parquet_file import check_parquet, parquet_chunks, parquet_hints
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
        content = examine(file.path, wanted.limits)
        head = b""
        try:
            head = next(blocks(file.path), b"")
            form = self.only or _format(file.path, head) or _ending(file.path) or "csv"
        except Damaged:
            form = self.only or _ending(file.path) or "csv"
        if form == "parquet":
            check_parquet(content, file.name)
            return _raw(file, content, form, partial(parquet_chunks, content, wanted), parquet_hints(file.path))
        if form == "arrow":
            hints = arrow_hints(file.path)
            wanted.limits.check_columns(file.name, len(hints))
            wanted.limits.check_expansion(file.name, content.size, told_size(file.path))
            return _raw(file, content, form, partial(arrow_chunks, content, wanted), hints)
        if form == "jsonl":
            chunks = partial(
                _json_chunks, content, wanted, array=head.lstrip().startswith(b"[") or is_document(file.path, head)
            )
            return _raw(file, content, form, chunks, _json_hints(head, wanted))
        if not head.strip():
            return _raw(file, content, form, partial(_nothing, content), {})
        dialect = sniff_dialect(head, options.delimiter or ("\t" if form == "tsv" else None))
        wanted.limits.check_columns(file.name, len(dialect.columns))
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
        for _ in blocks(content.path, content.limits):
            pass
    except Damaged as damage:
        lost = damaged(damage, content.path)
        yield Chunk(table=pa.table({}), n=pa.array([], pa.int64()), unreadable=(lost,))


# -- JSON -------------------------------------------------------------------------------------------------------


def _json_chunks(content: Content, wanted: Wanted, *, array: bool) -> Iterator[Chunk]:
    yield from chunks_of(json_records(content, array=array), wanted)
    content.check_unchanged()


def json_records(content: Content, *, array: bool) -> Iterator[Record | Unreadable]:
    """The objects of JSON Lines; array: of one JSON value that spans lines, an array or an object."""
    return array_records(content) if array else _line_records(content)


def _line_records(content: Content) -> Iterator[Record | Unreadable]:
    try:
        for number, line in lines(content.path, content.limits):
            yield from line_records(number, line, content.limits)
    except Damaged as damage:
        content.check_unchanged()
        yield damaged(damage, content.path)


def line_records(number: int, line: bytes, limits: Limits = LIMITS) -> Iterator[Record | Unreadable]:
    """The rows of one line of JSON Lines."""
    values = values_in(number, line, "one JSON object per line", limits)
    if isinstance(values, Unreadable):
        yield values
        return
    for value in values:
        if isinstance(value, dict):
            yield Record(number, value)
        else:
            yield unreadable("json", number, "a JSON object", json.dumps(value).encode())


# -- hints ------------------------------------------------------------------------------------------------------


def _complete_lines(head: bytes) -> bytes:
    if len(head) <= HINT_BYTES:
        return head
    return head[: head.rfind(b"\n", 0, HINT_BYTES) + 1] or head[:HINT_BYTES]


def _json_hints(head: bytes, wanted: Wanted) -> dict[str, str]:
    if head.lstrip().startswith(b"["):
        records: Iterator[Record | Unreadable] = elements(iter([head.decode("utf-8", "replace")]), wanted.limits)
    else:
        sample = _complete_lines(head).split(b"\n")
        records = (
            found
            for number, line in enumerate(sample, 1)
            if line.strip()
            for found in line_records(number, line, wanted.limits)
        )
    return json_hints(records, wanted)


def _csv_hints(head: bytes, dialect: Dialect, wanted: Wanted) -> dict[str, str]:
    return text_hints(sample_chunk(_complete_lines(head), dialect, wanted))
