"""What a reference holds, on DuckDB: the values a bin spec is learned from.

A query per column, so that the exact quantiles of one column at a time are in memory. Columns that the relation
lacks are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from monitors.engines import duckdb_text as sql
from monitors.engines.duckdb_query import column_kinds
from store.bin_learning import QUANTILES, TOP_VALUES, ColumnProfile, ReferenceProfile, seen_type
from store.model_file import InputType, ModelFile, Task

STRIPE = 25
"""Columns of a wide relation that are copied out at a time: planning a query over hundreds of columns takes longer
than running it over one."""
PLAIN_NUMBER = r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?"
"""Text that reads as a number and is no code: `007` and `+49` stay text."""


def profile(connection: duckdb.DuckDBPyConnection, relation: str, model: ModelFile) -> ReferenceProfile:
    """What the relation's rows hold in the columns that the model file declares."""
    kinds, declared = column_kinds(connection, relation), model.columns
    stripes = _Stripes(connection, relation, tuple(kinds))

    def seen(column: str, name: str, *, number: bool = False) -> ColumnProfile | None:
        if column not in kinds:
            return None
        return _column(connection, stripes.holding(column), column, kinds[column], name=name, number=number)

    inputs = {
        column.name: seen(f"x{i}", column.name, number=column.type is InputType.NUMBER or column.range is not None)
        for i, column in enumerate(declared.inputs)
    }
    groups = {group.name: seen(f"g{k}", group.name) for k, group in enumerate(declared.groups)}
    predicted = declared.prediction
    return ReferenceProfile(
        rows=connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0],
        inputs={name: column for name, column in inputs.items() if column},
        groups={name: column for name, column in groups.items() if column},
        prediction=seen("prediction", predicted.column, number=model.task is Task.REGRESSION) if predicted else None,
        score=seen("score", declared.score, number=True) if declared.score else None,
    )


@dataclass
class _Stripes:
    """A wide relation, a few columns at a time in a temporary table."""

    connection: duckdb.DuckDBPyConnection
    relation: str
    columns: tuple[str, ...]
    copied: tuple[str, ...] = ()

    def holding(self, column: str) -> str:
        """The relation, or the stripe of it, in which the column is."""
        if len(self.columns) <= STRIPE:
            return self.relation
        if column not in self.copied:
            start = self.columns.index(column) // STRIPE * STRIPE
            self.copied = self.columns[start : start + STRIPE]
            listed = ", ".join(f'"{name}"' for name in self.copied)
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE stripe AS SELECT {listed} FROM {self.relation}")
        return "stripe"


def _column(
    connection: duckdb.DuckDBPyConnection, relation: str, column: str, kind: str, *, name: str, number: bool
) -> ColumnProfile:
    """number: whether it is declared one, so that quantiles are wanted of text too."""
    typed = seen_type(kind)
    value, real = sql.as_text(column, kind), sql.as_double(column, kind)
    is_number = typed is InputType.NUMBER or number
    there = f"isfinite({real})" if is_number else f"{value} IS NOT NULL"
    rows, distinct, numeric = connection.execute(
        f"SELECT count(*), approx_count_distinct({value}), coalesce(bool_and(regexp_full_match({value}, ?)), false) "
        f"FROM {relation} WHERE {there}",
        [PLAIN_NUMBER],
    ).fetchall()[0]
    numeric = numeric or (is_number and rows > 0)
    values: list[tuple[str, int]] = []
    if not is_number or distinct <= 2 * TOP_VALUES:
        values = connection.execute(
            f"SELECT {value} AS value, count(*) AS n FROM {relation} WHERE {there} "
            f"GROUP BY value ORDER BY n DESC, value LIMIT {TOP_VALUES + 1}"
        ).fetchall()
    few = bool(values) and len(values) <= TOP_VALUES
    return ColumnProfile(
        name=name,
        type=typed,
        rows=rows,
        distinct=len(values) if few else max(distinct, TOP_VALUES + 1 if values else 0),
        numeric=numeric,
        quantiles=_quantiles(connection, relation, real) if numeric else (),
        values=tuple((value, count) for value, count in values[:TOP_VALUES]) if few or not is_number else (),
    )


def _quantiles(connection: duckdb.DuckDBPyConnection, relation: str, real: str) -> tuple[float, ...]:
    """Values that occur, by rank; -0.0 as 0."""
    levels = ", ".join(f"{k}/{QUANTILES}::DOUBLE" for k in range(QUANTILES + 1))
    found = connection.execute(
        f"SELECT quantile_disc({real}, [{levels}]) FROM {relation} WHERE isfinite({real})"
    ).fetchall()[0][0]
    return tuple(value + 0.0 for value in found or ())
