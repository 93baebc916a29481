"""Payloads of the inference protocols: every way to write a row is read as the same row."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Wanted
from connectors.sources.inference_protocol import is_v2, rows_in, split_tail, tensors_of
from connectors.sources.tensors import NUMBERS, NoTensor

WANTED = Wanted(
    parts={"age": 1, "income": 1, "approved": 2, "score": 2}, inputs=("age", "income"), outputs=("approved", "score")
)
ROWS = [{"age": 30, "income": 10.5}, {"age": 40, "income": 20.5}]


def asked(payload: Any, wanted: Wanted = WANTED, tail: bytes = b"") -> list[Any]:
    return list(rows_in(payload, asked=True, wanted=wanted, tail=tail))


def answered(payload: Any, wanted: Wanted = WANTED) -> list[Any]:
    return list(rows_in(payload, asked=False, wanted=wanted))


def tensor(name: str, shape: list[int], data: Any, datatype: str = "FP64", **more: Any) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data, **more}


MATRIX = [[30, 10.5], [40, 20.5]]


@pytest.mark.parametrize(
    "payload",
    [
        {"instances": MATRIX},
        {"instances": ROWS},
        {"inputs": MATRIX},
        {"inputs": {"age": [30, 40], "income": [10.5, 20.5]}},
        {"instances": [{"age": [30], "income": [10.5]}, {"age": [40], "income": [20.5]}]},
        {"instances": [{"dense_input": row} for row in MATRIX]},
        {"inputs": [tensor("in", [2, 2], MATRIX)]},
        {"inputs": [tensor("in", [2, 2], [30, 10.5, 40, 20.5])]},
        {"inputs": [tensor("in", [2, 2, 1], [30, 10.5, 40, 20.5])]},
        {"inputs": [{"name": "in", "datatype": "FP64", "data": MATRIX}]},
        {"inputs": [tensor("age", [2], [30, 40]), tensor("income", [2, 1], [[10.5], [20.5]])]},
        {"inputs": [tensor("age", [2, 1], [30, 40]), tensor("income", [2], [10.5, 20.5])]},
        {"inputs": [{"name": "in", "shape": ["2", "2"], "contents": {"fp64Contents": [30, 10.5, 40, 20.5]}}]},
        {
            "inputs": [{"name": "in", "shape": [2, 2], "datatype": "FP64"}],
            "rawInputContents": [base64.b64encode(np.array(MATRIX, "<f8").tobytes()).decode()],
        },
    ],
)
def test_every_way_to_write_a_request(payload: dict[str, Any]) -> None:
    assert asked(payload) == ROWS


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"predictions": [1, 0]}, [{"approved": 1}, {"approved": 0}]),
        ({"predictions": [[1], [0]]}, [{"approved": 1}, {"approved": 0}]),
        ({"predictions": [[1, 0.9], [0, 0.2]]}, [{"approved": 1, "score": 0.9}, {"approved": 0, "score": 0.2}]),
        ({"predictions": [{"approved": 1, "extra": 2}]}, [{"approved": 1, "extra": 2}]),
        ({"predictions": {"score": [0.1, 0.2]}}, [{"score": 0.1}, {"score": 0.2}]),
        ({"outputs": [tensor("predict", [2, 1], [1, 0], "INT64")]}, [{"approved": 1}, {"approved": 0}]),
        (
            {"outputs": [tensor("x", [1], [1], "INT64"), tensor("score", [1], [0.4])]},
            [{"x": 1, "score": 0.4}],
        ),
        (
            {"model_version": "1", "outputs": [tensor("predict", [1], ["yes"], "BYTES")]},
            [{"approved": "yes"}],
        ),
    ],
)
def test_every_way_to_write_a_response(payload: dict[str, Any], expected: list[Any]) -> None:
    assert answered(payload) == expected


def test_a_tensor_of_many_columns_names_them_by_number() -> None:
    wanted = Wanted(parts={"probabilities-1": 2, "label": 2}, outputs=("label", "probabilities-1"))
    payload = {"outputs": [tensor("label", [1], [1]), tensor("probabilities", [1, 2], [[0.2, 0.8]])]}
    assert answered(payload, wanted) == [{"label": 1, "probabilities-0": 0.2, "probabilities-1": 0.8}]
    assert answered({"predictions": [[0.2, 0.8]]}, Wanted(parts={"predictions-1": 2}, outputs=("predictions-1",))) == [
        {"predictions-0": 0.2, "predictions-1": 0.8}
    ]


def test_a_tensor_of_one_column_is_known_with_and_without_its_number() -> None:
    assert answered({"outputs": [tensor("y", [1, 1], [7])]}, Wanted(parts={"y-0": 2}, outputs=("y-0",))) == [{"y-0": 7}]


def test_a_tensor_for_the_whole_batch_may_stand_beside_declared_ones() -> None:
    outputs = [tensor("approved", [2, 1], [1, 0]), tensor("is_outlier", [1, 2], [0, 0])]
    assert answered({"outputs": outputs}) == [{"approved": 1}, {"approved": 0}]
    outputs = [tensor("y", [2, 1], [1, 0]), tensor("is_outlier", [1, 2], [0, 0])]
    assert isinstance(answered({"outputs": outputs})[0], str), "which of them is the prediction is not guessed"


@pytest.mark.parametrize("payload", [{"instances": [30, 10.5]}, {"inputs": [tensor("in", [2], [30, 10.5])]}])
def test_one_row_without_a_batch_around_it(payload: dict[str, Any]) -> None:
    assert asked(payload) == ROWS[:1]


def test_columns_keep_their_own_names_where_every_one_is_wanted() -> None:
    assert asked({"inputs": [tensor("in", [1, 2], [1, 2])]}, Wanted()) == [{"in-0": 1, "in-1": 2}]
    assert asked({"instances": [[1, 2]]}, Wanted()) == [{"instances-0": 1, "instances-1": 2}]
    assert asked({"instances": [[1, 2]]}, Wanted(inputs=("age", "income"))) == [{"age": 1, "income": 2}]


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        "text",
        {},
        {"data": MATRIX},
        {"instances": 7},
        {"instances": {"age": [1], "income": [1, 2]}},
        {"instances": [{"salary": 1, "years": 2}]},
        {"instances": [{"salary": 1}]},
        {"inputs": {"salary": 1}},
        {"inputs": [tensor("in", [2, 2], [1, 2, 3])]},
        {"inputs": [tensor("in", [1, 3], [1, 2, 3])]},
        {"inputs": [tensor("in", [-1, -1], [1])]},
        {"inputs": [tensor("in", [1, 2, 2], [1, 2, 3, 4])]},
        {"inputs": [tensor("in", [2, 2], [[1, 2], [3]])]},
        {"inputs": [{"name": "in", "shape": "two", "data": [1]}]},
        {"inputs": [{"name": "in", "shape": [1]}]},
        {"inputs": [tensor("age", [2], [1, 2]), tensor("income", [1], [1])]},
        {"inputs": [tensor("in", [1, 2], [], parameters={"binary_data_size": 16})]},
        {"inputs": [tensor("in", [1, 2], [], parameters={"binary_data_size": "x"})]},
        {"inputs": [{"name": "in", "shape": [1, 2], "contents": {"fp32Contents": [1], "int64Contents": [2]}}]},
        {"inputs": [{"name": "in", "shape": [1, 2], "contents": {"int64Contents": ["a", "b"]}}]},
        {"inputs": [{"name": "in", "shape": [1], "contents": {"bytesContents": ["%"]}}]},
        {"inputs": [{"name": "in", "shape": [1, 2], "datatype": "FP64"}], "rawInputContents": ["AA==", "AA=="]},
        {"inputs": [{"name": "in", "shape": [1, 2], "datatype": "FP64"}], "rawInputContents": ["AA=="]},
        {"inputs": [{"name": "in", "shape": [1, 2], "datatype": "FP128"}], "rawInputContents": ["AA=="]},
        {"inputs": [{"name": "in", "shape": [1], "datatype": "BYTES"}], "rawInputContents": ["/////w=="]},
    ],
)
def test_what_makes_no_row_is_told(payload: Any) -> None:
    (told,) = asked(payload)
    assert isinstance(told, str)
    assert told


def test_a_row_that_does_not_fit_costs_itself_alone() -> None:
    first, second, third = asked({"instances": [[30, 10.5], [1], [40, 20.5]]})
    assert (first, third) == tuple(ROWS)
    assert "found 1" in second


def test_values_behind_the_json() -> None:
    first, second = np.array([30, 40], "<i4").tobytes(), np.array([10.5, 20.5], "<f4").tobytes()
    header = b'{"inputs": []}'
    _, tail = split_tail(header + first + second, len(header))
    tensors = [
        {"name": "age", "shape": [2], "datatype": "INT32", "parameters": {"binary_data_size": len(first)}},
        {"name": "income", "shape": [2], "datatype": "FP32", "parameters": {"binary_data_size": len(second)}},
    ]
    assert asked({"inputs": tensors}, tail=tail) == ROWS


def test_texts_behind_the_json_and_in_base64() -> None:
    raw = b"".join(len(word).to_bytes(4, "little") + word for word in ("Zürich".encode(), b""))
    item: dict[str, Any] = {
        "name": "town",
        "shape": [2],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(raw)},
    }
    assert tensors_of({"inputs": [item]}, raw)[0].values == ["Zürich", ""]
    encoded = base64.b64encode("東京".encode()).decode()
    item = tensor("town", [1], [encoded], "BYTES", parameters={"content_type": "base64"})
    assert tensors_of({"inputs": [item]})[0].values == ["東京"]
    item = {"name": "town", "shape": [1], "contents": {"bytesContents": [encoded]}}
    assert tensors_of({"inputs": [item]})[0].values == ["東京"]


def test_whole_numbers_and_truth_as_protobuf_writes_them() -> None:
    item: dict[str, Any] = {
        "name": "n",
        "shape": ["2"],
        "datatype": "INT64",
        "contents": {"int64Contents": ["1", "-9007199254740993"]},
    }
    assert tensors_of({"inputs": [item]})[0].values == [1, -9007199254740993]
    assert tensors_of({"inputs": [tensor("b", [2], [0, True], "BOOL")]})[0].values == [False, True]
    item = {"name": "f", "shape": [1], "contents": {"fp32Contents": ["NaN"]}}
    assert math.isnan(tensors_of({"inputs": [item]})[0].values[0])


def test_short_floats() -> None:
    raw = base64.b64encode((np.array([1.5, -2.0], "<f4").view("<u4") >> 16).astype("<u2").tobytes()).decode()
    payload = {"outputs": [{"name": "y", "shape": [2], "datatype": "BF16"}], "rawOutputContents": [raw]}
    assert tensors_of(payload)[0].values == [1.5, -2.0]


def test_v1_rows_are_not_mistaken_for_tensors() -> None:
    assert not is_v2({"inputs": [{"name": "Ada", "age": 3}]})
    assert not is_v2({"inputs": []})
    assert asked({"inputs": []}) == []


@given(
    st.sampled_from(sorted(NUMBERS)),
    st.integers(0, 5),
    st.integers(1, 4),
    st.data(),
)
def test_nested_flat_and_raw_are_the_same_tensor(kind: str, rows: int, columns: int, data: st.DataObject) -> None:
    numbers = np.dtype(NUMBERS[kind])
    raw = data.draw(st.binary(min_size=rows * columns * numbers.itemsize, max_size=rows * columns * numbers.itemsize))
    if kind == "BOOL":
        raw = bytes(byte % 2 for byte in raw)
    values = np.frombuffer(raw, numbers)
    shape = [rows, columns]
    forms: list[dict[str, Any]] = [
        {"inputs": [tensor("t", shape, values.tolist(), kind)]},
        {"inputs": [tensor("t", shape, values.reshape(shape).tolist(), kind)]},
        {
            "inputs": [{"name": "t", "shape": shape, "datatype": kind}],
            "rawInputContents": [base64.b64encode(raw).decode()],
        },
    ]
    found = [tensors_of(form)[0] for form in forms]
    assert [t.shape for t in found] == [tuple(shape)] * 3
    assert len({repr(t.values) for t in found}) == 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["inputs", "instances", "name", "shape", "datatype", "data", "contents", "parameters"]),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_nothing_at_all_makes_it_raise(payload: Any) -> None:
    for row in asked({"inputs": [payload]}) + asked(payload) + answered({"predictions": payload}):
        assert isinstance(row, (dict, str))


def test_no_tensor_says_what_would_have_been_right() -> None:
    with pytest.raises(NoTensor, match="2 x 2 values in the tensor in"):
        tensors_of({"inputs": [tensor("in", [2, 2], [1])]})
