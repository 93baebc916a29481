"""One batch inside its transaction: rows, labels or reference, their counts, the receipt, what went to quarantine.

Promises: whatever the order of arrival, each row is counted once; kept + quarantined + duplicates = rows. Called by
service/ingest.py, which has settled what the batch is and that it was not here before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.base import Raw
from connectors.normalise import Rows, Tally, hints_for
from service.arriving import batch_id
from service.binning import current_spec, freeze_if_known, input_types
from service.counting import blocks_at, count_sections
from service.delivery import Delivery
from service.growing import Reading
from service.normalising import normalised_rows
from service.wiring import Hub
from store import arrivals, repeats, rows, summary_writes, writes
from store.access import Viewer
from store.batch_rows import batch_digests
from store.canonical import canonical_json
from store.db import Transaction
from store.digest import rows_root
from store.model_file import InputType, ModelFile
from store.receipt import Kind, Receipt
from store.row_shape import RowShape, reference_shape, shape_of, told_names

NEW_COLUMNS_TOLD = 20
"""Most new columns of one batch that are told by name."""


@dataclass(frozen=True)
class BatchWriter:
    """One batch inside its transaction."""

    hub: Hub
    tx: Transaction
    model: ModelFile
    delivery: Delivery
    raw: Raw
    reading: Reading | None = None

    def write(self, since: int | None) -> Receipt:
        if self.delivery.kind is Kind.LABELS:
            return self._labels()
        types = input_types(self.tx.connection, self.model, hints_for(self.raw, self.model))
        if self.delivery.kind is Kind.REFERENCE:
            return self._reference(reference_shape(self.model, types), types, since)
        return self._predictions(shape_of(self.model, types), types)

    def _normalised(self, types: tuple[InputType, ...]) -> Rows:
        return normalised_rows(self.hub, self.raw, self.model, self.delivery, types=types, received_at=self.tx.now)

    def _number(self, version: str | None) -> int:
        found = self.tx.connection.execute(
            "SELECT min(number) FROM model_version WHERE model = ? AND (? IS NULL OR version = ?)",
            [self.model.name, version, version],
        ).fetchall()
        return int(found[0][0])

    def _rows_table(self, role: str, shape: RowShape) -> str:
        return rows.ensure_table(
            self.tx,
            number=self._number(self.model.version),
            model=self.model.name,
            version=self.model.version,
            role=role,
            shape=shape,
        )

    def _predictions(self, shape: RowShape, types: tuple[InputType, ...]) -> Receipt:
        connection = self.tx.connection
        table = self._rows_table("rows", shape)
        normalised = self._normalised(types)
        digests = self._arrived(normalised, table, shape)
        tally = normalised.finish()
        new = digests is not None and self._all_new(normalised, table)
        duplicates = 0
        if not new:
            if digests is not None:
                arrivals.withdraw(connection, table, seq=self.tx.seq, labels=normalised.labels())
            tally, duplicates = self._settled(normalised, tally, table, shape)
        self._count_rows(table, shape, batch="arrived" if new else "staged")
        return self.recorded(tally, duplicates, table=table, digests=(new and digests) or self._digests(table))

    def _arrived(self, normalised: Rows, table: str, shape: RowShape) -> list[str] | None:
        """Appends the rows as they arrive and returns their digests (none where they must be read back); None where
        the file tells of labels: those are staged instead, for they do not go to the table of rows.
        """
        outcome = self.model.columns.outcome
        if outcome is not None and outcome.column.casefold() in map(str.casefold, self.raw.hints):
            rows.stage(self.tx.connection, normalised.reader(), shape, seq=self.tx.seq, site=self.delivery.site)
            return None
        return (
            arrivals.append(
                self.tx.connection, normalised.reader(), table, shape, seq=self.tx.seq, site=self.delivery.site
            )
            or []
        )

    def _all_new(self, normalised: Rows, table: str) -> bool:
        return not normalised.labels_told and arrivals.none_known(
            self.tx.connection,
            table,
            seq=self.tx.seq,
            site=self.delivery.site,
            horizon=self.hub.config.id_horizon,
            unique=not normalised.ids_told,
        )

    def _settled(self, normalised: Rows, tally: Tally, table: str, shape: RowShape) -> tuple[Tally, int]:
        """Settles what is `staged` row by row and appends what is new of it; returns the duplicates too."""
        connection = self.tx.connection
        conflicts = repeats.settle(
            connection,
            table,
            shape,
            names=told_names(self.model),
            horizon=self.hub.config.id_horizon,
            unique=not normalised.ids_told,
            received={self.tx.seq: self.tx.now},
        )
        tally = tally.without([(None, repeats.REASON, found.expected, found.row) for found in conflicts or ()])
        if "label" in normalised.schema.names:
            self._labels_of_rows()
        duplicates = repeats.drop_repeats(connection)
        rows.append_staged(connection, table, shape)
        return tally, duplicates

    def _count_rows(self, table: str, shape: RowShape, *, batch: str) -> None:
        """Counts what the rows of `batch`, already in their table, make new."""
        connection = self.tx.connection
        spec = current_spec(connection, self.model)
        if spec is None:
            # Freezing counts every row at hand, the batch just appended too.
            freeze_if_known(self.tx, self.model)
            return
        complete = arrivals.complete_together(shape) if batch == "arrived" else None
        if complete is None:
            rows.fresh_complete(connection, table, shape, batch=batch)
            complete = "fresh_complete"
        rows.fresh_labelled_by_rows(connection, rows.labels_table(connection, self.model.name), complete=complete)
        counted = count_sections(
            connection,
            spec,
            shape,
            blocks_at(self.tx.now),
            parts=batch,
            complete=complete,
            labelled="fresh_labelled",
        )
        summary_writes.summaries(
            self.tx,
            counted,
            site=self.delivery.site,
            model=self.model.name,
            version=self.model.version,
            spec_hash=spec.spec_hash,
        )

    def _labels(self) -> Receipt:
        connection = self.tx.connection
        table, kind = self._labels_table()
        normalised = self._normalised(())
        kept, duplicates = rows.stage_labels(connection, normalised.table(), table, site=self.delivery.site, kind=kind)
        tally = normalised.finish()
        self._count_labels(table)
        assert kept + duplicates == tally.accepted  # one relation was counted twice
        return self.recorded(tally, duplicates, table=table, digests=self._digests(table))

    def _labels_of_rows(self) -> None:
        """Labels that came with the staged rows: counted for rows that were here before, kept for those just coming."""
        table, kind = self._labels_table()
        if rows.stage_labels_of_rows(self.tx.connection, table, site=self.delivery.site, kind=kind):
            self._count_labels(table)
            self.tx.details["labels_root"] = rows_root(self._digests(table))

    def _labels_table(self) -> tuple[str, str]:
        kind = "number" if self.model.task == "regression" else "category"
        table = rows.ensure_labels(self.tx, number=self._number(None), model=self.model.name, kind=kind)
        return table, kind

    def _count_labels(self, table: str) -> None:
        """Deltas for the complete rows that the staged labels speak of, in every version;
        then the labels themselves.
        """
        connection = self.tx.connection
        reads = self.hub.store.reads(_EVERYONE)
        for rows_table, version, own in rows.tables(connection, self.model.name, None, "rows"):
            file = reads.model_file(self.model.name, version)
            spec = current_spec(connection, file) if file else None
            if spec is None or file is None or own != shape_of(file, tuple(InputType(t) for t in own.types)):
                continue
            rows.fresh_labelled_by_labels(connection, rows_table, own)
            counted = count_sections(
                connection, spec, own, blocks_at(self.tx.now), parts=None, complete="", labelled="fresh_labelled"
            )
            summary_writes.summaries(
                self.tx,
                counted,
                site=self.delivery.site,
                model=self.model.name,
                version=version,
                spec_hash=spec.spec_hash,
            )
        rows.append_labels(connection, table, self.tx)

    def _reference(self, shape: RowShape, types: tuple[InputType, ...], since: int | None) -> Receipt:
        connection = self.tx.connection
        table = self._rows_table("reference", shape)
        normalised = self._normalised(types)
        rows.stage(connection, normalised.reader(), shape, seq=self.tx.seq, site=self.delivery.site)
        tally = normalised.finish()
        connection.execute(
            "UPDATE staged SET event_time = coalesce(event_time, TIMESTAMP '1970-01-01'), id = coalesce(id, n::VARCHAR)"
        )
        rows.append_staged(connection, table, shape)
        start = self.tx.seq if since is None else since
        writes.reference_batch(self.tx, model=self.model.name, version=self.model.version, since=start)
        freeze_if_known(self.tx, self.model, replace_spec=True)
        return self.recorded(tally, 0, table=table, digests=self._digests(table))

    def _digests(self, table: str) -> list[str]:
        return batch_digests(self.tx.connection, table, self.tx.seq)

    def _notes(self, tally: Tally) -> tuple[str, ...]:
        """What whoever sends should know: each thing once, and not with every batch."""
        unversioned = self.raw.unversioned if self.delivery.version is None else ""
        return (*tally.notes, *([unversioned] if unversioned else []), *self._new_columns(tally))

    def _new_columns(self, tally: Tally) -> list[str]:
        """Columns that nobody declared and that no batch of this kind from this site had before."""
        names = list(tally.ignored)[:NEW_COLUMNS_TOLD]
        if not names:
            return []
        seen = ", ".join("count(*) FILTER (contains(ignored, ?))" for _ in names)
        found = self.tx.connection.execute(
            f"SELECT count(*), {seen} FROM batch WHERE site = ? AND model = ? AND kind = ?",
            [
                *(f"{canonical_json(name)}:" for name in names),
                self.delivery.site,
                self.model.name,
                str(self.delivery.kind),
            ],
        ).fetchall()[0]
        told = "is new from this site, and nobody declared it: it is ignored, and counted in each receipt."
        return [f"{name} {told}" for name, times in zip(names, found[1:], strict=True) if found[0] and not times]

    def recorded(self, tally: Tally, duplicates: int, *, table: str | None, digests: Sequence[str]) -> Receipt:
        delivery, raw = self.delivery, self.raw
        id_ = batch_id(self.model, delivery, raw)
        receipt = Receipt(
            batch=id_,
            site=delivery.site,
            model=self.model.name,
            version=self.model.version,
            format=raw.format,
            kind=str(delivery.kind),
            rows=tally.rows,
            kept=tally.accepted - duplicates,
            quarantined=len(tally.rejects),
            duplicates=duplicates,
            ignored=dict(tally.ignored),
            seq=self.tx.seq,
            sha256=raw.sha256,
            first_event=tally.first_event,
            last_event=tally.last_event,
            reasons=dict(tally.reasons),
            notes=self._notes(tally),
            source=raw.file.name,
            absent=tally.absent,
            bytes=raw.size,
        )
        writes.quarantine(
            self.tx, batch=id_, site=delivery.site, model=self.model.name, source=raw.file.name, records=tally.rejects
        )
        writes.batch(
            self.tx,
            receipt,
            table=table,
            digests=digests,
        )
        if delivery.key_sha256:
            writes.idempotency_key(self.tx, site=delivery.site, key_sha256=delivery.key_sha256, batch=id_)
        position = self.reading.position(tally.rows) if self.reading else None
        if position is not None:
            about = {"site": delivery.site, "model": self.model.name, "kind": str(delivery.kind)}
            writes.file_position(self.tx, **about, source=raw.file.name, **position)
        return receipt


_EVERYONE = Viewer("house", ())
"""Model files of a version are read for counting whoever delivers; nothing read under it is shown to anyone."""
