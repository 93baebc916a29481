"""Tables in files: damage costs what is damaged, and memory stays bounded."""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import MODEL, Case, read, row, taken
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import File, Raw, Wanted
from connectors.normalise import hints_for
from connectors.sources import content, csv_text, json_rows
from connectors.sources.csv_text import record_end, sniff_dialect
from connectors.sources.tabular import Csv, Tabular, TabularOptions
from store.errors import BadInput, Retryable

CASE = Case(source=Tabular(), write=lambda folder, rows: folder)
HEAD = "id,at,income,purpose,sex,channel,customer,approved,probability\n"


def line(number: int, purpose: str = "car") -> str:
    return f"r{number},2026-02-01T00:00:00Z,{number}.5,{purpose},F,web,c{number},1,0.5\n"


def everything(path: Path, source: Tabular | None = None) -> Raw:
    """All columns of a file, as `model infer` reads them."""
    return (source or Tabular()).read(File(path=path, root=path.parent, name=path.name), TabularOptions(), Wanted())


def test_one_unclosed_quote_costs_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEAD + line(0) + line(1, '"open') + "".join(line(i) for i in range(2, 500)))
    rows, tally = taken(CASE, path)
    assert (tally.rows, tally.accepted, tally.reasons) == (500, 499, {"csv": 1})
    assert tally.rejects[0][0] == 3
    assert tally.rejects[0][3] == line(1, '"open').strip().encode()
    assert rows[1]["id"] == "r2"


def test_two_unclosed_quotes_cost_two_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    body = [line(i, '"open' if i in (1, 300) else "car") for i in range(500)]
    path.write_text(HEAD + "".join(body))
    assert taken(CASE, path)[1].reasons == {"csv": 2}


def test_too_few_and_too_many_values(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEAD + line(0) + "r1,2026\n\n" + line(2).strip() + ",extra\n" + line(3))
    rows, tally = taken(CASE, path)
    assert [r["id"] for r in rows] == ["r0", "r3"]
    assert [r["n"] for r in rows] == [0, 3]
    assert [(at, reason) for at, reason, _, _ in tally.rejects] == [(3, "csv"), (5, "csv")]
    assert tally.rejects[0][2] == "9 values, as in the header"


def test_quoted_line_ends_and_quotes_are_values(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEAD + line(0, '"a\nb"') + line(1, '"say ""hi"""') + line(2) + "short\n")
    rows, tally = taken(CASE, path)
    assert [r["x1"] for r in rows] == ["a\nb", 'say "hi"', "car"]
    assert tally.rejects[0][0] == 6, "lines are counted as an editor counts them"


def test_an_inch_mark_is_no_quote(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEAD + line(0, '5" pipe') + line(1))
    assert [r["x1"] for r in taken(CASE, path)[0]] == ['5" pipe', "car"]


def test_a_line_that_is_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes((HEAD + line(0)).encode() + line(1, "Z\xfcrich").encode("latin-1") + line(2).encode())
    rows, tally = taken(CASE, path)
    assert [r["id"] for r in rows] == ["r0", "r2"]
    assert tally.reasons == {"encoding": 1}
    assert b"Z\xfcrich" in tally.rejects[0][3]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_what_separates_is_found(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text((HEAD + line(0) + line(1)).replace(",", delimiter))
    assert taken(CASE, path)[1].accepted == 2


def test_a_header_alone_is_an_empty_batch_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEAD)
    assert taken(CASE, path)[1].rows == 0
    path.write_text("colour,size\nred,3\n")
    with pytest.raises(
        BadInput, match=r"a\.csv: none of the columns that loans declares is there; found colour, size"
    ) as told:
        taken(CASE, path)
    assert "income" in told.value.advice


def test_a_repeated_column_gets_a_number() -> None:
    assert sniff_dialect(b"a,a,b,a (2)\n1,2,3,4\n").columns == ("a", "a (2)", "b", "a (2) (2)")


def test_one_column_keeps_its_empty_cells(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("income\n1\n\n3\n")
    (chunk,) = everything(path).chunks()
    assert chunk.table["income"].to_pylist() == ["1", "", "3"]


@given(rows=st.lists(st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=6)] * 3)))
def test_a_record_never_ends_inside_quotes(rows: list[tuple[str, ...]]) -> None:
    texts = ['"' + '","'.join(cell.replace('"', '""') for cell in cells) + '"\n' for cells in rows]
    whole = "".join(texts).encode()
    ends = {len("".join(texts[: at + 1]).encode()) for at in range(len(texts))} | {0}
    for cut in range(0, len(whole) + 1, 7):
        assert record_end(whole[:cut]) in ends


@pytest.mark.parametrize("size", [64, 200, 1000, 1 << 20])
def test_the_size_of_pieces_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    path = tmp_path / "a.csv"
    body = [line(i, '"a\nb"' if i % 7 == 0 else "car") for i in range(100)] + ["short\n"] + [line(100)]
    path.write_text(HEAD + "".join(body))
    whole = taken(CASE, path)
    monkeypatch.setattr(content, "BLOCK", size)
    monkeypatch.setattr(content.segments, "__kwdefaults__", {"size": size})
    pieces = taken(CASE, path)
    assert pieces[0] == whole[0]
    assert pieces[1].rejects == whole[1].rejects


@pytest.mark.parametrize("size", [3, 10])
def test_the_size_of_json_chunks_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    path = tmp_path / "a.jsonl"
    lines = [json.dumps(row(i, income=[1, 2.5, "3", None, True][i % 5], id=i / 2)) for i in range(40)]
    lines[7] = "{"
    lines[9] = json.dumps({"nothing": 1})
    path.write_text("\n".join(lines))
    whole = taken(CASE, path)
    monkeypatch.setattr(json_rows, "CHUNK_ROWS", size)
    pieces = taken(CASE, path)
    assert sorted(pieces[0], key=lambda r: r["n"]) == sorted(whole[0], key=lambda r: r["n"])
    assert sorted(pieces[1].rejects) == sorted(whole[1].rejects)
    assert whole[1].reasons == {"json": 1, "no_columns": 1}


def test_json_that_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    good = json.dumps(row(1))
    bad = ["{", "[1, 2]", "3", '"text"', "null", '{"a": 1} x', "[" * 100_000, '{"id": ' + "9" * 5000 + "}", "\x00"]
    path.write_text("\n".join([good, *bad, good.replace("r1", "r2") + ","]))
    rows, tally = taken(CASE, path)
    assert [r["id"] for r in rows] == ["r1", "r2"]
    assert tally.reasons == {"json": len(bad) - 1, "too_deep": 1}
    assert [at for at, _, _, _ in tally.rejects] == list(range(2, 2 + len(bad)))


def test_nested_and_broken_values_cost_their_row(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        json.dumps(row(1)),
        json.dumps(row(2, purpose={"a": 1})),
        json.dumps(row(3, purpose="\ud800")),
        json.dumps(row(4, extra=[1])),
    ]
    path.write_text("\n".join(lines))
    rows, tally = taken(CASE, path)
    assert [r["id"] for r in rows] == ["r1", "r4"]
    assert tally.reasons == {"encoding:purpose": 1, "type:purpose": 1}
    assert tally.ignored == {"extra": 1}


def test_parts_may_be_mixed_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    inputs, outputs = {"id": "a", "at": "2026-02-01", "income": 1}, {"id": "a", "at": "2026-02-01", "approved": 1}
    path.write_text(json.dumps(inputs) + "\n" + json.dumps(outputs) + "\n")
    rows, tally = taken(CASE, path)
    assert sorted((r["n"], r["part"], r["x0"], r["prediction"]) for r in rows) == [(0, 1, 1.0, None), (1, 2, None, "1")]
    assert tally.absent == ("purpose", "probability", "sex", "channel")


def test_a_json_array_that_breaks_off_keeps_what_came(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([row(1), row(2), row(3)])[:-30])
    rows, tally = taken(CASE, path)
    assert [r["id"] for r in rows] == ["r1", "r2"]
    assert tally.reasons == {"json": 1}


def test_a_json_document_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(row(1), indent=2))
    assert [r["id"] for r in taken(CASE, path)[0]] == ["r1"]


# -- files that are broken as a whole ----------------------------------------------------------------------------


def parquet(path: Path, rows: int = 1000) -> Path:
    table = pa.table({"id": [f"r{i}" for i in range(rows)], "income": [float(i) for i in range(rows)]})
    pq.write_table(table, path, row_group_size=max(rows // 4, 1))
    return path


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99])
def test_a_truncated_parquet_file_counts_as_one_record(tmp_path: Path, keep: float) -> None:
    path = parquet(tmp_path / "a.parquet")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    rows, tally = taken(CASE, path)
    assert (rows, tally.rows, tally.reasons) == ([], 1, {"file": 1})
    assert "Parquet" in tally.rejects[0][2]
    assert tally.rejects[0][3].startswith(b"PAR1")


def test_a_broken_row_group_keeps_the_others(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet")
    offset = pq.ParquetFile(path).metadata.row_group(1).column(0).dictionary_page_offset
    spoiled = bytearray(path.read_bytes())
    spoiled[offset : offset + 40] = b"\xff" * 40
    path.write_bytes(spoiled)
    rows, tally = taken(CASE, path)
    assert (len(rows), tally.reasons) == (750, {"file": 1})
    assert "row group 1 of 250 rows" in tally.rejects[0][2]
    assert [r["n"] for r in rows] == [*range(250), *range(500, 1000)]


def test_a_truncated_gzip_keeps_what_came(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    text = (HEAD + "".join(line(i) for i in range(50_000))).encode()
    whole = gzip.compress(text)
    path.write_bytes(whole[: len(whole) // 2])
    rows, tally = taken(CASE, path)
    assert tally.reasons.get("file") == 1
    assert len(rows) + len(tally.rejects) == tally.rows


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.jsonl", "a.csv.gz", "a.json"])
def test_noise_is_told_and_never_raised_as_something_else(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for noise in (
        bytes(range(256)) * 20,
        b"\x1f\x8b" + b"\x00" * 50,
        b"PAR1" + b"\xff" * 99,
        b"\xff\xfe\x00",
        b"\x00" * 99,
    ):
        path.write_bytes(noise)
        try:
            rows, tally = taken(CASE, path)
        except BadInput:
            continue
        assert rows == []
        assert tally.rows == len(tally.rejects)


def test_a_file_that_changes_while_it_is_read_is_retryable(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEAD + line(0))
    raw = read(CASE, path)
    path.write_text(HEAD + line(0) + line(1))
    with pytest.raises(Retryable, match="changed while it was read"):
        list(raw.chunks())


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        list(Tabular().walk(tmp_path / "nothing"))


# -- walking and knowing -----------------------------------------------------------------------------------------


def test_a_walk_takes_what_the_format_names_sorted(tmp_path: Path) -> None:
    for name in (
        "b/2.csv",
        "b/1.csv.gz",
        "a.parquet",
        "note.md",
        ".hidden/x.csv",
        "_SUCCESS",
        "_checkpoint/0.json",
        "c.tsv",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [file.name for file in Tabular().walk(tmp_path)] == ["a.parquet", "b/1.csv.gz", "b/2.csv", "c.tsv"]
    assert [file.name for file in Csv().walk(tmp_path)] == ["b/1.csv.gz", "b/2.csv"]


def test_only_the_wanted_columns_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"INCOME": [1.0], "secret": ["x"]}), path)
    (chunk,) = read(CASE, path).chunks()
    assert chunk.table.column_names == ["INCOME"]
    assert chunk.others == {"secret": 1}


def test_hints_tell_types_under_the_declared_names(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("INCOME,purpose,code\n1.5,car,007\n,home,008\n-3e2,1,009\n")
    assert hints_for(read(CASE, path), MODEL) == {"income": "double", "purpose": "string"}
    assert everything(path).hints == {"INCOME": "double", "purpose": "string", "code": "string"}
    path = parquet(tmp_path / "b.parquet")
    assert hints_for(read(CASE, path), MODEL) == {"income": "double"}


def test_memory_stays_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w") as stream:
        stream.write(HEAD)
        for block in range(60):
            stream.write("".join(line(block * 5000 + i) for i in range(5000)))
    sizes = [chunk.table.nbytes for chunk in read(CASE, path).chunks()]
    assert len(sizes) > 1
    assert max(sizes) < 3 * content.SEGMENT
    assert os.stat(path).st_size > content.SEGMENT


@given(
    st.lists(st.text(st.sampled_from("ab1 .;\t"), max_size=3), min_size=0, max_size=12),
    st.lists(st.sampled_from([",", "\n", "\r\n", "\n\n", ",,"]), min_size=12, max_size=12),
)
def test_few_lines_are_read_as_many_are(cells: list[str], ends: list[str]) -> None:
    body = "".join(cell + end for cell, end in zip(cells, ends, strict=False))
    few = csv_text._parse(body.encode(), ",", ["x", "y"])
    parsed = csv_text._parse_clean(body.encode(), ",", ["x", "y"]) if body.strip() else few
    assert parsed is not None
    assert few.rows.to_pydict() == parsed.rows.to_pydict()
    assert (few.records, few.at.tolist()) == (parsed.records, parsed.at.tolist())
    assert few.lines is not None and (parsed.lines is None or few.lines.tolist() == parsed.lines.tolist())
    assert few.bad == parsed.bad
