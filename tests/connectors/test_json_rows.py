"""JSON records as chunks: a record that has no place in a column costs itself alone."""

from __future__ import annotations

from connectors.base import Wanted
from connectors.sources.json_rows import Record, chunks_of


def test_an_envelope_id_that_is_no_unicode_costs_its_own_row() -> None:
    """A correlation id is other people's text: JSON may hold half a surrogate pair."""
    records = [Record(1, {"a": 1}, "x\ud800"), Record(2, {"a": 2}, "y"), Record(3, {"a": 3})]
    (chunk,) = chunks_of(records, Wanted())
    assert chunk.envelope_id is not None
    assert (chunk.envelope_id.to_pylist(), chunk.table["a"].to_pylist()) == (["y", None], [2, 3])
    assert [(lost.reason, lost.line) for lost in chunk.unreadable] == [("encoding:id", 1)]
    assert chunk.n.to_pylist() == [1, 2]
