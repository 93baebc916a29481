"""`audit verify --data`: whatever is changed behind the trail's back in rows, counts, receipts or results is named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import world
from world import OWNER, hub_in_memory, label, populate, rows_of, take, write_csv

from service.commands.inspection import verify_audit
from service.commands.monitoring import monitor
from service.wiring import Hub
from store import trail
from store.batch_rows import batch_digests
from store.digest import STRETCH


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Two batches of rows, one of labels, and a run of the monitors; the first batch has more than one stretch."""
    folder = tmp_path_factory.mktemp("data")
    hub = populate(hub_in_memory())
    take(hub, write_csv(folder / "a.csv", rows_of(0, STRETCH + 40)))
    take(hub, write_csv(folder / "b.csv", rows_of(STRETCH + 40, STRETCH + 80)))
    take(hub, write_csv(folder / "labels.csv", [label(n) for n in range(200)]), kind="labels")
    assert monitor(hub, OWNER)["results"] > 0
    yield hub
    hub.close()


def after(hub: Hub, *statements: str) -> list[trail.Flaw]:
    """The flaws once these statements were run; then everything is as it was."""
    cursor = hub.store.cursor()
    cursor.execute("BEGIN")
    try:
        for statement in statements:
            cursor.execute(statement)
        return list(trail.verify(cursor, data=True).flaws)
    finally:
        cursor.execute("ROLLBACK")


def test_an_untouched_hub_holds(built: Hub) -> None:
    told = verify_audit(built, OWNER, data=True)
    assert told["holds"] and told["flaws"] == []
    assert told["checked"]["batches"] == 3 and told["checked"]["leaves"] == told["size"]
    assert told["checked"]["tables"] >= 16  # every table of the record, also those that a hub does not use yet


def test_an_edited_row_is_named_by_batch_and_range(built: Hub) -> None:
    flaws = after(built, f"UPDATE rows_1_1 SET x0 = x0 + 1 WHERE id = 'r{STRETCH + 3:05d}'")
    assert [flaw.what for flaw in flaws] == ["stored rows were changed"]
    where = flaws[0].where
    assert where.startswith(f"rows {STRETCH + 1} to {STRETCH + 40} of batch batch_")
    assert "of site cloud (a.csv, event 2)" in where and where.endswith(f"ids r{STRETCH:05d} to r{STRETCH + 39:05d}")


@pytest.mark.parametrize(
    "column", ["id", "event_time", "part", "x0", "x1", "prediction", "score", "g0", "s0", "person", "n"]
)
def test_no_column_of_a_row_can_be_changed(built: Hub, column: str) -> None:
    value = {
        "event_time": "event_time + INTERVAL 1 SECOND",
        "n": "n + 100000",
        "part": "1",
        "x0": "NULL",
        "score": "0.123",
    }
    flaws = after(
        built, f"UPDATE rows_1_1 SET {column} = {value.get(column, chr(39) + 'z' + chr(39))} WHERE id = 'r00003'"
    )
    assert {flaw.what for flaw in flaws} == {"stored rows were changed"}


def test_added_and_removed_rows_are_found(built: Hub) -> None:
    added = after(built, "INSERT INTO rows_1_1 SELECT * REPLACE ('r99999' AS id) FROM rows_1_1 WHERE id = 'r00003'")
    assert [(flaw.what, flaw.expected, flaw.found) for flaw in added] == [
        ("rows of a batch were added or removed", f"{STRETCH + 40} rows", f"{STRETCH + 41} rows")
    ]
    removed = after(built, "DELETE FROM rows_1_1 WHERE id = 'r01070'")
    assert [flaw.what for flaw in removed] == ["rows of a batch were added or removed"]


@pytest.mark.parametrize("seq", [0, 777])
def test_rows_that_no_batch_brought_are_found(built: Hub, seq: int) -> None:
    stray = f"INSERT INTO rows_1_1 SELECT * REPLACE ({seq} AS seq) FROM rows_1_1 WHERE id = 'r00003'"
    assert [flaw.what for flaw in after(built, stray)] == ["rows without a batch"]


def test_a_batch_taken_out_whole_is_found(built: Hub) -> None:
    statements = [f"DELETE FROM {table} WHERE seq = 3" for table in ("rows_1_1", "batch", "summary")]
    whats = {flaw.what for flaw in after(built, *statements)}
    assert whats == {"records are gone", "rows were added or removed"}


@pytest.mark.parametrize("column", ["quarantined", "duplicates", "rows"])
def test_an_edited_receipt_is_found(built: Hub, column: str) -> None:
    flaws = after(built, f"UPDATE batch SET {column} = {column} + 1 WHERE seq = 3")
    assert [flaw.what for flaw in flaws] == ["a record was changed"]
    assert "table batch, event 3: batch batch_" in flaws[0].where


def test_rows_and_digests_changed_together_are_found(built: Hub) -> None:
    cursor = built.store.cursor()
    cursor.execute("BEGIN")
    cursor.execute("UPDATE rows_1_1 SET x0 = 1 WHERE id = 'r00003'")
    cursor.execute("UPDATE batch SET digests = ? WHERE seq = 2", [batch_digests(cursor, "rows_1_1", 2)])
    whats = [flaw.what for flaw in trail.verify(cursor, data=True).flaws]
    cursor.execute("ROLLBACK")
    assert whats == ["a record was changed", "the digests of a batch are not those of its leaf"]


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE batch SET digests = ['zz'] WHERE seq = 2",
        "UPDATE batch SET digests = NULL WHERE seq = 2",
        "UPDATE batch SET table_name = 'x\"; DROP TABLE batch' WHERE seq = 2",
        "UPDATE batch SET kept = NULL WHERE seq = 2",
        "DROP TABLE rows_1_1",
        "DROP TABLE labels_1",
        "DELETE FROM row_table",
        "DELETE FROM batch",
        "DROP TABLE summary",
        "DROP TABLE batch",
        "ALTER TABLE batch DROP COLUMN kept",
        "ALTER TABLE site_version DROP COLUMN title",
    ],
)
def test_whatever_stands_in_the_tables_is_told_and_never_a_crash(built: Hub, edit: str) -> None:
    assert after(built, edit)


def test_edited_counts_are_found(built: Hub) -> None:
    edits = (
        "UPDATE summary SET counts = list_transform(counts, lambda c: c + 1) WHERE seq = 3 AND section = 'outcomes'",
        "UPDATE summary SET block = block + INTERVAL 1 DAY WHERE seq = 3 AND section = 'outcomes'",
        "UPDATE summary SET variance = 4 WHERE seq = 3",
    )
    for edit in edits:
        (flaw,) = after(built, edit)
        assert flaw.what == "stored rows were changed" and "table summary, event 3: rows 1 to" in flaw.where, edit
    (flaw,) = after(built, "DELETE FROM summary WHERE seq = 3 AND section = 'inputs'")
    assert flaw.what == "rows were added or removed" and flaw.where == "table summary, event 3"
    stray = "INSERT INTO summary SELECT * REPLACE (1 AS seq) FROM summary WHERE seq = 3"
    assert [flaw.what for flaw in after(built, stray)] == ["rows without an event"]


def test_edited_results_are_found(built: Hub) -> None:
    edits = (
        "UPDATE result SET status = 'within' WHERE status = 'outside'",
        "UPDATE result SET value = value + 1e-9 WHERE id = (SELECT min(id) FROM result WHERE value IS NOT NULL)",
        "UPDATE result SET limit_value = 0.7 WHERE monitor = 'fairness'",
    )
    for edit in edits:
        (flaw,) = after(built, edit)
        assert flaw.what == "stored rows were changed" and "table result, event" in flaw.where, edit
        assert "id result_" in flaw.where
    removed = after(built, "DELETE FROM result WHERE id = (SELECT min(id) FROM result)")
    assert [flaw.what for flaw in removed] == ["rows were added or removed"]
    stray = "INSERT INTO result SELECT * REPLACE (1 AS seq) FROM result LIMIT 1"
    assert [flaw.what for flaw in after(built, stray)] == ["rows without an event"]


def test_a_hub_read_as_of_earlier_is_checked_whole(built: Hub) -> None:
    assert built.store.reads(OWNER, 1).verify_trail(data=True).size == built.store.reads(OWNER).seq + 1
    assert built.now() == world.NOW
