"""Rows in the payloads of scoring requests and responses, whatever their shape. Pure.

Seen in the wild: a list of objects; an object of one row; `{"data": [[...]]}` and its cousins (`inputs`, `instances`,
`input_data`, `dataframe_split` ...); columns beside rows; an object of equal lists; a bare list of numbers. Rows
without names take the model's columns in order, and only when their number fits: names are never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.base import Wanted
from connectors.sources.json_text import json_of

ROW_KEYS = (
    "data",
    "inputs",
    "instances",
    "input_data",
    "dataframe_split",
    "dataframe_records",
    "predictions",
    "outputs",
)
"""Where scoring payloads keep their rows."""
DEEPEST = 4
"""Most such keys inside each other."""


def rows_of(data: Any, collection: str, wanted: Wanted) -> Iterator[dict[str, Any] | str]:
    """The rows in any shape of payload; a string says why there is none."""
    if isinstance(data, str):
        try:
            data = json_of(data, wanted.limits)
        except ValueError:
            yield "rows; this payload is text"
            return
    data = _inside(data)
    if isinstance(data, dict):
        yield from _object(data)
    elif isinstance(data, list):
        yield from _list(data, collection, wanted)
    else:
        yield from _outputs([data], wanted)


def _inside(data: Any) -> Any:
    """What stands under the keys where scoring payloads keep their rows."""
    for _ in range(DEEPEST):
        if not isinstance(data, dict) or "columns" in data:
            break
        key = next((key for key in ROW_KEYS if isinstance(data.get(key), (list, dict))), None)
        if key is None:
            break
        data = data[key]
    return data


def _object(data: dict[str, Any]) -> Iterator[dict[str, Any] | str]:
    """One row, or a table written by columns."""
    columns, rows = data.get("columns"), data.get("data")
    if isinstance(columns, list) and isinstance(rows, list):
        for row in rows:
            if isinstance(row, list) and len(row) == len(columns):
                yield dict(zip(map(str, columns), row, strict=True))
            else:
                yield f"rows of {len(columns)} values, as in columns"
        return
    lists = [value for value in data.values() if isinstance(value, list)]
    if data and len(lists) == len(data) and len({len(value) for value in lists}) == 1:
        for values in zip(*lists, strict=True):
            yield dict(zip(data, values, strict=True))
        return
    yield data


def _list(data: list[Any], collection: str, wanted: Wanted) -> Iterator[dict[str, Any] | str]:
    asked = collection in ("request", "model_inputs")
    plain = not any(isinstance(item, (dict, list)) for item in data)
    if plain and asked and len(data) == len(wanted.inputs) > 0:
        yield from _inputs(data, wanted)
        return
    named = any(isinstance(item, dict) for item in data)
    for item in data:
        if named:
            yield item if isinstance(item, dict) else "an object with named columns, like the other rows"
            continue
        values = item if isinstance(item, list) else [item]
        answered = collection in ("response", "model_outputs")
        if asked or (not answered and len(values) == len(wanted.inputs) and isinstance(item, list)):
            yield from _inputs(values, wanted)
        else:
            yield from _outputs(values, wanted)


def _inputs(values: list[Any], wanted: Wanted) -> Iterator[dict[str, Any] | str]:
    if len(values) == len(wanted.inputs):
        yield dict(zip(wanted.inputs, values, strict=True))
    else:
        yield _misfit(values, wanted.inputs)


def _outputs(values: list[Any], wanted: Wanted) -> Iterator[dict[str, Any] | str]:
    """The prediction, and the score if it is there."""
    if 0 < len(values) <= len(wanted.outputs):
        yield dict(zip(wanted.outputs, values, strict=False))
    else:
        yield _misfit(values, wanted.outputs)


def _misfit(values: list[Any], names: tuple[str, ...]) -> str:
    told = ", ".join(names) or "none declared"
    return f"named columns, or {len(names)} values in the model's order ({told}); found {len(values)}"
