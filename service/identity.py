"""Who signs in: local accounts, sessions kept on the server, and tokens of sites.

A session is an opaque random id in a cookie; what it stands for lives here and ends here. Wrong passwords are slowed
down per name, and cost the same whether or not the name exists.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.commands.users import hash_password, password_matches
from service.wiring import Hub, local_viewer
from store.access import Grant, Viewer
from store.errors import NotPermitted, Refused

TRIES = 5
PAUSE = timedelta(minutes=5)
_NOBODY = hash_password("nobody", salt=b"0" * 16)
"""Compared against where a name is unknown, so that the answer takes as long."""


@dataclass
class Sessions:
    """Signed-in sessions of one server process; a restart signs everyone out."""

    random_text: Callable[[], str]
    lasts: timedelta
    _held: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _failures: dict[str, list[datetime]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sign_in(self, hub: Hub, name: str, password: str, *, now: datetime) -> str:
        """The session's id. Raises NotPermitted for a wrong name or password, Refused after too many."""
        with self._lock:
            recent = [at for at in self._failures.get(name, []) if now - at < PAUSE]
            if len(recent) >= TRIES:
                raise Refused("too many wrong passwords for this name", advice="Wait five minutes, then try again.")
            self._failures[name] = recent
        account = hub.store.reads(local_viewer()).account(name)
        if not password_matches(password, account[1] if account else _NOBODY) or account is None:
            with self._lock:
                self._failures.setdefault(name, []).append(now)
            raise NotPermitted("the name or the password is wrong", advice="Ask an admin if you have forgotten it.")
        id_ = self.random_text()
        with self._lock:
            self._failures.pop(name, None)
            self._held = {key: held for key, held in self._held.items() if held[1] > now}
            self._held[hashlib.sha256(id_.encode()).hexdigest()] = (name, now + self.lasts)
        return id_

    def name_of(self, id_: str, *, now: datetime) -> str | None:
        """Who holds this session, while it lasts."""
        held = self._held.get(hashlib.sha256(id_.encode()).hexdigest())
        return held[0] if held and held[1] > now else None

    def sign_out(self, id_: str) -> None:
        with self._lock:
            self._held.pop(hashlib.sha256(id_.encode()).hexdigest(), None)


def has_accounts(hub: Hub) -> bool:
    """Whether accounts were ever made; where none were, only the folder's owner uses the console, on this machine.

    Disabled ones count: taking the last account away must not open the door to whoever comes by.
    """

    def found() -> bool:
        return hub.store.reads(local_viewer()).one("SELECT 1 AS one FROM user_version LIMIT 1") is not None

    return hub.store.remembered(("accounts",), found)


def viewer_named(hub: Hub, name: str) -> Viewer | None:
    """The viewer behind a trusted name: an account, or the folder's owner."""
    owner = local_viewer()
    if name == owner.name:
        return owner
    account = hub.store.reads(owner).account(name)
    return account[0] if account else None


def viewer_of_token(hub: Hub, token: str) -> Viewer | None:
    """The site an ingest token speaks for."""
    hashed = hashlib.sha256(token.encode()).hexdigest()
    site = hub.store.remembered(("token", hashed), lambda: hub.store.reads(local_viewer()).token_site(hashed))
    return None if site is None else Viewer(f"site:{site}", (Grant("site-token", site=site),))
