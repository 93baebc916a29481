"""CSV as chunks of text columns: every cell as it was written, every line that does not fit told with its number.

Clean text goes through Arrow's parser, piece by piece. A piece with cells that span lines, or with bytes that are no
UTF-8, is read again line by line, so that a quote that never closes costs one line and not the rest of the file.
A few lines without a quote are split right here: asking Arrow costs three milliseconds before its first row, which is
most of what a small batch over HTTP takes to be read.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from connectors.base import Chunk, Wanted
from connectors.limits import LIMITS
from connectors.sources.content import Content, Cut, Damaged, damaged, segments, unreadable

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS = ",\t;|"
EXPECTED = {"encoding": "UTF-8 text", "too_large": "a shorter record, see limits.record"}
SPLIT_BYTES = 16 << 10
"""Text of up to this many bytes is split without a parser, where it has no quotes."""
FEW_ROWS = 100
NUMBER = r"[\t\n\f\r ]*[+-]?(0|[1-9][0-9]*|[0-9]*\.[0-9]+|[0-9]+\.[0-9]*)([eE][+-]?[0-9]+)?[\t\n\f\r ]*"
"""Text that is a number and no code, such as `007`."""
_NUMBER = re.compile(NUMBER)
LONGEST_QUOTED = 1000
"""Most lines that one quoted cell may span where a piece is read line by line."""
LOOKS = 20
"""How often the lines of a piece are looked at in search of the end of such cells; then a line is a record."""
LARGEST_CELL = 1 << 30


@dataclass(frozen=True, slots=True)
class Dialect:
    delimiter: str
    columns: tuple[str, ...]
    """Names in the header; a repeated one gets a number."""
    lines: int
    """Lines that the header takes."""
    bytes: int


@dataclass(frozen=True, slots=True)
class _Piece:
    rows: pa.Table
    at: np.ndarray
    """Position of each row among the records of the piece."""
    records: int
    lines: np.ndarray | None
    """Line of each record in the piece, from 0; None where it cannot be told."""
    bad: list[tuple[int, str, bytes]]
    """(position, reason, record)."""


def sniff_dialect(text: bytes, delimiter: str | None = None) -> Dialect:
    """The header of a CSV, and what separates its cells: whatever gives most columns in line with the next lines."""
    lines = text[: 1 << 20].splitlines(keepends=True)
    at = next((at for at, line in enumerate(lines) if line.strip()), 0)
    sample = [line.decode("utf-8", "replace") for line in lines[at : at + 20]]
    best, names = delimiter or ",", [""]
    for candidate in delimiter or DELIMITERS:
        rows = list(_reader(sample, candidate))
        if not rows:
            continue
        agree = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        if len(rows[0]) > len(names) and (agree >= 0.5 or len(rows[0]) > 2):
            best, names = candidate, rows[0]
    reader = _reader(sample, best)
    names = next(reader, [])
    taken = at + reader.line_num
    return Dialect(best, tuple(_distinct(names)), taken, sum(map(len, lines[:taken])))


def _distinct(names: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        own, times = name.strip(), 1
        while own in seen:
            times += 1
            own = f"{name.strip()} ({times})"
        seen.add(own)
        yield own


def record_end(text: bytes) -> int:
    """Where the last complete record ends: at a line end outside quotes; 0 if there is none."""
    end = text.rfind(b"\n")
    quotes = text.count(b'"', 0, max(end, 0))
    for _ in range(1000):
        if end < 0 or quotes % 2 == 0:
            break
        start = text.rfind(b"\n", 0, end)
        quotes -= text.count(b'"', max(start, 0), end)
        end = start
    return end + 1 if end >= 0 and quotes % 2 == 0 else 0


def csv_chunks(content: Content, dialect: Dialect, wanted: Wanted) -> Iterator[Chunk]:
    """The file in chunks; the first one is given even when the file holds a header alone."""
    parts = wanted.part_of()
    names = list(dialect.columns)
    chosen = [name for name in names if parts is None or name.casefold() in parts]
    first, line, n = True, 1, 0
    limits = content.limits
    try:
        for text in segments(content.path, record_end, limits=limits):
            if isinstance(text, Cut):
                lost = unreadable("too_large", line, limits.too_large, text)
                empty = pa.table({name: pa.array([], pa.string()) for name in chosen})
                yield Chunk(table=empty, n=pa.array([], pa.int64()), unreadable=(lost,), empty_is_missing=True)
                n, line, first = n + 1, line + 1, False
                continue
            body = text[dialect.bytes :] if first else text
            line += dialect.lines if first else 0
            piece = _parse(body, dialect.delimiter, names, limits.record)
            yield _chunk(piece, chosen, names, n=n, line=line)
            n, line, first = n + piece.records, line + body.count(b"\n"), False
        content.check_unchanged()
    except Damaged as damage:
        content.check_unchanged()
        told = damaged(damage, content.path)
        yield Chunk(table=pa.table({}), n=pa.array([], pa.int64()), unreadable=(told,))


def sample_chunk(text: bytes, dialect: Dialect, wanted: Wanted) -> Chunk:
    """The first rows, for `text_hints`."""
    parts = wanted.part_of()
    names = list(dialect.columns)
    chosen = [name for name in names if parts is None or name.casefold() in parts]
    return _chunk(_parse(text[dialect.bytes :], dialect.delimiter, names), chosen, names, n=0, line=1)


def _chunk(piece: _Piece, chosen: list[str], names: list[str], *, n: int, line: int) -> Chunk:
    lost = []
    for at, reason, record in piece.bad:
        where = None if piece.lines is None else line + int(piece.lines[at])
        lost.append(unreadable(reason, where, EXPECTED.get(reason, f"{len(names)} values, as in the header"), record))
    rows = piece.rows.num_rows
    return Chunk(
        table=piece.rows.select(chosen),
        n=pa.array(n + piece.at, pa.int64()),
        lines=None if piece.lines is None else pa.array(line + piece.lines[piece.at], pa.int64()),
        others={name: rows for name in names if name not in set(chosen)},
        unreadable=tuple(lost),
        empty_is_missing=True,
    )


def _parse(text: bytes, delimiter: str, names: list[str], longest: int = LIMITS.record) -> _Piece:
    if not text.strip():
        empty = pa.table({name: pa.array([], pa.string()) for name in names})
        return _Piece(empty, np.zeros(0, np.int64), 0, np.zeros(0, np.int64), [])
    fast = None
    long = len(text) > longest and max(map(len, text.split(b"\n"))) > longest
    if not long and _is_utf8(text) and text.count(b'"') % 2 == 0:
        fast = _split(text, delimiter, names) or _parse_clean(text, delimiter, names)
    return fast or _parse_by_line(text, delimiter, names, longest)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _split(text: bytes, delimiter: str, names: list[str]) -> _Piece | None:
    """Few lines that mean what they look like; None for whatever needs a parser."""
    plain = text.replace(b"\r\n", b"\n")
    if len(plain) > SPLIT_BYTES or len(names) < 2 or b'"' in plain or b"\r" in plain:
        return None
    told = [(at, line) for at, line in enumerate(plain.decode().split("\n")) if line]
    rows = [line.split(delimiter) for _, line in told]
    if any(len(row) != len(names) for row in rows):
        return None
    columns = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)]
    lines = np.array([at for at, _ in told], np.int64)
    return _Piece(pa.table(columns, names=names), np.arange(len(rows)), len(rows), lines, [])


def _parse_clean(text: bytes, delimiter: str, names: list[str]) -> _Piece | None:
    """By Arrow; None where a record spans lines (it may have swallowed others), or Arrow gives up."""
    bad: list[tuple[int, str, bytes]] = []

    def note(row: arrow_csv.InvalidRow) -> str:
        bad.append((row.number - 1, "csv", row.text.encode()))
        return "skip"

    quoted = b'"' in text
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(text),
            read_options=arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=len(text) + 1),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=quoted,
                invalid_row_handler=note,
                ignore_empty_lines=len(names) > 1,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    records = table.num_rows + len(bad)
    lines = _record_lines(text, records, skip_blank=len(names) > 1)
    if quoted and lines is None:
        return None  # some record spans lines: whether it should is told line by line
    positions = np.setdiff1d(np.arange(records), np.array([at for at, _, _ in bad], np.int64), assume_unique=True)
    return _Piece(table, positions, records, lines, bad)


def _record_lines(text: bytes, records: int, *, skip_blank: bool) -> np.ndarray | None:
    """The line of each record; None where a record is not a line."""
    raw = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(raw == 10)
    if len(ends) == 0 or ends[-1] != len(raw) - 1:
        ends = np.append(ends, len(raw))
    lines = np.arange(len(ends))
    if skip_blank:
        first = raw[np.concatenate(([0], ends[:-1] + 1))]
        lines = lines[(first != 10) & (first != 13)]
    return lines if len(lines) == records else None


def _parse_by_line(text: bytes, delimiter: str, names: list[str], longest: int) -> _Piece:
    """Line by line: a record that does not fit costs its own line only."""
    pieces = text.split(b"\n")
    if pieces[-1] == b"":
        pieces.pop()
    rows: list[list[str]] = []
    at: list[int] = []
    lines: list[int] = []
    bad: list[tuple[int, str, bytes]] = []
    line, looks = 0, LOOKS * len(pieces)
    while line < len(pieces):
        if pieces[line].rstrip(b"\r") or len(names) == 1:
            cells, reason = None, "too_large"
            took = 1
            if len(pieces[line]) <= longest:
                most = max(1, min(LONGEST_QUOTED, looks))
                cells, looked, reason = _record(pieces, line, delimiter, len(names), most)
                took, looks = (1, looks - looked) if cells is None else (looked, looks)
            position = len(lines)
            lines.append(line)
            if cells is None:
                bad.append((position, reason, pieces[line]))
            else:
                rows.append(cells)
                at.append(position)
            line += took
        else:
            line += 1
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    table = pa.table({name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)})
    return _Piece(table, np.array(at, np.int64), len(lines), np.array(lines, np.int64), bad)


def _record(pieces: list[bytes], line: int, delimiter: str, width: int, most: int) -> tuple[list[str] | None, int, str]:
    """(cells or None, lines that were looked at, reason); a cell in quotes may go on over `most` lines."""
    looked = 0

    def texts() -> Iterator[str]:
        nonlocal looked
        for at in range(line, min(line + most, len(pieces))):
            looked += 1
            yield pieces[at].decode().rstrip("\r") + "\n"

    try:
        cells = next(_reader(texts(), delimiter, strict=True)) or [""]
    except UnicodeDecodeError:
        return None, looked, "csv" if looked > 1 else "encoding"
    except csv.Error:
        return None, looked, "csv"
    return (cells, looked, "") if len(cells) == width else (None, looked, "csv")


def _reader(lines: Iterable[str], delimiter: str, *, strict: bool = False) -> Reader:
    """Python's own reader gives up at cells of 128 KiB, which a payload easily is; what is longer was told before."""
    csv.field_size_limit(LARGEST_CELL)
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def _reads_as_numbers(column: pa.ChunkedArray) -> bool:
    """Whether there are values, and every one is a number. Of few they are looked at here: Arrow compiles the pattern
    for each column anew."""
    if len(column) <= FEW_ROWS:
        filled = [text for text in column.to_pylist() if text]
        return bool(filled) and all(map(_NUMBER.fullmatch, filled))
    texts = column.filter(pc.not_equal(column, ""))
    return bool(len(texts) and pc.all(pc.match_substring_regex(texts, f"^{NUMBER}$")).as_py())


def text_hints(chunk: Chunk) -> dict[str, str]:
    """`double` for columns of text that all read as numbers and are no codes (`007`), else `string`; typed columns as
    they are typed.
    """
    out = {}
    for name in chunk.table.column_names:
        column = chunk.table[name]
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            out[name] = str(column.type)
            continue
        out[name] = "double" if _reads_as_numbers(column) else "string"
    return out
