"""`verify` finds whatever was done to a leaf or to what stands beside it; erasing what is personal is no flaw."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from store import merkle, trail
from store.access import Grant, Viewer
from store.canonical import canonical_json
from store.db import Store, open_store
from store.events import Event

NOW = datetime(2026, 11, 2, 3)
ADMIN = Viewer("anna", (Grant("admin"),))


@pytest.fixture
def store() -> Store:
    made = open_store(None, now=lambda: NOW, random_bytes=lambda count: b"\x07" * count)
    for at in range(5):
        with made.write(f"anna{at}", Event.SITE_RECORD_ADDED, f"site-{at}", {"at": at}) as tx:
            tx.private["reason"] = f"because {at}"
    return made


def found(store: Store) -> list[str]:
    return [flaw.what for flaw in trail.verify(store.cursor(), data=True).flaws]


def rehash(store: Store, seq: int, document: dict[str, object]) -> None:
    """A careful forger: the leaf stays canonical and gets the hash that belongs to it."""
    leaf = canonical_json(document)
    values = [leaf, merkle.leaf_hash(leaf.encode()).hex(), seq]
    store.cursor().execute("UPDATE audit_leaf SET leaf = ?, leaf_hash = ? WHERE seq = ?", values)


def leaf(store: Store, seq: int) -> dict[str, object]:
    held = store.cursor().execute("SELECT leaf FROM audit_leaf WHERE seq = ?", [seq]).fetchall()[0][0]
    document: dict[str, object] = json.loads(held)
    return document


def test_an_untouched_trail_holds(store: Store) -> None:
    checked = trail.verify(store.cursor(), data=True)
    assert checked.holds and checked.size == 5 and checked.root == store.reads(ADMIN).root()
    assert checked.as_json()["signature"]["state"] == "unsigned" and checked.integrity == "intact"


def test_no_name_and_no_reason_stands_in_a_leaf(store: Store) -> None:
    texts = store.cursor().execute("SELECT string_agg(leaf, '') FROM audit_leaf").fetchall()[0][0]
    assert "anna" not in texts and "because" not in texts
    assert [event["reason"] for event in store.reads(ADMIN).events(limit=2)] == ["because 4", "because 3"]


def test_an_edited_leaf_is_found(store: Store) -> None:
    store.cursor().execute("""UPDATE audit_leaf SET leaf = replace(leaf, '"at":2', '"at":3') WHERE seq = 2""")
    assert found(store) == ["a leaf does not have its hash"]
    assert "event 2 (site:record:added site-2)" in trail.verify(store.cursor()).flaws[0].where


def test_a_leaf_rewritten_with_its_hash_moves_the_root(store: Store) -> None:
    before = store.reads(ADMIN).root()
    rehash(store, 2, {**leaf(store, 2), "details": {"at": 3}})
    checked = trail.verify(store.cursor())
    assert checked.holds and checked.root != before  # only a checkpoint kept elsewhere tells: the docstring says so


def test_columns_that_say_something_else_are_found(store: Store) -> None:
    store.cursor().execute("UPDATE audit_leaf SET about = 'site-9' WHERE seq = 1")
    assert found(store) == ["a leaf does not say what its columns say"]


def test_a_deleted_leaf_is_found(store: Store) -> None:
    store.cursor().execute("DELETE FROM audit_leaf WHERE seq = 2")
    flaws = trail.verify(store.cursor()).flaws
    assert flaws and flaws[0].what == "the sequence has a gap" and flaws[0].where == "before event 3"


def test_reordered_leaves_are_found(store: Store) -> None:
    store.cursor().execute("UPDATE audit_leaf SET seq = CASE seq WHEN 1 THEN 3 ELSE 1 END WHERE seq IN (1, 3)")
    assert "a leaf does not say what its columns say" in found(store)


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"seq": 1}', '"x"'])
def test_a_leaf_that_is_no_leaf_is_a_flaw_and_not_a_crash(store: Store, text: str) -> None:
    store.cursor().execute("UPDATE audit_leaf SET leaf = ? WHERE seq = 1", [text])
    assert "a leaf is not canonical JSON" in found(store)


def test_another_actor_beside_a_leaf_is_found(store: Store) -> None:
    store.cursor().execute("UPDATE audit_private SET private = replace(private, 'anna1', 'ben') WHERE seq = 1")
    assert found(store) == ["what stands beside a leaf was changed"]


def test_another_salt_is_found(store: Store) -> None:
    store.cursor().execute("UPDATE audit_private SET salt = 'ff' WHERE seq = 1")
    assert found(store) == ["what stands beside a leaf was changed"]


def test_erasing_what_is_personal_is_no_flaw(store: Store) -> None:
    before = store.reads(ADMIN).root()
    store.cursor().execute("DELETE FROM audit_private WHERE seq = 1")
    assert found(store) == [] and store.reads(ADMIN).root() == before
    assert store.reads(ADMIN).events()[3]["actor"] is None


def test_a_trail_that_lies_in_another_order_is_the_same_trail(store: Store) -> None:
    before = store.reads(ADMIN).root()
    cursor = store.cursor()
    cursor.execute("CREATE TEMP TABLE held AS SELECT * FROM audit_leaf")
    cursor.execute("DELETE FROM audit_leaf")
    cursor.execute("INSERT INTO audit_leaf SELECT * FROM held ORDER BY seq DESC")
    checked = trail.verify(cursor, data=True)
    assert checked.holds and checked.root == before


def test_what_stands_beside_twice_or_beside_nothing_is_found(store: Store) -> None:
    store.cursor().execute("INSERT INTO audit_private SELECT * FROM audit_private WHERE seq = 1")
    assert found(store) == ["something stands twice beside a leaf"]
    store.cursor().execute("UPDATE audit_private SET seq = 9 WHERE seq = 4")
    assert found(store)[-1] == "something stands beside no leaf"


@pytest.mark.parametrize("value", ["NULL", "''", "'nul'", "'[1]'"])
def test_whatever_stands_for_a_leaf_is_told(store: Store, value: str) -> None:
    for column in ("leaf", "leaf_hash", "event", "about", "seq", "known_at"):
        cursor = store.cursor()
        cursor.execute("BEGIN")
        other = {"seq": "7", "known_at": "NULL"}.get(column, value)
        cursor.execute(f"UPDATE audit_leaf SET {column} = {other} WHERE seq = 2")
        assert not trail.verify(cursor, data=True).holds, column
        cursor.execute("ROLLBACK")
