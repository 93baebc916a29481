"""The hub's DuckDB file: opened by one process, written by one writer at a time, migrated forward only.

`Store.write` spans a whole transaction with the writer's lock: under it `seq`, the index of the audit leaf that the
transaction appends, is fixed, and every row written carries it. A kill at any instant leaves the transaction whole
or not there at all. Reads use a cursor of their own and never wait for the writer.

Refused: a file that another process holds (HubLocked, with its PID), a file of a newer Bailiwick (HubTooNew).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from store import trail
from store.access import Viewer
from store.errors import BadInput, HubLocked, HubTooNew
from store.events import Event
from store.reads import Reads
from store.sealing import sealed

Connection = duckdb.DuckDBPyConnection
"""For those above who hold a transaction's connection and must not meet DuckDB itself."""


@dataclass(slots=True)
class Transaction:
    """What a write may use. `details` end up in the leaf as they stand at the end; `private` beside it, hashed."""

    connection: duckdb.DuckDBPyConnection
    seq: int
    now: datetime
    """UTC without zone: the moment everything in this transaction became known."""
    actor: str
    details: dict[str, Any] = field(default_factory=dict)
    private: dict[str, Any] = field(default_factory=dict)
    written: dict[str, list[str]] = field(default_factory=dict)
    """The digest of each record written, by table (`writes.record`); their roots end up in the leaf."""
    in_bulk: set[str] = field(default_factory=set)
    """Tables of `sealing.IN_BULK` that were written; hashed at the end."""


class Store:
    """One open hub file. Made by `open_store`; close it when done."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        *,
        path: Path | None,
        now: Callable[[], datetime],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self._writing = False
        self._random_bytes = random_bytes
        self.path = path
        self.now = now

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own to the same database, for one reader in one thread."""
        return self._connection.cursor()

    def reads(self, viewer: Viewer, as_of: int | None = None) -> Reads:
        """What this viewer may read, as it was known at `as_of` (None: now)."""
        return Reads(self.cursor(), viewer, as_of=as_of, now=self.now())

    @contextmanager
    def write(
        self, actor: str, event: Event, about: str, details: dict[str, Any] | None = None
    ) -> Iterator[Transaction]:
        """One transaction, one audit leaf. Anything raised inside rolls back everything, the leaf too."""
        with self._lock:
            if self._writing:
                raise RuntimeError("a write inside a write would need two sequence numbers")
            self._writing = True
            connection = self._connection
            connection.execute("BEGIN TRANSACTION")
            try:
                tx = Transaction(connection, trail.next_seq(connection), self.now(), actor, dict(details or {}))
                yield tx
                tables, beside = sealed(connection, tx.seq, tx.written, tx.in_bulk)
                trail.append(
                    connection,
                    seq=tx.seq,
                    known_at=tx.now,
                    event=event,
                    about=about,
                    details=tx.details,
                    tables=tables,
                    beside=beside,
                    private={"actor": actor, **tx.private},
                    salt=self._random_bytes(16).hex(),
                )
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            finally:
                self._writing = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The writer's turn: what is looked up inside still holds when a write inside begins."""
        with self._lock:
            yield

    def copy_to(self, target: Path) -> None:
        """A consistent copy of the whole database at this moment, into a file that does not exist yet."""
        quoted = str(target).replace("'", "''")
        with self._lock:
            name = self._connection.execute("SELECT current_database()").fetchall()[0][0]
            self._connection.execute(f"ATTACH '{quoted}' AS copy_of_hub")
            try:
                self._connection.execute(f'COPY FROM DATABASE "{name}" TO copy_of_hub')
            finally:
                self._connection.execute("DETACH copy_of_hub")

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def open_store(
    path: Path | None,
    *,
    now: Callable[[], datetime],
    random_bytes: Callable[[int], bytes],
    create: bool = False,
    memory: int | None = None,
    spool: Path | None = None,
) -> Store:
    """Opens (or creates) the hub's file, None for one in memory, and brings its schema up to date.

    memory: bytes that DuckDB may hold; beyond that it works in files under `spool`, which vanish when it closes.
    """
    if path is not None and not create and not path.exists():
        raise BadInput(
            f"no hub at {path.parent}: {path.name} is not there",
            advice="Make one with `bailiwick init --hub DIR`, or point --hub (or BAILIWICK_HUB) at the right folder.",
        )
    config: dict[str, Any] = {"threads": 2}
    config |= {} if memory is None else {"memory_limit": f"{memory}B"}
    config |= {} if spool is None else {"temp_directory": str(spool)}
    try:
        connection = duckdb.connect(str(path) if path else ":memory:", config=config)
    except duckdb.IOException as error:
        raise _locked(path, error) from error
    connection.execute("SET TimeZone = 'UTC'")
    _migrate(connection, now())
    return Store(connection, path=path, now=now, random_bytes=random_bytes)


def _locked(path: Path | None, error: duckdb.IOException) -> HubLocked | BadInput:
    found = re.search(r"PID (\d+)", str(error))
    if found is None:
        return BadInput(
            f"{path} cannot be opened: {error}", advice="Check the file and its permissions, or restore a backup."
        )
    return HubLocked(
        f"the hub's file {path} is in use by process {found[1]}",
        advice=f"If that is `bailiwick serve`, wait a moment and try again; else end process {found[1]}.",
        details={"pid": int(found[1])},
    )


def _migrations() -> list[tuple[int, str, str]]:
    """(number, name, SQL) of every migration that ships, in order."""
    found = []
    for entry in files("store").joinpath("migrations").iterdir():
        if entry.name.endswith(".sql"):
            number, name = entry.name.removesuffix(".sql").split("_", 1)
            found.append((int(number), name, entry.read_text()))
    return sorted(found)


def _migrate(connection: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Applies what is pending, each in the transaction that records it."""
    connection.execute("CREATE TABLE IF NOT EXISTS migration (number INTEGER, name VARCHAR, applied_at TIMESTAMP)")
    applied = {row[0] for row in connection.execute("SELECT number FROM migration").fetchall()}
    shipped = _migrations()
    if applied - {number for number, _, _ in shipped}:
        raise HubTooNew(
            f"this hub was written by a newer Bailiwick (migration {max(applied)})",
            advice="Install the version that wrote it, or a newer one.",
        )
    for number, name, sql in shipped:
        if number not in applied:
            connection.execute("BEGIN TRANSACTION")
            connection.execute(sql)
            connection.execute("INSERT INTO migration VALUES (?, ?, ?)", [number, name, now])
            connection.execute("COMMIT")
    connection.execute(files("store").joinpath("sql", "present.sql").read_text())
