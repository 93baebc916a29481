"""Learning bins: from a reference, from what is declared, and a clear no where neither is there."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.bin_learning import (
    LARGEST,
    QUANTILES,
    ColumnProfile,
    ReferenceProfile,
    declared_enough,
    good_value,
    learn_spec,
    resolve_types,
    seen_type,
    undeclared,
)
from store.bins import BinSpec, CategoryBins, NumberBins, spec_from_json
from store.canonical import canonical_json
from store.errors import BadInput
from store.model_file import Columns, Group, Input, InputType, ModelFile, Outcome, Prediction, Task

NUMBER, CATEGORY = InputType.NUMBER, InputType.CATEGORY


def model(*inputs: Input | str, task: Task = Task.BINARY, **columns: Any) -> ModelFile:
    declared = tuple(Input(name=i) if isinstance(i, str) else i for i in inputs)
    return ModelFile(name="m", version="1", task=task, columns=Columns(inputs=declared, **columns))


def numbers(values: list[float], name: str = "n", *, few: bool = False) -> ColumnProfile:
    """The profile of these numbers; with `few`, with the count of each value."""
    ordered = sorted(values)
    quantiles = tuple(
        ordered[max(0, math.ceil(k / QUANTILES * len(ordered)) - 1)] for k in range(QUANTILES + 1) if ordered
    )
    distinct = sorted(set(values))
    counts = tuple((f"{v:g}", values.count(v)) for v in distinct) if few else ()
    return ColumnProfile(name=name, type=NUMBER, rows=len(values), distinct=len(distinct), numeric=True,
                         quantiles=quantiles, values=counts)  # fmt: skip


def texts(
    counts: dict[str, int], name: str = "c", *, numeric: bool = False, distinct: int | None = None
) -> ColumnProfile:
    quantiles = tuple(float(k) for k in range(QUANTILES + 1)) if numeric else ()
    return ColumnProfile(name=name, type=CATEGORY, rows=sum(counts.values()), distinct=distinct or len(counts),
                         numeric=numeric, values=tuple(counts.items()), quantiles=quantiles)  # fmt: skip


def reference(*inputs: ColumnProfile, groups: tuple[ColumnProfile, ...] = (), **columns: Any) -> ReferenceProfile:
    return ReferenceProfile(rows=100, inputs={c.name: c for c in inputs}, groups={g.name: g for g in groups}, **columns)


def edges_of(values: list[float], *, bins: int = 20, few: bool = False) -> tuple[float, ...]:
    (learned,) = learn_spec(model("n"), reference(numbers(values, few=few)), bins=bins).inputs
    assert isinstance(learned, NumberBins)
    return learned.edges


# -- numbers


def test_edges_are_quantiles_to_three_digits_around_all_values() -> None:
    edges = edges_of([k + 0.12345 for k in range(1000)], bins=4)
    assert edges == (0.123, 249.0, 499.0, 749.0, 1000.0)


def test_twenty_bins_unless_told() -> None:
    assert len(edges_of([float(k) for k in range(10_000)])) == 21


def test_a_constant_has_a_bin() -> None:
    assert edges_of([7.0] * 50, few=True) == (6.99, 7.0)
    assert edges_of([0.0] * 50, few=True) == (-0.01, 0.0)


def test_years_are_not_one_bin() -> None:
    """Three digits of 2,003 alone would be 2,000."""
    assert len(edges_of([2000 + k / 10 for k in range(300)], bins=10)) == 11


def test_ties_leave_fewer_bins() -> None:
    edges = edges_of([0.0] * 90 + [float(k) for k in range(1, 11)], bins=10)
    assert edges[:2] == (-0.1, 0.0)
    assert len(edges) < 11


def test_few_values_have_a_bin_each() -> None:
    assert edges_of([2019.0] * 20 + [2020.0] * 20 + [2023.0] * 11, few=True) == (2018.0, 2019.0, 2020.0, 2023.0)


def test_a_value_of_few_rows_is_not_published_as_an_edge() -> None:
    assert 20.234 not in edges_of([20.234] * 10 + [40.0] * 50, few=True)


def test_moments_have_room_beyond_the_reference() -> None:
    (learned,) = learn_spec(model("n"), reference(numbers([float(k) for k in range(101)]))).inputs
    assert isinstance(learned, NumberBins)
    assert learned.lo <= -50
    assert learned.hi >= 150


def test_a_declared_range_bounds_the_moments_and_a_reference_gives_the_edges() -> None:
    declared = Input(name="n", range=(0.0, 500.0))
    (learned,) = learn_spec(model(declared), reference(numbers([float(k) for k in range(101)])), bins=2).inputs
    assert isinstance(learned, NumberBins)
    assert (learned.lo, learned.hi) == (0.0, 500.0)
    assert learned.edges == (-1.0, 49.0, 100.0) or learned.edges[1] in (49.0, 50.0)


def test_without_a_reference_the_range_gives_equal_bins_and_its_low_end_is_inside() -> None:
    (learned,) = learn_spec(model(Input(name="n", range=(0.0, 100.0))), None, bins=4).inputs
    assert isinstance(learned, NumberBins)
    assert learned.edges[1:] == (25.0, 50.0, 75.0, 100.0)
    assert -1e-6 < learned.edges[0] < 0


def test_a_reference_without_a_single_value_still_gives_bins() -> None:
    (learned,) = learn_spec(model(Input(name="n", type=NUMBER)), reference(numbers([]))).inputs
    assert isinstance(learned, NumberBins)
    assert len(learned.edges) >= 2


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60),
    st.integers(2, 20),
    st.booleans(),
)
def test_any_numbers_give_a_spec_that_holds_them(values: list[float], bins: int, few: bool) -> None:
    spec = learn_spec(model("n"), reference(numbers(values, few=few)), bins=bins)
    (learned,) = spec.inputs
    assert isinstance(learned, NumberBins)
    assert 2 <= len(learned.edges) <= bins + 2
    assert all(a < b for a, b in zip(learned.edges, learned.edges[1:], strict=False))
    assert learned.edges[0] < max(min(values), -LARGEST)
    assert learned.edges[-1] >= min(max(values), LARGEST)
    assert learned.lo < learned.hi
    assert math.isfinite(learned.hi - learned.lo)
    assert spec_from_json(spec.as_json()) == spec
    assert canonical_json(spec.as_json())


# -- categories, groups, classes


def test_categories_of_eleven_rows_are_named() -> None:
    (learned,) = learn_spec(model("c"), reference(texts({"b": 11, "rare": 10, "a": 500, "": 12}))).inputs
    assert learned == CategoryBins("c", ("", "a", "b"))


def test_declared_values_win() -> None:
    (learned,) = learn_spec(model(Input(name="c", values=("z", "a"))), reference(texts({"b": 500}))).inputs
    assert learned == CategoryBins("c", ("z", "a"))


def test_text_of_many_numbers_is_a_number_and_of_few_a_category() -> None:
    spec = learn_spec(
        model("c", "d"),
        reference(texts({"1": 50}, numeric=True, distinct=21), texts({"1": 50, "2": 50}, name="d", numeric=True)),
    )
    assert [type(column) for column in spec.inputs] == [NumberBins, CategoryBins]


@pytest.mark.parametrize(
    ("prediction", "seen", "classes"),
    [
        (Prediction(column="p"), None, ("0", "1")),
        (Prediction(column="p", good="true"), None, ("false", "true")),
        (Prediction(column="p", good="yes"), None, ("yes",)),
        (Prediction(column="p", good="yes"), {"no": 50, "yes": 3}, ("no", "yes")),
        (Prediction(column="p", values=("a", "b")), {"c": 50}, ("a", "b")),
        (Prediction(column="p"), {"0": 50}, ("0", "1")),
    ],
)
def test_classes_of_a_binary_prediction(
    prediction: Prediction, seen: dict[str, int] | None, classes: tuple[str, ...]
) -> None:
    known = reference(texts({"a": 50}), prediction=texts(seen, name="p") if seen else None)
    spec = learn_spec(model("c", prediction=prediction), known)
    assert spec.prediction == CategoryBins("p", classes)
    assert spec.good in classes or prediction.values


def test_groups_from_values_bands_or_the_reference() -> None:
    groups = (
        Group(name="sex"),
        Group(name="age", bands=(18.0, 25.0)),
        Group(name="region", values=("n", "s")),
        Group(name="x"),
    )
    spec = learn_spec(
        model("c", groups=groups), reference(texts({"a": 50}), groups=(texts({"F": 20, "M": 20, "X": 2}, "sex"),))
    )
    assert [g.values for g in spec.groups] == [("F", "M"), ("<18", "18-25", ">=25"), ("n", "s"), ()]
    assert spec.groups[1].bands == (18.0, 25.0)


def test_scores_are_of_the_unit_range_unless_they_are_not() -> None:
    plain = learn_spec(model("c", score="s"), reference(texts({"a": 50}))).score
    assert plain is not None and (plain.lo, plain.hi, len(plain.edges)) == (0.0, 1.0, 21)
    seen = numbers([k / 1000 for k in range(1000)], name="s")
    learned = learn_spec(model("c", score="s"), reference(texts({"a": 50}), score=seen)).score
    assert learned is not None and (learned.lo, learned.hi) == (0.0, 1.0)
    logits = numbers([float(k) for k in range(-50, 50)], name="s")
    wide = learn_spec(model("c", score="s"), reference(texts({"a": 50}), score=logits)).score
    assert wide is not None and wide.lo < -50


def test_the_rest_of_a_spec() -> None:
    spec = learn_spec(
        model("c", prediction=Prediction(column="p"), outcome=Outcome(column="y")), reference(texts({"a": 50}))
    )
    assert (spec.task, spec.outcome, spec.good, spec.learned_from) == ("binary", True, "1", "reference")
    assert learn_spec(model(Input(name="c", values=("a",))), None).learned_from == "declared"


def test_a_regression_learns_its_prediction_and_has_no_good_value() -> None:
    asked = model("c", task=Task.REGRESSION, prediction=Prediction(column="p"))
    spec = learn_spec(asked, reference(texts({"a": 50}), prediction=numbers([float(k) for k in range(50)], name="p")))
    assert isinstance(spec.prediction, NumberBins)
    assert good_value(asked) is None
    with pytest.raises(BadInput, match="predicted number 'p'"):
        learn_spec(asked, reference(texts({"a": 50})))


def test_the_same_profile_gives_the_same_hash() -> None:
    def learn() -> BinSpec:
        return learn_spec(model("n", "c"), reference(numbers([k / 7 for k in range(500)]), texts({"b": 11, "a": 12})))

    assert learn().spec_hash == learn().spec_hash


# -- what is not known


@pytest.mark.parametrize("column", [Input(name="n"), Input(name="n", type=NUMBER), Input(name="n", type=CATEGORY)])
def test_an_input_of_which_nothing_is_known_is_refused_with_advice(column: Input) -> None:
    with pytest.raises(BadInput, match="no bins for the input 'n'") as refused:
        learn_spec(model(column), None)
    assert "--kind reference" in refused.value.advice
    assert not declared_enough(model(column))


def test_what_is_undeclared_is_named() -> None:
    asked = model(
        Input(name="n", range=(0.0, 1.0)), "c", groups=(Group(name="sex"), Group(name="age", bands=(18.0,))),
        task=Task.MULTICLASS, prediction=Prediction(column="p"),
    )  # fmt: skip
    assert undeclared(asked) == ("c", "sex", "p")
    known = reference(texts({"a": 50}), groups=(texts({"F": 20}, "sex"),), prediction=texts({"x": 20}, "p"))
    assert declared_enough(asked, known)
    assert undeclared(asked, reference(texts({"a": 50}))) == ("sex", "p")


def test_declared_enough_without_a_reference() -> None:
    declared = (Input(name="n", range=(0.0, 1.0)), Input(name="c", values=("a",)))
    assert declared_enough(model(*declared, prediction=Prediction(column="p")))
    assert not declared_enough(model(*declared, prediction=Prediction(column="p"), task=Task.REGRESSION))
    assert learn_spec(model(*declared, prediction=Prediction(column="p"), score="s"), None).widths


def test_a_profile_takes_what_it_lacks_from_another() -> None:
    of_reference = reference(texts({"a": 50}))
    of_rows = reference(texts({"b": 50}), groups=(texts({"F": 20}, "sex"),), prediction=texts({"1": 20}, "p"))
    both = of_reference.filled_from(of_rows)
    assert both.inputs["c"].values == (("a", 50),)
    assert both.groups["sex"].values == (("F", 20),)
    assert both.prediction is not None


# -- types


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(
            (n, NUMBER)
            for n in ("int64", "uint8", "double", "float", "halffloat", "decimal128(9, 2)", "DECIMAL(9,2)", "DOUBLE")
        ),
        *((n, NUMBER) for n in ("BIGINT", "HUGEINT", "UTINYINT", "INTEGER", "FLOAT", "float64")),
        *(
            (n, CATEGORY)
            for n in ("string", "VARCHAR", "bool", "BOOLEAN", "timestamp[us]", "INTERVAL", "null", "", "DATE")
        ),
    ],
)
def test_types_by_the_names_of_arrow_and_duckdb(name: str, kind: InputType) -> None:
    assert seen_type(name) is kind


def test_types_are_declared_or_else_seen() -> None:
    asked = model(
        Input(name="a", type=CATEGORY), Input(name="b", range=(0.0, 1.0)), Input(name="c", values=("1",)), "d", "e", "f"
    )
    hints = {"a": "double", "b": "string", "c": "int64", "d": "int64", "e": "string"}
    assert resolve_types(asked, hints) == (CATEGORY, NUMBER, CATEGORY, NUMBER, CATEGORY, CATEGORY)
