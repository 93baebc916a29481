"""Backups: a consistent copy of the hub in one zip file, also while it is served, and unpacking such a file.

In it: the hub's file, `bailiwick.toml`, the reports, and a manifest with the SHA-256 of each. Private keys and the
salt under which persons are hashed are left out unless they are asked for. `service/restoring.py`
makes a hub from what `unpack` gives; every digest is checked first.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from service.config import FILE
from service.signing_keys import EARLIER, roots
from service.wiring import FOLDERS, HUB_FILE, Hub
from store.access import Permission, Viewer, require
from store.errors import BadInput

MANIFEST = "manifest.json"
SCHEMA = "bailiwick/backup/1"
PARTS = ("reports", "quarantine", EARLIER)


def write_backup(hub: Hub, viewer: Viewer, *, target: Path, with_keys: bool = False) -> dict[str, Any]:
    """Writes the backup; refuses a file that is there already."""
    require(viewer, Permission.CONFIG_READ)
    require(viewer, Permission.AUDIT_READ)
    if with_keys:
        require(viewer, Permission.USER_WRITE)
    if target.exists():
        raise BadInput(f"{target} is there already", advice="Name another file.")
    if not target.parent.is_dir():
        raise BadInput(f"{target.parent}: no such folder", advice="Make it first.")
    with tempfile.TemporaryDirectory(dir=hub.folder / "spool") as folder:
        copy = Path(folder) / HUB_FILE
        seq = hub.store.reads(viewer).seq
        hub.store.copy_to(copy)
        members = {
            HUB_FILE: copy,
            FILE: hub.folder / FILE,
            **_files(hub.folder, (*PARTS, *(["keys"] if with_keys else []))),
        }
        partial = target.with_name(target.name + ".part")
        digests: dict[str, str] = {}
        partial.touch(mode=0o600)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, path in members.items():
                digests[name] = _digest(path)
                archive.write(path, name)
            if not with_keys:
                # What was signed stays checkable where the private keys do not go.
                for pem in roots(hub.folder):
                    name = f"{EARLIER}/{hashlib.sha256(pem).hexdigest()[:16]}.pem"
                    if name not in digests:
                        digests[name] = hashlib.sha256(pem).hexdigest()
                        archive.writestr(name, pem)
            manifest = {"schema": SCHEMA, "seq": seq, "made_at": hub.now().isoformat() + "Z", "sha256": digests}
            archive.writestr(MANIFEST, json.dumps(manifest, indent=2, sort_keys=True))
        partial.rename(target)
    return {
        "schema": SCHEMA,
        "file": str(target),
        "bytes": target.stat().st_size,
        "seq": seq,
        "keys": with_keys,
        "files": len(members),
    }


def _files(folder: Path, parts: tuple[str, ...]) -> dict[str, Path]:
    found = [path for part in parts for path in sorted((folder / part).rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path for path in found}


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _manifest(archive: zipfile.ZipFile, source: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
    if manifest.get("schema") != SCHEMA or not isinstance(manifest.get("sha256"), dict):
        raise ValueError(f"{MANIFEST} is of another schema")
    if HUB_FILE not in manifest["sha256"] or FILE not in manifest["sha256"]:
        raise ValueError(f"{source.name} lacks {HUB_FILE} or {FILE}")
    for name in manifest["sha256"]:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or path.parts[0] not in (HUB_FILE, FILE, "keys", *PARTS):
            raise ValueError(f"{name} does not belong in a backup")
    return manifest


def unpack(source: Path, made: Path) -> dict[str, Any]:
    """Unpacks a backup into a new folder, each file checked; returns its manifest. Raises BadInput."""
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = _manifest(archive, source)
            for part in FOLDERS:
                (made / part).mkdir(parents=True)
            for name, expected in manifest["sha256"].items():
                path = made / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as packed, path.open("wb") as out:
                    shutil.copyfileobj(packed, out)
                if _digest(path) != expected:
                    raise ValueError(f"{name} in {source.name} is not what the manifest says")
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BadInput(
            f"{source}: not a backup: {error}", advice="Name a file that `bailiwick backup` wrote."
        ) from error
    for private in (made / "keys", made / "run"):
        private.chmod(0o700)
    for key in (made / "keys").iterdir():
        key.chmod(0o600)
    return manifest
