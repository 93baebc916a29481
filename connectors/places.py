"""Where files come from: a file or folder of this machine, a glob, or an object store; one visit is one `with`.

`files(source)` is what the format's own walk takes there, with size, etag and time. So the walk rules of every source,
a stranger's too, hold in a store without downloading anything: the listing is laid out in the spool as a tree of empty
files, and the walk is done there. `brought(found, source)` fills one of them and what it refers to (`Source.beside`),
and empties them again: the disk holds one object at a time, however much the store holds.

An object keeps its path below the container, so that folders tell a format what they tell it on a disk. References are
followed inside the same container and nowhere else. Receipts call an object by its URL.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from connectors import registry
from connectors.base import File, Source
from connectors.object_store import Listed, ObjectStore
from connectors.sources.beside import parts_of, path_beside
from connectors.sources.delta import LOG
from store.errors import BadInput, BailiwickError, Retryable

SCHEMES = ("az", "s3", "gs")
ROOM = 64 << 20
"""Bytes of disk that an object must leave free."""
SNIFFED = 5
"""Objects whose beginning is read where the format is to be found out."""
_MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file that a format takes at a place."""

    file: File
    key: str
    """Its URL, or its full path: what a cursor remembers it by."""
    size: int
    etag: str
    """The store's word for this content; of a local file, its time to the nanosecond."""
    modified: datetime | None
    """UTC without zone."""


class Place(Protocol):
    """One visit to one place."""

    @property
    def where(self) -> str:
        """As the caller wrote it."""

    def source(self, format_name: str) -> Source:
        """The source of that name; `auto`: the one that knows the first files best."""

    def files(self, source: Source) -> Iterator[Found]:
        """What the format takes here, sorted. Raises BadInput, Final or Retryable where it cannot be listed."""

    def brought(self, found: Found, source: Source) -> AbstractContextManager[File]:
        """The file on this machine, for as long as the `with` lasts."""


def scheme_of(where: str) -> str | None:
    """`az` of `az://...`; None for a path of this machine. Raises BadInput for a store that nobody here reads."""
    scheme, colon, rest = where.partition("://")
    if not colon:
        return None
    if scheme not in SCHEMES:
        raise BadInput(
            f"{where}: no store of {scheme}:// is read here",
            advice="Known: az://CONTAINER/..., s3://BUCKET/..., gs://BUCKET/...; or a path of this machine.",
            details={"where": where},
        )
    if not rest.strip("/"):
        raise BadInput(f"{where}: a container or bucket is missing", advice=f"Write {scheme}://NAME/FOLDER.")
    return scheme


# -- this machine -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LocalPlace:
    """A file, a folder, or a glob of them."""

    path: Path

    @property
    def where(self) -> str:
        return str(self.path)

    @cached_property
    def _paths(self) -> list[Path]:
        if self.path.exists() or not _MAGIC.search(str(self.path)):
            return [self.path]
        found = sorted(self._root.glob(str(self.path.relative_to(self._root))))
        if not found:
            raise BadInput(f"{self.path}: nothing matches", advice="Check the pattern.", details={"file": self.where})
        return found

    @cached_property
    def _root(self) -> Path:
        """The folder above the first part with a wildcard."""
        return next(parent for parent in self.path.parents if not _MAGIC.search(str(parent)))

    def source(self, format_name: str) -> Source:
        return registry.sniff(self._paths[0]) if format_name == "auto" else registry.load_source(format_name)

    def files(self, source: Source) -> Iterator[Found]:
        globbed = self._paths != [self.path]
        for path in self._paths:
            if not path.exists():
                raise BadInput(f"{path}: no such file or folder", advice="Check the path.", details={"file": str(path)})
            for file in source.walk(path):
                name = file.path.relative_to(self._root).as_posix() if globbed else file.name
                try:
                    status = os.stat(file.path)
                except OSError:
                    continue  # gone since it was listed
                moment = datetime.fromtimestamp(status.st_mtime, UTC).replace(tzinfo=None)
                yield Found(
                    file=replace(file, name=name),
                    key=str(file.path.resolve()),
                    size=status.st_size,
                    etag=str(status.st_mtime_ns),
                    modified=moment,
                )

    @contextmanager
    def brought(self, found: Found, source: Source) -> Iterator[File]:
        yield found.file


# -- object stores ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ObjectPlace:
    """An object, a prefix, or a glob of them; `spool` is an empty folder that is this visit's own."""

    where: str
    store: ObjectStore
    spool: Path

    @cached_property
    def _path(self) -> str:
        return self.where.partition("://")[2].strip("/")

    @cached_property
    def _listing(self) -> dict[Path, Listed]:
        """The objects by where they lie in the spool; each an empty file there."""
        fixed, pattern = _fixed(self._path), _pattern(self._path)
        out: dict[Path, Listed] = {}
        for listed in self.store.listing(fixed):
            if pattern.match(listed.path) and (local := self._laid_out(listed)) is not None:
                out[local] = listed
        if not out:
            raise BadInput(
                f"{self.where}: there is no object",
                advice="Check the name; a folder in a store is there only while something is in it.",
                details={"where": self.where},
            )
        return out

    def _laid_out(self, listed: Listed) -> Path | None:
        """An empty file for an object; None for what is a folder's marker, or cannot be a path on a disk."""
        parts = listed.path.split("/")
        if "" in parts or "." in parts or ".." in parts or "\x00" in listed.path:
            return None
        local = self.spool.joinpath(*parts)
        try:
            local.parent.mkdir(parents=True, exist_ok=True)
            local.touch()
        except OSError:
            return None
        return local

    def source(self, format_name: str) -> Source:
        if format_name != "auto":
            return registry.load_source(format_name)
        chosen = [local for local, listed in self._listing.items() if listed.size][:SNIFFED]
        for local in chosen:
            local.write_bytes(self.store.beginning(self._listing[local].path, registry.HEAD_BYTES))
        try:
            return registry.sniff(chosen[0] if len(chosen) == 1 else self._walked)
        finally:
            for local in chosen:
                os.truncate(local, 0)

    @property
    def _walked(self) -> Path:
        return self.spool / _fixed(self._path)

    def files(self, source: Source) -> Iterator[Found]:
        listing = self._listing
        for local in listing:
            if local.parent == self._walked / LOG:  # the walk of a table reads its log; it stays for the visit
                self._fill(local, [])
        for file in source.walk(self._walked):
            listed = listing.get(file.path)
            if listed is not None:
                url = f"{self.store.scheme}://{listed.path}"
                yield Found(
                    # The container is the root: a payload may lie beside what was walked.
                    file=File(path=file.path, root=self.spool / self._path.partition("/")[0], name=url),
                    key=url,
                    size=listed.size,
                    etag=listed.etag,
                    modified=listed.modified,
                )

    @contextmanager
    def brought(self, found: Found, source: Source) -> Iterator[File]:
        filled: list[Path] = []
        try:
            self._fill(found.file.path, filled)
            for reference in source.beside(found.file):
                self._fill_payload(reference, found.file, filled)
            yield found.file
        except BailiwickError as error:
            raise _called(error, str(found.file.path), found.key) from error
        finally:
            for local in filled:
                os.truncate(local, 0)

    def _fill_payload(self, reference: str, file: File, filled: list[Path]) -> None:
        """Brings a payload that a log refers to, if it is in the same container; else reading tells that it is not."""
        container = file.root.name
        if below := _below(container, reference):
            named = file.root.joinpath(*below)
            if named not in self._listing and (one := self.store.object("/".join((container, *below)))) is not None:
                local = self._laid_out(one)
                if local is not None:
                    self._listing[local] = one
        local = path_beside(reference, file)
        if local is not None and local not in filled:
            self._fill(local, filled)

    def _fill(self, local: Path, filled: list[Path]) -> None:
        listed = self._listing[local]
        free = shutil.disk_usage(self.spool).free
        if listed.size + ROOM > free:
            raise Retryable(
                f"{self.store.scheme}://{listed.path} has {listed.size} bytes, and the spool only {free} free",
                advice="Make room on the disk of the hub's folder; objects are brought there one at a time.",
            )
        filled.append(local)
        self.store.fetch(listed.path, local)


def _below(container: str, reference: str) -> tuple[str, ...]:
    """The path under a container that a reference names: `https://HOST/CONTAINER/...`, `az://CONTAINER/...`,
    `abfss://CONTAINER@HOST/...`; empty for one that names another place.
    """
    parts = parts_of(reference)
    if parts and urlsplit(reference).netloc.partition("@")[0] == container:
        return parts
    return parts[parts.index(container) + 1 :] if container in parts else ()


def _fixed(path: str) -> str:
    """The part of a path before its first wildcard, in whole folders."""
    if not _MAGIC.search(path):
        return path
    parts = path.split("/")
    first = next(place for place, part in enumerate(parts) if _MAGIC.search(part))
    if first == 0:
        raise BadInput(f"{path}: the container itself cannot be a pattern", advice="Name one container or bucket.")
    return "/".join(parts[:first])


def _pattern(path: str) -> re.Pattern[str]:
    """What a path or a glob stands for: the objects that match, and whatever is under those that do."""
    if not _MAGIC.search(path):
        return re.compile(re.escape(path) + r"(/.*)?\Z", re.DOTALL)
    out = ""
    for piece in re.findall(r"\*\*/|\*\*|\*|\?|\[!?[^\]]+\]|.", path, re.DOTALL):
        known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
        if piece in known:
            out += known[piece]
        elif piece.startswith("[") and len(piece) > 1:
            out += ("[^" + piece[2:] if piece.startswith("[!") else piece).replace("\\", "\\\\")
        else:
            out += re.escape(piece)
    return re.compile(out + r"(/.*)?\Z", re.DOTALL)


def _called(error: BailiwickError, local: str, url: str) -> BailiwickError:
    """The error with the object's URL where the spool's path stood."""
    error.message = error.message.replace(local, url)
    error.args = (error.message,)
    error.details = {
        key: value.replace(local, url) if isinstance(value, str) else value for key, value in error.details.items()
    }
    return error
