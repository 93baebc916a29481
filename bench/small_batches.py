"""What small batches over HTTP cost against a bare DuckDB loop that commits as many together, in one run on one disk.

    python bench/small_batches.py [--batches 400] [--clients 8] [--rows 10] [--json]

Ours is a server process (`bailiwick serve`) and clients that each send one batch after another as CSV and wait for its
receipt: authentication, reading, types, repeats, counting, digests, receipt and audit leaf of every batch, then one
durable commit for all that came together. How many those were is read from the record afterwards. Bare is a loop in
one process: BEGIN, as many inserts of as many rows (ready in Arrow) into a table of the same columns, COMMIT; the best
of three counts. Both end on disk before anybody is answered.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

ROOT = Path(__file__).resolve().parent.parent
FIRST = datetime(2026, 10, 1)
MODEL = """name: small
version: "1"
task: binary
columns:
  id: id
  time: at
  prediction: {column: approved, good: 1, values: [0, 1]}
  score: probability
  inputs:
    - {name: income, type: number, range: [0, 100]}
    - {name: age, type: number, range: [0, 100]}
    - {name: amount, type: number, range: [0, 1000]}
    - {name: term, type: number, range: [0, 100]}
    - {name: purpose, type: category, values: [car, home]}
"""
COLUMNS = {
    **{"seq": "BIGINT", "n": "BIGINT", "site": "VARCHAR", "id": "VARCHAR", "event_time": "TIMESTAMP"},
    **{"part": "UTINYINT", "x0": "DOUBLE", "x1": "DOUBLE", "x2": "DOUBLE", "x3": "DOUBLE", "x4": "VARCHAR"},
    **{"prediction": "VARCHAR", "score": "DOUBLE", "person": "VARCHAR"},
}
"""Those of a table of rows, as store/row_shape.py lays it out."""


def batch(number: int, rows: int) -> bytes:
    """The nth batch as CSV; every value follows from its number."""
    lines = ["id,at,income,age,amount,term,purpose,approved,probability"]
    for n in range(number * rows, number * rows + rows):
        at = FIRST + timedelta(minutes=n % 20_000)
        lines.append(
            f"row-{n},{at.isoformat()}Z,{n % 101},{n % 89},{n * 7 % 1001},{n % 61},{('car', 'home')[n % 2]},"
            f"{n % 3 % 2},{n % 100 / 100}"
        )
    return ("\n".join(lines) + "\n").encode()


# -- bare -------------------------------------------------------------------------------------------------------


def bare(folder: Path, *, together: int, rows: int, commits: int) -> float:
    """Commits a second of a loop that does nothing else."""
    path = folder / "bare.duckdb"
    values = {"BIGINT": 7, "UTINYINT": 3, "DOUBLE": 1.5, "VARCHAR": "row-1234567", "TIMESTAMP": FIRST}
    arriving = pa.table({name: [values[kind]] * rows for name, kind in COLUMNS.items()})
    with duckdb.connect(str(path), config={"threads": 2}) as connection:
        connection.execute(f"CREATE TABLE t ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})")
        start = 0.0
        for at in range(commits + 3):
            if at == 3:
                start = time.perf_counter()
            connection.execute("BEGIN TRANSACTION")
            for _ in range(together):
                connection.register("arriving", arriving)
                connection.execute("INSERT INTO t SELECT * FROM arriving")
                connection.unregister("arriving")
            connection.execute("COMMIT")
        seconds = time.perf_counter() - start
    path.unlink()
    return commits / seconds


# -- ours -------------------------------------------------------------------------------------------------------


def command(hub: Path, *arguments: str) -> Any:
    line = [sys.executable, "-m", "service.cli", *arguments, "--hub", str(hub), "--json"]
    done = subprocess.run(line, capture_output=True, text=True, check=True, env=_environment())
    return json.loads(done.stdout)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def serve(hub: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A server and its address, once it answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "serve", "--port", str(_free_port()), "--hub", str(hub)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    )
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            address = str(json.loads((hub / "run" / "server.json").read_text())["address"])
            connection = http.client.HTTPConnection(address, timeout=5)
            connection.request("GET", "/ready")
            if connection.getresponse().status == 200:
                return process, address
        except (OSError, ValueError, http.client.HTTPException):
            pass
        time.sleep(0.2)
    process.terminate()
    raise SystemExit("the server did not answer")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def send(address: str, token: str, numbers: range, rows: int, failed: list[str]) -> None:
    """One client: a batch after another, over one connection."""
    connection = http.client.HTTPConnection(address, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/csv"}
    for number in numbers:
        path = "/api/v1/sites/bench/batches?model=small&format=csv"
        connection.request("POST", path, body=batch(number, rows), headers=headers)
        answer = connection.getresponse()
        told = answer.read()
        if answer.status != 201 or json.loads(told)["kept"] != rows:
            failed.append(told.decode())
            return


def run_clients(address: str, token: str, *, first: int, batches: int, clients: int, rows: int) -> float:
    """Seconds until the last client has its last receipt."""
    failed: list[str] = []
    shares = [range(first + at, first + batches, clients) for at in range(clients)]
    threads = [threading.Thread(target=send, args=(address, token, share, rows, failed)) for share in shares]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    if failed:
        raise SystemExit(f"a batch was not taken: {failed[0]}")
    return seconds


def commits_of(hub: Path, after: int) -> int:
    """How many commits brought the batches after a seq: those of one commit became known at the same moment."""
    with duckdb.connect(str(hub / "hub.duckdb"), read_only=True) as connection:
        found = connection.execute("SELECT count(DISTINCT known_at) FROM batch WHERE seq > ?", [after]).fetchall()
        return int(found[0][0])


def measure(*, batches: int, clients: int, rows: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hub = folder / "hub"
        command(hub, "init", "--org", "Bench")
        command(hub, "site", "add", "bench")
        (folder / "small.yaml").write_text(MODEL, encoding="utf-8")
        command(hub, "model", "add", str(folder / "small.yaml"))
        token = command(hub, "site", "token", "bench")["token"]
        process, address = serve(hub)
        try:
            warm = 4 * clients
            run_clients(address, token, first=0, batches=warm, clients=clients, rows=rows)
            before = max(row["seq"] for row in command(hub, "audit", "list")["events"])
            seconds = run_clients(address, token, first=warm, batches=batches, clients=clients, rows=rows)
        finally:
            process.terminate()
            process.wait(timeout=60)
        commits = commits_of(hub, before)
        together = max(1, round(batches / commits))
        loops = [bare(folder, together=together, rows=rows, commits=max(20, commits // 2)) for _ in range(3)]
        return {
            "batches": batches,
            "clients": clients,
            "rows": rows,
            "batches_per_s": round(batches / seconds, 1),
            "together": round(batches / commits, 2),
            "commits_per_s": round(commits / seconds, 2),
            "bare_commits_per_s": round(max(loops), 2),
            "ratio": round(commits / seconds / max(loops), 3),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=400)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rows", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measure(batches=asked.batches, clients=asked.clients, rows=asked.rows)
    if asked.json:
        print(json.dumps({"schema": "bailiwick/bench-small-batches/1", **found}))
        return
    print(f"{found['batches']} batches of {found['rows']} rows from {found['clients']} clients over HTTP:")
    print(f"  {found['batches_per_s']} batches/s, {found['together']} to a commit")
    print(f"  durable commits/s: {found['commits_per_s']} / bare {found['bare_commits_per_s']} = {found['ratio']}")


if __name__ == "__main__":
    main()
