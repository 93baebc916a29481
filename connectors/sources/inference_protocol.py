"""Rows in the payloads of the open inference protocols, V1 and V2. Pure; shared by every log of a serving stack.

V1: `instances`, `inputs` or `predictions`: a list of rows (objects, lists or single values), or columns by name.
V2: tensors, nested or flat, whose first dimension counts the rows; also as protobuf writes them to JSON (`contents`,
`rawInputContents`, numbers as text) and with the values behind the JSON (the binary tensor extension).

A column takes the name of its tensor, or `<tensor>-<i>` where one tensor holds many. Where the model declares none of
these names, the values take the model's own in its order, and only when their number fits: names are never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.base import Wanted
from connectors.sources.tensors import NoTensor, Tensor, tensor_of

REQUEST_KEYS = ("instances", "inputs")
RESPONSE_KEYS = ("predictions", "outputs")
RAW_KEYS = ("rawInputContents", "raw_input_contents", "rawOutputContents", "raw_output_contents")

Row = dict[str, Any]


def rows_in(payload: Any, *, asked: bool, wanted: Wanted, tail: bytes = b"") -> Iterator[Row | str]:
    """The rows of one request (`asked`) or response; a string says what would have been right in place of one.

    tail: the bytes behind the JSON, where tensors keep their values there (`split_tail`).
    """
    if is_v2(payload):
        yield from _tensor_rows(payload, asked=asked, wanted=wanted, tail=tail)
        return
    key = (
        next((key for key in (REQUEST_KEYS if asked else RESPONSE_KEYS) if key in payload), None)
        if (isinstance(payload, dict))
        else None
    )
    if key is None:
        yield f"an object with {' or '.join(REQUEST_KEYS if asked else RESPONSE_KEYS)}, as inference protocols have it"
        return
    yield from plain_rows(payload[key], key, asked=asked, wanted=wanted)


def is_v2(payload: Any) -> bool:
    """Whether the payload is made of tensors."""
    return _listed(payload) is not None


def _listed(payload: Any) -> list[Row] | None:
    if not isinstance(payload, dict):
        return None
    for key in ("inputs", "outputs"):
        found = payload.get(key)
        if isinstance(found, list) and found and all(_is_tensor(item) for item in found):
            return found
    return None


def _is_tensor(item: Any) -> bool:
    return isinstance(item, dict) and "name" in item and bool({"shape", "datatype", "contents"} & set(item))


def split_tail(body: bytes, header_length: int) -> tuple[bytes, bytes]:
    """(the JSON, the values behind it) of a body whose header `Inference-Header-Content-Length` tells where it ends."""
    return body[:header_length], body[header_length:]


# -- V2 -----------------------------------------------------------------------------------------------------------


def tensors_of(payload: Row, tail: bytes = b"") -> list[Tensor]:
    """The tensors of a V2 payload; raises NoTensor, saying what would have been right."""
    raw = next((payload[key] for key in RAW_KEYS if isinstance(payload.get(key), list) and payload[key]), None)
    found = _listed(payload) or []
    if raw is not None and len(raw) != len(found):
        raise NoTensor(f"{len(found)} raw contents, one for each tensor; found {len(raw)}")
    out = []
    for at, item in enumerate(found):
        tensor, tail = tensor_of(item, raw=None if raw is None else raw[at], tail=tail)
        out.append(tensor)
    return out


def _tensor_rows(payload: Row, *, asked: bool, wanted: Wanted, tail: bytes) -> Iterator[Row | str]:
    try:
        columns = tensor_columns(tensors_of(payload, tail), asked=asked, wanted=wanted)
    except NoTensor as error:
        yield str(error)
        return
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def tensor_columns(tensors: Sequence[Tensor], *, asked: bool, wanted: Wanted) -> dict[str, list[Any]]:
    """The columns of tensors under the names that the model knows; raises NoTensor where they make no table."""
    order = wanted.inputs if asked else wanted.outputs
    declared = wanted.part_of()
    single = tensors[0] if len(tensors) == 1 else None
    if (
        single is not None
        and asked
        and len(single.shape) == 1
        and single.shape[0] == len(order) > 1
        and (declared is None or single.name.casefold() not in declared)
    ):
        return {name: [value] for name, value in zip(order, single.values, strict=True)}  # one row, no batch around it
    columns: dict[str, list[Any]] = {}
    for tensor in _of_equal_length(tensors, declared):
        columns |= tensor.columns()
    names = names_for(list(columns), order=order, asked=asked, declared=declared)
    return dict(zip(names, columns.values(), strict=True))


def _of_equal_length(tensors: Sequence[Tensor], declared: dict[str, int] | None) -> Sequence[Tensor]:
    """The tensors; where they differ in length, those alone that the model declares (a flag for the whole batch, say,
    stands beside the predictions). Raises NoTensor where these differ too, or none is declared.
    """
    known = tensors
    if len({tensor.rows for tensor in tensors}) > 1:
        known = [t for t in tensors if _known(t.name, declared or {}).casefold() in (declared or {})]
    if len({tensor.rows for tensor in known}) != 1:
        shapes = ", ".join(f"{tensor.name} {list(tensor.shape)}" for tensor in tensors)
        raise NoTensor(f"tensors of as many rows each; found {shapes}")
    return known


def names_for(own: list[str], *, order: tuple[str, ...], asked: bool, declared: dict[str, int] | None) -> list[str]:
    """What the columns are called: as the log says where the model knows any of it, else the model's own in order."""
    if declared is None:
        return own
    known = [_known(name, declared) for name in own]
    if any(name.casefold() in declared for name in known):
        return known
    if len(own) == len(order) or (not asked and 0 < len(own) < len(order)):
        return list(order[: len(own)])
    told = ", ".join(order) or "none declared"
    raise NoTensor(
        f"declared names, or {len(order)} values in the model's order ({told}); found {len(own)}: {', '.join(own[:8])}"
    )


def _known(name: str, declared: dict[str, int]) -> str:
    """A tensor of one column is known as `name` or as `name-0`."""
    return f"{name}-0" if name.casefold() not in declared and f"{name}-0".casefold() in declared else name


# -- V1 -----------------------------------------------------------------------------------------------------------


def plain_rows(data: Any, key: str, *, asked: bool, wanted: Wanted) -> Iterator[Row | str]:
    """The rows in JSON's own lists and objects; key: what they are called where they have no names."""
    if isinstance(data, dict):
        for row in _columns_by_name(data):
            yield row if isinstance(row, str) else _named(row, asked=asked, wanted=wanted)
        return
    if not isinstance(data, list):
        yield f"a list of rows under {key}"
        return
    order = wanted.inputs if asked else wanted.outputs
    declared = wanted.part_of()
    if declared is None and order:
        declared = {}  # rows without names take the model's even where every column is wanted
    nested = any(isinstance(item, (dict, list)) for item in data)
    if asked and not nested and len(data) == len(order) > 1:
        data = [data]  # one row, no batch around it
    for item in data:
        if isinstance(item, dict):
            yield _named(item, asked=asked, wanted=wanted)
            continue
        values = item if isinstance(item, list) else [item]
        while len(values) == 1 and isinstance(values[0], list):
            values = values[0]
        own = [f"{key}-{at}" for at in range(len(values))] if len(values) != 1 else [key]
        try:
            names = names_for(own, order=order, asked=asked, declared=declared)
            yield dict(zip(names, values, strict=True))
        except NoTensor as error:
            yield str(error)


def _columns_by_name(data: Row) -> Iterator[Row | str]:
    """`{"age": [1, 2], "income": [3, 4]}`: columns; an object of single values is one row."""
    lists = [value for value in data.values() if isinstance(value, list)]
    if not lists:
        yield data if data else "at least one column"
        return
    if len(lists) != len(data) or len({len(value) for value in lists}) != 1:
        yield "columns of as many values each"
        return
    for values in zip(*data.values(), strict=True):
        yield dict(zip(data, values, strict=True))


def _named(row: Row, *, asked: bool, wanted: Wanted) -> Row | str:
    """A row that names its columns; one of a single tensor may take the model's names instead."""
    opened = _opened(row)
    declared = wanted.part_of()
    if declared is None or not opened or any(name.casefold() in declared for name in opened):
        return opened
    try:
        names = names_for(
            list(opened), order=wanted.inputs if asked else wanted.outputs, asked=asked, declared=declared
        )
    except NoTensor as error:
        return str(error)
    if len(row) == 1:
        return dict(zip(names, opened.values(), strict=True))
    return f"declared names; found {', '.join(list(opened)[:8])}"


def _opened(row: Row) -> Row:
    """Lists inside a row as columns of their own: `x: [1]` is x, `x: [1, 2]` is x-0 and x-1."""
    if not any(isinstance(value, list) for value in row.values()):
        return row
    out: Row = {}
    for name, value in row.items():
        while isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, list):
            out |= {f"{name}-{at}": item for at, item in enumerate(value)}
        else:
            out[name] = value
    return out
