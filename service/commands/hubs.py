"""Making a hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from service.config import FILE, render_default
from service.signing_keys import make_signing_keys
from service.trail_keys import make_keys
from service.wiring import FOLDERS, HUB_FILE, local_viewer, open_hub
from store.errors import BadInput
from store.events import Event


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
    (path / FILE).write_text(settings if settings is not None else render_default(org), encoding="utf-8")
    hub = open_hub(path, create=True)
    try:
        root = make_keys(path / "keys", org=org or hub.config.org)
        reports_root = make_signing_keys(path / "keys", org=org or hub.config.org, now=hub.now())
        told = {"root_key": root.fingerprint, "vkey": root.vkey, "reports_root": reports_root}
        with hub.store.write(local_viewer().name, Event.HUB_FILE_CREATED, "hub", told):
            pass
    finally:
        hub.close()
    return {
        "schema": "bailiwick/hub/1",
        "hub": str(path),
        "org": org,
        "root_key_fingerprint": root.fingerprint,
        "origin": root.name,
        "reports_root_fingerprint": reports_root,
    }
