"""What stands beyond a limit is told with its reason, costs itself alone, and never the memory."""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from contract import MODEL, RECEIVED, TYPES, row

from connectors.base import File, Source
from connectors.limits import HARMLESS, LIMITS, Limits
from connectors.normalise import Tally, normalise, wanted_of
from connectors.sources import json_text
from connectors.sources.arrow_sizes import told_size
from connectors.sources.azureml import AzureML
from connectors.sources.content import Cut, lines, segments
from connectors.sources.json_text import depth_of
from connectors.sources.kserve import KServe
from connectors.sources.tabular import Tabular
from store.errors import BadInput
from store.receipt import Kind

SMALL = Limits(columns=12, record=1000, depth=8, expansion=100)


def taken(path: Path, limits: Limits = SMALL, source: Source | None = None) -> tuple[list[str], Tally]:
    reader = source or Tabular()
    wanted = replace(wanted_of(MODEL, Kind.PREDICTIONS), limits=limits)
    raw = reader.read(File(path=path, root=path.parent, name=path.name), reader.options(), wanted)
    rows = normalise(raw, MODEL, kind=Kind.PREDICTIONS, types=TYPES, received_at=RECEIVED, salt=b"s")
    return [held["id"] for held in rows.table().to_pylist()], rows.finish()


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def event(*rows: dict[str, Any]) -> str:
    return json.dumps({"type": "azureml.inference.model_inputs", "id": rows[0]["id"], "data": list(rows)})


@pytest.mark.parametrize("form", ["jsonl", "array", "azureml"])
def test_records_beyond_a_limit_cost_themselves(tmp_path: Path, form: str) -> None:
    bad = [row(2, note="x" * 2000), row(3, note=deep(9)), row(4, **{f"c{at}": at for at in range(20)})]
    rows = [row(1), *bad, row(5)]
    path = tmp_path / "a.jsonl"
    if form == "array":
        path = tmp_path / "a.json"
        path.write_text(json.dumps(rows, indent=1))
    else:
        path.write_text("".join((event(held) if form == "azureml" else json.dumps(held)) + "\n" for held in rows))
    ids, tally = taken(path, source=AzureML() if form == "azureml" else None)
    assert ids == ["r1", "r5"]
    assert tally.reasons == {"too_deep": 1, "too_large": 1, "too_many_columns": 1}
    assert tally.rows == 5
    assert all(len(shown) <= 20_000 and expected for _, _, expected, shown in tally.rejects)
    if form != "array":
        assert sorted(line or 0 for line, *_ in tally.rejects) == [2, 3, 4]


def test_names_that_never_end_are_no_table(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row(n, **{f"c{n}": 1})) + "\n" for n in range(50)))
    ids, tally = taken(path)
    assert len(ids) == len(tally.ignored) == SMALL.columns - len(row(1))
    assert tally.reasons == {"too_many_columns": 50 - len(ids)}


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow"])
def test_a_table_of_too_many_columns_is_refused(tmp_path: Path, form: str) -> None:
    wide = {**row(1), **{f"c{at}": 1 for at in range(10_000)}}
    path = tmp_path / f"a.{form}"
    if form == "csv":
        path.write_text(",".join(wide) + "\n" + ",".join(map(str, wide.values())) + "\n")
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist([wide]), path)
    else:
        table = pa.Table.from_pylist([wide])
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    with pytest.raises(BadInput, match="columns, more than 512") as raised:
        taken(path, LIMITS)
    assert "limits.columns" in raised.value.advice
    assert taken(path, Limits(columns=20_000))[0] == ["r1"]


def test_a_csv_record_beyond_the_limit_costs_its_line(tmp_path: Path) -> None:
    names = list(row(1))
    rows = [row(1), row(2, purpose="x" * 2000), row(3)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([",".join(names), *(",".join(str(held[name]) for name in names) for held in rows)]))
    ids, tally = taken(path)
    assert ids == ["r1", "r3"]
    assert tally.reasons == {"too_large": 1}
    assert tally.rejects[0][0] == 3


def test_a_zip_bomb_ends_where_it_swells(tmp_path: Path) -> None:
    good = (json.dumps(row(1)) + "\n").encode()
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=9) as stream:
        stream.write(good)
        for _ in range(60):
            stream.write(b" " * (1 << 20) + b"\n")
    assert path.stat().st_size * SMALL.expansion < 60 << 20
    ids, tally = taken(path, replace(LIMITS, record=8 << 20))
    assert ids == ["r1"]
    assert tally.reasons == {"expansion": 1}
    assert taken(path, replace(LIMITS, expansion=10_000))[1].reasons == {}


def test_a_parquet_bomb_is_refused_by_its_own_footer(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"income": pa.array([1.0] * (HARMLESS + 1))}), path, compression="zstd")
    with pytest.raises(BadInput, match="expand"):
        taken(path, LIMITS)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_an_arrow_bomb_is_refused_before_it_is_opened(tmp_path: Path, stream: bool, codec: str) -> None:
    path = tmp_path / "a.arrow"
    table = pa.table({name: pa.array([1.0] * 300_000) for name in ("income", *"abcdefghi")})
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(path, table.schema, options=options) as writer:
        writer.write_table(table)
    assert told_size(path) == table.nbytes
    with pytest.raises(BadInput, match="expand"):
        taken(path, LIMITS)
    assert told_size(path) > path.stat().st_size * LIMITS.expansion


@pytest.mark.parametrize("stream", [False, True])
def test_every_buffer_of_an_arrow_file_is_counted(tmp_path: Path, stream: bool) -> None:
    words = pa.array(["car", "home", None] * 5_000).dictionary_encode()
    table = pa.table({"a": words, "b": pa.array([[1, 2], None, []] * 5_000), "c": pa.array(range(15_000))})
    sizes = {}
    for codec in ("zstd", None):
        path = tmp_path / f"{codec}.arrow"
        options = pa.ipc.IpcWriteOptions(compression=codec)
        with (pa.ipc.new_stream if stream else pa.ipc.new_file)(path, table.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=4_000)
        sizes[codec] = (told_size(path), path.stat().st_size)
    assert sizes[None][0] == 0
    assert sizes[None][1] * 0.5 < sizes["zstd"][0] <= sizes[None][1]


@given(st.binary(max_size=300), st.integers(0, 400))
def test_sizes_of_no_arrow_file_are_none(content: bytes, cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(b"\xff\xff\xff\xff" + content[:cut])
        assert told_size(path) >= 0


def test_short_logs_of_equal_lines_are_no_bombs(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    line = json.dumps(row(1)).encode()
    path.write_bytes(gzip.compress(b"".join(line.replace(b'"r1"', b'"r%d"' % n) + b"\n" for n in range(1000))))
    assert len(taken(path, LIMITS)[0]) == 1000


def test_payloads_inside_text_are_held_to_the_depth_too(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    body = json.dumps({"instances": [row(1, note=deep(9))]})
    about = {"specversion": "1.0", "type": "org.kubeflow.serving.inference.request", "id": "c1"}
    path.write_text(json.dumps({**about, "inferenceservicename": "loans", "data": body}) + "\n")
    ids, tally = taken(path, source=KServe())
    assert (ids, tally.reasons) == ([], {"too_deep": 1})


@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(1, 30), st.booleans())
def test_long_lines_are_cut_and_no_other_is_touched(texts: list[bytes], limit: int, ended: bool) -> None:
    whole = [text.replace(b"\n", b"").replace(b"\r", b"").replace(b"\xff", b"").replace(b"\xfe", b"") for text in texts]
    told = {at: line for at, line in enumerate(whole, 1) if line.strip() or len(line) > limit}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(b"\n".join(whole) + (b"\n" if ended else b""))
        if path.read_bytes()[:2] == b"\x1f\x8b" or path.read_bytes()[:3] == b"\xef\xbb\xbf":
            return
        found = dict(lines(path, replace(LIMITS, record=limit)))
    assert list(found) == list(told)
    for at, line in found.items():
        assert isinstance(line, Cut) == (len(told[at]) > limit)
        assert line == told[at]


@pytest.mark.parametrize("length", [20 << 20, 70 << 20])
def test_a_line_that_hardly_ends_is_one_piece_of_its_beginning(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one\n" + b"x" * length + b"\ntwo\n")
    pieces = list(segments(path, limits=replace(LIMITS, record=16 << 20)))
    assert [len(piece) < 1 << 20 for piece in pieces] == [True] * len(pieces)
    assert b"".join(pieces).count(b"\n") == 3
    found = list(lines(path, replace(LIMITS, record=16 << 20)))
    assert [(n, line[:3], isinstance(line, Cut)) for n, line in found] == [
        (1, b"one", False),
        (2, b"xxx", True),
        (3, b"two", False),
    ]


JSON = st.recursive(
    st.none() | st.text(alphabet='a[]{}"\\é') | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='a[{"\\'), inner, max_size=3),
)


def nesting(value: Any) -> int:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(nesting, inner), default=0)


@pytest.mark.parametrize("piece", [1, 3, 1 << 20])
@given(value=JSON, ascii_only=st.booleans())
def test_depth_is_counted_outside_of_text_alone(piece: int, value: Any, ascii_only: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "PIECE", piece)
        assert depth_of(json.dumps(value, ensure_ascii=ascii_only).encode()) == nesting(value)


def test_quotes_that_open_on_every_line_cost_no_square_of_their_lines(tmp_path: Path) -> None:
    names = ["id", "income", "purpose"]
    path = tmp_path / "a.csv"
    lines_ = ['a",",'] * 60_000
    path.write_text("\n".join([",".join(names), "r1,1,car", *lines_, "r2,2,home"]) + "\n")
    began = time.monotonic()
    ids, tally = taken(path, LIMITS)
    assert time.monotonic() - began < 20
    assert {"r1", "r2"} <= set(ids)
    assert tally.reasons == {"csv": len(lines_)}


def test_cells_of_megabytes_are_read_whichever_way(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'id,purpose\nr1,{"x" * 300_000}\nr2,"odd\nr3,{"y" * 300_000}\n')
    assert taken(path, LIMITS)[0] == ["r1", "r3"]
    alone = tmp_path / "b.csv"
    alone.write_text("z" * 300_000 + "\n")
    with pytest.raises(BadInput):
        taken(alone, LIMITS)
