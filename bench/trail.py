"""What the trail costs: verifying it against hashing its leaves bare, and an event against its transaction.

    python bench/trail.py [--events 100000] [--rows 20000] [--json]

verify    `audit verify` of N events against SHA-256 of the same leaves and the RFC 6962 tree over them, in memory
event     what sealing the tables and appending the leaf add to a transaction: that of one batch of rows, and the
          smallest there is (one site), each against the same transaction without them
Ratios are medians of several runs on both sides, taken in turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from service.commands.hubs import init_hub
from service.commands.ingest import ingest
from service.commands.models import add_model
from service.commands.sites import add_site
from service.wiring import Hub, local_viewer, open_hub
from store import db, merkle, trail
from store.canonical import canonical_json, sha256_hex

NOW = datetime(2026, 11, 2, 3)
OWNER = local_viewer()
COLUMNS = {"id": "id", "time": "t", "prediction": "y", "inputs": [{"name": f"x{i}", "range": [0, 1]} for i in range(8)]}


def fill(hub: Hub, events: int) -> None:
    """Leaves such as batches leave, appended at once: how they came does not matter to who verifies."""
    cursor = hub.store.cursor()
    first = trail.next_seq(cursor)
    leaves, private = [], []
    for seq in range(first, first + events):
        beside = canonical_json({"actor": "site:cloud"})
        told = {"duplicates": 0, "kept": 1000, "kind": "predictions", "model": "loan", "rows": 1000, "site": "cloud",
                "rows_root": sha256_hex(str(seq)), "sha256": sha256_hex(str(-seq))}  # fmt: skip
        leaf = canonical_json({
            "schema": trail.LEAF_SCHEMA, "seq": seq, "known_at": NOW.isoformat(timespec="microseconds") + "Z",
            "event": "batch:rows:accepted", "about": "cloud/loan:1", "details": told,
            "tables": {"batch": {"rows": 1, "root": sha256_hex(str(seq))}}, "private_sha256": sha256_hex("00" + beside),
        })  # fmt: skip
        hashed = merkle.leaf_hash(leaf.encode()).hex()
        leaves.append((seq, NOW, "batch:rows:accepted", "cloud/loan:1", leaf, hashed, None))
        private.append((seq, "00", beside))
    import pyarrow as pa

    for table, rows in (("audit_leaf", leaves), ("audit_private", private)):
        names = [row[0] for row in cursor.execute(f"DESCRIBE {table}").fetchall()]
        held = pa.table({n: pa.array(c) for n, c in zip(names, zip(*rows, strict=True), strict=True) if any(c)})
        cursor.register("arriving", held)
        cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM arriving")
        cursor.unregister("arriving")


def in_turn(sides: dict[str, Callable[[], Any]], times: int) -> dict[str, float]:
    """Median seconds of each side, taken in turn so that a noisy moment falls on all of them."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(times):
        for name, work in sides.items():
            start = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in taken.items()}


def verifying(folder: Path, events: int) -> dict[str, Any]:
    hub = hub_of(folder / "verify")
    fill(hub, events)
    leaves = [leaf.encode() for (leaf,) in hub.store.cursor().execute("SELECT leaf FROM audit_leaf").fetchall()]
    bare = merkle.root([merkle.leaf_hash(leaf) for leaf in leaves]).hex()
    found = trail.verify(hub.store.cursor())
    assert found.holds and found.root == bare, found.flaws[:3]
    taken = in_turn(
        {
            "bare": lambda: merkle.root([merkle.leaf_hash(leaf) for leaf in leaves]),
            "verify": lambda: trail.verify(hub.store.cursor()),
        },
        times=5,
    )
    hub.close()
    return {
        "events": len(leaves),
        "bare_s": round(taken["bare"], 4),
        "verify_s": round(taken["verify"], 4),
        "ratio": round(taken["verify"] / taken["bare"], 2),
    }


def hub_of(path: Path) -> Hub:
    init_hub(path, settings=f'[hub]\nclock = "{NOW.isoformat()}Z"\n')
    return open_hub(path, environ={})


@contextmanager
def without_an_event() -> Iterator[None]:
    """A store whose transactions write no more of the trail than the number that their rows carry."""

    def bare_append(connection: Any, leaves: Any) -> None:
        connection.executemany("INSERT INTO audit_leaf (seq) VALUES (?)", [[leaf.seq] for leaf in leaves])

    def nothing(connection: Any, written: Any, in_bulk: Any, digested: Any) -> Any:
        return {seq: ({}, {}) for seq in written}

    with patch.object(trail, "append", bare_append), patch.object(db, "sealed", nothing):
        yield


def event_costs(folder: Path, rows: int, times: int) -> dict[str, Any]:
    hub = hub_of(folder / "event")
    add_site(hub, OWNER, name="s")
    add_model(hub, OWNER, text=json.dumps({"name": "m", "version": "1", "columns": COLUMNS}), source="m.json")
    numbers = iter(range(10**9))

    def batch() -> None:
        number = next(numbers)
        path = folder / f"{number}.csv"
        path.write_text(made(rows, number))
        start = time.perf_counter()
        ingest(hub, OWNER, paths=[path], site="s", model="m")
        taken.append(time.perf_counter() - start)
        path.unlink()

    def site() -> None:
        start = time.perf_counter()
        add_site(hub, OWNER, name=f"site-{next(numbers)}")
        taken.append(time.perf_counter() - start)

    out = {}
    for name, work, count in (("batch", batch, times), ("site", site, times * 10)):
        sides: dict[str, list[float]] = {"with": [], "without": []}
        taken: list[float] = []
        work()
        for _ in range(count):
            taken = sides["with"]
            work()
            taken = sides["without"]
            with without_an_event():
                work()
        with_it, without = (statistics.median(sides[side]) for side in ("with", "without"))
        out[name] = {
            "with_s": round(with_it, 5),
            "without_s": round(without, 5),
            "added_ms": round((with_it - without) * 1e3, 3),
            "added": round(with_it / without - 1, 4),
        }
    hub.close()
    return {"rows": rows, **out}


def made(rows: int, number: int) -> str:
    lines = [f"r{number}-{n},2026-10-{1 + n % 28:02d},{n % 2}," + ",".join(f"0.{(n * k) % 97:02d}" for k in range(1, 9))
             for n in range(rows)]  # fmt: skip
    return "id,t,y," + ",".join(f"x{i}" for i in range(8)) + "\n" + "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        verified = verifying(Path(name), asked.events)
        costs = event_costs(Path(name), asked.rows, asked.times)
    if asked.json:
        print(json.dumps({"schema": "bailiwick/bench-trail/1", "verify": verified, "event": costs}))
    else:
        print(f"verify {verified['events']:,} events: {verified['verify_s']:.3f} s, bare {verified['bare_s']:.3f} s, "
              f"{verified['ratio']:.2f} times (within 3 promised)")  # fmt: skip
        for what in ("batch", "site"):
            found = costs[what]
            told = f"of {costs['rows']:,} rows" if what == "batch" else "alone (the smallest transaction)"
            print(f"an event adds {found['added_ms']:.2f} ms to a {what} {told}: {found['added']:+.1%}")
    return 0 if verified["ratio"] <= 3 and costs["batch"]["added"] < 0.05 else 1


if __name__ == "__main__":
    raise SystemExit(main())
