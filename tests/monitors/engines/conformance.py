"""What every counting engine must do: equal a naive counter cell for cell, on all that has ever bitten.

A test file per engine subclasses `Conformance` and says how rows reach it. `self.load(rows, types)` gives a connection
and a relation; types are DuckDB's names, for columns that are not DOUBLE inputs or text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import naive
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitors.engines.base import Blocks, Engine
from store.bins import BinSpec, CategoryBins, GroupBins, NumberBins, Section, band_names
from store.summary import SUMMARY_SCHEMA

NOON = datetime(2026, 11, 4, 12)
DAYS, WEEKS, MIXED = Blocks(fixed="day"), Blocks(fixed="week"), Blocks(hours_from=datetime(2026, 11, 4))
EDGES = (-2.5, 0.0, 0.1, 0.3, 1.0, 100.0)
NUMBER = NumberBins("n", EDGES, -3.0, 120.0)
HOSTILE = (
    "",
    "(other)",
    "(missing)",
    "null",
    "NULL",
    "it's",
    'a "quoted" one',
    "a';--",
    "%s {x} $1 ?",
    "é",
    "日本",
    " a",
    "a ",
)
AGES = GroupBins("age", band_names((18.0, 25.0, 40.0)), (18.0, 25.0, 40.0))
SEXES = GroupBins("sex", ("F", "M", ""))
BINARY = BinSpec(
    task="binary",
    inputs=(NUMBER, CategoryBins("c", ("a", "b", ""))),
    prediction=CategoryBins("p", ("0", "1")),
    score=NumberBins("s", (-1e-9, 0.25, 0.5, 0.75, 1.0), 0.0, 1.0),
    groups=(SEXES, AGES),
    good="1",
    outcome=True,
)
REGRESSION = BinSpec(task="regression", inputs=(NUMBER,), prediction=NUMBER, groups=(SEXES,), outcome=True)
MULTICLASS = BinSpec(
    task="multiclass",
    inputs=(NUMBER,),
    prediction=CategoryBins("p", ("x", "y", "z")),
    score=NumberBins("s", (0.0, 0.5, 1.0), 0.0, 1.0),
    outcome=True,
)
TYPES = {
    "x0": "DOUBLE",
    "x1": "VARCHAR",
    "g0": "VARCHAR",
    "g1": "VARCHAR",
    "s0": "VARCHAR",
    "prediction": "VARCHAR",
} | {
    "label": "VARCHAR",
    "score": "DOUBLE",
    "weight": "BIGINT",
}
NUMBERS = st.one_of(
    st.none(), st.sampled_from([*EDGES, -0.0, math.nan, math.inf, -math.inf, 2.0**53 + 2, -1e300]), st.floats()
)
BINARY_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "event_time": st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 6)),
            "x0": NUMBERS,
            "x1": st.sampled_from(["a", "b", "", "(other)", "c", None]),
            "prediction": st.sampled_from(["0", "1", "2", None]),
            "score": st.one_of(st.none(), st.floats(-0.5, 1.5), st.sampled_from([0.0, 0.25, 1.0, math.nan, math.inf])),
            "label": st.sampled_from(["0", "1", "", None]),
            "g0": st.sampled_from(["F", "M", "", "X", None]),
            "g1": st.sampled_from(["18", "17.99", "25", "40", "99", "-1", "old", "nan", "inf", "", None]),
            "s0": st.sampled_from(["web", "shop", "", None]),
            "weight": st.sampled_from([1, -1]),
        }
    ),
    max_size=25,
)


def at(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, at noon where they name no time."""
    return [{"event_time": NOON, **row} for row in rows]


def vectors(table: Any) -> naive.Vectors:
    """The table as the naive counter gives it; every key once."""
    assert table.schema == SUMMARY_SCHEMA
    found = {(r["block"], r["grain"], r["segment"]): r["counts"] for r in table.to_pylist()}
    assert len(found) == table.num_rows
    return found


over_engines = settings(database=None, suppress_health_check=[HealthCheck.differing_executors])
"""The same laws run over more than one engine in a process: that is what this suite is for. Nothing is replayed from a
database, so that the examples of one engine never stand for those of another."""


class Conformance:
    engine: Engine

    def load(self, rows: Sequence[dict[str, Any]], types: dict[str, str] | None = None) -> tuple[Any, str]:
        raise NotImplementedError

    def check(
        self,
        rows: Sequence[dict[str, Any]],
        spec: BinSpec,
        *sections: Section,
        types: dict[str, str] | None = None,
        blocks: Blocks = DAYS,
        **options: Any,
    ) -> naive.Vectors:
        """The engine's counts equal the naive ones in these sections; gives those of the last."""
        connection, relation = self.load(rows, types)
        found: naive.Vectors = {}
        for section in sections:
            given = {
                k: v for k, v in options.items() if k != "weight" or section in (Section.OUTCOMES, Section.LABELLED)
            }
            found = vectors(self.engine.count(connection, relation, spec, section, blocks=blocks, **given))
            assert found == naive.count(rows, spec, section, blocks=blocks, **given)
        return found

    # -- numbers

    def test_ties_at_every_edge(self) -> None:
        near = [v for e in EDGES for v in (e, math.nextafter(e, -math.inf), math.nextafter(e, math.inf))]
        found = self.check(at([{"x0": v} for v in near]), BinSpec(task="binary", inputs=(NUMBER,)), Section.INPUTS)
        (cells,) = found.values()
        assert cells[2:9] == [2, 3, 3, 3, 3, 3, 1]  # an edge belongs to the bin that it closes

    @pytest.mark.parametrize("kind", ["FLOAT", "INTEGER", "BIGINT", "UTINYINT", "DECIMAL(9,3)", "BOOLEAN"])
    def test_ties_in_every_type(self, kind: str) -> None:
        values: dict[str, list[Any]] = {
            "FLOAT": [float(np.float32(0.1)), float(np.float32(0.3)), 0.0, -0.0, 1.0, math.nan, math.inf, None],
            "DECIMAL(9,3)": [0.1, 0.3, 0.101, 1, None],
            "BOOLEAN": [True, False, None],
        }
        rows = at([{"x0": v} for v in values.get(kind, [0, 1, 2, 100, 101, None])])
        self.check(rows, BinSpec(task="binary", inputs=(NUMBER,)), Section.INPUTS, types={"x0": kind})

    def test_integer_columns_do_not_round_the_edges(self) -> None:
        spec = BinSpec(task="binary", inputs=(NumberBins("n", (0.4, 0.5, 1.5), 0.0, 2.0),))
        found = self.check(at([{"x0": 0}, {"x0": 1}]), spec, Section.INPUTS, types={"x0": "INTEGER"})
        assert next(iter(found.values()))[2:6] == [1, 0, 1, 0]

    def test_minus_zero_is_zero(self) -> None:
        found = self.check(at([{"x0": -0.0}, {"x0": 0.0}]), BinSpec(task="binary", inputs=(NUMBER,)), Section.INPUTS)
        assert next(iter(found.values()))[3] == 2

    def test_what_is_not_finite_is_in_no_bin(self) -> None:
        odd = [math.nan, math.inf, -math.inf, None, 1.7976931348623157e308, -1.7976931348623157e308, 0.2]
        found = self.check(at([{"x0": v} for v in odd]), BinSpec(task="binary", inputs=(NUMBER,)), Section.INPUTS)
        (cells,) = found.values()
        assert cells[:3] == [1, 3, 1]
        assert cells[8:10] == [1, 2]  # above, inexact: the two largest doubles

    def test_integers_beyond_2_53_are_told(self) -> None:
        values = [2**53 - 1, 2**53, 2**53 + 1, -(2**53), -(2**53) - 1, 2**63 - 1, -(2**63), None, 1]
        rows = at([{"x0": v} for v in values])
        found = self.check(rows, BinSpec(task="binary", inputs=(NUMBER,)), Section.INPUTS, types={"x0": "BIGINT"})
        assert next(iter(found.values()))[9] == 4
        self.check(
            at([{"x0": float(v)} for v in values if v]), BinSpec(task="binary", inputs=(NUMBER,)), Section.INPUTS
        )

    def test_moments_of_every_step(self) -> None:
        """Values at half steps of q: rounding is half away from zero, not to even."""
        spec = BinSpec(task="binary", inputs=(NumberBins("n", (0.0, 1.0), 0.0, 1.0),))
        rows = at([{"x0": (k + 0.5) / 2**20} for k in (0, 1, 2, 1000, 2**20 - 1)])
        found = self.check(rows, spec, Section.INPUTS)
        assert next(iter(found.values()))[6] == 1 + 2 + 3 + 1001 + 2**20

    def test_text_that_reads_as_numbers(self) -> None:
        rows = at([{"x0": v} for v in ("0.2", "1e2", "", "abc", None, "-3")])
        connection, relation = self.load(rows, {"x0": "VARCHAR"})
        found = self.engine.count(
            connection, relation, BinSpec(task="binary", inputs=(NUMBER,)), Section.INPUTS, blocks=DAYS
        )
        as_numbers = at([{"x0": v} for v in (0.2, 100.0, None, None, None, -3.0)])
        assert vectors(found) == naive.count(
            as_numbers, BinSpec(task="binary", inputs=(NUMBER,)), Section.INPUTS, blocks=DAYS
        )

    # -- categories

    @pytest.mark.parametrize("published", [HOSTILE, HOSTILE[::2], (), ("(other)",), ("",)])
    def test_hostile_values(self, published: tuple[str, ...]) -> None:
        spec = BinSpec(task="binary", inputs=(CategoryBins("c", published),))
        rows = at([{"x0": v} for v in (*HOSTILE, *HOSTILE, "other", "A", "e\u0301", None)])
        self.check(rows, spec, Section.INPUTS, types={"x0": "VARCHAR"})

    def test_hostile_groups_classes_and_segments(self) -> None:
        spec = BinSpec(task="multiclass", inputs=(NUMBER,), prediction=CategoryBins("p", HOSTILE[:6]),
                       groups=(GroupBins("g", HOSTILE[3:9]),), outcome=True)  # fmt: skip
        rows = at(
            [
                {"x0": 1.0, "prediction": p, "label": HOSTILE[k % 9], "g0": HOSTILE[-k], "s0": HOSTILE[k % 12]}
                for k, p in enumerate(HOSTILE)
            ]
        )
        self.check(rows, spec, *Section, segments=["it's"])

    # -- blocks and segments

    @pytest.mark.parametrize("blocks", [MIXED, DAYS, WEEKS, Blocks(fixed="hour"), Blocks(hours_from=NOON)])
    def test_blocks(self, blocks: Blocks) -> None:
        midnight = datetime(2026, 11, 4)
        steps = (
            timedelta(0),
            timedelta(microseconds=1),
            timedelta(hours=11, minutes=59),
            timedelta(hours=12),
            timedelta(days=5),
        )
        times = [midnight + sign * step for step in steps for sign in (1, -1)]
        self.check([{"event_time": t, "x0": 1.0} for t in times], BINARY, Section.INPUTS, blocks=blocks)

    def test_weeks_start_on_monday(self) -> None:
        rows = [
            {"event_time": datetime(2026, 11, 1, 23, 59), "x0": 1.0},
            {"event_time": datetime(2026, 11, 2), "x0": 1.0},
        ]
        found = self.check(rows, BINARY, Section.INPUTS, blocks=WEEKS)
        assert [key[0] for key in found] == [datetime(2026, 10, 26), datetime(2026, 11, 2)]

    def test_rows_without_a_time(self) -> None:
        rows = [{"event_time": t, "x0": 1.0, "s0": s} for t in (None, NOON, None) for s in ("a", None)]
        self.check(rows, BINARY, Section.INPUTS, blocks=MIXED, segments=["s"])

    @pytest.mark.parametrize("total", [True, False])
    def test_segments_each_on_its_own(self, total: bool) -> None:
        rows = at(
            [{"x0": float(i), "s0": s, "s1": t} for i, s in enumerate(("a", "", None)) for t in ("a", "b", "(missing)")]
        )
        self.check(rows, BINARY, Section.INPUTS, segments=["one", "two"], total=total)
        self.check(rows, BINARY, Section.INPUTS, total=total)

    # -- joint tables

    def test_bands_are_closed_below(self) -> None:
        ages = ["17.999", "18", "18.0", "24", "25", "39.9", "40", "1e3", "-0", "nan", "inf", "-inf", "", "forty", None]
        self.check(at([{"prediction": "1", "g0": "F", "g1": age} for age in ages]), BINARY, Section.OUTCOMES)

    def test_scores_and_losses(self) -> None:
        scores = [0.0, 1.0, 1e-16, 0.25, 0.5, 0.3, -0.1, 1.1, math.nan, math.inf, None]
        rows = at(
            [
                {"prediction": "1", "label": y, "score": p, "g0": "F", "g1": "30"}
                for p in scores
                for y in ("0", "1", "?", None)
            ]
        )
        self.check(rows, BINARY, *Section)
        self.check(at([{**row, "prediction": "x", "label": "y"} for row in rows]), MULTICLASS, *Section)

    def test_regression(self) -> None:
        values = [0.0, 0.1, 100.0, -50.0, 1e300, math.nan, math.inf, None]
        rows = at([{"x0": 1.0, "prediction": p, "label": y, "g0": "M", "weight": -1} for p in values for y in values])
        types = {"prediction": "DOUBLE", "label": "DOUBLE"}
        self.check(rows, REGRESSION, *Section, types=types)
        self.check(rows, REGRESSION, Section.LABELLED, types=types, weight="weight")

    def test_no_groups(self) -> None:
        spec = BinSpec(task="regression", inputs=(NUMBER,), prediction=NUMBER, outcome=True)
        rows = at([{"x0": 1.0, "prediction": 1.0, "label": 2.0}])
        self.check(rows, spec, *Section, types={"prediction": "DOUBLE", "label": "DOUBLE"})

    # -- nothing there

    def test_no_rows_give_no_vectors(self) -> None:
        for section in Section:
            assert self.check([], BINARY, section, segments=["s"], types={"x0": "DOUBLE", "x1": "VARCHAR"}) == {}

    def test_a_section_without_cells_is_empty(self) -> None:
        spec = BinSpec(task="binary", inputs=(NUMBER,))
        connection, relation = self.load(at([{"x0": 1.0, "prediction": "1"}]))
        for section in (Section.OUTPUTS, Section.OUTCOMES, Section.LABELLED):
            assert self.engine.count(connection, relation, spec, section, blocks=DAYS).num_rows == 0

    def test_absent_columns_are_missing(self) -> None:
        found = self.check(at([{"x1": "a"}, {"x1": None}]), BINARY, *Section, segments=["s"])
        assert found == {}
        self.check(at([{"prediction": "1", "label": "0"}]), BINARY, *Section)

    def test_all_null_columns(self) -> None:
        self.check(at([{"x0": None, "x1": None, "prediction": None, "label": None}] * 3), BINARY, *Section)

    def test_inputs_are_not_weighted(self) -> None:
        connection, relation = self.load(at([{"x0": 1.0, "weight": -1}]))
        with pytest.raises(ValueError, match="not weighted"):
            self.engine.count(connection, relation, BINARY, Section.INPUTS, blocks=DAYS, weight="weight")

    def test_many_columns(self) -> None:
        spec = BinSpec(
            task="binary", inputs=tuple(NumberBins(f"n{i}", (0.0, float(i + 1)), -1.0, i + 1.0) for i in range(120))
        )
        rows = [
            {"event_time": t, **{f"x{i}": float(k + i) for i in range(120)}} for k, t in enumerate((NOON, NOON, None))
        ]
        rows[0]["x7"] = math.nan
        self.check(rows, spec, Section.INPUTS, blocks=MIXED)

    # -- laws

    @given(rows=BINARY_ROWS)
    @settings(over_engines, max_examples=25)
    def test_equals_the_naive_counter(self, rows: list[dict[str, Any]]) -> None:
        self.check(rows, BINARY, *Section, types=TYPES, blocks=MIXED, segments=["s"], weight="weight")

    @given(rows=BINARY_ROWS, cut=st.integers(0, 25))
    @settings(over_engines, max_examples=8)
    def test_counts_of_any_split_add_up(self, rows: list[dict[str, Any]], cut: int) -> None:
        parts = [self.load(part, TYPES) for part in (rows[:cut][::-1], rows[cut:])]
        connection, relation = self.load(rows, TYPES)
        for section in Section:
            merged: naive.Vectors = {}
            for part in parts:
                for key, cells in vectors(self.engine.count(*part, BINARY, section, blocks=MIXED)).items():
                    merged[key] = [a + b for a, b in zip(merged.get(key, [0] * len(cells)), cells, strict=True)]
            assert merged == vectors(self.engine.count(connection, relation, BINARY, section, blocks=MIXED))

    @given(rows=BINARY_ROWS)
    @settings(over_engines, max_examples=15)
    def test_a_row_taken_back_leaves_nothing(self, rows: list[dict[str, Any]]) -> None:
        both = [{**row, "weight": w} for row in rows for w in (1, -1)]
        for section in (Section.OUTCOMES, Section.LABELLED):
            assert self.check(both, BINARY, section, types=TYPES, blocks=MIXED, segments=["s"], weight="weight") == {}
