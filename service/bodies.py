"""The body of a request on its way into a file: never larger than the limit, named as its format is.

Small bodies are held, and written down by the thread that reads them: the loop that answers everybody does not wait
for the disk. Larger ones go to disk piece by piece.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from connectors.registry import unzipped
from store.errors import BadInput

SUFFIXES = {"tabular": "", "csv": ".csv", "parquet": ".parquet", "jsonl": ".jsonl", "azureml": ".jsonl", "auto": ""}
SNIFFED = {b"PAR1": ".parquet", b"ARROW1": ".arrow", b"\xff\xff\xff\xff": ".arrow", b"{": ".jsonl", b"[": ".json"}


async def beginning(pieces: AsyncIterator[bytes], limit: int, *, small: int) -> tuple[bytes, bool]:
    """The first bytes of a body, and whether that is all of it; a little more than `small` at most."""
    held, size = [], 0
    async for piece in pieces:
        held.append(piece)
        size += len(piece)
        _refuse_larger(size, limit)
        if size > small:
            return b"".join(held), False
    return b"".join(held), True


async def spooled(path: Path, head: bytes, pieces: AsyncIterator[bytes], limit: int) -> Path:
    """The whole body in a file: what was taken from it already, then the rest."""
    size = len(head)
    with path.open("wb") as stream:
        stream.write(head)
        async for piece in pieces:
            size += len(piece)
            _refuse_larger(size, limit)
            stream.write(piece)
    return path


def _refuse_larger(size: int, limit: int) -> None:
    if size > limit:
        raise BadInput(
            f"the body is larger than {limit} bytes", advice="Send smaller batches, or raise limits.request."
        )


def named(format_name: str, head: bytes) -> str:
    """What a body is called: by the format that is said, or that its first bytes tell."""
    suffix = SUFFIXES.get(format_name, "")
    if not suffix:
        start = unzipped(head).lstrip()
        suffix = next((s for magic, s in SNIFFED.items() if start.startswith(magic)), ".csv")
    return f"batch{suffix}"
