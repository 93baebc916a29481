"""Payloads that a log keeps beside itself and names by a reference: found, or not, and never anywhere else. Pure but
for asking which files are there.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from connectors.base import File


def parts_of(reference: Any) -> tuple[str, ...]:
    """The path that a reference (a URL, a path, with either slash) names, in parts; empty for what names none."""
    if not isinstance(reference, str) or not reference or "\x00" in reference:
        return ()
    try:
        path = unquote(urlsplit(reference).path).replace("\\", "/")
    except ValueError:
        return ()
    parts = tuple(part for part in PurePosixPath(path).parts if part not in ("/", "."))
    return () if ".." in parts else parts


def path_beside(reference: Any, file: File) -> Path | None:
    """The local file that a reference means: the longest end of the reference that exists beside the log.

    Looked for in the log's folder and its parents up to the root of the walk, and nowhere else: a log is other
    people's text, and must not name files of this machine.
    """
    parts = parts_of(reference)
    root = file.root.resolve()
    folder = file.path.resolve().parent
    folders = [place for place in (folder, *folder.parents) if place == root or root in place.parents]
    for start in range(len(parts)):
        for place in folders:
            candidate = place.joinpath(*parts[start:])
            try:
                found = candidate.resolve()
                if found.is_file() and root in found.parents and found != file.path.resolve():
                    return found
            except (OSError, ValueError):
                continue
    return None
