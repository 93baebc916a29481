"""Files that are appended to: the rest is taken once, whatever the moment at which they were delivered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_aside import collector_log
from world import MODEL, OWNER, hub_on_disk, label, populate, row, rows_of, summaries, take, write_csv, write_lines

from service.commands.ingest import ingest
from service.wiring import Hub

WITHOUT_ID = MODEL.replace("  id: id\n", "")
INPUTS = ("at", "income", "purpose", "sex", "channel", "customer", "approved", "probability")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = populate(hub_on_disk(tmp_path / "hub"), model=WITHOUT_ID)
    yield made
    made.close()


def counts(receipt: dict[str, Any]) -> tuple[int, int, int, int]:
    return receipt["rows"], receipt["kept"], receipt["quarantined"], receipt["duplicates"]


def stored(hub: Hub) -> list[tuple[str, float]]:
    found = hub.store.reads(OWNER).rows("SELECT id, n, x0 FROM rows_1_1 ORDER BY n")
    return [(one["id"], one["x0"]) for one in found]


def lines_of(start: int, stop: int) -> str:
    return "".join(json.dumps(found) + "\n" for found in rows_of(start, stop))


def test_of_a_log_that_has_grown_the_rest_is_taken_and_derived_ids_go_on(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "hour.jsonl"
    path.write_text(lines_of(0, 10))
    first = take(hub, path)
    path.write_text(lines_of(0, 25))
    second = take(hub, path)
    path.write_text(lines_of(0, 26))
    assert [counts(one) for one in (first, second, take(hub, path))] == [(10, 10, 0, 0), (15, 15, 0, 0), (1, 1, 0, 0)]
    assert stored(hub) == [(f"{first['sha256'][:12]}-{n}", row(n)["income"]) for n in range(26)]
    path.write_text(lines_of(0, 25))
    again = take(hub, path)
    assert again["repeated"] is True and (again["seq"], counts(again)) == (second["seq"], counts(second))
    assert hub.store.reads(OWNER).verify_trail(data=True).holds
    assert not list((hub.folder / "spool").iterdir())


def test_a_csv_grows_under_its_header_and_its_last_line_may_lack_its_end(hub: Hub, tmp_path: Path) -> None:
    whole = write_csv(tmp_path / "whole.csv", rows_of(0, 8)).read_bytes()
    path = tmp_path / "grows.csv"
    ends = [at + 1 for at, byte in enumerate(whole) if byte == 10]
    path.write_bytes(whole[: ends[3]])
    assert counts(take(hub, path)) == (3, 3, 0, 0)
    path.write_bytes(whole[: ends[5]].rstrip())
    assert counts(take(hub, path)) == (2, 2, 0, 0)
    path.write_bytes(whole)
    assert counts(take(hub, path)) == (4, 3, 0, 1)
    assert [income for _, income in stored(hub)] == [row(n)["income"] for n in range(8)]


def test_half_a_line_waits_for_its_rest_and_is_no_broken_json_for_ever(hub: Hub, tmp_path: Path) -> None:
    path, text = tmp_path / "hour.jsonl", lines_of(0, 6)
    path.write_text(text[:-40])
    receipt = take(hub, path)
    assert (counts(receipt), receipt["reasons"]) == ((6, 5, 1, 0), {"unfinished": 1})
    held = hub.store.reads(OWNER).quarantine()
    assert [(one["reason"], one["line"]) for one in held] == [("unfinished", 6)]
    path.write_text(text + lines_of(6, 7) + '{"at": \n')
    receipt = take(hub, path)
    assert (counts(receipt), receipt["reasons"]) == ((3, 2, 1, 0), {"json": 1})
    assert [(one["reason"], one["line"]) for one in hub.store.reads(OWNER).quarantine()] == [("json", 8)]
    assert [income for _, income in stored(hub)] == [row(n)["income"] for n in range(7)]


def test_a_whole_last_line_without_its_end_is_taken_once(hub: Hub, tmp_path: Path) -> None:
    path, text = tmp_path / "hour.jsonl", lines_of(0, 4)
    path.write_text(text.rstrip("\n"))
    assert counts(take(hub, path)) == (4, 4, 0, 0)
    path.write_text(text + lines_of(4, 6))
    assert counts(take(hub, path)) == (2, 2, 0, 0)
    assert [name.rpartition("-")[2] for name, _ in stored(hub)] == ["0", "1", "2", "3", "4", "5"]


def test_a_file_that_was_replaced_is_a_batch_of_its_own(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "hour.jsonl"
    path.write_text(lines_of(0, 5))
    take(hub, path)
    path.write_text(lines_of(10, 20))
    assert counts(take(hub, path)) == (10, 10, 0, 0)
    path.write_text(lines_of(10, 23))
    assert counts(take(hub, path)) == (3, 3, 0, 0)


def test_two_files_that_grew_from_the_same_beginning_do_not_share_ids(hub: Hub, tmp_path: Path) -> None:
    one, other = tmp_path / "a" / "log.jsonl", tmp_path / "b" / "log.jsonl"
    for path in (one, other):
        path.parent.mkdir()
    one.write_text(lines_of(0, 1))
    take(hub, one)
    one.write_text(lines_of(0, 3))
    assert counts(take(hub, one)) == (2, 2, 0, 0)
    other.write_text(lines_of(0, 1) + lines_of(30, 33))
    assert counts(take(hub, other)) == (4, 4, 0, 0)


def test_a_collectors_hour_grows_by_its_envelopes(hub: Hub, tmp_path: Path) -> None:
    path = collector_log(tmp_path / "logs", rows_of(0, 5), version="default")
    assert counts(take(hub, path)) == (5, 5, 0, 0)
    collector_log(tmp_path / "logs", rows_of(0, 9), version="default")
    receipt = take(hub, path)
    assert (counts(receipt), receipt["format"]) == ((4, 4, 0, 0), "azureml")
    assert [name for name, _ in stored(hub)] == [f"c{n}_0" for n in range(9)]


def test_a_log_with_payloads_beside_it_is_read_whole_and_what_was_there_is_a_duplicate(
    hub: Hub, tmp_path: Path
) -> None:
    def written(count: int) -> Path:
        path = collector_log(tmp_path / "logs", rows_of(0, count), version="default")
        events = [json.loads(line) for line in path.read_text().splitlines()]
        for event in events:
            del event["correlationid"], event["id"]
        events[0]["dataref"] = "azureml://store/files/p0.json"
        payload = path.parent / "files" / "p0.json"
        payload.parent.mkdir(exist_ok=True)
        payload.write_text(json.dumps(events[0].pop("data")))
        path.write_text("".join(json.dumps(event) + "\n" for event in events))
        return path

    assert counts(take(hub, written(3))) == (3, 3, 0, 0)
    assert counts(take(hub, written(5))) == (5, 2, 0, 3)


def test_labels_grow_too(tmp_path: Path) -> None:
    hub = populate(hub_on_disk(tmp_path / "hub"))
    path = write_lines(tmp_path / "labels.jsonl", [label(n) for n in range(5)])
    assert counts(take(hub, path, kind="labels")) == (5, 5, 0, 0)
    write_lines(path, [label(n) for n in range(8)])
    assert counts(take(hub, path, kind="labels")) == (3, 3, 0, 0)
    hub.close()


def test_files_without_a_name_of_their_own_do_not_grow(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    for stop in (2, 5):
        path.write_text(lines_of(0, stop))
        done = ingest(hub, OWNER, paths=[path], site="cloud", model="loan", grows=False)
        assert done["receipts"][0]["kept"] == stop


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 3000), max_size=5), form=st.sampled_from(["jsonl", "csv"]))
def test_however_a_file_was_cut_its_rows_are_there_once(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], form: str
) -> None:
    folder = tmp_path_factory.mktemp("grown")
    hub = populate(hub_on_disk(folder / "hub"))
    whole = write_csv(folder / "w", rows_of(0, 12)).read_bytes() if form == "csv" else lines_of(0, 12).encode()
    path = folder / f"hour.{form}"
    for cut in [*sorted(cuts), len(whole)]:
        # A cell that was cut is another value: of a CSV only whole lines are ever written here.
        text = whole[:cut] if form == "jsonl" else whole[: whole.rfind(b"\n", 0, cut) + 1]
        path.write_bytes(text or whole)
        receipt = take(hub, path)
        assert receipt["rows"] == receipt["kept"] + receipt["quarantined"] + receipt["duplicates"]
    assert [income for _, income in stored(hub)] == [row(n)["income"] for n in range(12)]
    assert summaries(hub) and hub.store.reads(OWNER).quarantine() == []
    hub.close()
