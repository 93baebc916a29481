"""A sender that changes its columns: told once for the site, not once for each row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import OWNER, hub_in_memory, populate, row, rows_of, take, write_csv, write_lines

from service.commands.monitoring import monitor
from service.wiring import Hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = populate(hub_in_memory())
    yield made
    made.close()


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("write", [write_csv, write_lines, write_parquet])
def test_a_number_that_became_text_counts_as_missing_and_is_told_once(hub: Hub, tmp_path: Path, write: Any) -> None:
    ending = {write_csv: "csv", write_lines: "jsonl", write_parquet: "parquet"}[write]
    take(hub, write_csv(tmp_path / "before.csv", rows_of(0, 40)))
    rows = [{**found, "income": f"about {found['income']}k"} for found in rows_of(40, 120)]
    receipt = take(hub, write(tmp_path / f"a.{ending}", rows))
    assert (receipt["rows"], receipt["kept"], receipt["quarantined"]) == (80, 80, 0)
    told = [note for note in receipt["notes"] if note.startswith("income holds no number")]
    assert told == [
        'income holds no number in 80 of 80 rows, such as "about 66k": it counts as missing in this batch. '
        "Mend the sender, or declare another type."
    ]
    reads = hub.store.reads(OWNER)
    assert reads.receipts()[0]["absent"] == ["income"] and reads.quarantine() == []
    monitor(hub, OWNER)
    found = [r for r in reads_now(hub) if (r["measure"], r["about"], r["segment"]) == ("missing_rate", "income", None)]
    days = {r["window"]["to"][:10]: (r["status"], r["value"]) for r in found if r["site"] == "cloud"}
    assert days["2026-10-06"] == ("within", 0.0) and days["2026-10-07"] == ("outside", 1.0)


def reads_now(hub: Hub) -> list[dict[str, Any]]:
    return hub.store.reads(OWNER).results()


def test_a_few_wrong_rows_stay_rows_in_quarantine(hub: Hub, tmp_path: Path) -> None:
    rows = [{**row(n), "income": "many" if n % 2 else row(n)["income"]} for n in range(100)]
    receipt = take(hub, write_csv(tmp_path / "half.csv", rows))
    assert (receipt["kept"], receipt["reasons"], receipt["notes"]) == (50, {"type:income": 50}, [])
    few = take(hub, write_csv(tmp_path / "few.csv", [{**row(n), "income": "many"} for n in range(100, 110)]))
    assert (few["kept"], few["reasons"]) == (0, {"type:income": 10})


@settings(max_examples=10, deadline=None)
@given(st.integers(20, 60))
def test_the_sum_holds_on_either_side_of_the_half(tmp_path_factory: pytest.TempPathFactory, wrong: int) -> None:
    hub = populate(hub_in_memory())
    rows = [{**row(n), "income": "many" if n < wrong else row(n)["income"]} for n in range(80)]
    receipt = take(hub, write_csv(tmp_path_factory.mktemp("half") / "a.csv", rows))
    assert receipt["rows"] == 80 == receipt["kept"] + receipt["quarantined"] + receipt["duplicates"]
    assert receipt["quarantined"] == (0 if wrong > 40 else wrong)
    hub.close()


def test_a_new_column_is_counted_as_ignored_and_told_once(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "a.csv", [{**found, "branch": 1} for found in rows_of(0, 5)]))
    rows = [{**found, "branch": 1, "campaign": "x"} for found in rows_of(5, 15)]
    first = take(hub, write_csv(tmp_path / "b.csv", rows[:5]))
    second = take(hub, write_csv(tmp_path / "c.csv", rows[5:]))
    assert first["ignored"] == second["ignored"] == {"branch": 5, "campaign": 5}
    told = "campaign is new from this site, and nobody declared it: it is ignored, and counted in each receipt."
    assert (first["notes"], second["notes"]) == ([told], [])


def test_the_list_of_a_big_quarantine_is_bounded_and_each_record_is_found_by_its_id(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "a.csv", [{**row(n), "at": "soon"} for n in range(50)]))
    reads = hub.store.reads(OWNER)
    assert len(reads.quarantine()) == 50 and len(reads.quarantine(limit=7)) == 7
    last = reads.quarantine()[-1]
    assert reads.quarantine(id=last["id"]) == [last]
