"""What taking rows in costs against DuckDB's bare insert of the same file, in one run; and how much memory it takes.

    python bench/ingest.py [--rows 1000000] [--events 250000] [--times 1] [--large] [--json]

Rows of 20 inputs (14 numbers, 6 categories) with id, time, prediction and score, in Parquet; and the log of Azure
ML's collector, an event per row. Bare is `INSERT ... SELECT FROM read_parquet` (or `read_json`, unnested) into a table
of the same columns as ours without keys, in one transaction. Ours is the whole of `ingest`: the file's hash, types,
rejects, repeats, digests, receipt, audit leaf; once before the bins are frozen (`plain`) and once after (`counted`).
Both end on disk. Each step runs in a process of its own, so that its peak memory is its own; imports and opening are
nobody's cost. `--large` takes in a Parquet and a JSON Lines file of 2 GB each and tells their peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NUMBERS, CATEGORIES = 14, 6
KINDS = [("DOUBLE" if i < NUMBERS else "VARCHAR") for i in range(NUMBERS + CATEGORIES)]
COLUMNS = {
    **{"seq": "BIGINT", "n": "BIGINT", "site": "VARCHAR", "id": "VARCHAR", "event_time": "TIMESTAMP"},
    **{"part": "UTINYINT", **{f"x{i}": kind for i, kind in enumerate(KINDS)}},
    **{"prediction": "VARCHAR", "score": "DOUBLE", "person": "VARCHAR"},
}
"""Those of a table of rows, as store/row_shape.py lays it out."""
SETTINGS = '[hub]\norg = "Bench"\nclock = "2026-11-02T03:00:00Z"\n'
MIB = 1 << 20
LARGE_BYTES = 2 << 30


# -- the files --------------------------------------------------------------------------------------------------


def rows_sql(rows: int) -> str:
    """Rows over the month before the clock; every value follows from its number; one in fifty missing."""

    def value(i: int, kind: str) -> str:
        drawn = f"hash(range, {i + 100})"
        text = f"'value ' || ({drawn} % 12)" if kind == "VARCHAR" else f"exp(({drawn} % 1000003) / 100000.0)"
        return f"CASE WHEN hash(range, {i}) % 50 = 0 THEN NULL ELSE {text} END AS input_{i}"

    columns = [
        "'row-' || lpad(range::VARCHAR, 10, '0') AS id",
        f"TIMESTAMP '2026-10-02' + to_microseconds((range * {30 * 86_400_000_000 / rows})::BIGINT) AS scored_at",
        *(value(i, kind) for i, kind in enumerate(KINDS)),
        "(hash(range, 98) % 2)::INTEGER AS approved",
        "(hash(range, 99) % 1000003) / 1000003.0::DOUBLE AS probability",
    ]
    return f"SELECT {', '.join(columns)} FROM range({rows})"


def make_parquet(path: Path, rows: int) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"COPY ({rows_sql(rows)}) TO '{path}'")


def make_events(path: Path, rows: int) -> None:
    """An event per row, as the collector writes them."""
    import duckdb

    fields = ", ".join([*(f"input_{i} := input_{i}" for i in range(len(KINDS))), "approved := approved"])
    place = "/subscriptions/0/resourceGroups/bench/providers/Microsoft.MachineLearningServices/workspaces/bench"
    envelope = f"""
        '1.0' AS specversion, md5(id) AS id, '{place}/onlineEndpoints/loan/deployments/blue' AS source,
        'azureml.inference.model_inputs_outputs' AS type, 'application/json' AS datacontenttype,
        strftime(scored_at, '%Y-%m-%dT%H:%M:%SZ') AS time,
        [struct_pack({fields}, probability := probability)] AS data,
        id AS correlationid, id AS xrequestid, '1' AS modelversion, '1.0' AS collectdataversion,
        'azureml-ai-monitoring/1.0.0' AS agent, '{"0" * 36}' AS contentrange"""
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {envelope} FROM ({rows_sql(rows)})) TO '{path}' (FORMAT json)")


# -- the steps, each in a process of its own ----------------------------------------------------------------------


def bare(folder: Path, query: str) -> Callable[[], Any]:
    import duckdb

    connection = duckdb.connect(str(folder / "bare.duckdb"), config={"threads": 2})
    listed = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    connection.execute(f"CREATE TABLE rows ({listed})")
    return lambda: connection.execute(f"INSERT INTO rows {query}")


def bare_parquet(path: Path, folder: Path) -> Callable[[], Any]:
    inputs = ", ".join(f"input_{i}" for i in range(len(KINDS)))
    chosen = f"0, file_row_number, 'here', id, scored_at, 3, {inputs}, approved, probability, NULL"
    return bare(folder, f"SELECT {chosen} FROM read_parquet('{path}', file_row_number = true)")


def bare_events(path: Path, folder: Path) -> Callable[[], Any]:
    inputs = ", ".join(f"d.input_{i}" for i in range(len(KINDS)))
    return bare(
        folder,
        f"SELECT 0, 0, 'here', correlationid, time, 3, {inputs}, d.approved, d.probability, NULL "
        f"FROM (SELECT correlationid, time, unnest(data) AS d FROM read_json('{path}'))",
    )


def model_text(*, ids: bool, counted: bool) -> str:
    """Declared ranges and values freeze the bins at once; without them nothing is counted yet."""
    number = ", range: [0, 25000]" if counted else ""
    words = ", ".join(f"value {i}" for i in range(12))
    inputs = [
        f"    - {{name: input_{i}, "
        + (
            f"type: number{number}}}"
            if kind == "DOUBLE"
            else f"type: category{f', values: [{words}]' if counted else ''}}}"
        )
        for i, kind in enumerate(KINDS)
    ]
    named = "  id: id\n  time: scored_at\n" if ids else ""
    return (
        f'name: bench\nversion: "1"\ntask: binary\ncolumns:\n{named}'
        "  prediction: {column: approved, good: 1, values: [0, 1]}\n  score: probability\n  inputs:\n"
        + "\n".join(inputs)
        + "\nwatch:\n  window: {every: 1d, at_least: 20, up_to: 7d}\n"
    )


def ours(path: Path, folder: Path, *, ids: bool, counted: bool) -> Callable[[], Any]:
    from service.commands.hubs import init_hub
    from service.commands.ingest import ingest
    from service.commands.models import add_model
    from service.commands.sites import add_site
    from service.wiring import local_viewer, open_hub

    viewer = local_viewer()

    def hub_at(place: Path) -> Any:
        init_hub(place, settings=SETTINGS)
        hub = open_hub(place, environ={})
        for site in ("here", "elsewhere"):
            add_site(hub, viewer, name=site, sharing="rows")
        add_model(hub, viewer, text=model_text(ids=ids, counted=counted), source="bench.yaml")
        return hub

    def take(hub: Any, file: Path, site: str) -> dict[str, Any]:
        done = ingest(hub, viewer, paths=[file], site=site, model="bench", kind="predictions")
        receipt: dict[str, Any] = done["receipts"][0]
        return receipt

    small = folder / f"small{path.suffix}"
    (make_parquet if path.suffix == ".parquet" else make_events)(small, 10)
    hub = hub_at(folder / "hub")
    take(hub, small, "elsewhere")  # modules that are loaded when first met are nobody's cost; the bins are frozen now
    return lambda: take(hub, path, "here")


STEPS: dict[str, Callable[[Path, Path], Callable[[], Any]]] = {
    "parquet_bare": bare_parquet,
    "parquet_plain": lambda path, folder: ours(path, folder, ids=True, counted=False),
    "parquet_counted": lambda path, folder: ours(path, folder, ids=True, counted=True),
    "events_bare": bare_events,
    "events_plain": lambda path, folder: ours(path, folder, ids=False, counted=False),
    "events_counted": lambda path, folder: ours(path, folder, ids=False, counted=True),
}


def step(name: str, path: Path) -> dict[str, Any]:
    """This process: one step, its seconds and its peak memory."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        work = STEPS[name](path, Path(folder))
        ready = peak()
        start, used = time.perf_counter(), cpu()
        given = work()
        seconds, used = time.perf_counter() - start, cpu() - used
        kept = given["kept"] if isinstance(given, dict) else given.fetchall()[0][0]
        times = {"seconds": round(seconds, 3), "cpu": round(used, 3)}
        return {**times, "rows": kept, "peak_mib": peak(), "ready_mib": ready}


def cpu() -> float:
    """Seconds of processor that this process took: what others do on the machine is hardly in it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak() -> int:
    """Most memory this process ever held, in MiB."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held // (MIB if sys.platform == "darwin" else 1024)


# -- the run ------------------------------------------------------------------------------------------------------


def child(*arguments: str) -> Any:
    done = subprocess.run([sys.executable, __file__, *arguments], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(rows: int, events: int, times: int) -> dict[str, Any]:
    """Best seconds of each step over `times` rounds, taken in turns; the highest peak."""
    with tempfile.TemporaryDirectory() as folder:
        files = {"parquet": Path(folder) / "rows.parquet", "events": Path(folder) / "events.jsonl"}
        for form, count in (("parquet", rows), ("events", events)):
            child("--make", form, "--rows", str(count), str(files[form]))
        rounds = [{name: child("--step", name, str(files[name.split("_")[0]])) for name in STEPS} for _ in range(times)]
        sizes = {f"{form}_mib": path.stat().st_size // MIB for form, path in files.items()}
    found: dict[str, Any] = {"rows": rows, "events": events, **sizes}
    for name in STEPS:
        found[f"{name}_s"] = min(one[name]["seconds"] for one in rounds)
        found[f"{name}_peak_mib"] = max(one[name]["peak_mib"] for one in rounds)
        expected = rows if name.startswith("parquet") else events
        if any(one[name]["rows"] != expected for one in rounds):
            raise SystemExit(f"{name}: not every row was kept")
    for form in files:
        for way in ("plain", "counted"):
            for kind in ("seconds", "cpu"):
                ratios = [one[f"{form}_bare"][kind] / one[f"{form}_{way}"][kind] for one in rounds]
                found[f"{form}_{way}_{kind}_ratios"] = [round(ratio, 2) for ratio in ratios]
    return found


def measure_large() -> dict[str, Any]:
    """Peak memory of files of 2 GB; a step whose bins are frozen, so that rows are counted too."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for form, name, sample in (("parquet", "rows.parquet", 200_000), ("events", "events.jsonl", 50_000)):
            path = Path(folder) / name
            child("--make", form, "--rows", str(sample), str(path))
            rows = int(sample * LARGE_BYTES / path.stat().st_size * 1.02)
            child("--make", form, "--rows", str(rows), str(path))
            done = child("--step", f"{form}_counted", str(path))
            found[form] = {"bytes": path.stat().st_size, **done}
            path.unlink()
    return found


def show(found: dict[str, Any]) -> None:
    for form, unit in (("parquet", "rows"), ("events", "events")):
        print(f"{form}: {found[unit]:,} rows, {found[f'{form}_mib']} MiB")
        print(f"  bare insert {found[f'{form}_bare_s']:8.2f} s  peak {found[f'{form}_bare_peak_mib']:5} MiB")
        for way in ("plain", "counted"):
            kinds = (found[f"{form}_{way}_{kind}_ratios"] for kind in ("seconds", "cpu"))
            ratios, used = (", ".join(f"{ratio:.2f}" for ratio in kind) for kind in kinds)
            print(
                f"  {way:<11} {found[f'{form}_{way}_s']:8.2f} s  peak {found[f'{form}_{way}_peak_mib']:5} MiB"
                f"  bare / ours = {ratios} by the clock, {used} of processor"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=250_000)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--make", choices=["parquet", "events"], help=argparse.SUPPRESS)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("path", nargs="?", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.make:
        (make_parquet if asked.make == "parquet" else make_events)(asked.path, asked.rows)
        print("{}")
    elif asked.step:
        print(json.dumps(step(asked.step, asked.path)))
    elif asked.large:
        found = measure_large()
        for form, told in found.items():
            print(
                f"{form}: {told['bytes'] / 1e9:.2f} GB, {told['rows']:,} rows, {told['seconds']:.0f} s, "
                f"peak {told['peak_mib']} MiB"
            )
    else:
        found = measure(asked.rows, asked.events, asked.times)
        if asked.json:
            print(json.dumps({"schema": "bailiwick/bench-ingest/1", **found}))
        else:
            show(found)


if __name__ == "__main__":
    main()
