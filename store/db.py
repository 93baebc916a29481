"""The hub's DuckDB file: opened by one process, written by one writer at a time, migrated forward only.

`Store.write` spans a whole transaction with the writer's lock: under it `seq`, the index of the audit leaf that the
transaction appends, is fixed, and every row written carries it. `Store.write_together` gives several events one
commit. A kill at any instant leaves the transaction whole
or not there at all. Reads use a cursor of their own and never wait for the writer.

Refused: a file that another process holds (HubLocked, with its PID), a file of a newer Bailiwick (HubTooNew).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from store import trail, writes
from store.access import Viewer
from store.errors import BadInput, HubLocked, HubTooNew, unwritable
from store.events import Event
from store.reads import Reads
from store.sealing import sealed
from store.together import Together

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
    digested: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    """Of those the rows and digests that are known already, where they were written at once (`writes`)."""
    later: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Rows that are written at the end (`writes.record_later`)."""
    moved: bool = True
    """Whether it changes what others may remember (`Store.remembered`): anything but rows and their counts."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a transaction: it has a seq, and a leaf, of its own."""

    actor: str
    event: Event
    about: str
    details: dict[str, Any] = field(default_factory=dict)


MOST_TOGETHER = 64
"""Most batches that share a commit."""
REMEMBERED = 1024
"""Most things that are remembered at a time."""
Made = TypeVar("Made")


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
        self._turn_of: int | None = None
        self._writing = False
        self._next_seq: int | None = None
        """None: to be looked up. Nobody else writes the file, so after a commit it is known."""
        self._changes = 0
        self._memory: dict[Hashable, tuple[int, Any]] = {}
        self._random_bytes = random_bytes
        self.path = path
        self.now = now
        self.together: Together[Any, Any] = Together(most=MOST_TOGETHER)
        """Where those wait who may share a commit."""

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
        with self.write_together([Entry(actor, event, about, dict(details or {}))]) as (tx,):
            yield tx

    @contextmanager
    def write_together(
        self, entries: Sequence[Entry], *, connection: Connection | None = None, moved: bool = True
    ) -> Iterator[list[Transaction]]:
        """Several events that share one commit: each has its own seq and its own leaf, and all are there or none is.

        connection: a cursor of this store on which something was staged before; else the store's own.
        """
        with self._lock:
            if self._writing:
                raise RuntimeError("a write inside a write would need two sequence numbers")
            self._writing = True
            using = self._connection if connection is None else connection
            using.execute("BEGIN TRANSACTION")
            try:
                first = trail.next_seq(using) if self._next_seq is None else self._next_seq
                self._next_seq, now = None, self.now()
                txs = [
                    Transaction(using, first + at, now, entry.actor, dict(entry.details), moved=moved)
                    for at, entry in enumerate(entries)
                ]
                yield txs
                writes.flush(using, txs)
                trail.append(using, self._leaves(using, entries, txs))
                using.execute("COMMIT")
            except BaseException as error:
                with suppress(duckdb.TransactionException):  # a commit that failed has given up its transaction itself
                    using.execute("ROLLBACK")
                if (told := unwritable(error, str(self.path or ""))) is not None:
                    raise told from error
                raise
            finally:
                self._writing = False
            self._next_seq = first + len(txs)
            self._changes += any(tx.moved for tx in txs)

    def _leaves(self, using: Connection, entries: Sequence[Entry], txs: Sequence[Transaction]) -> list[trail.Leaf]:
        seals = sealed(
            using,
            {tx.seq: tx.written for tx in txs},
            {tx.seq: tx.in_bulk for tx in txs},
            {tx.seq: tx.digested for tx in txs},
        )
        return [
            trail.Leaf(
                seq=tx.seq,
                known_at=tx.now,
                event=entry.event,
                about=entry.about,
                details=tx.details,
                tables=seals[tx.seq][0],
                beside=seals[tx.seq][1],
                private={"actor": tx.actor, **tx.private},
                salt=self._random_bytes(16).hex(),
            )
            for entry, tx in zip(entries, txs, strict=True)
        ]

    def batches_there(self, ids: Sequence[str]) -> set[str]:
        """Those of these batches that are here already; asked before every write, so it looks at nothing else."""
        found = self.cursor().execute("SELECT batch FROM batch WHERE list_contains(?, batch)", [list(ids)])
        return {batch for (batch,) in found.fetchall()}

    @property
    def changes(self) -> int:
        """Grows with every commit that changes what others may remember."""
        return self._changes

    def remembered(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` reads from the record, kept until a commit changes more than rows and their counts.

        This process alone writes the file, so nothing else can change it.
        """
        changes = self._changes
        held = self._memory.get(key)
        if held is not None and held[0] == changes:
            found: Made = held[1]
            return found
        made = make()
        if len(self._memory) >= REMEMBERED:
            self._memory.clear()
        self._memory[key] = (changes, made)
        return made

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The writer's turn: what is looked up inside still holds when a write inside begins."""
        with self._lock:
            before, self._turn_of = self._turn_of, threading.get_ident()
            try:
                yield
            finally:
                self._turn_of = before

    @property
    def has_turn(self) -> bool:
        """Whether this thread has the writer's turn; who has it must not wait for others who want it."""
        return self._turn_of == threading.get_ident()

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
        connection.execute("SET TimeZone = 'UTC'")
        _migrate(connection, now())
    except duckdb.Error as error:
        if (told := unwritable(error, str(path or ""))) is not None:
            raise told from error
        if isinstance(error, duckdb.IOException):
            raise _locked(path, error) from error
        raise
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
