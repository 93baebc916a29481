"""Which column of a model plays which role in the normalised relation. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import pyarrow as pa

from connectors.base import Wanted
from store.errors import BadInput
from store.model_file import InputType, ModelFile, Task
from store.receipt import Kind

TIMELESS = (Kind.REFERENCE, Kind.REFERENCE_ATTRIBUTIONS)
"""Kinds whose rows need neither an id nor a time."""
CONTRIBUTIONS = (Kind.ATTRIBUTIONS, Kind.REFERENCE_ATTRIBUTIONS)


class Role(Enum):
    """(name, the part of a row it belongs to, whether a batch is worth reading for it)."""

    ID = ("id", 0, False)
    TIME = ("time", 0, False)
    INPUT = ("input", 1, True)
    PREDICTION = ("prediction", 2, True)
    SCORE = ("score", 2, True)
    GROUP = ("group", 1, True)
    SEGMENT = ("segment", 1, True)
    PERSON = ("person", 1, False)
    LABEL = ("label", 0, False)
    OUTCOME = ("outcome", 3, True)

    @property
    def part(self) -> int:
        return self.value[1]

    @property
    def counts(self) -> bool:
        return self.value[2]


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    """In the normalised relation: x0, prediction, ..."""
    column: str
    """As the model file declares it; empty where it declares none."""
    role: Role
    type: pa.DataType


def label_name(model: ModelFile) -> str:
    if model.columns.outcome is None:
        raise BadInput(
            f"{model.name} declares no outcome, so labels cannot be read",
            advice="Add `outcome: {column: ...}` to columns in its model file.",
        )
    return model.columns.outcome.column


def fields_of(model: ModelFile, kind: Kind, types: tuple[InputType, ...]) -> tuple[Field, ...]:
    """Every column of the relation that stands for one of the file, in order."""
    columns = model.columns
    told = pa.float64() if model.task is Task.REGRESSION else pa.string()
    row_id = Field("id", columns.id or "", Role.ID, pa.string())
    if kind is Kind.LABELS:
        return row_id, Field("label", label_name(model), Role.OUTCOME, told)
    if len(types) != len(columns.inputs):
        raise ValueError(f"{len(types)} types for {len(columns.inputs)} inputs")
    if kind in CONTRIBUTIONS:
        told_of = [Field(f"x{i}", c.name, Role.INPUT, pa.float64()) for i, c in enumerate(columns.inputs)]
        return row_id, Field("event_time", columns.time or "", Role.TIME, pa.timestamp("us")), *told_of
    kinds = [pa.float64() if of is InputType.NUMBER else pa.string() for of in types]
    out = [row_id, Field("event_time", columns.time or "", Role.TIME, pa.timestamp("us"))]
    out += [Field(f"x{i}", c.name, Role.INPUT, kinds[i]) for i, c in enumerate(columns.inputs)]
    if columns.prediction:
        out.append(Field("prediction", columns.prediction.column, Role.PREDICTION, told))
    if columns.score:
        out.append(Field("score", columns.score, Role.SCORE, pa.float64()))
    out += [Field(f"g{i}", group.name, Role.GROUP, pa.string()) for i, group in enumerate(columns.groups)]
    out += [Field(f"s{i}", name, Role.SEGMENT, pa.string()) for i, name in enumerate(columns.segments)]
    if columns.person:
        out.append(Field("person", columns.person, Role.PERSON, pa.string()))
    if columns.outcome:
        out.append(Field("label", columns.outcome.column, Role.LABEL, told))
    return tuple(out)


def schema_of(model: ModelFile, kind: Kind, types: tuple[InputType, ...]) -> pa.Schema:
    """The columns that `normalise` gives; those that the model does not declare are null throughout."""
    types_by_name = {f.name: f.type for f in fields_of(model, kind, types)}
    names = ["n", "id", "label"]
    if kind is not Kind.LABELS:
        names = [
            "n",
            "id",
            "event_time",
            "part",
            *(name for name in types_by_name if name[0] == "x" and name[1:].isdigit()),
        ]
        names += ["prediction", "score", *(name for name in types_by_name if name[0] in "gs" and name[1:].isdigit())]
        names += ["person", *(["label"] if "label" in types_by_name else [])]
    always = {
        "n": pa.int64(),
        "part": pa.uint8(),
        "prediction": pa.string(),
        "score": pa.float64(),
        "person": pa.string(),
    }
    return pa.schema([(name, types_by_name.get(name) or always[name]) for name in names])


def wanted_of(model: ModelFile, kind: Kind) -> Wanted:
    """The columns to read for this kind of batch."""
    columns = model.columns
    types = (InputType.NUMBER,) * len(columns.inputs)
    parts: dict[str, int] = {}
    for f in fields_of(model, kind, types):
        if f.column:
            parts[f.column] = parts.get(f.column, 0) | f.role.part
    outputs = [columns.prediction.column if columns.prediction else "", columns.score or ""]
    return Wanted(
        parts=parts,
        inputs=tuple(column.name for column in columns.inputs),
        outputs=tuple(name for name in outputs if name),
        id=columns.id,
        label=columns.outcome.column if columns.outcome else None,
    )
