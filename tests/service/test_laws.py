"""The laws of counting, whatever the order and the cut of what arrives.

Each example brings the same rows another way into a hub of its own and compares everything that was counted. Batches
arrive in any order, in parts, more than once; labels before their rows or after; restated labels in their order.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world import (
    INPUT_COLUMNS,
    NOW,
    OUTPUT_COLUMNS,
    OWNER,
    Sums,
    hub_in_memory,
    label,
    part,
    populate,
    row,
    rows_of,
    summaries,
    take,
    write_csv,
    write_lines,
)

from service.bundles import bundle_text
from service.commands.ingest import ingest
from service.commands.monitoring import monitor
from service.summarising import summarise
from service.wiring import Hub
from store.summary import SummaryBlocks

ROWS = 60
COSTLY = settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
Delivery = tuple[str, list[dict[str, Any]]]


def bring(deliveries: Sequence[Delivery], *, hub: Hub | None = None) -> Hub:
    """A hub that took these in this order; every receipt adds up."""
    made = populate(hub_in_memory()) if hub is None else hub
    with tempfile.TemporaryDirectory() as folder:
        for at, (kind, rows) in enumerate(deliveries):
            path = Path(folder) / f"{at}.csv"
            receipt = take(made, write_csv(path, rows), kind=kind)
            assert receipt["kept"] + receipt["quarantined"] + receipt["duplicates"] == receipt["rows"] == len(rows)
    return made


def cut(rows: Sequence[dict[str, Any]], chance: random.Random) -> list[list[dict[str, Any]]]:
    """The same rows in another order, in up to four pieces."""
    mixed = list(rows)
    chance.shuffle(mixed)
    places = sorted(chance.sample(range(1, len(mixed)), chance.randint(0, 3)))
    return [mixed[a:b] for a, b in zip([0, *places], [*places, len(mixed)], strict=True)]


@pytest.fixture(scope="module")
def whole() -> Sums:
    """What one file of rows and one of labels gives; the last ten rows are never labelled."""
    hub = bring([("predictions", rows_of(0, ROWS)), ("labels", [label(n) for n in range(ROWS - 10)])])
    counted = summaries(hub)
    assert {section for section, *_ in counted} == {"inputs", "outputs", "outcomes", "labelled"}
    assert {segment for _, segment, *_ in counted} == {None, "channel=web", "channel=branch"}
    return counted


@COSTLY
@given(seed=st.integers(0, 10**6))
def test_any_order_and_cut_of_rows_parts_and_labels_counts_the_same(whole: Sums, seed: int) -> None:
    chance = random.Random(seed)
    rows, labels = rows_of(0, ROWS), [label(n) for n in range(ROWS - 10)]
    if chance.random() < 0.5:
        pieces = [("predictions", piece) for piece in cut(rows, chance)]
    else:
        pieces = [("predictions", piece) for piece in cut(part(rows, INPUT_COLUMNS), chance)]
        pieces += [("predictions", piece) for piece in cut(part(rows, OUTPUT_COLUMNS), chance)]
    pieces += [("labels", piece) for piece in cut(labels, chance)]
    chance.shuffle(pieces)
    assert summaries(bring(pieces)) == whole


@COSTLY
@given(seed=st.integers(0, 10**6))
def test_labels_that_are_restated_leave_the_last_one_alone(whole: Sums, seed: int) -> None:
    chance = random.Random(seed)
    told: list[Delivery] = [("labels", piece) for piece in cut([label(n) for n in range(ROWS - 10)], chance)]
    wrong = [label(n, value=chance.randint(0, 1)) for n in chance.sample(range(ROWS - 10), 20)]
    before: list[Delivery] = [("labels", piece) for piece in cut(wrong, chance)]
    rows: list[Delivery] = [("predictions", piece) for piece in cut(rows_of(0, ROWS), chance)]
    places = sorted(chance.randint(0, len(before) + len(told)) for _ in rows)
    mixed: list[Delivery] = [*before, *told]
    for place, piece in zip(reversed(places), rows, strict=True):
        mixed.insert(place, piece)
    assert summaries(bring(mixed)) == whole


@COSTLY
@given(seed=st.integers(0, 10**6))
def test_rows_that_come_again_change_nothing(whole: Sums, seed: int) -> None:
    chance = random.Random(seed)
    pieces: list[Delivery] = [("predictions", piece) for piece in cut(rows_of(0, ROWS), chance)]
    some = sorted(chance.sample(range(ROWS), 25))
    same = [row(n) for n in some]
    changed = [row(n, income=-1, probability=0.001) for n in some]  # the first write wins
    again: list[Delivery] = [("predictions", same), ("predictions", part(same, OUTPUT_COLUMNS))]
    others: list[Delivery] = [("predictions", changed), ("predictions", part(changed, OUTPUT_COLUMNS))]
    hub = bring([*pieces, *again, *others, ("labels", [label(n) for n in range(ROWS - 10)])])
    assert summaries(hub) == whole
    receipts = hub.store.reads(OWNER).receipts(kind="predictions")
    told = [(receipt["duplicates"], receipt["reasons"].get("conflict", 0)) for receipt in receipts]
    assert told[:4] == [(0, 25), (0, 25), (25, 0), (25, 0)] and not any(map(any, told[4:]))
    held = hub.store.reads(OWNER).quarantine()
    assert len(held) == 50 and {found["reason"] for found in held} == {"conflict"}


def test_a_label_taken_back_and_given_again_counts_once(whole: Sums) -> None:
    labels = [label(n) for n in range(ROWS - 10)]
    flipped = [{**held, "repaid": 1 - held["repaid"]} for held in labels]
    turns: list[Delivery] = [("labels", labels), ("labels", flipped), ("labels", labels[::-1]), ("labels", labels[:7])]
    hub = bring([("predictions", rows_of(0, ROWS)), *turns])
    assert summaries(hub) == whole
    assert hub.store.reads(OWNER).receipts(kind="labels")[0]["duplicates"] == 7


# -- as of ----------------------------------------------------------


def seen(hub: Hub, seq: int) -> dict[str, Any]:
    """Everything that a reader could hold on to, as of a seq."""
    reads = hub.store.reads(OWNER, seq)
    site = [{k: v for k, v in held.items() if k not in ("hours_silent", "fresh")} for held in reads.sites()]
    return {
        "counts": summaries(hub, as_of=seq),
        "results": reads.results(),
        "history": reads.results(history=True),
        "alerts": reads.alerts(),
        "receipts": reads.receipts(),
        "quarantine": reads.quarantine(),
        "sites": site,
        "models": reads.models(),
        "coverage": reads.coverage("loan", "1", NOW.replace(month=9), NOW),
        "events": reads.events(),
        "root": reads.root(),
        "ledger": reads.ledger(),
    }


@settings(COSTLY, max_examples=1)
@given(seed=st.integers(0, 10**6))
def test_as_of_s_never_changes_after_s(seed: int) -> None:
    chance = random.Random(seed)
    pieces: list[Delivery] = [("predictions", piece) for piece in cut(rows_of(0, 160), chance)]
    pieces += [("labels", piece) for piece in cut([label(n) for n in range(100)], chance)]
    chance.shuffle(pieces)
    hub = populate(hub_in_memory())
    kept: dict[int, dict[str, Any]] = {}
    for piece in pieces:
        bring([piece], hub=hub)
        if chance.random() < 0.5:
            monitor(hub, OWNER)
        seq = hub.store.reads(OWNER).seq
        kept[seq] = seen(hub, seq)
    monitor(hub, OWNER)
    for seq, then in kept.items():
        now = seen(hub, seq)
        assert [name for name in then if now[name] != then[name]] == []


# -- the same again ----------------------------------------------------------


def everything(hub: Hub) -> dict[str, list[Any]]:
    cursor = hub.store.cursor()
    names = [
        name for (name,) in cursor.execute("SELECT table_name FROM duckdb_tables() WHERE NOT temporary").fetchall()
    ]
    return {name: cursor.execute(f'SELECT * FROM "{name}" ORDER BY ALL').fetchall() for name in names}


@pytest.mark.parametrize("kind", ["predictions", "labels", "reference"])
def test_the_same_batch_again_changes_nothing(tmp_path: Path, kind: str) -> None:
    hub = bring([("predictions", rows_of(0, 40))])
    content = [label(n) for n in range(30)] if kind == "labels" else rows_of(20, 60)
    path = write_lines(tmp_path / "batch.jsonl", [*content, "{broken"])
    first = take(hub, path, kind=kind)
    assert first["quarantined"] == 1 and first["repeated"] is False
    before = everything(hub)
    again = take(hub, path.rename(tmp_path / "under another name.jsonl"), kind=kind)
    assert again["repeated"] is True and everything(hub) == before
    same = {name for name in first if name not in ("repeated",)}
    assert {name: again[name] for name in same - {"first_event", "last_event"}} == {
        name: first[name] for name in same - {"first_event", "last_event"}
    }


# -- merging ----------------------------------------------------------

CELLS = st.lists(st.integers(-(2**40), 2**40), min_size=3, max_size=3)
BLOCKS = st.lists(st.tuples(st.integers(0, 9), CELLS), min_size=1, max_size=12)


def blocks_of(drawn: Sequence[tuple[int, list[int]]]) -> SummaryBlocks:
    start = np.datetime64("2026-01-01", "us")
    starts = start + np.array([day for day, _ in drawn]) * np.timedelta64(1, "D")
    counts = np.array([cells for _, cells in drawn], dtype=np.int64)
    ends = starts + np.timedelta64(1, "D")
    return SummaryBlocks("a", "inputs", None, starts, ends, counts, np.zeros(len(drawn)))


def total(drawn: Sequence[tuple[int, list[int]]], first: int, last: int) -> list[int]:
    day: Callable[[int], Any] = lambda at: (np.datetime64("2026-01-01", "us") + np.timedelta64(at, "D")).item()  # noqa: E731
    found: list[int] = blocks_of(drawn).between(day(first), day(last))[0].tolist()
    return found


@given(BLOCKS, st.randoms(use_true_random=False), st.integers(0, 10), st.integers(0, 10))
def test_merging_is_exact_commutative_and_associative(drawn: Any, chance: random.Random, a: int, b: int) -> None:
    first, last = min(a, b), max(a, b)
    expected = [sum(cells[at] for day, cells in drawn if first <= day < last) for at in range(3)]
    assert total(drawn, first, last) == expected
    mixed = list(drawn)
    chance.shuffle(mixed)
    assert total(mixed, first, last) == expected
    middle = (first + last) // 2
    assert [x + y for x, y in zip(total(drawn, first, middle), total(drawn, middle, last), strict=True)] == expected
    at = chance.randint(0, len(mixed))
    sides = [total(side, first, last) if side else [0, 0, 0] for side in (mixed[:at], mixed[at:])]
    assert [x + y for x, y in zip(*sides, strict=True)] == expected


# -- counts instead of rows ----------------------------------------------------------


@settings(COSTLY, max_examples=2)
@given(seed=st.integers(0, 10**6))
def test_a_site_that_counts_sends_what_its_rows_would_have_given(seed: int) -> None:
    chance = random.Random(seed)
    rows, labels = rows_of(0, 120), [label(n) for n in range(90)]
    pieces = cut(rows, chance)
    hub = populate(hub_in_memory(), sites=(("cloud", "rows"), ("branch", "counts")))
    bring([("predictions", rows), ("labels", labels)], hub=hub)
    reads = hub.store.reads(OWNER)
    file, spec = reads.model_file("loan", "1"), reads.spec("loan", "1")
    assert file is not None and spec is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [write_csv(folder / f"{at}.csv", piece) for at, piece in enumerate(pieces)]
        outcomes = [write_csv(folder / "labels.csv", labels)]
        made = summarise(hub, OWNER, paths, labels=outcomes, file=file, spec=spec, site="branch", sharing="counts")
        bundle = folder / "bundle.json"
        bundle.write_text(bundle_text(made), encoding="utf-8")
        receipt = ingest(hub, OWNER, paths=[bundle], site="branch", kind="summaries")["receipts"][0]
    assert summaries(hub, site="branch") == summaries(hub, site="cloud")
    assert (receipt["rows"], receipt["kept"]) == (120, 120)
    text = bundle_text(made)
    assert not any(secret in text for secret in ("r00001", "C001", "boat"))
