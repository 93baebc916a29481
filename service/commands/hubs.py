"""Making a hub."""

from __future__ import annotations

import hashlib
import re
import secrets
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.config import FILE, render_default
from service.secret_files import write_secret
from service.signing_keys import make_signing_keys
from service.wiring import FOLDERS, HUB_FILE, local_viewer, open_hub
from store.errors import BadInput
from store.events import Event

ROOT_KEY = "root.key"
SALT = "person.salt"


def init_hub(path: Path, *, org: str = "", settings: str | None = None) -> dict[str, Any]:
    """Makes the hub's folder: settings, file, keys. Refuses a folder that already holds one.

    settings: the text of bailiwick.toml, where the caller has more to say than the organisation's name.
    """
    if (path / HUB_FILE).exists() or (path / FILE).exists():
        raise BadInput(f"{path} already holds a hub", advice="Use it as it is, or name another folder with --hub.")
    path.mkdir(parents=True, exist_ok=True)
    for folder in FOLDERS:
        (path / folder).mkdir(exist_ok=True)
    (path / "keys").chmod(0o700)
    (path / "run").chmod(0o700)
    fingerprint = make_keys(path / "keys")
    (path / FILE).write_text(settings if settings is not None else render_default(org), encoding="utf-8")
    hub = open_hub(path, create=True)
    try:
        reports_root = make_signing_keys(path / "keys", org=org or hub.config.org, now=hub.now())
        with hub.store.write(
            local_viewer().name, Event.HUB_FILE_CREATED, "hub", {"root_key": fingerprint, "reports_root": reports_root}
        ):
            pass
    finally:
        hub.close()
    return {
        "schema": "bailiwick/hub/1",
        "hub": str(path),
        "org": org,
        "root_key_fingerprint": fingerprint,
        "reports_root_fingerprint": reports_root,
    }


def make_keys(folder: Path) -> str:
    """The root key and the salt, readable by their owner alone; returns the key's fingerprint."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    write_secret(folder / ROOT_KEY, private)
    write_secret(folder / SALT, secrets.token_bytes(32))
    return "SHA256:" + re.sub(r"(.{4})(?=.)", r"\1 ", hashlib.sha256(public).hexdigest()[:32])
