"""Small batches of predictions of one model version, inside their transaction, in one pass.

Each batch is an event of its own: its rows, counts, digests and receipt stand under its own seq, as if it had been
written alone, and what an earlier one told counts for the later ones. Only the work is shared.

There are two ways. Rows that are new for sure (store/few_rows.py), which is nearly all, go from memory into their
table and are counted and hashed in memory: ten rows cost less than planning one statement about them, and this way
takes a third of the time of the other. Where some may be known they are staged and settled one by one. Both give the
same, down to the digests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from connectors.normalise import Tally
from service.arriving import Arrived, Known
from service.batch_writing import BatchWriter
from service.counting import blocks_at, count_few, count_sections
from service.wiring import Hub
from store import few_rows, repeats, rows, summary_writes
from store.batch_rows import staged_digests
from store.bins import BinSpec
from store.db import Transaction
from store.receipt import Receipt
from store.row_shape import told_names
from store.sealing import digests_by_seq

Member = tuple[Transaction, Arrived]


@dataclass(frozen=True)
class RowsWriter:
    """Batches that share model version and types; their table is there and their bins are frozen."""

    hub: Hub
    members: Sequence[Member]
    known: Known
    spec: BinSpec

    def write(self) -> list[Receipt]:
        table = self.known.tables[self.members[0][1].shape]
        new = self._all_new(table)
        return self._settled(table) if new is None else self._appended(table, new)

    # -- rows that are new for sure -------------------------------------------------------------------------------

    def _all_new(self, table: str) -> pa.Table | None:
        """The rows of all as their table has them, if none of them can meet another."""
        tx, first = self.members[0]
        found = few_rows.laid_out(
            [(own.seq, one.delivery.site, one.rows) for own, one in self.members if one.rows is not None], first.shape
        )
        if found is None:
            return None
        new = few_rows.all_new(
            tx.connection,
            found,
            table,
            first.shape,
            horizon=self.hub.config.id_horizon,
            labels=self.known.labels,
        )
        return found if new else None

    def _appended(self, table: str, found: pa.Table) -> list[Receipt]:
        tx, first = self.members[0]
        few_rows.append(tx.connection, found, table)
        self._record(count_few(tx.connection, found, self.spec, first.shape, blocks_at(tx.now)))
        digests = digests_by_seq(found)
        return [
            self._recorded(own, one, one.tally, 0, table=table, digests=digests.get(own.seq, (0, []))[1])
            for own, one in self.members
            if one.tally is not None
        ]

    # -- rows of which some may be known --------------------------------------------------------------------------

    def _settled(self, table: str) -> list[Receipt]:
        tx, first = self.members[0]
        tallies = self._staged()
        conflicts = repeats.settle(
            tx.connection,
            table,
            first.shape,
            names=told_names(first.model),
            horizon=self.hub.config.id_horizon,
            unique=not any(arrived.ids_told for _, arrived in self.members),
            received={own.seq: arrived.received_at for own, arrived in self.members},
        )
        kept = {seq: tally.accepted for seq, tally in tallies.items()}
        if conflicts is not None:
            for found in conflicts:
                told = (None, repeats.REASON, found.expected, found.row)
                tallies[found.seq] = tallies[found.seq].without([told])
            repeats.drop_repeats(tx.connection)
            kept = rows.kept_by_seq(tx.connection)
        rows.append_staged(tx.connection, table, first.shape)
        digests = staged_digests(tx.connection, list(first.shape.columns))
        self._count(table)
        return [
            self._recorded(
                own,
                one,
                tallies[own.seq],
                tallies[own.seq].accepted - kept.get(own.seq, 0),
                table=table,
                digests=digests.get(own.seq, []),
            )
            for own, one in self.members
        ]

    def _staged(self) -> dict[int, Tally]:
        """The rows of all as `staged`; what was found in each."""
        tx, first = self.members[0]
        tables = [
            arrived.rows.append_column("seq", pa.repeat(own.seq, arrived.rows.num_rows)).append_column(
                "site", pa.repeat(arrived.delivery.site, arrived.rows.num_rows)
            )
            for own, arrived in self.members
            if arrived.rows is not None
        ]
        rows.stage(tx.connection, pa.concat_tables(tables), first.shape, seq=tx.seq, site=first.delivery.site)
        return {own.seq: arrived.tally for own, arrived in self.members if arrived.tally is not None}

    def _count(self, table: str) -> None:
        """The deltas of every batch under its own seq."""
        tx, first = self.members[0]
        rows.fresh_complete(tx.connection, table, first.shape)
        rows.fresh_labelled_by_rows(tx.connection, self.known.labels)
        counted = count_sections(
            tx.connection,
            self.spec,
            first.shape,
            blocks_at(tx.now),
            parts="staged",
            complete="fresh_complete",
            labelled="fresh_labelled",
            apart="seq",
        )
        self._record(counted)

    # -- what both record -----------------------------------------------------------------------------------------

    def _record(self, counted: pa.Table) -> None:
        first = self.members[0][1]
        summary_writes.summaries_together(
            [(own, arrived.delivery.site) for own, arrived in self.members],
            counted,
            model=first.model.name,
            version=first.model.version,
            spec_hash=self.spec.spec_hash,
        )

    def _recorded(
        self, own: Transaction, one: Arrived, tally: Tally, duplicates: int, *, table: str, digests: Sequence[str]
    ) -> Receipt:
        writer = BatchWriter(self.hub, own, one.model, one.delivery, one.reading.raw, one.reading)
        return writer.recorded(tally, duplicates, table=table, digests=digests)
