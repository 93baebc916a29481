"""Commands about people who may sign in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

from service.wiring import Hub
from store import writes
from store.access import ROLES, Grant, Permission, Viewer, require
from store.errors import BadInput, did_you_mean
from store.events import Event

_COST, _BLOCK, _PARALLEL = 2**14, 8, 1
"""scrypt parameters: 16 MiB and about 50 ms for each try."""


def hash_password(password: str, *, salt: bytes) -> str:
    """`scrypt$N$r$p$salt$hash`, base64."""
    derived = hashlib.scrypt(password.encode(), salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL)
    told = [base64.b64encode(part).decode() for part in (salt, derived)]
    return "$".join(["scrypt", str(_COST), str(_BLOCK), str(_PARALLEL), *told])


def password_matches(password: str, stored: str) -> bool:
    """Whether this password gives the stored hash; False for a text that is no hash of ours."""
    try:
        name, cost, block, parallel, salt, expected = stored.split("$")
        if name != "scrypt":
            return False
        derived = hashlib.scrypt(
            password.encode(), salt=base64.b64decode(salt), n=int(cost), r=int(block), p=int(parallel)
        )
        return hmac.compare_digest(derived, base64.b64decode(expected))
    except ValueError:
        return False


def set_user(
    hub: Hub, viewer: Viewer, *, name: str, password: str, grants: Sequence[Grant], disabled: bool = False
) -> dict[str, Any]:
    """Adds an account or replaces its password and grants."""
    require(viewer, Permission.USER_WRITE)
    for grant in grants:
        if grant.role not in ROLES:
            raise BadInput(f"no role called {grant.role!r}", advice=did_you_mean(grant.role, ROLES))
    if not name.strip() or name.startswith("local:") or len(name) > 100:
        raise BadInput(
            f"{name!r} cannot be an account's name", advice="Use a short name; `local:` is kept for the folder's owner."
        )
    if len(password) < 10:
        raise BadInput("the password is shorter than 10 characters", advice="Choose a longer one.")
    stored = hash_password(password, salt=secrets.token_bytes(16))
    with hub.store.write(
        viewer.name, Event.USER_RECORD_CHANGED, "user", {"disabled": disabled, "grants": len(grants)}
    ) as tx:
        tx.private["user"] = name
        writes.user(tx, name=name, password=stored, grants=grants, disabled=disabled)
    return {
        "schema": "bailiwick/user/1",
        "name": name,
        "grants": [{"role": g.role, "site": g.site, "model": g.model} for g in grants],
    }
