"""Freezing the bins of a model version: when enough is known, once, and with everything at hand counted under them.

Bins come from the reference where there is one, else from declared ranges and values; only a run of the monitors
(or an export) forces them to be learned from the rows themselves. Freezing other bins later is a marked break.
"""

from __future__ import annotations

import json
from dataclasses import replace

from monitors.engines import duckdb as engine
from service.counting import count_reference, recount
from store import rows, writes
from store.bin_learning import ColumnProfile, ReferenceProfile, declared_enough, learn_spec, resolve_types, undeclared
from store.bins import BinSpec, spec_from_json
from store.db import Connection, Transaction
from store.errors import BadInput
from store.model_file import InputType, ModelFile
from store.row_shape import RowShape, reference_shape, shape_of

BINS = 20
BINS_WITH_NOISE = 10
"""Fewer, fuller bins where a site of the hub sends noisy counts: noise is per cell."""


def input_types(connection: Connection, model: ModelFile, hints: dict[str, str]) -> tuple[InputType, ...]:
    """The types of a version's inputs: as its first table has them, else declared, else as this batch has them."""
    names = tuple(column.name for column in model.columns.inputs)
    for role in ("reference", "rows"):
        for _, _, shape in rows.tables(connection, model.name, model.version, role):
            if shape.inputs == names:
                return tuple(InputType(name) for name in shape.types)
    return resolve_types(model, hints)


def freeze_if_known(
    tx: Transaction, model: ModelFile, *, force: bool = False, replace_spec: bool = False
) -> BinSpec | None:
    """Freezes the spec if the reference or the model file say enough (or `force` lets rows speak); returns it."""
    connection = tx.connection
    current = current_spec(connection, model)
    if current is not None and not replace_spec:
        return current
    shape = shape_of(model, input_types(connection, model, {}))
    reference = _profile(connection, model, shape, "reference")
    known = reference
    if not declared_enough(model, reference) and force:
        at_hand = _profile(connection, model, shape, "rows")
        known = reference.filled_from(at_hand) if reference and at_hand else reference or at_hand
        inputs = {column.name for column in model.columns.inputs}
        missing = [name for name in undeclared(model, known) if name in inputs]
        if known is None or not inputs - set(missing):
            raise BadInput(
                f"{model.name}:{model.version} has no bins yet for {', '.join(missing)}: no reference, no rows, "
                "nothing declared",
                advice="Ingest the reference with `--kind reference`, or declare a `range` or `values` for each.",
            )
        known = replace(known, inputs={**known.inputs, **{name: _never_there(model, name) for name in missing}})
    elif not declared_enough(model, reference):
        return None
    spec = learn_spec(model, known, bins=_bins(connection))
    learned_from = "reference" if reference else "rows" if known else "declared"
    if current is None or current.spec_hash != spec.spec_hash:
        writes.spec(tx, spec, model=model.name, version=model.version, learned_from=learned_from)
        recount(tx, spec, shape, model=model.name, version=model.version)
    if reference is not None:
        _record_reference(tx, model, spec, shape, reference.rows)
    return spec


def _never_there(model: ModelFile, name: str) -> ColumnProfile:
    """A column without a single value must not keep the others from being measured: its rows count as missing."""
    number = any(column.name == name and column.type is InputType.NUMBER for column in model.columns.inputs)
    kind = InputType.NUMBER if number else InputType.CATEGORY
    return ColumnProfile(name=name, type=kind, rows=0, distinct=0, numeric=False)


def current_spec(connection: Connection, model: ModelFile) -> BinSpec | None:
    """The frozen spec, unless the model file has since moved to other columns."""
    found = connection.execute(
        "SELECT spec FROM bin_spec WHERE model = ? AND version = ? ORDER BY seq DESC LIMIT 1",
        [model.name, model.version],
    ).fetchall()
    if not found:
        return None
    spec = spec_from_json(json.loads(found[0][0]))
    same = (
        [column.name for column in spec.inputs] == [column.name for column in model.columns.inputs]
        and [group.name for group in spec.groups] == [group.name for group in model.columns.groups]
        and (spec.prediction is None) == (model.columns.prediction is None)
        and spec.outcome == (model.columns.outcome is not None)
    )
    return spec if same else None


def _bins(connection: Connection) -> int:
    noisy = connection.execute(
        "SELECT count(*) FROM (SELECT sharing FROM site_version QUALIFY row_number() OVER (PARTITION BY site "
        "ORDER BY seq DESC) = 1) "
        "WHERE sharing = 'noisy-counts'"
    ).fetchall()[0][0]
    return BINS_WITH_NOISE if noisy else BINS


def _reference_view(connection: Connection, model: ModelFile, shape: RowShape) -> str | None:
    """A temporary view of the reference's rows, those of its newest delivery; None where there is none."""
    held = rows.tables(connection, model.name, model.version, "reference")
    since = connection.execute(
        "SELECT arg_max(since, seq) FROM reference_batch WHERE model = ? AND version = ?", [model.name, model.version]
    ).fetchall()[0][0]
    if not held or since is None:
        return None
    parts = " UNION ALL ".join(rows.aligned_sql(table, own, shape) for table, _, own in held)
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW reference_rows AS SELECT * FROM ({parts}) WHERE seq >= {int(since)}"
    )
    return "reference_rows"


def _profile(connection: Connection, model: ModelFile, shape: RowShape, role: str) -> ReferenceProfile | None:
    """What the reference, or the rows at hand, hold;
    columns without a single value are left out, not learned as empty.
    """
    if role == "reference":
        relation = _reference_view(connection, model, shape)
    else:
        held = rows.tables(connection, model.name, model.version, "rows")
        relation = "rows_at_hand" if held else None
        if held:
            parts = " UNION ALL ".join(rows.aligned_sql(table, own, shape) for table, _, own in held)
            connection.execute(f"CREATE OR REPLACE TEMP VIEW rows_at_hand AS {parts}")
    if relation is None:
        return None
    seen = engine.profile(connection, relation, model)
    if not seen.rows:
        return None
    return replace(
        seen,
        inputs={name: column for name, column in seen.inputs.items() if column.rows},
        groups={name: column for name, column in seen.groups.items() if column.rows},
        prediction=seen.prediction if seen.prediction and seen.prediction.rows else None,
        score=seen.score if seen.score and seen.score.rows else None,
    )


def _record_reference(tx: Transaction, model: ModelFile, spec: BinSpec, shape: RowShape, count: int) -> None:
    relation = _reference_view(tx.connection, model, reference_shape(model, tuple(map(InputType, shape.types))))
    if relation is not None:
        counted = count_reference(tx.connection, spec, relation)
        writes.reference(tx, counted, model=model.name, version=model.version, spec_hash=spec.spec_hash, rows=count)
