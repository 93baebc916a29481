"""A relation on a DuckDB connection, grouped by block and segment: asked in SQL, answered in NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from monitors.engines.keyed import Fetched


@dataclass(frozen=True)
class Source:
    """What is counted, by what."""

    connection: duckdb.DuckDBPyConnection
    relation: str
    kinds: dict[str, str]
    """Column name -> DuckDB type."""
    start: str
    """The start of a row's block, an expression."""
    segment: str | None = None
    """A row's segment, an expression; None: all rows are one."""
    apart: str | None = None
    """A column of whole numbers whose values are counted apart; None: they are not."""


def column_kinds(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """The columns of a relation and their types, as DuckDB names them."""
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}


def grouped(
    source: Source, columns: Sequence[str], sums: Sequence[str], *, where: str = "true", by: str = ""
) -> Fetched:
    """The aggregates per block (`start`), `apart`, segment and what else is named in `by`, in order, with `rows`."""
    keys = {"start": source.start} | ({"apart": source.apart} if source.apart else {})
    keys |= {"segment": source.segment} if source.segment else {}
    group = ", ".join([*keys, *([by] if by else [])])
    wanted = ", ".join([*(f"{expression} AS {key}" for key, expression in keys.items()), *columns])
    projected = f"SELECT {wanted} FROM {source.relation} WHERE {where}"
    query = f"SELECT {group}, count(*) AS rows, {', '.join(sums)} FROM ({projected}) GROUP BY {group} ORDER BY {group}"
    return {name: _plain(array) for name, array in source.connection.execute(query).fetchnumpy().items()}


def _plain(array: Any) -> npt.NDArray[Any]:
    """Nulls as NaT, None or 0, as the type has it."""
    plain: npt.NDArray[Any] = array
    if isinstance(array, np.ma.MaskedArray) and array.dtype == object:
        plain = np.empty(len(array), dtype=object)
        plain[:] = array.tolist()
    elif isinstance(array, np.ma.MaskedArray):
        plain = array.filled(np.datetime64("NaT") if array.dtype.kind == "M" else 0)
    return plain
