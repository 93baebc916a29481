"""Parquet as chunks of typed columns, straight from the file: no text, no Python objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.base import Chunk, Wanted
from connectors.sources.content import Content, beginning, unreadable

BATCH_ROWS = 1 << 15
READ_BYTES = 1 << 18
"""Of a column at a time, so that a file of one huge row group is not held."""
FEW_BYTES = 4
"""Text that takes no more than this a value was written as codes, and is read as codes."""
BROKEN = (pa.ArrowException, OSError, EOFError, UnicodeDecodeError)
"""What Arrow raises on a file that is cut or garbled."""


def check_parquet(content: Content, name: str) -> None:
    """Raises BadInput for a file whose own footer says that it goes beyond a limit; one without a footer is told."""
    try:
        metadata = pq.read_metadata(content.path)
        columns = len(metadata.schema.to_arrow_schema().names) if metadata.num_columns < 1 << 20 else 1 << 20
    except BROKEN:
        return
    limits = content.limits
    limits.check_columns(name, columns)
    # A value that repeats takes no bytes in the file, and at least one when it is read.
    told = sum(metadata.row_group(at).total_byte_size for at in range(metadata.num_row_groups))
    limits.check_expansion(name, content.size, max(told, metadata.num_rows * metadata.num_columns))


def parquet_hints(path: Path) -> dict[str, str]:
    """Column -> type, from the footer; nothing where there is none."""
    try:
        return {column.name: _told(column.type) for column in pq.read_schema(path)}
    except BROKEN:
        return {}


def _told(kind: pa.DataType) -> str:
    return str(kind.value_type if pa.types.is_dictionary(kind) else kind)


def parquet_chunks(content: Content, wanted: Wanted) -> Iterator[Chunk]:
    """The file in chunks; a row group that cannot be read is told, and so is a file without a footer."""
    parts = wanted.part_of()
    try:
        # Not mapped into memory: a file that shrinks under a map ends the process.
        file = pq.ParquetFile(content.path, read_dictionary=_coded(content.path), buffer_size=READ_BYTES)
    except BROKEN as error:
        content.check_unchanged()
        lost = unreadable("file", None, f"a complete Parquet file ({_first_line(error)})", beginning(content.path))
        yield Chunk(table=pa.table({}), n=pa.array([], pa.int64()), unreadable=(lost,))
        return
    with file:
        names = file.schema_arrow.names
        chosen = [name for name in dict.fromkeys(names) if parts is None or name.casefold() in parts]
        if file.metadata.num_rows == 0:
            yield _chunk(file.schema_arrow.empty_table().select(chosen), 0, names, chosen)
        start = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            try:
                yield from _group(file, group, names, chosen, start)
            except BROKEN as error:
                content.check_unchanged()
                expected = f"row group {group} of {rows} rows ({_first_line(error)})"
                yield Chunk(
                    table=pa.table({}),
                    n=pa.array([], pa.int64()),
                    unreadable=(unreadable("file", None, expected, b""),),
                )
            start += rows
    content.check_unchanged()


def _coded(path: Path) -> list[str]:
    """The columns of text that repeat few values: canonical spelling is then sought once a value, not once a row."""
    metadata = pq.read_metadata(path)
    texts = {column.name for column in metadata.schema.to_arrow_schema() if pa.types.is_string(column.type)}
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    found = []
    for at in range(metadata.num_columns):
        name = metadata.schema.column(at).path
        parts = [group.column(at) for group in groups] if name in texts else []
        coded = parts and all(part.has_dictionary_page for part in parts)
        if coded and sum(p.total_uncompressed_size for p in parts) <= FEW_BYTES * sum(p.num_values for p in parts):
            found.append(name)
    return found


def _group(file: pq.ParquetFile, group: int, names: list[str], chosen: list[str], start: int) -> Iterator[Chunk]:
    if not chosen:
        rows = file.metadata.row_group(group).num_rows
        yield _chunk(pa.table({"": pa.nulls(rows)}).select([]), start, names, chosen, rows)
        return
    for batch in file.iter_batches(batch_size=BATCH_ROWS, row_groups=[group], columns=chosen):
        yield _chunk(pa.Table.from_batches([batch]), start, names, chosen)
        start += batch.num_rows


def _chunk(table: pa.Table, start: int, names: list[str], chosen: list[str], rows: int | None = None) -> Chunk:
    count = table.num_rows if rows is None else rows
    return Chunk(
        table=table,
        n=pa.array(np.arange(start, start + count, dtype=np.int64)),
        others={name: count for name in names if name not in set(chosen)},
    )


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
