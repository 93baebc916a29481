"""One file, one writer, one leaf a transaction; what is raised leaves nothing; a second process is told who has it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from store.access import Grant, Viewer
from store.db import Store, open_store
from store.errors import BadInput, HubLocked, HubTooNew
from store.events import Event
from store.writes import token

NOW = datetime(2026, 11, 2, 3)
ADMIN = Viewer("a", (Grant("admin"),))


def opened(path: Path | None, *, create: bool = False) -> Store:
    return open_store(path, now=lambda: NOW, random_bytes=lambda count: b"\x01" * count, create=create)


def write_token(store: Store, name: str) -> int:
    with store.write("a", Event.SITE_TOKEN_ISSUED, "north") as tx:
        token(tx, token=name, site="north", token_sha256=name)
    return tx.seq


def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "hub.duckdb"
    store = opened(path, create=True)
    assert [write_token(store, name) for name in ("one", "two")] == [0, 1]
    store.close()
    again = opened(path)
    reads = again.reads(ADMIN)
    assert reads.seq == 1 and reads.token_site("one") == "north"
    assert [(event["seq"], event["actor"]) for event in reads.events()] == [(1, "a"), (0, "a")]
    assert reads.verify_trail(data=True).holds
    again.close()


def test_migrations_are_recorded_once(tmp_path: Path) -> None:
    path = tmp_path / "hub.duckdb"
    opened(path, create=True).close()
    opened(path).close()
    with duckdb.connect(str(path)) as connection:
        rows = connection.execute("SELECT number, name, applied_at FROM migration ORDER BY number").fetchall()
    assert rows[0] == (1, "the_record", NOW)
    assert len({row[0] for row in rows}) == len(rows)


def test_a_newer_hub_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "hub.duckdb"
    opened(path, create=True).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO migration VALUES (9999, 'later', now()::TIMESTAMP)")
    before = path.read_bytes()
    with pytest.raises(HubTooNew, match="migration 9999"):
        opened(path)
    assert path.read_bytes() == before
    with duckdb.connect(str(path)) as connection:  # the refusal let go of the file
        connection.execute("DELETE FROM migration WHERE number = 9999")
    opened(path).close()


def test_no_file_is_made_where_none_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no hub at"):
        opened(tmp_path / "hub.duckdb")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_database_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "hub.duckdb"
    path.write_bytes(b"not a database at all, whatever its name says" * 200)
    with pytest.raises(BadInput, match="cannot be opened"):
        opened(path)


def test_a_second_process_names_the_one_that_has_it(tmp_path: Path) -> None:
    path = tmp_path / "hub.duckdb"
    code = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "open\n"
        with pytest.raises(HubLocked) as caught:
            opened(path, create=True)
        assert caught.value.details == {"pid": holder.pid} and str(holder.pid) in caught.value.advice
        holder.communicate("")
    opened(path, create=True).close()


def test_what_is_raised_leaves_no_leaf_and_no_row() -> None:
    store = opened(None)
    write_token(store, "kept")

    def lost(details: dict[str, float], error: Exception | None) -> None:
        with store.write("a", Event.SITE_TOKEN_ISSUED, "north") as tx:
            token(tx, token="lost", site="north", token_sha256="lost")
            tx.details |= details
            if error:
                raise error

    with pytest.raises(KeyError):
        lost({}, KeyError("on the way"))
    with pytest.raises(ValueError, match="JSON"):  # the leaf cannot be made: nothing else may stay
        lost({"bad": float("nan")}, None)
    cursor = store.cursor()
    assert cursor.execute("SELECT token FROM token_version").fetchall() == [("kept",)]
    assert cursor.execute("SELECT count(*) FROM audit_leaf").fetchall() == [(1,)]
    assert write_token(store, "next") == 1


def test_a_write_inside_a_write_is_a_mistake() -> None:
    store = opened(None)

    def nested() -> None:
        with store.write("a", Event.SITE_TOKEN_ISSUED, "x"):
            write_token(store, "inner")

    with pytest.raises(RuntimeError, match="two sequence numbers"):
        nested()
    assert write_token(store, "after") == 0


def in_threads(count: int, work: Callable[[int], None]) -> None:
    failed: list[BaseException] = []

    def guarded(at: int) -> None:
        try:
            work(at)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(at,)) for at in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_writers_in_threads_get_a_seq_each_while_readers_read() -> None:
    store = opened(None)
    seqs: list[int] = []
    seen: list[int] = []

    def work(at: int) -> None:
        for turn in range(10):
            if at % 2:
                reads = store.reads(ADMIN)
                seen.append(reads.seq)
                assert len(reads.events()) == reads.seq + 1
            else:
                seqs.append(write_token(store, f"{at}-{turn}"))

    in_threads(6, work)
    assert sorted(seqs) == list(range(30))
    assert store.reads(ADMIN).verify_trail().holds and seen


def test_a_copy_holds_what_the_store_holds(tmp_path: Path) -> None:
    store = opened(None)
    write_token(store, "one")
    store.copy_to(tmp_path / "o'copy.duckdb")
    write_token(store, "two")
    copy = opened(tmp_path / "o'copy.duckdb")
    assert copy.reads(ADMIN).seq == 0 and copy.reads(ADMIN).verify_trail(data=True).holds
    copy.close()


def test_what_does_not_fit_in_memory_goes_through_the_spool_and_leaves_nothing(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    store = open_store(
        tmp_path / "hub.duckdb",
        now=lambda: NOW,
        random_bytes=lambda count: b"\x01" * count,
        create=True,
        memory=64 << 20,
        spool=spool,
    )
    cursor = store.cursor()
    cursor.execute("CREATE TEMP TABLE much AS SELECT hash(range) AS a, hash(range + 1) AS b FROM range(8_000_000)")
    assert cursor.execute("SELECT count(*) FROM much").fetchall() == [(8_000_000,)]
    assert any(spool.iterdir())
    cursor.close()
    store.close()
    assert not spool.exists() or not any(spool.iterdir())
