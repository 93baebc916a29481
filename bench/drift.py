"""What drift costs against Evidently's DataDriftPreset, in one run, on the same two Parquet files.

    python bench/drift.py [--rows 200000] [--json]

A reference and a current table of N rows x 20 columns (14 numbers, 6 categories), a third of them moved. Three ways
from the files to a score for every column, each with reading, none with imports:
    evidently   Parquet to pandas, DataDriftPreset with its defaults
    exact       our method set `evidently-0.7` on rows: the same scores, compared to 1e-9
    profile     our method set `bailiwick`: count both files into summaries by day, judge from counts
Ratios are evidently / ours. Ours are the best of three; Evidently runs once, after a small run that warms it up.
Learning the bins from the reference happens once in the life of a model version; it is timed apart (`learn_s`).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitors.drift import drift_results
from monitors.engines import duckdb as engine
from monitors.engines.base import Blocks
from monitors.evidently import PeerVerdict, drift_preset
from monitors.method_sets import Verdict, judge_rows
from monitors.subject import Subject
from store.bin_learning import learn_spec
from store.bins import BinSpec, Section
from store.model_file import Columns, DriftWatch, Input, InputType, ModelFile
from store.result import Result
from store.summary import matrix

NUMBERS, CATEGORIES = 14, 6
KINDS = {f"x{i}": "number" if i < NUMBERS else "category" for i in range(NUMBERS + CATEGORIES)}
MODEL = ModelFile(
    name="bench",
    version="1",
    columns=Columns(inputs=tuple(Input(name=name, type=InputType(kind)) for name, kind in KINDS.items())),
)
DAY = datetime(2026, 10, 1)
TOLERANCE = 1e-9


def make(rows: int, *, seed: int, moved: float) -> pa.Table:
    """Numbers of several shapes, categories of 3 to 40 values; every third column moves; one value in fifty missing."""
    rng = np.random.default_rng(seed)
    table: dict[str, Any] = {"event_time": np.datetime64(DAY, "us") + rng.integers(0, 86_400_000_000, rows)}
    for i in range(NUMBERS):
        shift = moved if i % 3 == 0 else 0.0
        drawn = [
            rng.normal(shift, 1, rows),
            rng.lognormal(3 + shift, 0.8, rows),
            rng.integers(0, 500, rows) + 99 * shift,
        ]
        number = drawn[i % 3]
        number[rng.random(rows) < 0.02] = np.nan
        table[f"x{i}"] = pa.array(number, from_pandas=True)
    for i in range(CATEGORIES):
        values = 3 + 7 * i
        share = np.arange(1, values + 1, dtype=float) ** (-1 + (moved if i % 3 == 0 else 0.0))
        codes = rng.choice(values, rows, p=share / share.sum())
        names = pa.array([f"value {v}" for v in range(values)])
        table[f"x{NUMBERS + i}"] = pa.DictionaryArray.from_arrays(pa.array(codes), names).cast(pa.string())
    return pa.table(table)


def by_evidently(reference: Path, current: Path) -> dict[str, PeerVerdict]:
    import pandas as pd

    sides = [pd.read_parquet(path, columns=list(KINDS)) for path in (reference, current)]
    return drift_preset(*sides, kinds=KINDS)


def exactly(reference: Path, current: Path) -> dict[str, Verdict]:
    texts = [name for name, kind in KINDS.items() if kind == "category"]
    before, after = (pq.read_table(p, columns=list(KINDS), read_dictionary=texts) for p in (reference, current))
    return {
        name: judge_rows("evidently-0.7", before.column(name), after.column(name), kind=kind)
        for name, kind in KINDS.items()
    }


def learnt(reference: Path) -> BinSpec:
    with duckdb.connect() as connection:
        return learn_spec(MODEL, engine.profile(connection, f"'{reference}'", MODEL))


def by_profile(reference: Path, current: Path, spec: BinSpec) -> list[Result]:
    with duckdb.connect() as connection:
        before, after = (counted(connection, path, spec) for path in (reference, current))
    subject = Subject("bench", "1", "here", None, DAY, DAY + timedelta(days=1))
    return drift_results(
        spec, Section.INPUTS, before[0], after, variance=np.zeros(1), subjects=[subject], watch=DriftWatch()
    )


def counted(connection: duckdb.DuckDBPyConnection, path: Path, spec: BinSpec) -> Any:
    table = engine.count(connection, f"'{path}'", spec, Section.INPUTS, blocks=Blocks(fixed="day"))
    return matrix(table.column("counts"), spec.widths[Section.INPUTS])


def timed(work: Callable[[], Any], *, times: int) -> tuple[float, Any]:
    """The best of several runs, and what the last one gave."""
    best, given = float("inf"), None
    for _ in range(times):
        start = time.perf_counter()
        given = work()
        best = min(best, time.perf_counter() - start)
    return best, given


def measure(rows: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        files = {side: Path(folder) / f"{side}.parquet" for side in ("small", "reference", "current")}
        pq.write_table(make(2_000, seed=0, moved=0.0), files["small"])
        pq.write_table(make(rows, seed=1, moved=0.0), files["reference"])
        pq.write_table(make(rows, seed=2, moved=0.5), files["current"])
        small = files["small"], files["small"]
        by_evidently(*small), exactly(*small), by_profile(*small, learnt(small[0]))  # imports are nobody's cost
        pair = files["reference"], files["current"]
        exact_s, ours = timed(lambda: exactly(*pair), times=3)
        learn_s, spec = timed(lambda: learnt(pair[0]), times=1)
        profile_s, judged = timed(lambda: by_profile(*pair, spec), times=3)
        evidently_s, theirs = timed(lambda: by_evidently(*pair), times=1)
    gap = max(abs((ours[name].value or 0.0) - peer.value) for name, peer in theirs.items())
    flags = {r.about: r.status == "outside" for r in judged}
    return {
        "rows": rows,
        "columns": len(KINDS),
        "evidently_s": round(evidently_s, 3),
        "exact_s": round(exact_s, 4),
        "profile_s": round(profile_s, 4),
        "learn_s": round(learn_s, 4),
        "exact_ratio": round(evidently_s / exact_s, 1),
        "profile_ratio": round(evidently_s / profile_s, 1),
        "largest_difference": gap,
        "equal": len(theirs) == len(KINDS) and gap <= TOLERANCE,
        "drifted_evidently": sum(peer.drifted for peer in theirs.values()),
        "drifted_exact": sum(verdict.status == "outside" for verdict in ours.values()),
        "drifted_profile": sum(flags.values()),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measure(asked.rows)
    if asked.json:
        print(json.dumps({"schema": "bailiwick/bench-drift/1", **found}))
    else:
        print(f"2 x {found['rows']:,} rows x {found['columns']} columns, from Parquet to scores")
        print(f"  Evidently's preset   {found['evidently_s']:8.2f} s   {found['drifted_evidently']} columns drifted")
        for way in ("exact", "profile"):
            print(
                f"  ours, {way:<14} {found[f'{way}_s']:8.3f} s   {found[f'drifted_{way}']} columns drifted,"
                f" {found[f'{way}_ratio']:.0f} times faster"
            )
        print(f"  learning the bins    {found['learn_s']:8.3f} s   once for a model version")
        word = "equal" if found["equal"] else "NOT equal"
        print(f"  exact scores are {word} to {TOLERANCE:g} (largest difference {found['largest_difference']:.1e})")
    return 0 if found["equal"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
