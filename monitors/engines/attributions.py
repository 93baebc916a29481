"""Counting contributions on DuckDB: rows and the sum of |contribution| of each input, block by block, in one scan.

What a row does not tell of an input is not counted for it; sums are whole quanta (store/attribution.py), hence exact
and the same in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import duckdb
import pyarrow as pa

from monitors.engines import duckdb_text as sql
from monitors.engines.base import Blocks
from store.attribution import ATTRIBUTION_SCHEMA, QUANTA


def count_attributions(
    connection: duckdb.DuckDBPyConnection, relation: str, inputs: Sequence[str], *, blocks: Blocks
) -> pa.Table:
    """Sums of x0, x1 ... under the names of the inputs, as ATTRIBUTION_SCHEMA, oldest block first."""
    terms = ", ".join(
        f"count(x{at}), coalesce(sum(round(abs(x{at}) * {QUANTA})::HUGEINT), 0)" for at in range(len(inputs))
    )
    found = connection.execute(
        f"SELECT {sql.block_start(blocks)} AS block, {terms} FROM {relation} GROUP BY block ORDER BY block"
    ).fetchall()
    rows = [
        {
            "block": block,
            "grain": blocks.grain(block),
            "input": name,
            "n": sums[2 * at],
            "sum_abs": Decimal(sums[2 * at + 1]),
        }
        for block, *sums in found
        for at, name in enumerate(inputs)
        if sums[2 * at]
    ]
    return pa.Table.from_pylist(rows, schema=ATTRIBUTION_SCHEMA)
