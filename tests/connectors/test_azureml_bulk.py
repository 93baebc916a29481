"""Events read by the thousand are what the careful reader reads, or are left to it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Chunk, File, Unreadable, Wanted
from connectors.sources import azureml
from connectors.sources.azureml_bulk import bulk_chunk
from connectors.sources.content import examine, lines_of
from connectors.sources.json_rows import Record, chunks_of

WANTED = Wanted(parts={"a": 1, "b": 1, "y": 2, "Id": 0}, inputs=("a", "b"), outputs=("y",))
ROW = {"a": 1.5, "b": "x", "y": 1}


def event(*rows: Any, **other: Any) -> dict[str, Any]:
    told = {"specversion": "1.0", "id": "e1", "type": "azureml.inference.model_inputs_outputs"}
    told |= {"time": "2026-10-05T10:00:00Z", "correlationid": "c1", "modelversion": "1", "data": list(rows)}
    return {name: value for name, value in (told | other).items() if value is not ...}


def line(*rows: Any, **other: Any) -> str:
    return json.dumps(event(*rows, **other), separators=(",", ":"))


def careful(text: bytes, path: Path, wanted: Wanted) -> list[Chunk]:
    path.write_bytes(text)
    log = azureml._Log(File(path=path, root=path.parent, name=path.name), examine(path), None, wanted)
    records: list[Record | Unreadable] = []
    for number, found in lines_of(text, 7):
        records += azureml._line(log, number, found)
    return list(chunks_of(records, wanted, first=40))


def told(chunk: Chunk) -> Any:
    columns = {name: (str(chunk.table[name].type), chunk.table[name].to_pylist()) for name in chunk.table.column_names}
    beside = [None if held is None else held.to_pylist() for held in (chunk.lines, chunk.envelope_id)]
    times = None if chunk.envelope_time is None else chunk.envelope_time.cast(pa.int64()).to_pylist()
    return repr((columns, chunk.n.to_pylist(), beside, times, dict(chunk.others), chunk.unreadable))


def same(text: bytes, path: Path, wanted: Wanted = WANTED) -> bool:
    """Whether it was read in bulk; then as carefully."""
    found = bulk_chunk(text, line=7, n=40, wanted=wanted, time_of=azureml._time)
    if found is not None:
        expected = careful(text, path, wanted)
        assert [told(chunk) for chunk in expected] == [told(found)]
    return found is not None


PLAIN = {
    "one": [line(ROW)],
    "several rows and events": [line(ROW, ROW, time="2026-10-05T10:00:00.25+02:00"), line(ROW, correlationid="c2")],
    "missing values": [line(ROW, {**ROW, "a": None}), line({"a": None, "b": None, "y": None})],
    "a column of nothing": [line({**ROW, "b": None}), line({**ROW, "b": None})],
    "columns nobody asked for": [line({**ROW, "other": "x", "more": None})],
    "whole numbers and fractions": [line({**ROW, "a": 1}), line({**ROW, "a": 2.5})],
    "text that looks like times": [line({**ROW, "b": "2026-10-05T10:00:00Z"}), line({**ROW, "b": "2026-10-05"})],
    "truth values": [line({**ROW, "a": True})],
    "times of all ages": [line(ROW, time=f"{day}Z") for day in ("1900-01-01T00:00:00", "2096-02-29T23:59:59")],
    "times of two shapes": [line(ROW), line(ROW, time="2026-10-05T10:00:00.123456Z")],
    "no correlation id": [line(ROW, correlationid=...)],
    "no time": [line(ROW, time=...)],
    "not ASCII": [json.dumps(event({**ROW, "b": "é"}), ensure_ascii=False)],
    "escapes": [line({**ROW, "b": 'a"b\\n\n{,'})],
    "a bracket in text": [line({**ROW, "b": "x"}, agent="a{b")],
    "blank lines": ["", line(ROW), "", ""],
    "no rows in one": [line(), line(ROW)],
    "other case": [line({"A": 1, "B": "x", "y": 0})],
    "not a number": [line({**ROW, "a": float("nan")}), line({**ROW, "a": float("inf")})],
}


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_plain_events_are_read_in_bulk_and_the_same(name: str, end: str, tmp_path: Path) -> None:
    text = (end or "\n").join(PLAIN[name]) + end
    assert same(text.encode(), tmp_path / "log.jsonl")


HOSTILE = [
    line(ROW, {"a": 1.5, "b": "x"}),  # a row without a column that others have
    line({"a": None, "b": "x", "y": 1}, {"b": '"a":', "y": 2}),
    line({"a": None, "b": ":", "y": 1}, {"b": ":", "y": 2}),
    line({**ROW, "Id": "1"}, {"b": None, "y": 1, "Id": None}, Id="2"),
    line({**ROW, "a": {"nested": 1}}),
    line({**ROW, "a": [1]}),
    line({**ROW, "a": 2**60}, {**ROW, "a": 0.5}),
    line({**ROW, "a": 10**30}),
    line({**ROW, "a": 1}, {**ROW, "a": "1"}),
    line({**ROW, "a": True}, {**ROW, "a": 1}),
    line({**ROW, "b": "\ud800"}),
    line(ROW) + ",",
    line(ROW) + line(ROW),
    line(ROW)[:-5],
    line(ROW)[:60] + "\n" + line(ROW)[60:],
    line(ROW).replace("1.5", "-0") + "\n" + line(ROW).replace("1.5", "-0.0"),
    line(ROW).replace("1.5", "1e400"),
    line(ROW).replace("1.5", "01"),
    line(ROW).replace('"b"', '"a"'),
    line(ROW, time="yesterday"),
    line(ROW, time="2026-02-30T10:00:00Z"),
    line(ROW, time="2026-10-05T24:00:00Z"),
    line(ROW, time="2026-10-05T10:00:60Z"),
    line(ROW, time="2026-10-05T10:00:00Z\n"),
    line(ROW, time=1_790_000_000),
    line(ROW, time=None),
    line(ROW, correlationid=None),
    line(ROW, correlationid=""),
    line(ROW, correlationid=7),
    line(ROW, correlationid=..., id=...),
    line(ROW, correlationid=...) + "\n" + line(ROW),
    line(ROW, data=None, dataref="x.json"),
    line(ROW, datainblob="True"),
    line(ROW, datainblob=True),
    line(ROW, type="tracing_spans"),
    line(None),
    line({}),
    line([1, "x", 1]),
    line({"c": 1}),
    line(ROW, data=ROW),
    line(),
    "",
    "[" * 100_000,
    "{" * 100_000,
    '{"data":' + '[{"a":' * 50_000,
    '{"a":' * 100_000 + "[" + "}" * 100_000,
    '{"a":[' + '{"a":' * 300 + "1" + "}" * 300 + "]}",
    "1",
    "null",
]


@pytest.mark.parametrize("at", range(len(HOSTILE)))
def test_whatever_else_comes_is_read_the_same_or_left_to_the_careful_reader(at: int, tmp_path: Path) -> None:
    text = HOSTILE[at].encode("utf-8", "surrogatepass")
    alone, beside = (same(found, tmp_path / "log.jsonl") for found in (text, text + b"\n" + line(ROW).encode()))
    assert not (at in (0, 1, 2, 4, 5) and (alone or beside))


@pytest.mark.parametrize("bad", [b"\xff", b"\xed\xa0\x80"])
def test_bytes_that_are_no_text_are_left_to_the_careful_reader(bad: bytes, tmp_path: Path) -> None:
    assert not same(line(ROW).encode().replace(b'"x"', b'"' + bad + b'"'), tmp_path / "log.jsonl")


VALUE = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5)
ROWS = st.dictionaries(st.sampled_from(["a", "b", "y", "A", "z", "Id", ":", '"a":']), VALUE, max_size=5)


@given(st.lists(st.lists(ROWS, max_size=3), min_size=1, max_size=4), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_any_rows(events: list[list[Any]], separators: tuple[str, str]) -> None:
    text = "\n".join(json.dumps(event(*rows), separators=separators) for rows in events)
    with tempfile.TemporaryDirectory() as folder:
        same(text.encode(), Path(folder) / "log.jsonl")


@pytest.mark.realdata
def test_real_logs(real_data: Path, tmp_path: Path) -> None:
    names = ("sepal_length", "sepal_width", "petal_length", "petal_width", "target")
    iris = Wanted(parts=dict.fromkeys(names, 1), inputs=names)
    files = sorted((real_data / "logs" / "azureml_mdc").rglob("*.jsonl"))
    in_bulk = [path for path in files if same(path.read_bytes(), tmp_path / "log.jsonl", iris)]
    assert len(files) > 10 and len([path for path in in_bulk if "iris" in str(path)]) >= 5
