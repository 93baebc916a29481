"""What a transaction may record about contributions: sums per input, under `tx.seq`, never updated."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa

from store import writes
from store.attribution import contributed

if TYPE_CHECKING:
    from store.db import Transaction


def attributions(tx: Transaction, counted: pa.Table, *, site: str, model: str, version: str) -> None:
    """Signed deltas of ATTRIBUTION_SCHEMA."""
    if not counted.num_rows:
        return
    columns = {"seq": tx.seq, "site": site, "model": model, "version": version}
    told = pa.table({name: pa.array([value] * counted.num_rows) for name, value in columns.items()})
    for name in counted.column_names:
        told = told.append_column(name, counted.column(name))
    names = ", ".join(told.column_names)
    tx.connection.register("arriving", told)
    try:
        tx.connection.execute(f"INSERT INTO attribution ({names}) SELECT {names} FROM arriving")
    finally:
        tx.connection.unregister("arriving")
    tx.in_bulk.add("attribution")


def reference_attributions(tx: Transaction, counted: pa.Table, *, model: str, version: str, since: int) -> None:
    """The sums over one batch of a reference, blocks left aside; the delivery began at seq `since`."""
    for name, sums in contributed(counted.to_pylist()).items():
        told = {"model": model, "version": version, "since": since, "input": name, "n": sums.n}
        writes.record(tx, "reference_attribution", {**told, "sum_abs": Decimal(sums.sum_abs)})
