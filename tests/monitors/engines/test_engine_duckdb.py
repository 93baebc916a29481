"""The DuckDB engine: the conformance suite, and what only it has (profiles, relations as queries, types as stored)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import duckdb
import naive
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from conformance import BINARY, DAYS, NOON, Conformance, at, vectors

from monitors.engines import duckdb as engine
from monitors.engines import duckdb_columns
from monitors.engines.base import Blocks
from store.bin_learning import ReferenceProfile
from store.bins import Section
from store.errors import BadInput
from store.model_file import Columns, Group, Input, InputType, ModelFile, Prediction, Task

TYPES = {"event_time": "TIMESTAMP", "score": "DOUBLE", "weight": "BIGINT", "prediction": "VARCHAR", "label": "VARCHAR"}


def load(rows: Sequence[dict[str, Any]], types: dict[str, str] | None = None) -> tuple[duckdb.DuckDBPyConnection, str]:
    """A table of the columns that the rows or the types name."""
    connection = duckdb.connect()
    names = dict.fromkeys(["event_time", *(name for row in rows for name in row), *(types or {})])

    def kind(name: str) -> str:
        number = any(isinstance(row.get(name), (int, float)) for row in rows)
        return {**TYPES, **(types or {})}.get(name, "DOUBLE" if number else "VARCHAR")

    connection.execute(f"CREATE TABLE t ({', '.join(f'{name} {kind(name)}' for name in names)})")
    if rows:
        values = ", ".join(["(" + ", ".join("?" for _ in names) + ")"] * len(rows))
        connection.execute(f"INSERT INTO t VALUES {values}", [row.get(name) for row in rows for name in names])
    return connection, "t"


class TestDuckDB(Conformance):
    engine = engine

    def load(self, rows: Sequence[dict[str, Any]], types: dict[str, str] | None = None) -> tuple[Any, str]:
        return load(rows, types)


def test_a_relation_may_be_a_query() -> None:
    connection, _ = load(at([{"x0": 1.0, "part": 1}, {"x0": 2.0, "part": 2}]))
    found = vectors(engine.count(connection, "(SELECT * FROM t WHERE part = 1)", BINARY, Section.INPUTS, blocks=DAYS))
    assert sum(next(iter(found.values()))[2:9]) == 1


def test_what_is_counted_apart_adds_up_to_the_whole() -> None:
    told = [
        {
            "x0": n / 2,
            "s0": "ab"[n % 2],
            "prediction": str(n % 2),
            "label": str(n % 3 % 2),
            "score": n / 12,
            "seq": n % 3,
        }
        for n in range(12)
    ]
    connection, _ = load(
        at([{**row, "label": str(n // 2 % 2), "weight": 1} for n, row in enumerate(told)]), {"seq": "BIGINT"}
    )
    for section in Section:
        options: dict[str, Any] = {"blocks": DAYS, "segments": ("s",)}
        options |= {"weight": "weight"} if section is Section.LABELLED else {}
        found = engine.count(connection, "t", BINARY, section, apart="seq", **options)
        assert found.schema.names[-1] == "seq" and found.num_rows
        for seq in range(3):
            own = found.filter(pc.equal(found["seq"], seq)).drop_columns(["seq"])
            alone = engine.count(connection, f"(SELECT * FROM t WHERE seq = {seq})", BINARY, section, **options)
            assert vectors(own) == vectors(alone)


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("segments", [[], ["s"]])
def test_many_batches_of_many_runs(monkeypatch: pytest.MonkeyPatch, mixed: bool, segments: list[str]) -> None:
    """Rows in order of time and in none; long runs and short ones; missing values and odd ones among the others."""
    monkeypatch.setattr(duckdb_columns, "BATCH_ROWS", 2048)
    odd = [None, float("nan"), float("inf"), -float("inf"), 2.0**53 + 2, -0.0, 0.1]
    drawn = np.random.default_rng(7)
    rows: list[dict[str, Any]] = [
        {
            "event_time": datetime(2026, 11, 3) + timedelta(minutes=k // 4),
            "x0": odd[k % 7] if k % 5 == 0 else float(value),
            "x1": [None, "a", "b", "", "other"][k % 5],
            "s0": ["web", "shop", None][k // 700 % 3],
        }
        for k, value in enumerate(drawn.normal(0, 20, 7000))
    ]
    if mixed:
        rows = [rows[k] for k in drawn.permutation(len(rows))]
    names = ("event_time", "x0", "x1", "s0")
    connection = duckdb.connect()
    told = pa.table({name: [row[name] for row in rows] for name in names})
    connection.register("told", told)
    connection.execute("CREATE TABLE t AS SELECT * FROM told")
    for blocks in (Blocks(hours_from=datetime(2026, 11, 4)), DAYS):
        found = engine.count(connection, "t", BINARY, Section.INPUTS, blocks=blocks, segments=segments)
        expected = naive.count(rows, BINARY, Section.INPUTS, blocks=blocks, segments=segments)
        assert len(expected) >= 2
        assert vectors(found) == expected


def test_values_under_nulls_are_not_counted() -> None:
    """Arrow leaves anything where a value is missing: a number, an infinity, a place in a dictionary."""
    masked = np.array([False, True, True, False])
    values = pa.array(np.array([0.2, 5.0, np.inf, 1.0]), mask=masked)
    connection = duckdb.connect()
    connection.register("told", pa.table({"event_time": [NOON] * 4, "x0": values, "x1": ["a", None, None, "b"]}))
    found = vectors(engine.count(connection, "told", BINARY, Section.INPUTS, blocks=DAYS))
    rows = at([{"x0": 0.2, "x1": "a"}, {}, {}, {"x0": 1.0, "x1": "b"}])
    assert found == naive.count(rows, BINARY, Section.INPUTS, blocks=DAYS)


def test_categories_stored_as_numbers_meet_in_canonical_text() -> None:
    connection, _ = load(at([{"prediction": v} for v in (1.0, 0.0, 1.5, None)]), {"prediction": "DOUBLE"})
    found = vectors(engine.count(connection, "t", BINARY, Section.OUTPUTS, blocks=DAYS))
    assert next(iter(found.values()))[:4] == [1, 1, 1, 1]  # missing, "0", "1", other


@pytest.mark.parametrize("options", [{}, {"fixed": "month"}, {"fixed": "day", "hours_from": NOON}])
def test_blocks_are_said_one_way(options: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="names no block"):
        Blocks(**options)


def profiled(rows: Sequence[dict[str, Any]], types: dict[str, str] | None = None, **columns: Any) -> ReferenceProfile:
    connection, relation = load(rows, types)
    task = columns.pop("task", Task.BINARY)
    return engine.profile(connection, relation, ModelFile(name="m", version="1", columns=Columns(**columns), task=task))


def test_profile_of_numbers() -> None:
    values = [*map(float, range(101)), -0.0, float("nan"), float("inf"), None]
    seen = profiled(at([{"x0": v} for v in values]), inputs=(Input(name="n"),)).inputs["n"]
    assert (seen.type, seen.rows, seen.distinct, seen.numeric) == (InputType.NUMBER, 102, 101, True)
    assert (seen.quantiles[0], seen.quantiles[50], seen.quantiles[-1], len(seen.quantiles)) == (0, 49, 100, 101)
    assert dict(seen.values)["0"] == 2
    assert str(seen.quantiles[0]) == "0.0"


def test_profile_of_text() -> None:
    values = ["b"] * 3 + ["a"] * 3 + ["", None, "c"]
    seen = profiled(at([{"x0": v} for v in values]), {"x0": "VARCHAR"}, inputs=(Input(name="c"),)).inputs["c"]
    assert seen.values == (("a", 3), ("b", 3), ("", 1), ("c", 1))
    assert (seen.rows, seen.distinct, seen.numeric, seen.quantiles) == (8, 4, False, ())


@pytest.mark.parametrize(
    ("values", "numeric"), [(["1", "-2.5", "1e3"], True), (["007", "1"], False), (["1", ""], False)]
)
def test_text_that_reads_as_numbers_is_told(values: list[str], numeric: bool) -> None:
    seen = profiled(at([{"x0": v} for v in values]), {"x0": "VARCHAR"}, inputs=(Input(name="c"),)).inputs["c"]
    assert seen.numeric is numeric
    assert bool(seen.quantiles) is numeric


def test_a_declared_number_is_profiled_as_one_even_in_text() -> None:
    declared = (Input(name="c", type=InputType.NUMBER),)
    seen = profiled(at([{"x0": v} for v in ("1", "x", "3")]), {"x0": "VARCHAR"}, inputs=declared).inputs["c"]
    assert (seen.rows, seen.quantiles[0], seen.quantiles[-1]) == (2, 1.0, 3.0)


def test_profile_of_the_rest_and_of_what_is_absent() -> None:
    rows = at([{"x0": 1.0, "prediction": "1", "score": 0.5, "g0": "F"}] * 2)
    columns = {"inputs": (Input(name="n"), Input(name="gone")), "prediction": Prediction(column="p"), "score": "s"}
    seen = profiled(rows, groups=(Group(name="sex"), Group(name="age")), **columns)
    assert seen.rows == 2
    assert list(seen.inputs) == ["n"]
    assert list(seen.groups) == ["sex"]
    assert seen.prediction and seen.prediction.values == (("1", 2),)
    assert seen.score and seen.score.quantiles[0] == 0.5


def test_profile_of_a_predicted_number_and_of_nothing() -> None:
    seen = profiled(
        at([{"x0": None, "prediction": 2.5}]),
        inputs=(Input(name="n"),),
        prediction=Prediction(column="p"),
        task=Task.REGRESSION,
    )
    assert seen.prediction and seen.prediction.quantiles[-1] == 2.5
    assert (seen.inputs["n"].rows, seen.inputs["n"].values, seen.inputs["n"].quantiles) == (0, (), ())
