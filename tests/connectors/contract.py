"""What every source of rows must do, whoever wrote it. One suite; each format brings a `Case` that writes its files.

To hold your own source to it: make a `Case`, subclass `SourceContract`, give it a fixture `case`. A format that
cannot do something says so in `gaps`, with the reason; the test is then skipped and the reason is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Raw, Source
from connectors.normalise import Tally, normalise, wanted_of
from store.model_file import InputType, ModelFile
from store.model_reader import read_model_file
from store.receipt import Kind

MODEL_TEXT = """
name: loans
version: 1
columns:
  id: id
  time: at
  prediction: {column: approved}
  score: probability
  outcome: {column: repaid}
  inputs: [{name: income, type: number}, {name: purpose, type: category}]
  groups: [sex]
  segments: [channel]
  person: customer
"""
MODEL = read_model_file(MODEL_TEXT, source="loans.yaml")
TYPES = (InputType.NUMBER, InputType.CATEGORY)
RECEIVED = datetime(2026, 3, 1, 12)


def row(number: int, **changes: Any) -> dict[str, Any]:
    whole = {
        "id": f"r{number}",
        "at": f"2026-02-01T{number % 24:02d}:00:00Z",
        "income": 1000.5 + number,
        "purpose": "car" if number % 2 else "home",
        "sex": "F" if number % 3 else "M",
        "channel": "web",
        "customer": f"c{number}",
        "approved": number % 2,
        "probability": 0.25,
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not ...}


@dataclass(frozen=True, kw_only=True)
class Case:
    source: Source
    write: Callable[[Path, Sequence[Mapping[str, Any]]], Path]
    """Writes rows as one file of the format into a folder, and says which."""
    spoil: Callable[[Path], int] | None = None
    """Damages one record of a written file; returns how many of the rows are lost with it."""
    options: Any = None
    gaps: Mapping[str, str] = field(default_factory=dict)
    """Test name -> why this format cannot."""


def read(case: Case, path: Path, model: ModelFile = MODEL, kind: Kind = Kind.PREDICTIONS) -> Raw:
    (file,) = case.source.walk(path)
    return case.source.read(file, case.options or case.source.options(), wanted_of(model, kind))


def taken(
    case: Case, path: Path, *, model: ModelFile = MODEL, kind: Kind = Kind.PREDICTIONS, timezone: str | None = None
) -> tuple[list[dict[str, Any]], Tally]:
    types = tuple(column.type or InputType.CATEGORY for column in model.columns.inputs)
    rows = normalise(
        read(case, path, model, kind), model, kind=kind, types=types, received_at=RECEIVED, timezone=timezone, salt=b"s"
    )
    return rows.table().to_pylist(), rows.finish()


class SourceContract:
    @pytest.fixture(autouse=True)
    def _gaps(self, request: pytest.FixtureRequest, case: Case) -> None:
        name = getattr(request.node, "originalname", request.node.name)
        if name in case.gaps:
            pytest.skip(case.gaps[name])

    def test_every_row_arrives_once(self, case: Case, tmp_path: Path) -> None:
        rows, tally = taken(case, case.write(tmp_path, [row(i) for i in range(50)]))
        assert [r["id"] for r in rows] == [f"r{i}" for i in range(50)]
        assert (tally.rows, tally.accepted, tally.rejects, tally.ignored, tally.absent) == (50, 50, (), {}, ())
        first = rows[1]
        assert (first["x0"], first["x1"], first["prediction"], first["score"]) == (1001.5, "car", "1", 0.25)
        assert (first["g0"], first["s0"], first["part"], first["n"]) == ("F", "web", 3, 1)
        assert first["event_time"] == datetime(2026, 2, 1, 1)
        assert (tally.first_event, tally.last_event) == (datetime(2026, 2, 1), datetime(2026, 2, 1, 23))

    def test_persons_are_hashed(self, case: Case, tmp_path: Path) -> None:
        rows, _ = taken(case, case.write(tmp_path, [row(1), row(2), row(3, customer="c1")]))
        assert rows[0]["person"] == rows[2]["person"] != rows[1]["person"]
        assert all(len(r["person"]) == 64 for r in rows)

    def test_the_same_delivery_again_is_the_same(self, case: Case, tmp_path: Path) -> None:
        rows = [row(i, id=...) for i in range(5)]
        one = case.write(_made(tmp_path / "one"), rows)
        two = case.write(_made(tmp_path / "two"), rows)
        assert read(case, one).sha256 == read(case, two).sha256
        assert [r["id"] for r in taken(case, one)[0]] == [r["id"] for r in taken(case, two)[0]]

    def test_reading_twice_gives_the_same(self, case: Case, tmp_path: Path) -> None:
        raw = read(case, case.write(tmp_path, [row(i) for i in range(5)]))
        assert [c.table for c in raw.chunks()] == [c.table for c in raw.chunks()]

    def test_rows_without_id_get_distinct_ones(self, case: Case, tmp_path: Path) -> None:
        rows, _ = taken(case, case.write(tmp_path, [row(i, id=...) for i in range(5)]))
        assert len({r["id"] for r in rows}) == 5

    def test_a_missing_column_is_told(self, case: Case, tmp_path: Path) -> None:
        rows, tally = taken(case, case.write(tmp_path, [row(i, income=...) for i in range(3)]))
        assert [r["x0"] for r in rows] == [None] * 3
        assert tally.absent == ("income",)
        assert tally.accepted == 3

    def test_columns_nobody_declared_are_counted(self, case: Case, tmp_path: Path) -> None:
        _, tally = taken(case, case.write(tmp_path, [row(i, shoe_size=40) for i in range(3)]))
        assert tally.ignored == {"shoe_size": 3}

    def test_names_meet_without_case(self, case: Case, tmp_path: Path) -> None:
        rows, tally = taken(case, case.write(tmp_path, [row(1, income=..., Income=7.0)]))
        assert rows[0]["x0"] == 7.0
        assert tally.absent == ()

    def test_inputs_alone_and_predictions_alone(self, case: Case, tmp_path: Path) -> None:
        inputs = [row(i, approved=..., probability=...) for i in range(3)]
        outputs = [{name: row(i)[name] for name in ("id", "at", "approved", "probability")} for i in range(3)]
        rows, tally = taken(case, case.write(_made(tmp_path / "in"), inputs))
        assert ({r["part"] for r in rows}, tally.absent) == ({1}, ())
        rows, tally = taken(case, case.write(_made(tmp_path / "out"), outputs))
        assert ({r["part"] for r in rows}, tally.absent) == ({2}, ())

    def test_text_of_any_script_survives(self, case: Case, tmp_path: Path) -> None:
        words = ["Zürich", "東京", "مرحبا", "🏦", "a,b;c\td", 'quo"te', "e\u0301"]
        rows, tally = taken(case, case.write(tmp_path, [row(i, purpose=word) for i, word in enumerate(words)]))
        assert [r["x1"] for r in rows] == [*words[:-1], "é"]
        assert tally.rejects == ()

    def test_a_log_that_grew_begins_as_it_did(self, case: Case, tmp_path: Path) -> None:
        """So that reading can resume where it ended: what was there keeps its place, its id and its content."""
        rows = [row(i) for i in range(8)]
        before, _ = taken(case, case.write(_made(tmp_path / "before"), rows[:4]))
        after, tally = taken(case, case.write(_made(tmp_path / "after"), rows))
        assert after[:4] == before
        assert [r["n"] for r in after] == list(range(8))
        assert tally.rows == 8

    def test_a_row_delivered_twice_is_given_twice_under_one_id(self, case: Case, tmp_path: Path) -> None:
        """The record counts repeats; a source hides none."""
        rows, tally = taken(case, case.write(tmp_path, [row(1), row(2), row(1), row(2)]))
        assert [r["id"] for r in rows] == ["r1", "r2", "r1", "r2"]
        assert len({r["n"] for r in rows}) == tally.rows == 4

    def test_clocks_that_run_ahead_or_behind_are_told_as_they_are(self, case: Case, tmp_path: Path) -> None:
        clocks = ["2026-02-03T00:00:00Z", "2019-05-06T07:08:09.123456Z", "2026-02-01T00:00:00Z"]
        rows, tally = taken(case, case.write(tmp_path, [row(at, at=clock) for at, clock in enumerate(clocks)]))
        told = [datetime.fromisoformat(clock).replace(tzinfo=None) for clock in clocks]
        assert [r["event_time"] for r in rows] == told
        assert (tally.first_event, tally.last_event) == (min(told), max(told))

    def test_an_empty_delivery_is_an_empty_batch(self, case: Case, tmp_path: Path) -> None:
        rows, tally = taken(case, case.write(tmp_path, []))
        assert (rows, tally.rows) == ([], 0)

    def test_offsets_are_heeded(self, case: Case, tmp_path: Path) -> None:
        rows, _ = taken(case, case.write(tmp_path, [row(1, at="2026-02-01T00:30:00+05:30")]))
        assert rows[0]["event_time"] == datetime(2026, 1, 31, 19)

    def test_times_without_zone_are_the_sites(self, case: Case, tmp_path: Path) -> None:
        path = case.write(tmp_path, [row(1, at="2026-07-01T12:00:00")])
        assert taken(case, path)[0][0]["event_time"] == datetime(2026, 7, 1, 12)
        assert taken(case, path, timezone="Europe/Berlin")[0][0]["event_time"] == datetime(2026, 7, 1, 10)

    @pytest.mark.parametrize("clock", ["1970-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "yesterday", "infinity"])
    def test_a_clock_that_was_never_set_is_quarantined(self, case: Case, tmp_path: Path, clock: str) -> None:
        rows, tally = taken(case, case.write(tmp_path, [row(1), row(2, at=clock)]))
        assert len(rows) == 1
        assert tally.reasons == {"time": 1}
        assert clock[:4] in tally.rejects[0][2]

    def test_a_value_of_the_wrong_type_costs_its_row_only(self, case: Case, tmp_path: Path) -> None:
        rows, tally = taken(case, case.write(tmp_path, [row(1), row(2, income="abc"), row(3)]))
        assert [r["id"] for r in rows] == ["r1", "r3"]
        assert tally.reasons == {"type:income": 1}
        _, reason, expected, shown = tally.rejects[0]
        assert reason == "type:income"
        assert 'found "abc"' in expected
        assert b"abc" in shown
        assert b"c2" not in shown, "the person stands in no quarantine"

    def test_a_row_without_its_id_is_quarantined(self, case: Case, tmp_path: Path) -> None:
        rows, tally = taken(case, case.write(tmp_path, [row(1), row(2, id=None)]))
        assert (len(rows), tally.reasons) == (1, {"no_id": 1})

    def test_missing_values_stay_missing(self, case: Case, tmp_path: Path) -> None:
        rows, tally = taken(case, case.write(tmp_path, [row(1, income=None, purpose=None, sex=None), row(2)]))
        assert (rows[0]["x0"], rows[0]["x1"], rows[0]["g0"], tally.rejects) == (None, None, None, ())

    def test_a_damaged_record_keeps_the_rest(self, case: Case, tmp_path: Path) -> None:
        if case.spoil is None:
            pytest.fail("give the case a `spoil`, or a gap with its reason")
        path = case.write(tmp_path, [row(i) for i in range(20)])
        lost = case.spoil(path)
        rows, tally = taken(case, path)
        assert (len(rows), tally.rows, len(tally.rejects)) == (20 - lost, 20, lost)
        line, reason, expected, shown = tally.rejects[0]
        assert reason
        assert expected
        assert shown
        assert line is None or line > 0
        assert len({r["id"] for r in rows}) == 20 - lost

    def test_labels(self, case: Case, tmp_path: Path) -> None:
        labels = [{"id": f"r{i}", "repaid": i % 2 == 0} for i in range(4)]
        rows, tally = taken(case, case.write(tmp_path, labels), kind=Kind.LABELS)
        assert [(r["id"], r["label"]) for r in rows] == [
            ("r0", "true"),
            ("r1", "false"),
            ("r2", "true"),
            ("r3", "false"),
        ]
        assert tally.absent == ()

    def test_a_reference_needs_no_id_time_or_prediction(self, case: Case, tmp_path: Path) -> None:
        reference = [{"income": float(i), "purpose": "car"} for i in range(4)]
        rows, tally = taken(case, case.write(tmp_path, reference), kind=Kind.REFERENCE)
        assert [r["x0"] for r in rows] == [0.0, 1.0, 2.0, 3.0]
        assert {r["part"] for r in rows} == {1}
        assert (tally.rejects, tally.absent) == ((), ())


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
