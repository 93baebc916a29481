"""Bodies of requests: what is small is held, what is large goes to disk whole, what is too large is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bodies import beginning, named, spooled
from store.errors import BadInput


async def arriving(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@given(st.lists(st.binary(max_size=9), max_size=9), st.integers(0, 40))
def test_nothing_of_a_body_is_lost_between_memory_and_disk(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], small: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "body"

    async def take() -> bytes:
        rest = arriving(pieces)
        head, whole = await beginning(rest, 100, small=small)
        assert whole == (len(b"".join(pieces)) <= small) and len(head) <= small + 9
        return head if whole else (await spooled(path, head, rest, 100)).read_bytes()

    assert asyncio.run(take()) == b"".join(pieces)


@pytest.mark.parametrize("small", [4, 100])
def test_more_than_the_limit_is_refused_wherever_it_is_noticed(tmp_path: Path, small: int) -> None:
    async def take() -> None:
        pieces = arriving([b"12345", b"67890", b"x"])
        head, whole = await beginning(pieces, 10, small=small)
        if not whole:
            await spooled(tmp_path / "body", head, pieces, 10)

    with pytest.raises(BadInput, match="larger than 10 bytes"):
        asyncio.run(take())


@pytest.mark.parametrize(
    ("format_name", "head", "name"),
    [
        ("auto", b'\n {"a": 1}', "batch.jsonl"),
        ("auto", b"[1]", "batch.json"),
        ("auto", b"a,b", "batch.csv"),
        ("csv", b"{", "batch.csv"),
        ("auto", b"PAR1", "batch.parquet"),
    ],
)
def test_a_body_is_called_by_its_format(format_name: str, head: bytes, name: str) -> None:
    assert named(format_name, head) == name
