"""Reads about results: the current one per key, or all that were ever recorded."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa

from store.access import Permission
from store.reads.view import View, where
from store.result import as_document

_KEY = "model, version, site, segment, monitor, about, measure"


class ResultReads(View):
    def result_table(
        self,
        model: str | None = None,
        version: str | None = None,
        site: str | None = None,
        monitor: str | None = None,
        measure: str | None = None,
        about: str | None = None,
        window: datetime | None = None,
        *,
        window_from: datetime | None = None,
        window_to: datetime | None = None,
        history: bool = False,
        latest: bool = False,
    ) -> pa.Table:
        """Result rows as Arrow. `window`: those whose window holds that moment; `window_from`/`window_to`: windows
        that end in (from, to]; `history`: replaced ones too; `latest`: only the newest window of each thing."""
        more, values = where(model=model, version=version, site=site, monitor=monitor, measure=measure, about=about)
        if window is not None:
            more += " AND window_from <= ? AND window_to > ?"
            values += [window, window]
        if window_from is not None:
            more += " AND window_to > ?"
            values.append(window_from)
        if window_to is not None:
            more += " AND window_to <= ?"
            values.append(window_to)
        source = "result WHERE seq <= ?" if history else "result_at(?) WHERE TRUE"
        newest = (
            f" QUALIFY row_number() OVER (PARTITION BY {_KEY} ORDER BY window_to DESC, seq DESC) = 1" if latest else ""
        )
        return self.table(
            f"SELECT * FROM {source} AND {self.allowed(Permission.MODEL_READ)}{more}{newest} "
            "ORDER BY model, version, window_to, site, segment NULLS FIRST, monitor, measure, about NULLS FIRST, seq",
            [self.seq, *values],
        )

    def status_tally(
        self, start: datetime, end: datetime, *, site: str | None = None
    ) -> dict[tuple[str, str], dict[str, int]]:
        """(model, version) -> status -> how many current results of windows that end in (start, end] have it."""
        rows = self.rows(
            "SELECT model, version, status, count(*) AS n FROM result_at(?) "
            f"WHERE {self.allowed(Permission.MODEL_READ)} AND window_to > ? AND window_to <= ? "
            "AND (? IS NULL OR site = ?) GROUP BY ALL ORDER BY ALL",
            [self.seq, start, end, site, site],
        )
        found: dict[tuple[str, str], dict[str, int]] = {}
        for row in rows:
            found.setdefault((row["model"], row["version"]), {})[row["status"]] = row["n"]
        return found

    def results(self, *args: Any, **filters: Any) -> list[dict[str, Any]]:
        """The same in the contract's shape."""
        return [as_document(row) for row in self.result_table(*args, **filters).to_pylist()]

    def result(self, id_: str) -> dict[str, Any] | None:
        found = self.table(
            f"SELECT * FROM result WHERE seq <= ? AND id = ? AND {self.allowed(Permission.MODEL_READ)}", [self.seq, id_]
        )
        return as_document(found.to_pylist()[0]) if found.num_rows else None

    def judged(self, model: str, version: str) -> dict[tuple[str, str | None, datetime], int]:
        """(site, segment, window end) to the newest basis it was judged on: what need not be judged again."""
        rows = self.rows(
            "SELECT site, segment, window_to, max(basis_seq) AS basis FROM result WHERE seq <= ? AND model = ? "
            "AND version = ? "
            "AND monitor NOT IN ('silence', 'privacy') GROUP BY ALL",
            [self.seq, model, version],
        )
        return {(row["site"], row["segment"], row["window_to"]): row["basis"] for row in rows}
