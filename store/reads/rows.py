"""Reads of rows themselves, for exact tests and for Evidently: only where a site shares rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa

from store.access import Permission
from store.reads.view import View
from store.row_shape import RowShape
from store.rows import aligned_sql, complete_sql, quoted, tables


class RowReads(View):
    def window_rows(
        self, model: str, version: str, shape: RowShape, start: datetime, end: datetime, *, site: str | None = None
    ) -> pa.Table:
        """Inputs, prediction and score of the rows in [start, end) at one site (None: at all), as x0, ...,
        prediction, score.
        """
        quoted = "'" + model.replace("'", "''") + "'"
        allowed = self.allowed(Permission.MODEL_READ, model=quoted)
        condition = f"event_time >= ? AND event_time < ? AND (? IS NULL OR site = ?) AND {allowed}"
        return self._rows("rows", model, version, shape, condition, [start, end, site, site])

    def reference_rows(self, model: str, version: str, shape: RowShape) -> pa.Table:
        """The reference's rows: those of the batches that the present reference was learned from."""
        found = self.one(
            "SELECT arg_max(since, seq) AS first FROM reference_batch WHERE seq <= ? AND model = ? AND version = ?",
            [self.seq, model, version],
        )
        first = found["first"] if found and found["first"] is not None else None
        return self._rows(
            "reference", model, version, shape, "seq >= ?", [9223372036854775807 if first is None else first]
        )

    def group_scores(
        self, model: str, version: str, groups: tuple[str, str], start: datetime, end: datetime
    ) -> list[dict[str, Any]]:
        """sex, race, score, n: how many complete rows of the period have which score, by two groups' own values."""
        if not self.may(Permission.MODEL_READ, model=model):
            return []
        found: list[dict[str, Any]] = []
        for number, (table, _, shape) in enumerate(tables(self._cursor, model, version, "rows")):
            if not set(groups) <= set(shape.groups):
                continue
            seen, first, second = f"seen_{number}", *(f"g{shape.groups.index(name)}" for name in groups)
            self._cursor.execute(
                f"CREATE OR REPLACE TEMP VIEW {seen} AS SELECT * FROM {quoted(table)} WHERE seq <= {int(self.seq)}"
            )
            found += self.rows(
                f"SELECT {first} AS sex, {second} AS race, score, count(*) AS n FROM ({complete_sql(seen, shape)}) "
                "WHERE score IS NOT NULL AND event_time >= ? AND event_time < ? GROUP BY ALL",
                [start, end],
            )
        return found

    def _rows(
        self, role: str, model: str, version: str, shape: RowShape, condition: str, values: list[object]
    ) -> pa.Table:
        names = [*(f"x{i}" for i in range(len(shape.inputs))), "prediction", "score", "part"]
        held = tables(self._cursor, model, version, role)
        if not held or not self.may(Permission.MODEL_READ, model=model):
            kinds = {"DOUBLE": pa.float64(), "VARCHAR": pa.string(), "UTINYINT": pa.uint8()}
            return pa.schema([(name, kinds[shape.columns[name]]) for name in names]).empty_table()
        parts, parameters = [], []
        for table, _, own in held:
            parts.append(
                f"SELECT {', '.join(names)} FROM ({aligned_sql(table, own, shape)}) WHERE seq <= ? AND {condition}"
            )
            parameters += [self.seq, *values]
        return self.table(" UNION ALL ".join(parts), parameters)

    def shapes(self, model: str, version: str) -> list[RowShape]:
        """The shapes of a version's tables of rows, the newest last; of its reference where there are no rows."""
        return [shape for role in ("reference", "rows") for _, _, shape in tables(self._cursor, model, version, role)]
