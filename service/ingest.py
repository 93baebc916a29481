"""Ingest: from a path to receipts. Each file is a batch, each batch one transaction: rows, counts, receipt, leaf.

Promises: a batch that is acknowledged is there once; the same bytes again give the same receipt; what could not be
read is in quarantine with its reason and its bytes. Refuses rows from a site that does not share them, before it
reads one. A file that is no log of this model is an error of its own and does not stop the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors import registry
from connectors.base import File, Raw, Source
from connectors.normalise import Rows, Tally, hints_for, normalise, wanted_of
from service.binning import current_spec, freeze_if_known, input_types
from service.counting import blocks_at, count_sections
from service.wiring import Hub
from store import rows, trail, writes
from store.access import Viewer
from store.canonical import make_id
from store.db import Transaction
from store.digest import rows_root
from store.errors import BadInput, BailiwickError, NotPermitted, Refused, UnknownName, did_you_mean
from store.events import Event
from store.model_file import InputType, ModelFile
from store.receipt import Kind, Receipt
from store.row_shape import RowShape, shape_of

ROW_KINDS = (Kind.PREDICTIONS, Kind.LABELS, Kind.REFERENCE)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What one call to ingest says about all of its files."""

    site: str
    timezone: str | None
    kind: Kind
    model: str
    version: str | None
    """As the caller gave it; None: the log's own, else the newest."""


def known_site(hub: Hub, viewer: Viewer, name: str) -> dict[str, Any]:
    """The site as it stands, whoever asks; raises UnknownName."""
    reads = hub.store.reads(viewer)
    row = reads.one("SELECT * FROM site_at(?) WHERE site = ?", [reads.seq, name])
    if row is None:
        names = [r["site"] for r in hub.store.reads(viewer).sites()]
        raise UnknownName(
            f"no site called {name!r}",
            advice=f"{did_you_mean(name, names)} Add it with `bailiwick site add {name}`.".strip(),
            details={"site": name},
        )
    return row


def known_model(hub: Hub, viewer: Viewer, name: str, version: str | None) -> ModelFile:
    """The model file of a version (None: the newest), as it stands; raises UnknownName."""
    reads = hub.store.reads(viewer)
    wanted = version or reads.newest_version(name)
    file = reads.model_file(name, wanted) if wanted else None
    if file is None:
        names = sorted({row["model"] for row in reads.models()})
        called = f"{name}:{version}" if version else name
        raise UnknownName(
            f"no model called {called!r}",
            advice=f"{did_you_mean(name, names)} Add it with `bailiwick model add FILE`.".strip(),
            details={"model": called},
        )
    return file


def refuse_rows_unless_shared(site: dict[str, Any], kind: Kind) -> None:
    if kind in (Kind.PREDICTIONS, Kind.LABELS, Kind.ATTRIBUTIONS) and site["sharing"] != "rows":
        raise NotPermitted(
            f"site {site['site']} shares {site['sharing']}, not rows: nothing was stored",
            advice="Count beside the data with `bailiwick summarise`, and ingest the bundle with --kind summaries.",
            details={"site": site["site"], "sharing": site["sharing"], "kind": str(kind)},
        )


def ingest_paths(
    hub: Hub, viewer: Viewer, paths: Sequence[Path], delivery: Delivery, *, format_name: str = "auto"
) -> tuple[list[dict[str, Any]], list[BailiwickError]]:
    """Receipts of every file at these paths, and the errors of the files that gave none."""
    receipts: list[dict[str, Any]] = []
    errors: list[BailiwickError] = []
    since: int | None = None
    for path in paths:
        source = registry.sniff(path) if format_name == "auto" else registry.load_source(format_name)
        if not path.exists():
            raise BadInput(f"{path}: no such file or folder", advice="Check the path.", details={"file": str(path)})
        for file in source.walk(path):
            try:
                receipt = _ingest_file(hub, viewer, source, file, delivery, since=since)
            except BadInput as error:
                errors.append(error)
                continue
            receipts.append(receipt)
            if since is None:
                since = receipt["seq"]
    return receipts, errors


def _ingest_file(
    hub: Hub, viewer: Viewer, source: Source, file: File, delivery: Delivery, *, since: int | None
) -> dict[str, Any]:
    model = known_model(hub, viewer, delivery.model, delivery.version)
    raw = source.read(file, source.options(), wanted_of(model, delivery.kind))
    if delivery.version is None and raw.version is not None and raw.version != model.version:
        named = hub.store.reads(viewer).model_file(delivery.model, raw.version)
        model = named or model
    # Labels belong to a model: the same ones are the same batch whichever version is the newest.
    of = None if delivery.kind is Kind.LABELS else model.version
    with hub.store.turn():
        earlier = hub.store.reads(viewer).receipt_of(
            site=delivery.site, model=model.name, version=of, kind=str(delivery.kind), sha256=raw.sha256
        )
        if earlier is not None:
            return {**earlier, "repeated": True}
        with hub.store.write(
            viewer.name, Event.BATCH_ROWS_ACCEPTED, f"{delivery.site}/{model.name}:{model.version}"
        ) as tx:
            receipt = _BatchWriter(hub, tx, model, delivery, raw).write(since)
    return {**receipt.as_json(), "known_at": tx.now}


@dataclass(frozen=True)
class _BatchWriter:
    """One batch inside its transaction."""

    hub: Hub
    tx: Transaction
    model: ModelFile
    delivery: Delivery
    raw: Raw

    def write(self, since: int | None) -> Receipt:
        if self.delivery.kind is Kind.LABELS:
            return self._labels()
        types = input_types(self.tx.connection, self.model, hints_for(self.raw, self.model))
        shape = shape_of(self.model, types)
        if self.delivery.kind is Kind.REFERENCE:
            return self._reference(shape, types, since)
        return self._predictions(shape, types)

    def _normalised(self, types: tuple[InputType, ...]) -> Rows:
        return normalise(
            self.raw,
            self.model,
            kind=self.delivery.kind,
            types=types,
            received_at=self.tx.now,
            timezone=self.delivery.timezone,
            salt=self.hub.salt,
        )

    def _number(self, version: str | None) -> int:
        found = self.tx.connection.execute(
            "SELECT min(number) FROM model_version WHERE model = ? AND (? IS NULL OR version = ?)",
            [self.model.name, version, version],
        ).fetchall()
        return int(found[0][0])

    def _rows_table(self, role: str, shape: RowShape) -> str:
        return rows.ensure_table(
            self.tx.connection,
            seq=self.tx.seq,
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
        rows.stage(connection, normalised.reader(), shape, site=self.delivery.site)
        tally = normalised.finish()
        if "label" in normalised.schema.names:
            self._labels_of_rows()
        duplicates = rows.drop_repeats(
            connection, table, horizon=self.hub.config.id_horizon, unique_in_batch=self.model.columns.id is None
        )
        rows.append_staged(connection, table, shape, seq=self.tx.seq)
        spec = current_spec(connection, self.model)
        if spec is None:
            # Freezing counts every row at hand, the batch just appended too.
            freeze_if_known(self.tx, self.model)
        else:
            rows.fresh_complete(connection, table, shape, seq=self.tx.seq)
            rows.fresh_labelled_by_rows(connection, rows.labels_table(connection, self.model.name))
            counted = count_sections(
                connection,
                spec,
                shape,
                blocks_at(self.tx.now),
                parts="staged",
                complete="fresh_complete",
                labelled="fresh_labelled",
            )
            writes.summaries(
                self.tx,
                counted,
                site=self.delivery.site,
                model=self.model.name,
                version=self.model.version,
                spec_hash=spec.spec_hash,
            )
        return self._receipt(tally, duplicates, table=table, digests=self._digests(table))

    def _labels(self) -> Receipt:
        connection = self.tx.connection
        table, kind = self._labels_table()
        normalised = self._normalised(())
        kept, duplicates = rows.stage_labels(connection, normalised.table(), table, site=self.delivery.site, kind=kind)
        tally = normalised.finish()
        self._count_labels(table)
        assert kept + duplicates == tally.accepted  # one relation was counted twice
        return self._receipt(tally, duplicates, table=table, digests=self._digests(table))

    def _labels_of_rows(self) -> None:
        """Labels that came with the staged rows: counted for rows that were here before, kept for those just coming."""
        table, kind = self._labels_table()
        if rows.stage_labels_of_rows(self.tx.connection, table, site=self.delivery.site, kind=kind):
            self._count_labels(table)
            self.tx.details["labels_root"] = rows_root(self._digests(table))

    def _labels_table(self) -> tuple[str, str]:
        kind = "number" if self.model.task == "regression" else "category"
        table = rows.ensure_labels(
            self.tx.connection, seq=self.tx.seq, number=self._number(None), model=self.model.name, kind=kind
        )
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
            writes.summaries(
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
        rows.stage(connection, normalised.reader(), shape, site=self.delivery.site)
        tally = normalised.finish()
        connection.execute(
            "UPDATE staged SET event_time = coalesce(event_time, TIMESTAMP '1970-01-01'), id = coalesce(id, n::VARCHAR)"
        )
        rows.append_staged(connection, table, shape, seq=self.tx.seq)
        start = self.tx.seq if since is None else since
        writes.reference_batch(self.tx, model=self.model.name, version=self.model.version, since=start)
        freeze_if_known(self.tx, self.model, replace_spec=True)
        return self._receipt(tally, 0, table=table, digests=self._digests(table))

    def _digests(self, table: str) -> list[str]:
        return trail.batch_digests(self.tx.connection, table, self.tx.seq)

    def _receipt(self, tally: Tally, duplicates: int, *, table: str, digests: Sequence[str]) -> Receipt:
        delivery, raw = self.delivery, self.raw
        version = None if delivery.kind is Kind.LABELS else self.model.version
        id_ = make_id("batch", delivery.site, self.model.name, version, delivery.kind, raw.sha256)
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
            source=raw.file.name,
        )
        writes.quarantine(
            self.tx, batch=id_, site=delivery.site, model=self.model.name, source=raw.file.name, records=tally.rejects
        )
        named = raw.version if raw.version != self.model.version else None
        writes.batch(
            self.tx,
            receipt,
            bytes_=raw.size,
            absent=tally.absent,
            table=table,
            digests=digests,
            named_version=named,
        )
        return receipt


_EVERYONE = Viewer("house", ())
"""Model files of a version are read for counting whoever delivers; nothing read under it is shown to anyone."""


def nothing_recorded(errors: Sequence[BailiwickError]) -> BailiwickError:
    """The one error to raise where no file gave a receipt."""
    if not errors:
        return Refused(
            "there was no file to read",
            advice="Check the path and --format; a folder is walked for the format's own files.",
        )
    return errors[0]
