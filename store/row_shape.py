"""What one table of rows holds: which input x0 is, of which type, and whether its halves must meet."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from store.model_file import InputType, ModelFile, Task

INPUTS, PREDICTION, BOTH = 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RowShape:
    """What x0, g0, s0, prediction ... hold in one table of rows."""

    inputs: tuple[str, ...]
    types: tuple[str, ...]
    """`number` or `category`, one per input."""
    prediction: str | None
    """`number`, `category`, or None where the model declares no prediction."""
    score: bool
    groups: tuple[str, ...]
    segments: tuple[str, ...]
    label: str | None = None
    """`number` or `category`: of a reference, which keeps its labels beside its rows. Those of rows that happened come
    later and stand in a table of their own."""

    @property
    def columns(self) -> dict[str, str]:
        """Column name to DuckDB type, in the order of the table."""
        kind = {"number": "DOUBLE", "category": "VARCHAR"}
        out = {"n": "BIGINT", "site": "VARCHAR", "id": "VARCHAR", "event_time": "TIMESTAMP", "part": "UTINYINT"}
        out |= {f"x{i}": kind[name] for i, name in enumerate(self.types)}
        out["prediction"] = kind[self.prediction or "category"]
        out["score"] = "DOUBLE"
        out |= {f"g{i}": "VARCHAR" for i in range(len(self.groups))}
        out |= {f"s{i}": "VARCHAR" for i in range(len(self.segments))}
        out["person"] = "VARCHAR"
        return out | ({"label": kind[self.label]} if self.label else {})

    @property
    def parts_must_meet(self) -> bool:
        """Whether an outcome needs the inputs part: groups and segments travel with the inputs."""
        return bool(self.groups or self.segments)


def shape_of(model: ModelFile, types: tuple[InputType, ...]) -> RowShape:
    prediction = None
    if model.columns.prediction:
        prediction = "number" if model.task is Task.REGRESSION else "category"
    return RowShape(
        inputs=tuple(column.name for column in model.columns.inputs),
        types=tuple(str(kind) for kind in types),
        prediction=prediction,
        score=model.columns.score is not None,
        groups=tuple(group.name for group in model.columns.groups),
        segments=model.columns.segments,
    )


def reference_shape(model: ModelFile, types: tuple[InputType, ...]) -> RowShape:
    """The shape of a reference: with its labels, where the model declares an outcome."""
    if not model.columns.outcome:
        return shape_of(model, types)
    return replace(shape_of(model, types), label="number" if model.task is Task.REGRESSION else "category")


def told_names(model: ModelFile) -> dict[str, str]:
    """The columns of a table of rows under the names that the model file gives them."""
    columns = model.columns
    names = {
        "id": columns.id or "id",
        "event_time": columns.time or "event_time",
        "prediction": columns.prediction.column if columns.prediction else "prediction",
        "score": columns.score or "score",
        "person": columns.person or "person",
        "label": columns.outcome.column if columns.outcome else "label",
    }
    names |= {f"x{i}": column.name for i, column in enumerate(columns.inputs)}
    names |= {f"g{i}": group.name for i, group in enumerate(columns.groups)}
    return names | {f"s{i}": name for i, name in enumerate(columns.segments)}


def shape_from_json(text: str) -> RowShape:
    document: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(text).items()}
    return RowShape(**document)


def shape_json(shape: RowShape) -> str:
    return json.dumps(asdict(shape), sort_keys=True, ensure_ascii=False)
