"""What a transaction may record about summaries: signed deltas under `tx.seq`, never updated.

Those of a few small batches are hashed as they are written; others are read back at the end of their transaction,
for a large batch may have many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from store.sealing import digests_by_seq

if TYPE_CHECKING:
    from store.db import Transaction

SUMMARY = (
    *("seq", "site", "model", "version", "spec_hash", "segment", "section", "block", "grain", "counts", "variance"),
    "release",
)
"""The columns of `summary` in their order, which is that of its digests."""
LIST = pa.list_(pa.field("l", pa.int64()))
"""BIGINT[] as DuckDB gives it."""


def summaries(
    tx: Transaction,
    counted: pa.Table,
    *,
    site: str,
    model: str,
    version: str,
    spec_hash: str,
    variance: float = 0.0,
    release: str | None = None,
) -> None:
    """Signed deltas of SUMMARY_SCHEMA; `variance` is that of the noise in each cell."""
    if not counted.num_rows:
        return
    tx.digested.pop("summary", None)
    tx.in_bulk.add("summary")
    tx.connection.register("arriving", counted)
    try:
        tx.connection.execute(
            "INSERT INTO summary SELECT ?, ?, ?, ?, ?, segment, section, block, grain, counts, ?, ? FROM arriving",
            [tx.seq, site, model, version, spec_hash, variance, release],
        )
    finally:
        tx.connection.unregister("arriving")


def summaries_together(
    told: Sequence[tuple[Transaction, str]], counted: pa.Table, *, model: str, version: str, spec_hash: str
) -> None:
    """The exact deltas of several events of one transaction, each with its site; `counted` says whose in `seq`, and
    has a row for each seq, segment, section and block. They are hashed here, without being read back.
    """
    if not counted.num_rows:
        return
    sites = {tx.seq: site for tx, site in told}
    ordered = counted.sort_by([(name, "ascending") for name in ("seq", "segment", "section", "block")])
    columns = {name: ordered.column(name) for name in ordered.column_names}
    columns["counts"] = columns["counts"].cast(LIST)
    columns["site"] = pa.array([sites[seq] for seq in columns["seq"].to_pylist()], pa.string())
    same = {"model": model, "version": version, "spec_hash": spec_hash, "variance": 0.0}
    columns |= {name: pa.repeat(value, ordered.num_rows) for name, value in same.items()}
    columns["release"] = pa.nulls(ordered.num_rows, pa.string())
    whole = pa.table({name: columns[name] for name in SUMMARY})
    digests = digests_by_seq(whole)
    for tx, _ in told:
        if tx.seq not in digests:
            continue
        if "summary" in tx.digested or "summary" in tx.in_bulk:
            tx.digested.pop("summary", None)
            tx.in_bulk.add("summary")
        else:
            tx.digested["summary"] = digests[tx.seq]
    connection = told[0][0].connection
    connection.register("arriving", whole)
    try:
        connection.execute(f"INSERT INTO summary ({', '.join(SUMMARY)}) SELECT * FROM arriving")
    finally:
        connection.unregister("arriving")
