"""Rows in the payloads of Seldon's own protocol: `data` with `ndarray`, `tensor` or `tftensor`, or `jsonData`. Pure.

Columns take the names that stand beside the values where the model declares any of them, else the model's own in its
order. What is no such payload is read as the open inference protocols have it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.base import Wanted
from connectors.sources.inference_protocol import Row, plain_rows, rows_in, tensors_of
from connectors.sources.tensors import NoTensor, Tensor

TF_VALUES = ("doubleVal", "floatVal", "intVal", "int64Val", "uint32Val", "uint64Val", "boolVal", "stringVal")


def seldon_rows(payload: Any, *, asked: bool, wanted: Wanted) -> Iterator[Row | str]:
    """The rows of one request (`asked`) or response; a string says what would have been right in place of one."""
    if not isinstance(payload, dict):
        yield "an object with data, as Seldon's protocol has it"
        return
    for key in ("strData", "binData"):
        if key in payload:
            yield f"rows; this payload is {key}"
            return
    if "jsonData" in payload:
        found = payload["jsonData"]
        inner = (
            found
            if isinstance(found, dict) and {"instances", "inputs", "predictions", "outputs"} & set(found)
            else None
        )
        yield from (
            rows_in(inner, asked=asked, wanted=wanted)
            if inner is not None
            else plain_rows(
                found if isinstance(found, (dict, list)) else [found], "jsonData", asked=asked, wanted=wanted
            )
        )
        return
    data = payload.get("data")
    if not isinstance(data, dict):
        yield from rows_in(payload, asked=asked, wanted=wanted)
        return
    try:
        key, values = _values(data)
    except NoTensor as error:
        yield str(error)
        return
    yield from plain_rows(_named(values, data.get("names"), wanted), key, asked=asked, wanted=wanted)


def _values(data: Row) -> tuple[str, list[Any]]:
    """(where they stand, the rows as nested lists)."""
    if isinstance(data.get("ndarray"), list):
        return "ndarray", data["ndarray"]
    if isinstance(data.get("tensor"), dict):
        found = data["tensor"]
        shape = found.get("shape") or [len(found.get("values") or [])]
        return "tensor", _rows(tensors_of({"inputs": [{"name": "t", "shape": shape, "data": found.get("values")}]})[0])
    if isinstance(data.get("tftensor"), dict):
        return "tftensor", _rows(_tf_tensor(data["tftensor"]))
    raise NoTensor("ndarray, tensor or tftensor under data")


def _tf_tensor(found: Row) -> Tensor:
    """TensorFlow's own tensor, as protobuf writes it to JSON."""
    told = found.get("tensorShape") or {}
    dims = told.get("dim") if isinstance(told, dict) else None
    shape = [dim.get("size", 0) for dim in dims if isinstance(dim, dict)] if isinstance(dims, list) else []
    dtype = str(found.get("dtype") or "").removeprefix("DT_")
    if found.get("tensorContent"):
        kinds = {"FLOAT": "FP32", "DOUBLE": "FP64", "HALF": "FP16", "BOOL": "BOOL", "STRING": "BYTES"}
        item = {"name": "t", "shape": shape, "datatype": kinds.get(dtype, dtype)}
        return tensors_of({"inputs": [item], "rawInputContents": [found["tensorContent"]]})[0]
    key = next((key for key in TF_VALUES if isinstance(found.get(key), list)), None)
    if key is None:
        raise NoTensor("values in the tftensor")
    kinds = {"stringVal": "bytesContents", "int64Val": "int64Contents", "uint64Val": "uint64Contents"}
    contents = {kinds.get(key, "fp64Contents"): found[key]}
    return tensors_of({"inputs": [{"name": "t", "shape": shape or [len(found[key])], "contents": contents}]})[0]


def _rows(tensor: Tensor) -> list[Any]:
    columns = list(tensor.columns().values())
    if len(columns) == 1 and len(tensor.shape) == 1:
        return columns[0]
    return [list(row) for row in zip(*columns, strict=True)]


def _named(values: list[Any], names: Any, wanted: Wanted) -> list[Any]:
    """Rows with their names where the model knows any of these; a row that does not fit them stays as it is."""
    declared = wanted.part_of()
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        return values
    if declared is not None and not any(name.casefold() in declared for name in names):
        return values
    if len(values) == len(names) and len(names) > 1 and not any(isinstance(row, list) for row in values):
        values = [values]  # one row, no batch around it
    out: list[Any] = []
    for row in values:
        cells = row if isinstance(row, list) else [row]
        out.append(dict(zip(names, cells, strict=True)) if len(cells) == len(names) else row)
    return out
