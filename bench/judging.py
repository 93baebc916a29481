"""What judging a day costs against DuckDB's bare sum of the same summaries, and what history adds to it.

    python bench/judging.py [--models 20] [--sites 4] [--columns 20] [--days 60] [--json]

Models of numbers only, each with a reference and a day's counts from every site. Judged is `monitor` for one new day,
with its results, alerts and audit leaves written; bare is DuckDB reading that day's counts and summing them by model,
column and bin. It is asked on day 8 and on the last day of a history that was judged before. The promise is 1,000
models x 20 sites x 20 columns at most 5 times bare, and day 365 at most 1.3 times day 8.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from service.commands.ingest import ingest
from service.commands.models import add_model
from service.commands.monitoring import monitor
from service.commands.sites import add_site
from service.config import parse
from service.wiring import Hub, local_viewer, memory_hub
from store import summary_writes
from store.bins import Section
from store.events import Event
from store.summary import SUMMARY_SCHEMA

FIRST = datetime(2025, 1, 1)
OWNER = local_viewer()
ROWS_A_DAY = 1_000
BARE = """
SELECT model, cell, sum(n) FROM (
    SELECT model, unnest(counts) AS n, generate_subscripts(counts, 1) AS cell FROM summary WHERE block = ?
) GROUP BY model, cell
"""


class Clock:
    def __init__(self) -> None:
        self.now = FIRST

    def __call__(self) -> datetime:
        return self.now


def populated(arguments: argparse.Namespace, clock: Clock, folder: Path) -> Hub:
    hub = memory_hub(parse('[hub]\norg = "bench"\n', environ={}), clock, b"")
    for at in range(arguments.sites):
        add_site(hub, OWNER, name=f"site-{at}", sharing="counts" if at else "rows")
    generator = np.random.default_rng(7)
    names = [f"x{i}" for i in range(arguments.columns)]
    inputs = "\n".join(f"    - {{name: {name}, type: number}}" for name in names)
    reference = folder / "reference.parquet"
    pq.write_table(pa.table({name: generator.normal(size=2_000) for name in names}), reference)
    for at in range(arguments.models):
        text = f'name: m{at}\nversion: "1"\ntitle: M\ntask: binary\ncolumns:\n  inputs:\n{inputs}\n'
        add_model(hub, OWNER, text=text, source="bench.yaml")
        done = ingest(hub, OWNER, paths=[reference], site="site-0", model=f"m{at}", kind="reference")
        assert not done["errors"], done
    return hub


def add_day(hub: Hub, arguments: argparse.Namespace, day: int) -> None:
    """A day's counts of every model and site: the reference's, give or take what chance does."""
    reads = hub.store.reads(OWNER)
    generator = np.random.default_rng(day)
    for at in range(arguments.models):
        name = f"m{at}"
        (spec_hash,) = reads.rows("SELECT spec_hash FROM bin_spec WHERE model = ?", [name])[0].values()
        expected = reads.reference_counts(name, "1", spec_hash)[str(Section.INPUTS)] * (ROWS_A_DAY / 2_000)
        with hub.store.write("bench", Event.BATCH_SUMMARIES_ACCEPTED, name) as tx:
            for site in range(arguments.sites):
                counts = generator.poisson(expected).tolist()
                row = {"block": FIRST + timedelta(days=day), "grain": "day", "section": "inputs", "counts": counts}
                table = pa.Table.from_pylist([{**row, "segment": None}], schema=SUMMARY_SCHEMA)
                summary_writes.summaries(tx, table, site=f"site-{site}", model=name, version="1", spec_hash=spec_hash)


def judged(hub: Hub, clock: Clock, day: int) -> tuple[float, int]:
    clock.now = FIRST + timedelta(days=day + 1, hours=1)
    began = time.perf_counter()
    done = monitor(hub, OWNER)
    return time.perf_counter() - began, done["results"]


def bare(hub: Hub, day: int) -> float:
    cursor = hub.store.cursor()
    took = []
    for _ in range(5):
        began = time.perf_counter()
        cursor.execute(BARE, [FIRST + timedelta(days=day)]).fetchnumpy()
        took.append(time.perf_counter() - began)
    return min(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in (("models", 20), ("sites", 4), ("columns", 20), ("days", 60)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        hub = populated(arguments, clock, Path(folder))
        for day in range(7):
            add_day(hub, arguments, day)
        judged(hub, clock, 6)
        add_day(hub, arguments, 7)
        early, results = judged(hub, clock, 7)
        floor = bare(hub, 7)
        last = arguments.days - 1
        for day in range(8, last):
            add_day(hub, arguments, day)
        judged(hub, clock, last - 1)
        add_day(hub, arguments, last)
        late, _ = judged(hub, clock, last)
        hub.close()
    told: dict[str, Any] = {
        **{name: getattr(arguments, name) for name in ("models", "sites", "columns", "days")},
        "results": results, "bare_s": round(floor, 4), "day_8_s": round(early, 3), "last_day_s": round(late, 3),
        "times_bare": round(early / floor, 1), "last_over_day_8": round(late / early, 2),
    }  # fmt: skip
    if arguments.json:
        print(json.dumps(told))
        return
    print(f"{told['models']} models x {told['sites']} sites x {told['columns']} columns, {results:,} results for a day")
    print(f"judged {early:.2f} s, bare {floor:.4f} s: {told['times_bare']} times (promise: 5)")
    print(f"day {arguments.days} {late:.2f} s: {told['last_over_day_8']} times day 8 (promise: 1.3)")


if __name__ == "__main__":
    main()
