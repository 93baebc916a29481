"""Arrow IPC files and streams, damage to them, and folders whose names are columns."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import MODEL, RECEIVED, Case, read, taken

from connectors import registry
from connectors.base import Wanted
from connectors.normalise import normalise, wanted_of
from connectors.sources.partitions import partitions_of
from connectors.sources.tabular import Arrow, Tabular
from store.errors import BadInput
from store.model_file import InputType
from store.receipt import Kind

CASE = Case(source=Tabular(), write=lambda folder, rows: folder)
TYPES = (InputType.NUMBER, InputType.CATEGORY)
TABLE = pa.table(
    {
        "id": [f"r{n}" for n in range(30)],
        "income": pa.array(range(30), pa.int32()),
        "purpose": pa.array(["car", "home", None] * 10).dictionary_encode(),
        "noise": [0] * 30,
    }
)


def arrow(path: Path, *, stream: bool = False, table: pa.Table = TABLE, compression: str | None = None) -> Path:
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(path, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=10)
    return path


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("name", ["a.arrow", "a.feather", "a.csv", "a"])
def test_it_is_known_by_its_bytes(tmp_path: Path, stream: bool, compression: str | None, name: str) -> None:
    path = arrow(tmp_path / name, stream=stream, compression=compression)
    assert registry.sniff(path).kind == "tabular"
    rows, tally = taken(CASE, path)
    assert [(r["id"], r["x0"], r["x1"]) for r in rows[:3]] == [("r0", 0, "car"), ("r1", 1, "home"), ("r2", 2, None)]
    assert (len(rows), rows[-1]["n"], tally.ignored) == (30, 29, {"noise": 30})
    raw = read(CASE, path)
    assert (raw.format, raw.hints["income"], raw.hints["purpose"]) == ("arrow", "int32", "string")


def test_the_format_may_be_named(tmp_path: Path) -> None:
    arrow(tmp_path / "a.arrow")
    (tmp_path / "b.csv").write_text("id\n")
    assert [file.name for file in Arrow().walk(tmp_path)] == ["a.arrow"]
    assert registry.load_source("arrow").kind == "arrow"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("cut", range(0, 20))
def test_a_file_cut_anywhere_keeps_whole_batches_or_nothing(tmp_path: Path, stream: bool, cut: int) -> None:
    path = arrow(tmp_path / "a.arrow", stream=stream)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * cut // 20])
    raw = read(CASE, path)
    rows = normalise(raw, MODEL, kind=Kind.PREDICTIONS, types=TYPES, received_at=RECEIVED)
    found = rows.table()
    assert found.num_rows % 10 == 0
    tally = rows.finish()
    if cut:
        assert tally.reasons == {"file": 1} or "cut short" in tally.notes[0]


@pytest.mark.parametrize("stream", [False, True])
def test_flipped_bytes_never_crash(tmp_path: Path, stream: bool) -> None:
    path = arrow(tmp_path / "a.arrow", stream=stream)
    whole = path.read_bytes()
    refused: list[str] = []
    for at in range(0, len(whole), max(1, len(whole) // 150)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            raw = read(CASE, path)
        except BadInput as error:
            refused.append(error.message)  # a length that no buffer can have
            continue
        for chunk in raw.chunks():
            assert len(chunk.n) == chunk.table.num_rows or not chunk.table.num_columns
    assert len(refused) < 5 and all("expand" in message for message in refused)


@pytest.mark.parametrize("stream", [False, True])
def test_names_that_are_no_text_are_a_damaged_file(tmp_path: Path, stream: bool) -> None:
    path = arrow(tmp_path / "a.arrow", stream=stream)
    path.write_bytes(path.read_bytes().replace(b"purpose", b"purp\xffse"))
    assert taken(CASE, path)[1].reasons == {"file": 1}


def test_names_that_are_no_text_in_parquet_too(tmp_path: Path) -> None:
    path = part(tmp_path, "x", {"income": [1.0], "purpose": ["car"]})
    path.write_bytes(path.read_bytes().replace(b"purpose", b"purp\xffse"))
    assert taken(CASE, path)[1].reasons == {"file": 1}


def test_an_old_feather_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.feather").write_bytes(b"FEA1" + bytes(40) + b"FEA1")
    assert taken(CASE, tmp_path / "a.feather")[1].reasons == {"file": 1}


# -- folders whose names are columns ------------------------------------------------------------------------------


def part(folder: Path, place: str, columns: dict[str, Any], name: str = "part-0.parquet") -> Path:
    path = folder / place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def rows_of(folder: Path, kind: Kind = Kind.PREDICTIONS) -> list[dict[str, Any]]:
    source, out = Tabular(), []
    for file in source.walk(folder):
        raw = source.read(file, source.options(), wanted_of(MODEL, kind))
        rows = normalise(raw, MODEL, kind=kind, types=TYPES, received_at=RECEIVED)
        out += rows.table().to_pylist()
        rows.finish()
    return out


def test_names_of_folders_become_values_of_the_rows(tmp_path: Path) -> None:
    part(tmp_path, "at=2026-02-01/channel=web%20shop", {"id": ["a"], "income": [1.0]})
    part(tmp_path, "at=2026-02-02/channel=__HIVE_DEFAULT_PARTITION__", {"id": ["b"], "income": [2.0]})
    found = [(r["id"], r["x0"], r["s0"], r["event_time"]) for r in rows_of(tmp_path)]
    assert found == [("a", 1.0, "web shop", datetime(2026, 2, 1)), ("b", 2.0, None, datetime(2026, 2, 2))]


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.arrow"])
def test_every_form_has_them(tmp_path: Path, name: str) -> None:
    path = tmp_path / "purpose=car" / name
    path.parent.mkdir()
    if name.endswith("arrow"):
        arrow(path, table=pa.table({"income": [1.0]}))
    else:
        path.write_text("income\n1\n" if name.endswith("csv") else '{"income": 1}\n')
    assert [(r["x0"], r["x1"]) for r in rows_of(tmp_path)] == [(1.0, "car")]


def test_the_files_own_column_comes_first(tmp_path: Path) -> None:
    part(tmp_path, "channel=web", {"id": ["a"], "income": [1.0], "Channel": ["branch"]})
    assert rows_of(tmp_path)[0]["s0"] == "branch"


def test_predictions_below_a_folder_of_inputs_stay_predictions(tmp_path: Path) -> None:
    part(tmp_path, "channel=web", {"id": ["a"], "approved": [1]})
    assert [(r["part"], r["s0"]) for r in rows_of(tmp_path)] == [(2, None)]


def test_columns_nobody_declared_are_counted(tmp_path: Path) -> None:
    path = part(tmp_path, "site=north/x", {"id": ["a", "b"], "income": [1.0, 2.0]})
    (file,) = Tabular().walk(tmp_path)
    raw = Tabular().read(file, Tabular.options(), wanted_of(MODEL, Kind.PREDICTIONS))
    rows = normalise(raw, MODEL, kind=Kind.PREDICTIONS, types=TYPES, received_at=RECEIVED)
    rows.table()
    assert rows.finish().ignored == {"site": 2}
    (alone,) = Tabular().walk(path)
    assert Tabular().read(alone, Tabular.options(), Wanted()).sha256 == raw.sha256, "what is not read changes nothing"


def test_the_same_bytes_below_another_folder_are_other_rows(tmp_path: Path) -> None:
    for place in ("channel=web", "channel=branch"):
        part(tmp_path, place, {"income": [1.0]})
    assert len({r["id"] for r in rows_of(tmp_path)}) == 2
    assert {r["s0"] for r in rows_of(tmp_path)} == {"web", "branch"}


def test_labels_have_them_too(tmp_path: Path) -> None:
    part(tmp_path, "repaid=1", {"id": ["a"]})
    part(tmp_path, "repaid=0", {"id": ["b"]})
    assert [(r["id"], r["label"]) for r in rows_of(tmp_path, Kind.LABELS)] == [("b", "0"), ("a", "1")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/b.csv", {}),
        ("x=1/b.csv", {"x": "1"}),
        ("x=1/x=2/b=3.csv", {"x": "2"}),
        ("=1/x=/b.csv", {"x": ""}),
        ("x=a=b/b.csv", {"x": "a=b"}),
    ],
)
def test_what_a_path_says(name: str, expected: dict[str, str]) -> None:
    assert partitions_of(name) == expected
