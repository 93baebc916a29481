"""Reads about pulls: how each stands, and which files it has seen."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from store.access import Permission
from store.reads.view import View

_PULLS = files("store").joinpath("sql", "pulls.sql").read_text()


class PullReads(View):
    def pulls(self) -> list[dict[str, Any]]:
        """Every pull that ever looked: its last visit, and over all of them what it took and was refused."""
        return self.rows(_PULLS.replace("{allowed}", self.allowed(Permission.SITE_READ, model=None)), [self.seq] * 2)

    def pulled(self, pull: str) -> dict[str, tuple[int, str]]:
        """Size and etag of every file as the pull last took it (or was refused it).

        The cursor of whoever pulls, which is not told to anybody: so it is not filtered by a viewer.
        """
        rows = self.rows(
            "SELECT file, arg_max(size, seq) AS size, arg_max(etag, seq) AS etag FROM pull_file "
            "WHERE seq <= ? AND pull = ? GROUP BY file",
            [self.seq, pull],
        )
        return {row["file"]: (row["size"], row["etag"]) for row in rows}
