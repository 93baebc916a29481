"""Other people's nasty files: whatever happens, it is told, and every row is accounted for."""

from __future__ import annotations

import contextlib
import csv
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import Case, row, taken

from connectors.base import File, Wanted
from connectors.sources.azureml import AzureML
from connectors.sources.json_text import parse_records
from connectors.sources.tabular import Tabular
from store.errors import BadInput

pytestmark = pytest.mark.realdata
CASE = Case(source=Tabular(), write=lambda folder, rows: folder)
FORGIVEN = {
    "n_number_NaN.json",
    "n_number_infinity.json",
    "n_number_minus_infinity.json",
    "n_array_comma_after_close.json",
    "n_structure_double_array.json",
}
"""Not JSON, and written by real loggers: NaN and infinities, a comma after a value, two values on a line."""


def test_json_that_must_parse_parses_and_other_text_does_not(real_data: Path) -> None:
    wrong = []
    for path in sorted((real_data / "robustness/json/test_parsing").glob("[yn]_*.json")):
        try:
            text = path.read_bytes().decode()
            found = bool(parse_records(text)) if text.strip() else False
        except ValueError:
            found = False
        if found != path.name.startswith("y_"):
            wrong.append(path.name)
    assert set(wrong) == FORGIVEN


def test_json_files_as_tables_are_told(real_data: Path) -> None:
    for path in sorted((real_data / "robustness/json").rglob("*.json")):
        file = File(path=path, root=path.parent, name=path.name)
        for source in (Tabular(), AzureML()):
            raw = source.read(file, source.options(), Wanted())
            for chunk in raw.chunks():
                assert len(chunk.n) == chunk.table.num_rows or not chunk.table.num_columns
                assert all(lost.reason and lost.expected for lost in chunk.unreadable)


def test_each_json_text_as_a_line_costs_at_most_itself(real_data: Path, tmp_path: Path) -> None:
    good = json.dumps(row(1)).encode()
    texts = [path.read_bytes() for path in sorted((real_data / "robustness/json/test_parsing").glob("*.json"))]
    lines = [
        text for text in texts if b"\n" not in text and text.strip() and not text.startswith((b"\xff\xfe", b"\xfe\xff"))
    ]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join([good, *lines, good.replace(b'"r1"', b'"r2"')]))
    rows, tally = taken(CASE, path)
    assert [r["id"] for r in rows] == ["r1", "r2"]
    assert tally.rows == tally.accepted + len(tally.rejects) >= len(lines) + 2


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_naughty_strings_survive(real_data: Path, tmp_path: Path, form: str) -> None:
    words = [word for word in json.loads((real_data / "robustness/strings/blns.json").read_text()) if word]
    rows = [row(i, purpose=word, id=f"{i}{word}") for i, word in enumerate(words)]
    path = tmp_path / f"a.{form}"
    if form == "csv":
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif form == "jsonl":
        path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    found, tally = taken(CASE, path)
    assert tally.rejects == ()
    assert len({r["id"] for r in found}) == len(words)
    from connectors.sources.casts import canonical_text

    assert [r["x1"] for r in found] == [canonical_text(word) for word in words]


@pytest.mark.parametrize("word", ["1e400", "NaN", "Infinity", "0x0", "1/2", "$1.00", "１２３", "١٢٣", "--1", "1,000"])
def test_naughty_numbers_are_numbers_or_told(tmp_path: Path, word: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row(1, income=word)) + "\n" + json.dumps(row(2)))
    rows, tally = taken(CASE, path)
    assert len(rows) + len(tally.rejects) == 2
    assert set(tally.reasons) <= {"type:income"}


def test_logs_of_other_systems_are_another_model(real_data: Path) -> None:
    source = Tabular()
    for folder in ("focus", "sagemaker", "kserve", "openlineage/spec_tests", "trustyai"):
        for file in source.walk(real_data / "logs" / folder):
            with contextlib.suppress(BadInput):  # none of our columns: that is an answer too
                _, tally = taken(CASE, file.path)
                assert tally.rows == tally.accepted + len(tally.rejects)
