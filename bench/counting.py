"""What counting costs against a bare scan of the same columns, in one run on the same rows.

    python bench/counting.py [--rows 1000000] [--json]

Rows of 16 numbers and 4 categories over a month, in a table of a DuckDB file (as a hub keeps them) and in a Parquet
file. Bare is the least one can ask of every column: sum, min and max of a number, count of a category. Counted is
section `inputs` under 20 bins: all cells and moments, by hour for a week and by day before it. Each is the best of
five, taken in turns; by the clock, and of processor, in which what others do on the machine is hardly seen.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import duckdb

from monitors.engines import duckdb as engine
from monitors.engines.base import Blocks
from store.bin_learning import learn_spec
from store.bins import BinSpec, Section
from store.model_file import Columns, Input, InputType, ModelFile

NUMBERS, CATEGORIES = 16, 4
BLOCKS = Blocks(hours_from=datetime(2026, 10, 24))
MODEL = ModelFile(
    name="bench",
    version="1",
    columns=Columns(
        inputs=(
            *(Input(name=f"number {i}", type=InputType.NUMBER) for i in range(NUMBERS)),
            *(Input(name=f"category {i}", type=InputType.CATEGORY) for i in range(CATEGORIES)),
        )
    ),
)


def make(connection: duckdb.DuckDBPyConnection, rows: int, file: Path) -> None:
    """Numbers of uneven spread and categories of 12 values, one row in fifty missing; the same on every run."""

    def column(i: int, value: str) -> str:
        return f"CASE WHEN hash(range, {i}) % 50 = 0 THEN NULL ELSE {value} END AS x{i}"

    numbers = [column(i, f"exp((hash(range, {i + 100}) % 1000003) / 100000.0)") for i in range(NUMBERS)]
    others = range(NUMBERS, NUMBERS + CATEGORIES)
    categories = [column(i, f"'value ' || (hash(range, {i + 100}) % 12)") for i in others]
    time_of = f"TIMESTAMP '2026-10-01' + to_microseconds((range * {30 * 86_400_000_000 / rows})::BIGINT) AS event_time"
    connection.execute(f"CREATE TABLE t AS SELECT {', '.join([time_of, *numbers, *categories])} FROM range({rows})")
    connection.execute(f"COPY t TO '{file}'")
    connection.execute("CHECKPOINT")


def bare(connection: duckdb.DuckDBPyConnection, relation: str) -> None:
    numbers = [f"sum(x{i}), min(x{i}), max(x{i})" for i in range(NUMBERS)]
    categories = [f"count(x{i})" for i in range(NUMBERS, NUMBERS + CATEGORIES)]
    connection.execute(f"SELECT {', '.join([*numbers, *categories])} FROM {relation}").fetchall()


def counted(connection: duckdb.DuckDBPyConnection, relation: str, spec: BinSpec) -> None:
    engine.count(connection, relation, spec, Section.INPUTS, blocks=BLOCKS)


def seconds(work: Callable[[], None]) -> tuple[float, float]:
    """By the clock, and of processor."""
    start, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - used


def measure(rows: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(f"{folder}/rows.duckdb") as connection:
        file = Path(folder) / "rows.parquet"
        make(connection, rows, file)
        spec = learn_spec(
            MODEL, engine.profile(connection, f"(SELECT * FROM t USING SAMPLE {min(rows, 50_000)})", MODEL)
        )
        found: dict[str, float] = {"rows": rows, "columns": NUMBERS + CATEGORIES}
        for place, relation in (("table", "t"), ("parquet", f"'{file}'")):
            scan, tally = partial(bare, connection, relation), partial(counted, connection, relation, spec)
            pairs = [(seconds(scan), seconds(tally)) for _ in range(6)]
            for kind, name in enumerate(("clock", "processor")):
                best_bare, best_counted = (min(pair[k][kind] for pair in pairs[1:]) for k in (0, 1))
                found |= {
                    f"{place}_{name}_bare_s": round(best_bare, 4),
                    f"{place}_{name}_counted_s": round(best_counted, 4),
                    f"{place}_{name}_ratio": round(best_counted / best_bare, 2),
                }
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measure(asked.rows)
    if asked.json:
        print(json.dumps({"schema": "bailiwick/bench-counting/1", **found}))
        return
    print(f"{found['rows']:,} rows x {found['columns']} columns: counted / bare scan")
    for place in ("table", "parquet"):
        for kind in ("clock", "processor"):
            bare_s, counted_s, ratio = (found[f"{place}_{kind}_{what}"] for what in ("bare_s", "counted_s", "ratio"))
            print(f"  {place:8} {kind:10} {counted_s * 1000:7.0f} ms / {bare_s * 1000:5.0f} ms = {ratio:.1f}")


if __name__ == "__main__":
    main()
