"""Sums of contributions: exact, mergeable, as known at a seq, and held by the trail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import attribution_writes, trail
from store.access import Grant, Viewer
from store.attribution import ATTRIBUTION_SCHEMA, QUANTA, Contributed, contributed
from store.db import Store, open_store
from store.events import Event

DAY = datetime(2026, 10, 5)
OWNER = Viewer("owner", (Grant("admin", "*", "*"),))


@pytest.fixture
def store() -> Iterator[Store]:
    made = open_store(None, now=lambda: datetime(2026, 11, 2), random_bytes=bytes)
    yield made
    made.close()


def counted(*rows: tuple[datetime, str, int, int], grain: str = "day") -> pa.Table:
    held = [
        {"block": at, "grain": grain, "input": name, "n": n, "sum_abs": Decimal(total)} for at, name, n, total in rows
    ]
    return pa.Table.from_pylist(held, schema=ATTRIBUTION_SCHEMA)


def record(store: Store, table: pa.Table, *, site: str = "cloud") -> None:
    with store.write("owner", Event.BATCH_ROWS_ACCEPTED, "x") as tx:
        attribution_writes.attributions(tx, table, site=site, model="loan", version="1")


def record_reference(store: Store, table: pa.Table, *, since: int | None = None) -> int:
    with store.write("owner", Event.BATCH_ROWS_ACCEPTED, "x") as tx:
        attribution_writes.reference_attributions(
            tx, table, model="loan", version="1", since=tx.seq if since is None else since
        )
    return tx.seq


def test_deltas_of_a_block_are_added_and_windows_take_whole_blocks(store: Store) -> None:
    record(store, counted((DAY, "income", 2, 3 * QUANTA), (DAY + timedelta(days=1), "income", 1, QUANTA)))
    record(store, counted((DAY, "income", 2, QUANTA), (DAY, "age", 1, 7)))
    record(store, counted((DAY, "income", 10, QUANTA)), site="branch")
    reads = store.reads(OWNER)
    day = reads.attributions("loan", "1", site="cloud", start=DAY, end=DAY + timedelta(days=1)).to_pylist()
    assert [(row["input"], row["n"], int(row["sum_abs"])) for row in day] == [("age", 1, 7), ("income", 4, 4 * QUANTA)]
    assert day[0]["block_end"] == DAY + timedelta(days=1)
    half = reads.attributions("loan", "1", start=DAY, end=DAY + timedelta(hours=12))
    assert half.num_rows == 0
    merged = contributed(reads.attributions("loan", "1").to_pylist())
    assert merged["income"] == Contributed(15, 6 * QUANTA)
    assert merged["income"].mean_abs == 0.4
    earlier = contributed(store.reads(OWNER, as_of=0).attributions("loan", "1").to_pylist())
    assert earlier == {"income": Contributed(3, 4 * QUANTA)}


def test_only_sites_of_the_viewer_are_seen(store: Store) -> None:
    record(store, counted((DAY, "income", 1, 1)))
    record(store, counted((DAY, "income", 1, 1)), site="branch")
    one = Viewer("one", (Grant("data", "branch", "*"),))
    assert store.reads(one).attributions("loan", "1")["site"].to_pylist() == ["branch"]
    assert store.reads(Viewer("none", ())).attributions("loan", "1").num_rows == 0


def test_a_new_delivery_of_the_reference_replaces_the_old_one(store: Store) -> None:
    first = record_reference(store, counted((DAY, "income", 2, 4)))
    record_reference(store, counted((DAY, "income", 3, 6), (DAY, "age", 1, 1)), since=first)
    reads = store.reads(OWNER)
    assert reads.reference_attributions("loan", "1") == {"income": Contributed(5, 10), "age": Contributed(1, 1)}
    record_reference(store, counted((DAY, "income", 1, 1)))
    assert store.reads(OWNER).reference_attributions("loan", "1") == {"income": Contributed(1, 1)}
    assert store.reads(OWNER, as_of=1).reference_attributions("loan", "1")["age"] == Contributed(1, 1)
    assert store.reads(Viewer("none", ())).reference_attributions("loan", "1") == {}


@pytest.mark.parametrize("table", ["attribution", "reference_attribution"])
def test_a_changed_sum_is_found(store: Store, table: str) -> None:
    record(store, counted((DAY, "income", 2, 3)))
    record_reference(store, counted((DAY, "income", 2, 3)))
    found = [flaw.what for flaw in trail.verify(store.cursor(), data=True).flaws]
    assert found == []
    store.cursor().execute(f"UPDATE {table} SET sum_abs = 4")
    found = [flaw.what for flaw in trail.verify(store.cursor(), data=True).flaws]
    assert found == ["stored rows were changed" if table == "attribution" else "a record was changed"]
    store.cursor().execute(f"INSERT INTO {table} BY NAME SELECT 99 AS seq, 'loan' AS model")
    assert "rows without an event" in [f.what for f in trail.verify(store.cursor(), data=True).flaws]


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**30)), min_size=1))
def test_sums_are_the_same_in_any_order(rows: list[tuple[int, int]]) -> None:
    held = [{"input": "x", "n": n, "sum_abs": Decimal(total)} for n, total in rows]
    exact = Contributed(sum(n for n, _ in rows), sum(total for _, total in rows))
    assert contributed(held)["x"] == exact == contributed(reversed(held))["x"]
    if exact.n:
        assert exact.mean_abs == pytest.approx(float(Fraction(exact.sum_abs, exact.n * QUANTA)))
