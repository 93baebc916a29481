"""One tensor of the V2 inference protocol: its values flat, whichever way they were written. Pure.

Values stand in `data` (nested or flat), in `contents` (protobuf as JSON), in base64 beside the tensors (raw contents)
or behind the JSON (`binary_data_size`). Their number must be that of the shape: nothing is padded or cut.
"""

from __future__ import annotations

import base64
import binascii
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

NUMBERS = {
    "BOOL": "?",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
"""The protocol's datatypes as NumPy writes them; BF16 and BYTES have ways of their own."""


class NoTensor(ValueError):
    """The message says what would have been right."""


@dataclass(frozen=True, slots=True)
class Tensor:
    name: str
    shape: tuple[int, ...]
    """At least one dimension: the first counts the rows."""
    values: list[Any]
    """Flat, in row order."""

    @property
    def rows(self) -> int:
        return self.shape[0]

    def columns(self) -> dict[str, list[Any]]:
        """`name`, or `name-0`, `name-1` ... where the tensor is a matrix; raises NoTensor for what is no table."""
        wide = [size for size in self.shape[1:] if size != 1]
        if len(wide) > 1:
            raise NoTensor(f"rows of single values; the tensor {self.name} has the shape {list(self.shape)}")
        if not wide:
            return {self.name: self.values}
        return {f"{self.name}-{at}": self.values[at :: wide[0]] for at in range(wide[0])}


def tensor_of(item: dict[str, Any], *, raw: Any = None, tail: bytes = b"") -> tuple[Tensor, bytes]:
    """(the tensor, what is left of the bytes behind the JSON); raw: its values in base64, where they stand apart."""
    name, kind = str(item["name"]), str(item.get("datatype", "")).upper()
    parameters = item.get("parameters") if isinstance(item.get("parameters"), dict) else {}
    size = _behind(parameters or {})
    if raw is not None:
        values: list[Any] = _unpacked(_base64(raw, name), kind, name)
    elif size is not None:
        if len(tail) < size:
            raise NoTensor(f"{size} bytes of the tensor {name} behind the JSON; found {len(tail)}")
        values, tail = _unpacked(tail[:size], kind, name), tail[size:]
    elif isinstance(item.get("contents"), dict):
        values = _contents(item["contents"], name)
    else:
        values = _data(item.get("data"), name)
    if (parameters or {}).get("content_type") == "base64":
        values = [_text(_base64(value, name)) if isinstance(value, str) else value for value in values]
    if kind == "BOOL":
        values = [bool(value) if value in (0, 1) else value for value in values]
    return Tensor(name, _shape(item.get("shape"), item.get("data"), values, name), values), tail


def _behind(parameters: dict[str, Any]) -> int | None:
    size = parameters.get("binary_data_size")
    if isinstance(size, dict):  # protobuf as JSON: {"int64Param": "16"}
        size = next(iter(size.values()), None)
    if size is None:
        return None
    try:
        return max(int(size), 0)
    except (TypeError, ValueError):
        raise NoTensor("a whole number as binary_data_size") from None


def _shape(told: Any, data: Any, values: list[Any], name: str) -> tuple[int, ...]:
    if told is None:
        shape: tuple[int, ...] = _nesting(data)
    else:
        try:
            shape = tuple(int(size) for size in told)  # protobuf writes whole numbers as text
        except (TypeError, ValueError):
            raise NoTensor(f"whole numbers as the shape of the tensor {name}") from None
    shape = shape or (1,)
    if any(size < 0 for size in shape) or math.prod(shape) != len(values):
        raise NoTensor(f"{_product(shape)} values in the tensor {name}, as its shape says; found {len(values)}")
    return shape


def _product(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _nesting(data: Any) -> tuple[int, ...]:
    shape = []
    while isinstance(data, list):
        shape.append(len(data))
        data = data[0] if data else None
    return tuple(shape)


def _data(data: Any, name: str) -> list[Any]:
    """Nested lists as one flat list; rows of unequal length are told."""
    if data is None:
        raise NoTensor(f"data in the tensor {name}")
    values = data if isinstance(data, list) else [data]
    while any(isinstance(value, list) for value in values):
        if not all(isinstance(value, list) for value in values) or len({len(value) for value in values}) > 1:
            raise NoTensor(f"rows of equal length in the tensor {name}")
        values = [inner for value in values for inner in value]
    return values


def _contents(contents: dict[str, Any], name: str) -> list[Any]:
    """Protobuf as JSON: `fp32Contents`, `int64_contents` ...: whole numbers come as text, bytes in base64."""
    found = [(key, value) for key, value in contents.items() if isinstance(value, list) and value]
    if len(found) > 1:
        raise NoTensor(f"values of one type in the tensor {name}; found {', '.join(key for key, _ in found)}")
    if not found:
        return []
    key, values = found[0]
    kind = key.lower().removesuffix("contents").removesuffix("_")
    if kind == "bytes":
        return [_text(_base64(value, name)) for value in values]
    try:
        if "int" in kind:
            return [int(value) for value in values]
        return [float(value) if isinstance(value, str) else value for value in values]
    except (TypeError, ValueError):
        raise NoTensor(f"numbers in the tensor {name}") from None


def _unpacked(raw: bytes, kind: str, name: str) -> list[Any]:
    """Little-endian numbers, or texts each behind its length in four bytes."""
    if kind == "BYTES":
        return _texts(raw, name)
    if kind == "BF16":
        if len(raw) % 2:
            raise NoTensor(f"whole values in the tensor {name}; found {len(raw)} bytes of BF16")
        return (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4").astype(float).tolist()  # type: ignore[no-any-return]  # NumPy's tolist is Any
    if kind not in NUMBERS:
        raise NoTensor(f"a datatype of the protocol in the tensor {name}; found {kind or 'none'}")
    numbers = np.dtype(NUMBERS[kind])
    if len(raw) % numbers.itemsize:
        raise NoTensor(f"whole values in the tensor {name}; found {len(raw)} bytes of {kind}")
    values: list[Any] = np.frombuffer(raw, numbers).tolist()
    return values


def _texts(raw: bytes, name: str) -> list[Any]:
    out, at = [], 0
    while at < len(raw):
        end = at + 4 + int.from_bytes(raw[at : at + 4], "little")
        if at + 4 > len(raw) or end > len(raw):
            raise NoTensor(f"texts in the tensor {name}, each behind its length in four bytes")
        out.append(_text(raw[at + 4 : end]))
        at = end
    return out


def _base64(text: Any, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise NoTensor(f"base64 in the tensor {name}") from None


def _text(raw: bytes) -> str:
    """Bytes that are no UTF-8 keep lone surrogates, so that the row they stand in is told as such."""
    return raw.decode("utf-8", "surrogateescape")
