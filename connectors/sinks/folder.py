"""Notices as files: a JSON document and the same in plain words, each written whole or not at all.

The simplest sink there is, for a site without mail or chat, and for trying things out: `dry-run` writes into a
folder of its own and says where it would have gone.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.base import Message, Sent, Sink
from store.errors import Final, Retryable

_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderOptions:
    path: Path
    """Where notices go; made if it is not there."""


class Folder(Sink):
    kind = "folder"
    options = FolderOptions

    def send(self, message: Message, options: Any, *, now: datetime) -> Sent:
        name = _file_name(message)
        try:
            options.path.mkdir(parents=True, exist_ok=True)
            _write(options.path / f"{name}.txt", _in_words(message, now))
            _write(
                options.path / f"{name}.json",
                json.dumps(_document(message, now), indent=2, ensure_ascii=False, default=str) + "\n",
            )
        except PermissionError as error:
            raise Final(
                f"{options.path}: may not be written to",
                advice="Give the account that runs Bailiwick the right to write there, or name another folder.",
            ) from error
        except OSError as error:
            raise Retryable(
                f"{options.path}: {error.strerror or error}", advice="Check that the disk is there and has room."
            ) from error
        return Sent(at=now, ref=str(options.path / f"{name}.json"))


class DryRun(Folder):
    """Writes what would be sent, and says that it was not."""

    kind = "dry-run"

    def send(self, message: Message, options: Any, *, now: datetime) -> Sent:
        sent = super().send(message, options, now=now)
        return Sent(at=sent.at, ref=f"not sent; written to {sent.ref}")


def _file_name(message: Message) -> str:
    """The same notice again has the same name, so that repeating it changes nothing."""
    return _NAME.sub("-", message.id)[:120].strip(".-") or "notice"


def _document(message: Message, now: datetime) -> dict[str, Any]:
    return {
        "schema": "bailiwick/notice/1",
        "id": message.id,
        "at": now.isoformat() + "Z",
        "severity": message.severity,
        "subject": message.subject,
        "text": message.text,
        "link": message.link,
        "data": dict(message.data),
    }


def _in_words(message: Message, now: datetime) -> str:
    lines = [message.subject, "", message.text, "", f"Severity: {message.severity}", f"Time: {now:%Y-%m-%d %H:%M} UTC"]
    return "\n".join([*lines, *([f"Open: {message.link}"] if message.link else []), ""])


def _write(path: Path, text: str) -> None:
    """Whole or not at all: written beside, forced to disk, then moved into place."""
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
