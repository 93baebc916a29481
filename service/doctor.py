"""`doctor`: looks the installation and a hub over, and says of each thing whether it is right and what to do.

Changes nothing. What it cannot look at because a server holds the file, it says so.
"""

from __future__ import annotations

import shutil
import stat
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from reports.words import aside
from service.config import FILE, load
from service.wiring import HUB_FILE, local_viewer, open_hub
from store.errors import BailiwickError

NEEDED = ("duckdb", "pyarrow", "opendp", "cryptography", "typer", "PyYAML", "httpx", "rich")
HUB_EXTRA = ("streamlit", "evidently", "fairlearn", "plotly", "scikit-learn", "typst", "pyhanko")
LITTLE_SPACE = 1 << 30


def look_over(hub_dir: Path, *, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """One entry per thing: what, ok, found, advice."""
    looks: list[Callable[[], list[dict[str, Any]]]] = [
        _python,
        lambda: _packages(NEEDED, "pip install bailiwick"),
        lambda: _packages(HUB_EXTRA, "pip install 'bailiwick[hub]', where this machine runs a hub"),
        lambda: _settings(hub_dir, environ),
        lambda: _keys(hub_dir),
        lambda: _space(hub_dir),
        lambda: _file(hub_dir, environ),
    ]
    return [entry for look in looks for entry in look()]


def _entry(what: str, ok: bool, found: str, advice: str = "") -> dict[str, Any]:
    return {"what": what, "ok": ok, "found": found, "advice": "" if ok else advice}


def _python() -> list[dict[str, Any]]:
    found = ".".join(map(str, sys.version_info[:3]))
    return [_entry("python", sys.version_info >= (3, 11), found, "Bailiwick needs Python 3.11 or newer.")]


def _packages(names: tuple[str, ...], advice: str) -> list[dict[str, Any]]:
    missing, there = [], []
    for name in names:
        try:
            there.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    found = f"missing: {', '.join(missing)}" if missing else ", ".join(there)
    return [_entry("packages", not missing, found, advice)]


def _settings(hub_dir: Path, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    try:
        config = load(hub_dir, environ)
    except BailiwickError as error:
        return [_entry(FILE, False, error.message, error.advice)]
    out = [
        _entry(FILE, True, f"{sum(shown.origin != 'default' for shown in config.shown)} settings differ from defaults")
    ]
    if config.clock is not None:
        out.append(
            _entry("clock", False, f"pinned to {config.clock.isoformat()}Z", "Remove hub.clock where this is no demo.")
        )
    return out


def _keys(hub_dir: Path) -> list[dict[str, Any]]:
    folder = hub_dir / "keys"
    if not folder.is_dir():
        return [_entry("keys", False, f"{folder} is missing", "Restore it from a backup made --with-keys.")]
    wide = [path.name for path in folder.iterdir() if stat.S_IMODE(path.stat().st_mode) & 0o077]
    found = f"readable by others: {', '.join(wide)}" if wide else "readable by their owner alone"
    return [_entry("keys", not wide, found, f"chmod 600 {folder}/*")]


def _space(hub_dir: Path) -> list[dict[str, Any]]:
    place = next(path for path in (hub_dir, *hub_dir.parents) if path.exists())
    free = shutil.disk_usage(place).free
    return [
        _entry("disk", free > LITTLE_SPACE, f"{free / (1 << 30):.1f} GiB free", "Make room before the next ingest.")
    ]


def _file(hub_dir: Path, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """The hub's file and its trail."""
    if not (hub_dir / HUB_FILE).exists():
        return [_entry(HUB_FILE, False, "missing", "Make a hub with `bailiwick init`, or restore a backup.")]
    try:
        hub = open_hub(hub_dir, environ=environ)
    except BailiwickError as error:
        return [_entry(HUB_FILE, False, error.message, error.advice)]
    try:
        found = hub.store.reads(local_viewer()).verify_trail()
        failing = [row for row in hub.store.reads(local_viewer()).pulls() if row["error"]]
        kept = aside(hub.store.reads(local_viewer()).aside())
    finally:
        hub.close()
    told = f"{found.size} events" if found.holds else found.flaws[0].what
    return [
        _entry("trail", found.holds, told, "See `bailiwick audit verify --data`."),
        *[
            _entry(f"pull {row['pull']}", False, f"{row['place']}: {row['error']}", row["advice"] or "See `pull list`.")
            for row in failing
        ],
        _entry("inventory", not kept, kept or "nothing is kept aside", "See `bailiwick model aside`, and add them."),
    ]
