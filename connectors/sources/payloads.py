"""Rows in the payloads of scoring requests and responses, whatever their shape. Pure.

Seen in the wild: a list of objects; an object of one row; `{"data": [[...]]}` and its cousins (`inputs`, `instances`,
`input_data`, `dataframe_split` ...); columns beside rows; an object of equal lists; a bare list of numbers. Rows
without names take the model's columns in order, and only when their number fits: names are never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from connectors.base import Wanted

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


def rows_of(data: Any, collection: str, wanted: Wanted) -> Iterator[dict[str, Any] | str]:
    """The rows in any shape of payload; a string says why there is none."""
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError):
            yield "rows; this payload is text"
            return
    inner = _inside(data)
    if inner is not data:
        yield from rows_of(inner, collection, wanted)
    elif isinstance(data, dict):
        yield from _object(data)
    elif isinstance(data, list):
        yield from _list(data, collection, wanted)
    else:
        yield from _named([data], wanted.outputs)


def _inside(data: Any) -> Any:
    """What stands under one of the keys where scoring payloads keep their rows."""
    if not isinstance(data, dict) or "columns" in data:
        return data
    for key in ROW_KEYS:
        if key in data and isinstance(data[key], (list, dict)):
            return data[key]
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
    plain = not any(isinstance(item, (dict, list)) for item in data)
    asked = collection in ("request", "model_inputs")
    if plain and data and asked and len(data) == len(wanted.inputs):
        yield from _named(data, wanted.inputs)
        return
    for item in data:
        if isinstance(item, dict):
            yield item
        elif isinstance(item, list):
            yield from _named(item, wanted.inputs if len(item) == len(wanted.inputs) else wanted.outputs)
        else:
            yield from _named([item], wanted.inputs if asked else wanted.outputs)


def _named(values: list[Any], names: tuple[str, ...]) -> Iterator[dict[str, Any] | str]:
    if not values or len(values) > len(names) or (len(values) < len(names) and len(values) != 1):
        told = ", ".join(names) or "none declared"
        yield f"named columns, or {len(names)} values in the model's order ({told}); found {len(values)}"
    else:
        yield dict(zip(names, values, strict=False))
