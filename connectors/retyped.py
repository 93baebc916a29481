"""Columns that changed their type: a number that holds text in most rows of a batch.

Such a column counts as missing in that batch, which is told once, instead of setting most of its rows aside one by
one. Looked for only where the beginning of a file shows something else than numbers; then over the whole batch, so
that the answer does not depend on how it is cut into chunks. A few wrong rows stay what they are: rows in quarantine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.base import Raw
from connectors.sources.casts import Casts
from store.model_file import InputType, ModelFile

FEWEST = 30
"""So many rows must be wrong before anything is said of a column."""
EXAMPLE_SHOWN = 40
_NUMBERS = ("int", "uint", "float", "double", "half", "decimal", "bool", "null")


@dataclass(frozen=True, slots=True)
class Retyped:
    """What was found where numbers were expected."""

    wrong: int
    rows: int
    """In which the column was there."""
    example: str

    def told(self, column: str) -> str:
        return (
            f'{column} holds no number in {self.wrong:,} of {self.rows:,} rows, such as "{self.example}": '
            "it counts as missing in this batch. Mend the sender, or declare another type."
        )


def retyped_columns(raw: Raw, model: ModelFile, types: tuple[InputType, ...]) -> dict[str, Retyped]:
    """Declared numbers that are none in more than half of the rows of a batch."""
    hints = {name.casefold(): kind for name, kind in raw.hints.items()}
    numbers = [column.name for column, kind in zip(model.columns.inputs, types, strict=True) if kind == "number"]
    if model.columns.score:
        numbers.append(model.columns.score)
    suspects = [name for name in numbers if not hints.get(name.casefold(), "null").startswith(_NUMBERS)]
    if not suspects:
        return {}
    found = _counted(raw, suspects)
    return {name: one for name, one in found.items() if one.wrong >= FEWEST and 2 * one.wrong > one.rows}


def _counted(raw: Raw, suspects: list[str]) -> Mapping[str, Retyped]:
    casts = Casts()
    out = {name: Retyped(0, 0, "") for name in suspects}
    for chunk in raw.chunks():
        casts.empty_is_missing = chunk.empty_is_missing
        places = {name.casefold(): name for name in reversed(chunk.table.column_names)}
        for name, was in out.items():
            own = name if name in chunk.table.column_names else places.get(name.casefold())
            if own is None:
                continue
            column = chunk.table[own]
            _, wrong = casts.number(column)
            bad = np.zeros(len(column), bool) if wrong is None else np.asarray(wrong, dtype=bool)
            example = was.example
            if bad.any() and not example:
                first = pc.take(column, pa.array([int(np.argmax(bad))]))[0].as_py()
                example = str(first)[:EXAMPLE_SHOWN]
            out[name] = Retyped(was.wrong + int(bad.sum()), was.rows + len(column), example)
    return out
