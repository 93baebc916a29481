from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.attribution import attribution_result, ndcg
from monitors.subject import Subject
from store.attribution import QUANTA, Contributed
from store.model_file import DriftWatch
from store.result import Monitor, Result, Status, table_of

SUBJECT = Subject("m", "1", "s", None, datetime(2026, 9, 1), datetime(2026, 9, 2))
MEANS = st.lists(st.integers(0, 5), min_size=2, max_size=8)


def result(reference: dict[str, float], current: dict[str, float], *, n: int = 500, **options: float) -> Result:
    before, after = (
        {name: Contributed(n, round(mean * n * QUANTA)) for name, mean in side.items()} for side in (reference, current)
    )
    watch = DriftWatch(attribution=options.get("limit"))
    return attribution_result(SUBJECT, reference=before, current=after, watch=watch, at_least=200)


@given(MEANS, st.data())
def test_it_is_scikit_learn_s_number(reference: list[int], data: st.DataObject) -> None:
    from sklearn.metrics import ndcg_score

    current = data.draw(st.lists(st.integers(0, 5), min_size=len(reference), max_size=len(reference)))
    names = [f"x{i}" for i in range(len(reference))]
    found = ndcg(
        dict(zip(names, map(float, reference), strict=True)), dict(zip(names, map(float, current), strict=True))
    )
    if not any(reference):
        assert found is None
        return
    assert found == pytest.approx(ndcg_score(np.array([reference]), np.array([current])), abs=1e-12)


def test_amazon_s_example_of_a_reversed_order() -> None:
    before, after = {"SAT": 0.7, "GPA": 0.5, "rank": 0.05}, {"SAT": 0.1, "GPA": 0.2, "rank": 0.7}
    found = result(before, after)
    assert found.value == pytest.approx((0.05 + 0.5 / np.log2(3) + 0.35) / (0.7 + 0.5 / np.log2(3) + 0.025))
    assert found.status == Status.OUTSIDE and found.limit_value == 0.9 and found.limit_op == "at_least"
    assert found.details["moved"][0] == {"input": "SAT", "rank": [1, 3], "share": [0.56, 0.1]}
    assert result(before, after, limit=0.5).status == Status.WITHIN
    assert table_of([found]).num_rows == 1 and found.monitor == Monitor.ATTRIBUTION_DRIFT


def test_the_same_order_is_one_whatever_the_scale() -> None:
    found = result({"a": 3.0, "b": 1.0}, {"a": 30.0, "b": 0.1})
    assert found.value == 1.0 and found.status == Status.WITHIN and found.details["moved"] == []


def test_it_says_when_it_cannot() -> None:
    assert result({}, {"a": 1.0}).status == Status.NO_REFERENCE
    assert result({"a": 0.0}, {"a": 1.0}).details["reason"] == "the reference contributes nothing"
    few = result({"a": 1.0}, {"a": 1.0}, n=50)
    assert few.status == Status.TOO_FEW and few.value is None
    assert result({"a": 1.0, "b": 1.0}, {"b": 1.0, "c": 2.0}).details["only_in"] == {
        "reference": ["a"],
        "current": ["c"],
    }
