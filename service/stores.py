"""Opens places for the hub: which store a URL belongs to, its secrets resolved at the last moment, a spool of its own.

`[stores.NAME]` in bailiwick.toml says for a prefix where the store is and how to be let in; the longest prefix that
fits holds. A URL that none fits is tried with the machine's own identity. Secrets stand there as references only.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from connectors.object_store import OPTIONS, ObjectStore, StoreOptions
from connectors.places import LocalPlace, ObjectPlace, Place, scheme_of
from service.config import Config, resolve_secret
from service.connections import StoreSettings
from store.errors import BadInput


def store_for(stores: Mapping[str, StoreSettings], where: str) -> StoreSettings | None:
    """The settings with the longest prefix that fits a URL."""
    fitting = [store for store in stores.values() if store.fits(where)]
    return max(fitting, key=lambda store: len(store.prefix), default=None)


@contextmanager
def visiting(where: Path | str, config: Config, *, environ: Mapping[str, str] | None = None) -> Iterator[Place]:
    """A place, open for one visit; a relative path is this process's own affair."""
    scheme = scheme_of(where) if isinstance(where, str) else None
    if scheme is None:
        yield LocalPlace(Path(where))
        return
    options = _options(scheme, store_for(config.stores, str(where)), config.folder or Path.cwd(), environ or os.environ)
    spool = config.folder / "spool" if config.folder is not None else None
    store = ObjectStore(scheme, options)
    if spool is not None and spool.is_dir():
        _sweep(spool)
    else:
        spool = None
    with tempfile.TemporaryDirectory(dir=spool, prefix=f"visit-{os.getpid()}-") as own:
        yield ObjectPlace(str(where), store, Path(own).resolve())


def _sweep(spool: Path) -> None:
    """Removes what visits left behind whose process was killed: the disk holds one object, whatever happened."""
    for left in spool.glob("visit-*"):
        pid = left.name.split("-")[1]
        if pid.isdecimal() and not _alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _options(scheme: str, store: StoreSettings | None, folder: Path, environ: Mapping[str, str]) -> StoreOptions:
    kind = OPTIONS[scheme]
    given = {}
    for key, text in (store.options if store else {}).items():
        try:
            given[key] = resolve_secret(text, environ=environ, folder=folder) if key in kind.secrets else text
        except BadInput as error:
            raise BadInput(
                f"[stores.{store.name if store else ''}] {key}: {error.message}", advice=error.advice
            ) from None
    return kind(**given)
