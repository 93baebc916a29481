"""What every read shares: a cursor, the viewer, the as-of, and the access rule as a predicate."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from store.access import Permission, Viewer, decide, scope

Parameters = list[Any] | dict[str, Any]
"""In order for `?`, by name for `$name`."""


class View:
    """A viewer's look at the record. Not thread-safe: one per thread."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, viewer: Viewer, *, as_of: int | None, now: datetime) -> None:
        self._cursor = cursor
        self.viewer = viewer
        self.now = now
        newest = cursor.execute("SELECT coalesce(max(seq), -1) FROM audit_leaf").fetchall()[0][0]
        self.seq = int(newest) if as_of is None else min(int(as_of), int(newest))

    @property
    def cursor(self) -> duckdb.DuckDBPyConnection:
        """For reads that must first look up which tables there are."""
        return self._cursor

    def rows(self, sql: str, parameters: Parameters | None = None) -> list[dict[str, Any]]:
        found = self._cursor.execute(sql, parameters or [])
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def one(self, sql: str, parameters: Parameters | None = None) -> dict[str, Any] | None:
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def table(self, sql: str, parameters: Parameters | None = None) -> pa.Table:
        return self._cursor.sql(sql, params=parameters or []).to_arrow_table()

    def allowed(self, permission: Permission, *, site: str | None = "site", model: str | None = "model") -> str:
        """The access rule as SQL over the columns named; a grant on one site does not cover the merged site `*`.

        Site and model names in grants are slugs or `*`; they are rendered as quoted literals.
        """
        terms = []
        for of_site, of_model in scope(self.viewer, permission):
            term = ["TRUE"]
            if site is not None and of_site != "*":
                term.append(f"{site} = '{_literal(of_site)}'")
            if model is not None and of_model != "*":
                term.append(f"{model} = '{_literal(of_model)}'")
            terms.append(f"({' AND '.join(term)})")
        return f"({' OR '.join(terms)})" if terms else "FALSE"

    def may(self, permission: Permission, *, site: str | None = None, model: str | None = None) -> bool:
        return decide(self.viewer, permission, site=site, model=model).allowed


def _literal(text: str) -> str:
    return text.replace("'", "''")


def where(**filters: Any) -> tuple[str, list[Any]]:
    """`AND column = ?` for each filter that is set, and the parameters in order."""
    chosen = {name: value for name, value in filters.items() if value is not None}
    return "".join(f" AND {name} = ?" for name in chosen), list(chosen.values())
