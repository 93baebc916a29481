"""Which rows of a batch are already known: the first write wins, and the same id with other values is a conflict.

`settle` looks at the temporary table `staged` (rows.stage) and at what is stored within the id horizon. It compares
only rows whose (site, id) is known or comes more than once, part by part: what a row tells again must be what was
told first. Empty values are equal to each other, numbers are compared exactly, -0.0 is 0.0. A row that differs in any
part is taken out of `staged` whole and returned, to be set aside with what differs; of the others the parts that are
known are cleared, so that a row with nothing new is left with part 0 and removed by `drop_repeats`.

Order is the order of arrival: by seq, then by place in the batch. The answer does not depend on how rows were cut
into batches, nor on how many batches are settled together.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from store.canonical import canonical_spelling
from store.row_shape import BOTH, INPUTS, PREDICTION, RowShape

REASON = "conflict"
SHOWN_COLUMNS = 5
SHOWN_CHARACTERS = 40
AT_ONCE = 10_000

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A row that says otherwise than the one that came first."""

    seq: int
    """The batch that brought it."""
    expected: str
    row: bytes
    """As JSON, under the names of the model file; a person is left out."""


def settle(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    shape: RowShape,
    *,
    names: Mapping[str, str],
    horizon: timedelta,
    unique: bool,
    received: Mapping[int, datetime],
) -> list[Conflict] | None:
    """Takes conflicts out of `staged` and clears the parts that are known; None where no row met another.

    names: of id, event_time, x0.., prediction ... as people know them. unique: no id can come twice in `staged`.
    received: when each batch (seq) was received; a row without a time of its own has that one, which is not compared.
    """
    distinct = "count(*)" if unique else "count(DISTINCT (site, id))"
    first, last, count, ids = connection.execute(
        f"SELECT min(event_time), max(event_time), count(*), {distinct} FROM staged"
    ).fetchall()[0]
    if not count:
        return None
    connection.execute(
        f'CREATE OR REPLACE TEMP TABLE stored AS SELECT r.* FROM "{table}" r SEMI JOIN staged s USING (site, id) '
        "WHERE r.event_time >= ? AND r.event_time <= ?",
        [first - horizon, last + horizon],
    )
    known = connection.execute("SELECT count(*) FROM stored").fetchall()[0][0]
    if not known and ids == count:
        return None
    judge = _Judge(connection, shape, names, horizon, received)
    judge.single(several=ids != count)
    if ids != count:
        judge.several()
    judge.apply()
    return judge.conflicts


def drop_repeats(connection: duckdb.DuckDBPyConnection) -> int:
    """Removes the rows of which nothing is new; returns how many they were."""
    return int(connection.execute("DELETE FROM staged WHERE part = 0").fetchall()[0][0])


def told_in(shape: RowShape, part: int) -> list[str]:
    """The columns that belong to a part of a row."""
    columns = ["event_time"]
    if part & INPUTS:
        columns += [f"x{i}" for i in range(len(shape.inputs))]
    if part & PREDICTION:
        columns += ["prediction", "score"]
    if part & INPUTS:
        columns += [f"g{i}" for i in range(len(shape.groups))] + [f"s{i}" for i in range(len(shape.segments))]
        columns.append("person")
    return columns


class _Judge:
    """One settling: the verdict of every row that met another, in the temporary table `verdict`."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        shape: RowShape,
        names: Mapping[str, str],
        horizon: timedelta,
        received: Mapping[int, datetime],
    ) -> None:
        self._connection, self._shape, self._names = connection, shape, names
        self._horizon, self._received = horizon, received
        self.conflicts: list[Conflict] = []

    def single(self, *, several: bool) -> None:
        """Rows whose id comes once, against what is stored."""
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE several AS SELECT site, id FROM staged GROUP BY site, id HAVING count(*) > 1"
            if several
            else "CREATE OR REPLACE TEMP TABLE several AS SELECT site, id FROM staged LIMIT 0"
        )
        times = pa.table({"seq": list(self._received), "received_at": list(self._received.values())})
        self._connection.register("received", times)
        try:
            self._connection.execute(
                "CREATE OR REPLACE TEMP TABLE verdict AS SELECT s.rowid AS place, bit_or(k.part) AS known, "
                f"bool_or({self._differs(INPUTS)} OR {self._differs(PREDICTION)}) AS conflict "
                "FROM staged s JOIN stored k ON k.site = s.site AND k.id = s.id AND s.event_time BETWEEN "
                "k.event_time - to_seconds(?) AND k.event_time + to_seconds(?) JOIN received t ON t.seq = s.seq "
                "WHERE NOT EXISTS (SELECT 1 FROM several m WHERE m.site = s.site AND m.id = s.id) GROUP BY s.rowid",
                [self._horizon.total_seconds()] * 2,
            )
        finally:
            self._connection.unregister("received")
        rows = "SELECT s.* FROM staged s JOIN verdict v ON v.place = s.rowid WHERE v.conflict ORDER BY s.seq, s.n"
        stored = self._stored("SELECT s.site, s.id FROM staged s JOIN verdict v ON v.place = s.rowid WHERE v.conflict")
        for row in self._rows(rows):
            self._judged(row, self._first(row, stored.get((row["site"], row["id"]), ())))

    def several(self) -> None:
        """Rows whose ids come more than once, one after another; what an earlier one tells counts for the next."""
        stored = self._stored("SELECT site, id FROM several")
        places: list[int] = []
        cleared: list[int] = []
        wrong: list[bool] = []
        holder: tuple[str, str] | None = None
        told: list[Values] = []
        for row in self._rows(
            "SELECT s.rowid AS place, s.* FROM staged s SEMI JOIN several USING (site, id) ORDER BY site, id, seq, n"
        ):
            key = (row["site"], row["id"])
            if key != holder:
                holder, told = key, list(stored.get(key, ()))
            first = self._first(row, told)
            known = sum(first)
            conflict = self._judged(row, first)
            if not conflict and row["part"] & ~known:
                told.append({**row, "part": row["part"] & ~known})
            places.append(row["place"])
            cleared.append(known)
            wrong.append(conflict)
        found = pa.table(
            {"place": pa.array(places, pa.int64()), "known": pa.array(cleared, pa.uint8()), "conflict": wrong}
        )
        self._connection.register("found", found)
        try:
            self._connection.execute("INSERT INTO verdict SELECT place, known, conflict FROM found")
        finally:
            self._connection.unregister("found")

    def apply(self) -> None:
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE staged AS "
            f"SELECT s.* REPLACE ((s.part & ({BOTH} - coalesce(v.known, 0)))::UTINYINT AS part) "
            "FROM staged s LEFT JOIN verdict v ON v.place = s.rowid WHERE NOT coalesce(v.conflict, false)"
        )
        for name in ("verdict", "several", "stored"):
            self._connection.execute(f"DROP TABLE {name}")

    # -- comparing ------------------------------------------------------------------------------------------------

    def _differs(self, part: int) -> str:
        """Whether s tells this part otherwise than k, which told it first; an expression."""
        columns = [name for name in told_in(self._shape, part) if name != "event_time"]
        told = " OR ".join(
            [
                "(s.event_time <> t.received_at AND s.event_time IS DISTINCT FROM k.event_time)",
                *(f"s.{name} IS DISTINCT FROM k.{name}" for name in columns),
            ]
        )
        return f"((s.part & k.part & {part}) = {part} AND ({told}))"

    def _first(self, row: Values, told: Sequence[Values]) -> dict[int, Values]:
        """Of each part the row that told it first, within the horizon of this row."""
        near = [one for one in told if abs(one["event_time"] - row["event_time"]) <= self._horizon]
        held = {bit: [one for one in near if one["part"] & bit] for bit in (INPUTS, PREDICTION)}
        return {bit: ones[0] for bit, ones in held.items() if ones}

    def _judged(self, row: Values, first: Mapping[int, Values]) -> bool:
        """Whether a row is in conflict with what was told first of its parts; then it is noted, with what differs."""
        differing: dict[str, tuple[Values, Any, Any]] = {}
        for part, told in first.items():
            if not row["part"] & part:
                continue
            for name in told_in(self._shape, part):
                untold = name == "event_time" and row[name] == self._received[row["seq"]]
                if not untold and not _equal(told[name], row[name]):
                    differing.setdefault(name, (told, told[name], row[name]))
        if differing:
            self.conflicts.append(Conflict(row["seq"], self._expected(row, differing), self._as_json(row)))
        return bool(differing)

    # -- reading and telling --------------------------------------------------------------------------------------

    def _rows(self, sql: str) -> Iterator[Values]:
        found = self._connection.execute(sql)
        names = [column[0] for column in found.description or []]
        while part := found.fetchmany(AT_ONCE):
            for row in part:
                yield dict(zip(names, row, strict=True))

    def _stored(self, ids: str) -> dict[tuple[str, str], list[Values]]:
        """(site, id) to its stored rows."""
        out: dict[tuple[str, str], list[Values]] = {}
        for row in self._rows(f"SELECT * FROM stored WHERE (site, id) IN ({ids}) ORDER BY seq, n"):
            out.setdefault((row["site"], row["id"]), []).append(row)
        return out

    def _expected(self, row: Values, differing: Mapping[str, tuple[Values, Any, Any]]) -> str:
        told = [self._difference(name, old, new) for name, (_, old, new) in list(differing.items())[:SHOWN_COLUMNS]]
        if len(differing) > SHOWN_COLUMNS:
            told.append(f"{len(differing) - SHOWN_COLUMNS} more columns differ")
        first = next(iter(differing.values()))[0]
        where = "earlier in the same batch" if first["seq"] == row["seq"] else f"in event {first['seq']}"
        return f'row "{_short(row["id"])}" as first told {where}: {"; ".join(told)}'

    def _difference(self, name: str, old: Any, new: Any) -> str:
        known = self._names.get(name, name)
        return f"{known} differs" if name == "person" else f"{known} was {_short(old)}, is now {_short(new)}"

    def _as_json(self, row: Values) -> bytes:
        columns: Sequence[str] = ["id", *(name for name in told_in(self._shape, row["part"]) if name != "person")]
        if row.get("label") is not None:
            columns = [*columns, "label"]
        told = {self._names.get(name, name): _plain(row[name]) for name in columns}
        return json.dumps(told, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")


def _equal(old: Any, new: Any) -> bool:
    """As DuckDB's IS NOT DISTINCT FROM has it: nothing equals nothing, NaN equals NaN."""
    both_nan = isinstance(old, float) and isinstance(new, float) and math.isnan(old) and math.isnan(new)
    return both_nan or bool(old == new)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _short(value: Any) -> str:
    if value is None:
        return "missing"
    text = canonical_spelling(str(_plain(value)))
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
