"""Arrow IPC as chunks of typed columns: files (Feather V2) and streams, batch by batch.

Every batch is validated before a value of it is read: offsets in a damaged file must not lead out of its buffers.
Refused: Feather V1, which nothing writes any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from connectors.base import Chunk, Wanted
from connectors.sources.content import Content, Damaged, beginning, damaged, unreadable
from connectors.sources.parquet_file import BATCH_ROWS, BROKEN

FILE, STREAM, OLD = b"ARROW1", b"\xff\xff\xff\xff", b"FEA1"
END = STREAM + bytes(4)


def is_arrow(head: bytes) -> bool:
    return head.startswith((FILE, STREAM, OLD))


def arrow_hints(path: Path) -> dict[str, str]:
    """Column -> type, from the schema at the start; nothing where there is none."""
    try:
        with pa.OSFile(str(path)) as file:
            schema = (pa.ipc.open_stream if _is_stream(path) else pa.ipc.open_file)(file).schema
            return {c.name: str(c.type.value_type if pa.types.is_dictionary(c.type) else c.type) for c in schema}
    except BROKEN:
        return {}


def arrow_chunks(content: Content, wanted: Wanted) -> Iterator[Chunk]:
    """The file in chunks; where it breaks off, what came before is kept and the rest is told."""
    parts = wanted.part_of()
    start, expanded = 0, 0
    notes = (
        () if _ended(content.path) else (f"{content.path.name} has no end-of-stream mark: it may have been cut short.",)
    )
    try:
        for batch in _batches(content.path):
            batch.validate(full=True)
            expanded += batch.get_total_buffer_size()
            if content.limits.swells(content.size, expanded):
                raise Damaged(content.limits.swollen, "expansion")
            table = pa.Table.from_batches([batch])
            names = table.column_names
            chosen = [name for name in dict.fromkeys(names) if parts is None or name.casefold() in parts]
            for at in range(0, max(table.num_rows, 1), BATCH_ROWS):
                piece = table.slice(at, BATCH_ROWS)
                count = piece.num_rows
                yield Chunk(
                    table=piece.select(chosen),
                    n=pa.array(np.arange(start, start + count, dtype=np.int64)),
                    others={name: count for name in names if name not in set(chosen)},
                    notes=notes,
                )
                start += count
    except BROKEN as error:
        content.check_unchanged()
        why = (str(error).splitlines() or [type(error).__name__])[0]
        lost = unreadable("file", None, f"a complete Arrow file ({why})", beginning(content.path))
        yield Chunk(table=pa.table({}), n=pa.array([], pa.int64()), unreadable=(lost,))
    except Damaged as damage:
        yield Chunk(table=pa.table({}), n=pa.array([], pa.int64()), unreadable=(damaged(damage, content.path),))
    content.check_unchanged()


def _is_stream(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == STREAM


def _ended(path: Path) -> bool:
    """Whether a stream says that it is over; one that was cut between two batches reads as if it were."""
    if not _is_stream(path):
        return True
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(END)))
        return file.read() == END


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    # Not mapped into memory: a file that shrinks under a map ends the process.
    with pa.OSFile(str(path)) as file:
        if _is_stream(path):
            stream = pa.ipc.open_stream(file)
            found = False
            for batch in stream:
                found = True
                yield batch
            if not found:
                yield _empty(stream.schema)
            return
        reader = pa.ipc.open_file(file)
        if not reader.num_record_batches:
            yield _empty(reader.schema)
        for at in range(reader.num_record_batches):
            yield reader.get_batch(at)


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema)
