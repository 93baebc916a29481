"""Notices as files."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from connectors.base import Message
from connectors.sinks.folder import DryRun, Folder, FolderOptions
from store.errors import Final, Retryable

NOW = datetime(2026, 3, 1, 12)
MESSAGE = Message(
    id="alert_x",
    subject="Income moved",
    text="At branch-north alone.",
    severity="high",
    link="/alerts/x",
    data={"value": 0.3},
)


def test_a_notice_is_written_twice_over(tmp_path: Path) -> None:
    sent = Folder().send(MESSAGE, FolderOptions(path=tmp_path / "out"), now=NOW)
    assert (sent.at, sent.ref) == (NOW, str(tmp_path / "out" / "alert_x.json"))
    document = json.loads((tmp_path / "out" / "alert_x.json").read_text())
    assert document["schema"] == "bailiwick/notice/1"
    assert (document["at"], document["data"]) == ("2026-03-01T12:00:00Z", {"value": 0.3})
    words = (tmp_path / "out" / "alert_x.txt").read_text()
    assert words.startswith("Income moved\n")
    assert "At branch-north alone." in words


def test_again_changes_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        Folder().send(MESSAGE, FolderOptions(path=tmp_path), now=NOW)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alert_x.json", "alert_x.txt"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/abs", "a/b", "", "..", "x" * 500, "é\n"])
def test_a_name_never_leaves_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "out"
    message = Message(id=name, subject="s\ud800", text="t")
    Folder().send(message, FolderOptions(path=folder), now=NOW)
    assert len(list(folder.iterdir())) == 2
    assert list(tmp_path.iterdir()) == [folder]


def test_a_dry_run_says_so(tmp_path: Path) -> None:
    assert DryRun().send(MESSAGE, FolderOptions(path=tmp_path), now=NOW).ref.startswith("not sent; written to ")


def test_what_cannot_be_written_is_raised_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Retryable):
        Folder().send(MESSAGE, FolderOptions(path=tmp_path / "file"), now=NOW)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "not permitted")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(Final):
        Folder().send(MESSAGE, FolderOptions(path=tmp_path / "out"), now=NOW)
    assert list((tmp_path / "out").iterdir()) == []
