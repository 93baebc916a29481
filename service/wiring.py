"""The composition root: reads the configuration once and puts the house together for one hub.

Everything below receives what it needs from here: the open store, the clock, the source of randomness, the salt.
Nothing else opens the hub's file or looks at the environment.
"""

from __future__ import annotations

import getpass
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from service.config import Config, load
from store.access import Grant, Viewer
from store.db import Store, open_store
from store.errors import BadInput

HUB_FILE = "hub.duckdb"
FOLDERS = ("keys", "quarantine", "reports", "spool", "run")


@dataclass(frozen=True)
class Hub:
    """One hub, open. `path` is its folder; None for one in memory."""

    path: Path | None
    config: Config
    store: Store
    now: Callable[[], datetime]
    """UTC without zone; pinned where the configuration pins it."""
    random_bytes: Callable[[int], bytes]
    salt: bytes
    """Under which people's identifiers are hashed; it never leaves the hub's keys/."""

    @property
    def folder(self) -> Path:
        if self.path is None:
            raise BadInput("this hub is in memory and has no folder", advice="Use a hub on disk for this.")
        return self.path

    def close(self) -> None:
        self.store.close()


def wall_clock() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def open_hub(path: Path, *, environ: Mapping[str, str] | None = None, create: bool = False) -> Hub:
    """Opens the hub in a folder. Raises BadInput where there is none, HubLocked where another process has it."""
    config = load(path, os.environ if environ is None else environ)
    pinned = config.clock
    now = (lambda: pinned) if pinned is not None else wall_clock
    store = open_store(
        path / HUB_FILE,
        now=now,
        random_bytes=secrets.token_bytes,
        create=create,
        memory=config.memory,
        spool=path / "spool" / "database",
    )
    salt_file = path / "keys" / "person.salt"
    salt = salt_file.read_bytes() if salt_file.exists() else b""
    return Hub(path, config, store, now, secrets.token_bytes, salt)


def memory_hub(config: Config, now: Callable[[], datetime], salt: bytes) -> Hub:
    """A hub that lives as long as the process: a site counts its rows in one before it sends the counts."""
    return Hub(
        None, config, open_store(None, now=now, random_bytes=secrets.token_bytes), now, secrets.token_bytes, salt
    )


def local_viewer() -> Viewer:
    """Whoever owns the hub's folder, as admin."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return Viewer(f"local:{user}", (Grant("admin"),))
