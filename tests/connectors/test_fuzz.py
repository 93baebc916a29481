"""Bytes that no one thought of, through every reader: each ends in rows and reasons, or in one error of ours."""

from __future__ import annotations

import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "service"))
sys.path.insert(0, str(Path(__file__).parent))
from bad_input import FORMS, sample
from contract import MODEL, RECEIVED, TYPES, row

from connectors import registry
from connectors.base import File
from connectors.limits import Limits
from connectors.normalise import normalise, wanted_of
from store.errors import BailiwickError
from store.receipt import Kind

MARKS = [
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b"\\",
    b",",
    b":",
    b"\n",
    b"\r",
    b"\x00",
    b"\xff",
    b"NaN",
    b"-0",
    b"1e999",
    b"\xed\xa0\x80",
]
KINDS = (Kind.PREDICTIONS, Kind.LABELS, Kind.REFERENCE)
LIMITS = Limits(columns=20, record=2_000, depth=6, expansion=2)

edits = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 30), st.one_of(st.sampled_from(MARKS), st.binary(max_size=12))),
    max_size=6,
)


def edited(whole: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """Each change puts some bytes in the place of some others."""
    for where, gone, put in changes:
        at = int(where * len(whole))
        whole = whole[:at] + put + whole[at + gone :]
    return whole


def check(kind: str, name: str, content: bytes, of: Kind, limits: Limits | None) -> None:
    source = registry.load_source(kind)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        source.sniff(path, content[:65_536])
        wanted = wanted_of(MODEL, of)
        with suppress(BailiwickError):
            file = File(path=path, root=path.parent, name=name)
            raw = source.read(file, source.options(), wanted if limits is None else replace(wanted, limits=limits))
            rows = normalise(raw, MODEL, kind=of, types=TYPES, received_at=RECEIVED, salt=b"s")
            table = rows.table()
            tally = rows.finish()
            assert tally.accepted == table.num_rows
            assert tally.rows == tally.accepted + len(tally.rejects)
            assert all(reason and expected for _, reason, expected, _ in tally.rejects)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, bytes]]:
    rows = [row(n, purpose="é") for n in range(5)]
    paths = {name: sample(form, tmp_path_factory.mktemp(name), rows) for name, form in FORMS.items()}
    return {name: (path.name, path.read_bytes()) for name, path in paths.items()}


@pytest.mark.parametrize("form", sorted(FORMS))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=edits, of=st.sampled_from(KINDS), limits=st.sampled_from([None, LIMITS]))
def test_files_with_edits(
    samples: dict[str, tuple[str, bytes]], form: str, changes: list[tuple[float, int, bytes]], of: Kind, limits: Limits
) -> None:
    name, whole = samples[form]
    check(FORMS[form].kind, name, edited(whole, changes), of, limits)


@pytest.mark.long
@pytest.mark.parametrize("form", sorted(FORMS))
@settings(max_examples=1_500, suppress_health_check=list(HealthCheck))
@given(changes=edits, of=st.sampled_from(KINDS), limits=st.sampled_from([None, LIMITS]))
def test_files_with_many_edits(
    samples: dict[str, tuple[str, bytes]], form: str, changes: list[tuple[float, int, bytes]], of: Kind, limits: Limits
) -> None:
    name, whole = samples[form]
    check(FORMS[form].kind, name, edited(whole, changes), of, limits)


@pytest.mark.long
@pytest.mark.parametrize("form", sorted(FORMS))
@settings(max_examples=500, suppress_health_check=list(HealthCheck))
@given(parts=st.lists(st.one_of(st.sampled_from(MARKS), st.binary(max_size=20), st.text(max_size=8).map(str.encode))))
def test_files_of_anything(samples: dict[str, tuple[str, bytes]], form: str, parts: list[bytes]) -> None:
    name, whole = samples[form]
    check(FORMS[form].kind, name, whole[:4] + b"".join(parts), Kind.PREDICTIONS, None)
