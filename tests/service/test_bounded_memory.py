"""Files that are made to eat memory or time, through the command line: what a process took, and what it said."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bad_input import FORMS, sample
from contract import MODEL_TEXT, row
from world import hub_on_disk, populate

MOST_MEMORY, MOST_SECONDS = 900 << 20, 60
"""Of the whole process, Python, Arrow and the database (400 MiB at most) among it."""
MEASURE = """
import pathlib, resource, subprocess, sys
code = subprocess.run(sys.argv[2:], check=False).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
pathlib.Path(sys.argv[1]).write_text(str(peak))
sys.exit(code)
"""
"""A small process between: at its start a process counts what the one held that started it."""
ADDED = 400 << 20
"""What a file may add to what an ordinary one takes."""


def good(form: str, folder: Path) -> tuple[Path, bytes]:
    path = sample(FORMS[form], folder, [row(1), row(2)])
    return path, path.read_bytes()


def a_long_record(form: str, folder: Path) -> Path:
    path, text = good(form, folder)
    first, *rest = text.split(b"\n")
    long = b'"' + b"x" * (70 << 20) + b'"'
    path.write_bytes(b"\n".join([first, b'{"data": %b}' % long if form != "csv" else b"r9," + long, *rest]))
    return path


def a_long_line_of_brackets(form: str, folder: Path) -> Path:
    path, text = good(form, folder)
    path.write_bytes(b"\n".join([text.split(b"\n")[0], b'{"a":[' * (5 << 20), b"[" * (30 << 20)]))
    return path


def a_bomb(form: str, folder: Path) -> Path:
    path, text = good(form, folder)
    bomb = path.with_name(f"{path.name}.gz")
    with gzip.open(bomb, "wb", compresslevel=1) as stream:
        stream.write(text)
        for _ in range(1024):
            stream.write(b" " * (1 << 20))
    return bomb


def names_without_end(form: str, folder: Path) -> Path:
    path, _ = good("jsonl", folder)
    with path.open("w") as stream:
        for n in range(200):
            stream.write(json.dumps(row(n, **{f"{n}-{at}": 1 for at in range(5_000)})) + "\n")
    return path


def a_wide_table(form: str, folder: Path) -> Path:
    path = folder / "wide.csv"
    folder.mkdir()
    path.write_text("\n".join([",".join(f"c{at}" for at in range(100_000)), *([",".join("1" * 100_000)] * 20)]))
    return path


def a_parquet_bomb(form: str, folder: Path) -> Path:
    path = folder / "bomb.parquet"
    folder.mkdir()
    column = pa.array([1.0] * (1 << 20))
    with pq.ParquetWriter(path, pa.schema({"income": pa.float64()}), compression="zstd") as writer:
        for _ in range(200):
            writer.write_table(pa.table({"income": column}))
    return path


CASES: list[tuple[Callable[[str, Path], Path], str]] = [
    (a_long_record, "jsonl"),
    (a_bomb, "jsonl"),
    (a_parquet_bomb, "parquet"),
]
MORE: list[tuple[Callable[[str, Path], Path], str]] = [
    (a_long_record, "csv"),
    (a_long_line_of_brackets, "jsonl"),
    (names_without_end, "jsonl"),
    (a_wide_table, "csv"),
]
MORE += [
    (make, form)
    for make in (a_long_record, a_long_line_of_brackets, a_bomb)
    for form in ("azureml", "kserve", "sagemaker", "seldon", "trustyai", "vertex-lines")
    if (make, form) != (a_bomb, "azureml")  # its logs are not zipped
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hub") / "hub"
    populate(hub_on_disk(path), model=MODEL_TEXT).close()
    return path


def taken(hub: Path, root: Path, path: Path, kind: str) -> tuple[int, dict[str, Any], str, int, float]:
    """(exit code, the document, what was said, peak bytes, seconds)."""
    words = ["ingest", str(path), "--site", "cloud", "--model", "loans", "--format", kind, "--hub", str(hub), "--json"]
    out, said, peak = path.with_name("out"), path.with_name("said"), path.with_name("peak")
    began = time.monotonic()
    with out.open("wb") as stdout, said.open("wb") as stderr:
        measured = subprocess.run(
            [sys.executable, "-c", MEASURE, str(peak), sys.executable, "-m", "service.cli", *words],
            stdout=stdout,
            stderr=stderr,
            check=False,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
    seconds = time.monotonic() - began
    return measured.returncode, json.loads(out.read_bytes()), said.read_text(), int(peak.read_text()), seconds


@pytest.fixture(scope="module")
def ordinary(hub: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    path, _ = good("jsonl", tmp_path_factory.mktemp("ordinary"))
    return taken(hub, root, path, "jsonl")[3]


@pytest.mark.parametrize(("make", "form"), [*CASES, *(pytest.param(*case, marks=pytest.mark.long) for case in MORE)])
def test_what_a_file_takes_is_bounded(
    hub: Path, root: Path, tmp_path: Path, ordinary: int, make: Callable[[str, Path], Path], form: str
) -> None:
    path = make(form, tmp_path / "a")
    code, told, said, peak, seconds = taken(hub, root, path, FORMS[form].kind)
    path.unlink()
    assert code in (0, 2), said
    assert "Traceback" not in said and "internal" not in said
    if code:
        assert told["error"]["message"] and told["error"]["advice"]
    for receipt in told.get("receipts", []):
        assert receipt["kept"] + receipt["quarantined"] + receipt["duplicates"] == receipt["rows"]
        assert {"too_large", "too_deep", "too_many_columns", "expansion"} & set(receipt["reasons"])
    assert peak < min(MOST_MEMORY, ordinary + ADDED), f"{peak >> 20} MiB, an ordinary file {ordinary >> 20}"
    assert seconds < MOST_SECONDS
    print(f"{make.__name__} {form}: {peak >> 20} MiB ({ordinary >> 20}), {seconds:.1f} s, {code}")
