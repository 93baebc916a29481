"""The first write wins, the same again is a duplicate, the same id with other values a conflict; in any cut."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import rows
from store.db import Transaction
from store.repeats import Conflict, drop_repeats, settle
from store.row_shape import RowShape

AT = datetime(2026, 10, 5)
RECEIVED = datetime(2026, 11, 2)
SHAPE = RowShape(
    inputs=("income", "job"),
    types=("number", "category"),
    prediction="category",
    score=True,
    groups=("sex",),
    segments=("channel",),
)
NAMES = {"id": "loan_id", "event_time": "at", "x0": "income", "x1": "job", "prediction": "approved", "person": "who"}
TYPES = {"n": pa.int64(), "event_time": pa.timestamp("us"), "part": pa.uint8(), "x0": pa.float64()}
TYPES |= {"score": pa.float64(), "seq": pa.int64()}
COLUMNS = ("n", "id", "event_time", "part", "x0", "x1", "prediction", "score", "g0", "s0", "person")
Row = dict[str, Any]


class World:
    """A table of rows, and batches that arrive in it."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(":memory:")
        self.connection.execute(
            "CREATE TABLE row_table (seq BIGINT, name VARCHAR, role VARCHAR, model VARCHAR, version VARCHAR, "
            "columns VARCHAR)"
        )
        tx = Transaction(self.connection, 0, datetime(2026, 11, 2), "anna")
        self.table = rows.ensure_table(tx, number=1, model="loan", version="1", role="rows", shape=SHAPE)
        self.seq = 0

    def take(self, *batches: Sequence[Row], unique: bool = False) -> tuple[list[int], list[Conflict]]:
        """Batches that are settled together; gives kept rows of each, and the conflicts."""
        first = self.seq + 1
        self.seq += len(batches)
        held = [
            {**dict.fromkeys(COLUMNS), **row, "n": n, "seq": first + at, "site": row.get("site", "cloud")}
            for at, batch in enumerate(batches)
            for n, row in enumerate(batch)
        ]
        schema = pa.schema([(name, TYPES.get(name, pa.string())) for name in ("seq", "site", *COLUMNS)])
        rows.stage(self.connection, pa.Table.from_pylist(held, schema=schema), SHAPE, seq=first, site="cloud")
        received = {first + at: RECEIVED + timedelta(seconds=at) for at in range(len(batches))}
        options: dict[str, Any] = {"names": NAMES, "horizon": timedelta(days=35), "unique": unique}
        found = settle(self.connection, self.table, SHAPE, received=received, **options) or []
        drop_repeats(self.connection)
        rows.append_staged(self.connection, self.table, SHAPE)
        kept = dict(self.connection.execute("SELECT seq, count(*) FROM staged GROUP BY seq").fetchall())
        return [kept.get(first + at, 0) for at in range(len(batches))], found

    def known(self) -> set[tuple[Any, ...]]:
        """What was told first of each part: (id, part, values)."""
        out: set[tuple[Any, ...]] = set()
        for id_, part, x0, x1, y in self.connection.execute(
            f"SELECT id, part, x0, x1, prediction FROM {self.table}"
        ).fetchall():
            out |= {(id_, 1, x0, x1)} if part & 1 else set()
            out |= {(id_, 2, y)} if part & 2 else set()
        return out


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.connection.close()


def row(id_: str = "a", part: int = 3, **other: Any) -> Row:
    inputs = {"x0": 1.0, "x1": "clerk", "g0": "F", "s0": "web", "person": "hash"} if part & 1 else {}
    outputs = {"prediction": "1", "score": 0.5} if part & 2 else {}
    return {"id": id_, "part": part, "event_time": AT, **inputs, **outputs, **other}


def test_the_same_again_is_no_conflict(world: World) -> None:
    assert world.take([row()]) == ([1], [])
    assert world.take([row(), row()]) == ([0], [])
    assert world.take([row(part=1)], [row(part=2)]) == ([0, 0], [])


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"x0": 2.5}, "income was 1, is now 2.5"),
        ({"x1": None}, "job was clerk, is now missing"),
        ({"prediction": "0"}, "approved was 1, is now 0"),
        ({"score": math.nextafter(0.5, 1)}, "score was 0.5, is now 0.5000000000000001"),
        ({"g0": "M"}, "g0 was F, is now M"),
        ({"person": "other hash"}, "who differs"),
        ({"event_time": AT + timedelta(seconds=1)}, "at was 2026-10-05T00:00:00Z, is now 2026-10-05T00:00:01Z"),
        ({"x1": "x" * 99}, f"job was clerk, is now {'x' * 39}…"),
    ],
)
@pytest.mark.parametrize("together", [False, True])
def test_what_differs_is_told(world: World, other: Row, told: str, together: bool) -> None:
    changed = row(**other)
    if together:
        kept, found = world.take([row(), changed])
        where = "earlier in the same batch"
    else:
        world.take([row()])
        kept, found = world.take([changed])
        where = "in event 1"
    assert sum(kept) == int(together) and len(found) == 1
    assert found[0].expected == f'row "a" as first told {where}: {told}'
    assert "hash" not in found[0].row.decode()
    document = json.loads(found[0].row)
    assert document["loan_id"] == "a" and document["income"] == changed["x0"] and document["job"] == changed["x1"]


def test_many_differences_are_counted(world: World) -> None:
    world.take([row()])
    changed = row(x0=2.0, x1="cook", prediction="0", score=0.1, g0="M", s0="branch", person="other")
    (found,) = world.take([changed])[1]
    assert found.expected.endswith("; 2 more columns differ") and found.expected.count(" was ") == 4


@pytest.mark.parametrize(("first", "again"), [(0.0, -0.0), (-0.0, 0.0), (None, None), (math.nan, math.nan)])
@pytest.mark.parametrize("together", [False, True])
def test_values_that_are_the_same(world: World, first: Any, again: Any, together: bool) -> None:
    batches = [[row(x0=first), row(x0=again)]] if together else [[row(x0=first)], [row(x0=again)]]
    assert [world.take(batch)[1] for batch in batches] == [[]] * len(batches)
    assert world.connection.execute(f"SELECT count(*) FROM {world.table}").fetchall() == [(1,)]


def test_infinity_is_shown_as_text(world: World) -> None:
    world.take([row()])
    (found,) = world.take([row(x0=math.inf)])[1]
    assert json.loads(found.row)["income"] == "inf"


def test_a_whole_row_after_one_half(world: World) -> None:
    world.take([row(part=1)])
    kept, found = world.take([row(x0=9.0)])
    assert kept == [0] and "income was 1," in found[0].expected
    assert world.take([row()]) == ([1], [])
    assert world.known() == {("a", 1, 1.0, "clerk"), ("a", 2, "1")}


def test_what_was_set_aside_does_not_count_as_told(world: World) -> None:
    world.take([row(part=1)])
    kept, found = world.take([row(x0=9.0, prediction="0"), row(part=2, prediction="1")])
    assert kept == [1] and len(found) == 1
    assert ("a", 2, "1") in world.known()


def test_a_row_without_a_time_of_its_own_does_not_differ_in_it(world: World) -> None:
    world.take([row()])
    assert world.take([row(event_time=RECEIVED)]) == ([0], [])
    kept, found = world.take([row(event_time=RECEIVED + timedelta(seconds=1))], [row(event_time=RECEIVED)])
    assert kept == [0, 0] and [conflict.seq for conflict in found] == [3, 4]


def test_beyond_the_horizon_and_at_another_site_an_id_is_a_new_one(world: World) -> None:
    world.take([row()])
    assert world.take([row(x0=2.0, site="south"), row(x0=3.0, event_time=AT + timedelta(days=36))]) == ([2], [])


def test_rows_with_derived_ids_are_not_looked_at_twice(world: World) -> None:
    assert world.take([row("a"), row("b")], unique=True) == ([2], [])
    assert world.take([row("a"), row("b", x0=2.0)], unique=True)[0] == [0]


# -- the law ---------------------------------------------------------------

ROWS = st.lists(
    st.builds(
        lambda id_, part, x0, x1, y: row(id_, part, **({"x0": x0, "x1": x1} if part & 1 else {}), **y_of(part, y)),
        st.sampled_from("abc"),
        st.sampled_from((1, 2, 3)),
        st.sampled_from((1.0, 2.0, None)),
        st.sampled_from(("clerk", None)),
        st.sampled_from(("0", "1")),
    ),
    min_size=1,
    max_size=14,
)


def y_of(part: int, y: str) -> Row:
    return {"prediction": y} if part & 2 else {}


def one_by_one(told: Sequence[Row]) -> tuple[list[str], set[tuple[Any, ...]]]:
    """What the law says, a row at a time: the fate of each, and what is known in the end."""
    known: dict[tuple[str, int], tuple[Any, ...]] = {}
    fates = []
    for found in told:
        values = {1: (found.get("x0"), found.get("x1")), 2: (found.get("prediction"),)}
        keys = [(found["id"], bit) for bit in (1, 2) if found["part"] & bit]
        if any(key in known and known[key] != values[key[1]] for key in keys):
            fates.append("conflict")
            continue
        new = [key for key in keys if key not in known]
        known |= {key: values[key[1]] for key in new}
        fates.append("kept" if new else "duplicate")
    return fates, {(*key, *value) for key, value in known.items()}


@given(told=ROWS, data=st.data())
def test_any_cut_gives_what_one_row_at_a_time_gives(told: list[Row], data: st.DataObject) -> None:
    places = sorted(data.draw(st.lists(st.integers(0, len(told)), max_size=3)))
    batches = [told[a:b] for a, b in zip([0, *places], [*places, len(told)], strict=True)]
    joints = sorted(data.draw(st.lists(st.integers(0, len(batches)), max_size=2)))
    fates, known = one_by_one(told)
    world = World()
    kept: list[int] = []
    conflicts = 0
    for a, b in zip([0, *joints], [*joints, len(batches)], strict=True):
        if batches[a:b]:
            own, found = world.take(*batches[a:b])
            kept += own
            conflicts += len(found)
    expected, at = [], 0
    for batch in batches:
        expected.append(fates[at : at + len(batch)].count("kept"))
        at += len(batch)
    assert (kept, conflicts, world.known()) == (expected, fates.count("conflict"), known)
    world.connection.close()
