"""Ingest: what cannot be read never stops the rest, and what a site does not share is stored nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from world import (
    FIRST,
    INPUT_COLUMNS,
    MODEL,
    NOW,
    OUTPUT_COLUMNS,
    OWNER,
    SETTINGS,
    hub_in_memory,
    hub_on_disk,
    label,
    part,
    populate,
    row,
    rows_of,
    summaries,
    take,
    viewer_with,
    write_csv,
    write_lines,
)

from service.commands.ingest import ingest
from service.commands.models import add_model
from service.commands.quarantine import retry_quarantine
from service.commands.sites import add_site
from service.config import parse
from service.wiring import Hub, memory_hub
from store.access import Grant
from store.errors import BadInput, NotPermitted, Refused, UnknownName


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = populate(hub_in_memory(), sites=(("cloud", "rows"), ("branch", "counts"), ("south", "noisy-counts")))
    yield made
    made.close()


def test_an_unknown_site_and_model_are_named_with_the_nearest(hub: Hub, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", rows_of(0, 3))
    with pytest.raises(UnknownName, match="no site called 'clud'") as caught:
        ingest(hub, OWNER, paths=[path], site="clud", model="loan")
    assert 'Did you mean "cloud"?' in caught.value.advice
    with pytest.raises(UnknownName, match="no model called 'laon'") as caught:
        ingest(hub, OWNER, paths=[path], site="cloud", model="laon")
    assert 'Did you mean "loan"?' in caught.value.advice
    with pytest.raises(UnknownName, match="loan:7"):
        ingest(hub, OWNER, paths=[path], site="cloud", model="loan", version="7")
    assert hub.store.reads(OWNER).receipts() == []


def test_the_only_model_need_not_be_named(hub: Hub, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", rows_of(0, 3))
    assert ingest(hub, OWNER, paths=[path], site="cloud")["receipts"][0]["model"] == "loan"
    add_model(hub, OWNER, text=MODEL.replace("name: loan", "name: other"), source="other.yaml")
    with pytest.raises(BadInput, match="which model") as caught:
        ingest(hub, OWNER, paths=[path], site="cloud")
    assert "loan, other" in caught.value.advice


def test_a_kind_that_is_none_and_one_that_comes_later(hub: Hub, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", rows_of(0, 3))
    with pytest.raises(BadInput, match="'rows' is none of"):
        ingest(hub, OWNER, paths=[path], site="cloud", kind="rows")
    with pytest.raises(Refused, match="no lineage yet"):
        ingest(hub, OWNER, paths=[path], site="cloud", kind="lineage")
    with pytest.raises(BadInput, match="no such file"):
        ingest(hub, OWNER, paths=[tmp_path / "none.csv"], site="cloud", model="loan")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refused, match="no file to read"):
        ingest(hub, OWNER, paths=[tmp_path / "empty"], site="cloud", model="loan", format="tabular")


def test_a_file_of_other_columns_says_what_was_expected(hub: Hub, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "wrong.csv", [{"a": 1, "b": 2}])
    with pytest.raises(
        BadInput, match=r"wrong\.csv: none of the columns that loan declares is there; found a, b"
    ) as caught:
        take(hub, path)
    assert "income" in caught.value.advice and caught.value.details["found"] == ["a", "b"]
    reads = hub.store.reads(OWNER)
    assert reads.receipts() == [] and reads.verify_trail(data=True).holds


def test_one_bad_file_does_not_stop_the_others(hub: Hub, tmp_path: Path) -> None:
    good = write_csv(tmp_path / "a.csv", rows_of(0, 3))
    bad = write_csv(tmp_path / "b.csv", [{"a": 1}])
    other = write_csv(tmp_path / "c.csv", rows_of(3, 7))
    done = ingest(hub, OWNER, paths=[tmp_path], site="cloud", model="loan", format="tabular")
    assert [(r["source"], r["kept"]) for r in done["receipts"]] == [(good.name, 3), (other.name, 4)]
    assert [error["code"] for error in done["errors"]] == ["bad_input"] and bad.name in done["errors"][0]["message"]


def test_a_truncated_parquet_is_one_quarantined_row_called_file(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "cut.parquet"
    pq.write_table(pa.Table.from_pylist(rows_of(0, 50)), path)
    path.write_bytes(path.read_bytes()[:-200])
    receipt = take(hub, path)
    assert (receipt["rows"], receipt["kept"], receipt["quarantined"], receipt["reasons"]) == (1, 0, 1, {"file": 1})
    held = hub.store.reads(OWNER).quarantine()
    assert [(found["reason"], found["source"]) for found in held] == [("file", "cut.parquet")]
    assert take(hub, path)["repeated"] is True


def test_broken_lines_are_set_aside_with_their_bytes_and_the_rest_is_kept(hub: Hub, tmp_path: Path) -> None:
    lines: list[dict[str, Any] | str] = [
        row(0),
        '{"id": "r9", "income": ',
        row(1),
        "plain words",
        row(2, at="soon"),
        row(3, id=None),
        row(4, income="much"),
    ]
    receipt = take(hub, write_lines(tmp_path / "a.jsonl", lines))
    assert (receipt["rows"], receipt["kept"], receipt["quarantined"]) == (7, 2, 5)
    held = {found["line"]: found for found in hub.store.reads(OWNER).quarantine()}
    assert sorted(held) == [2, 4, 5, 6, 7]
    assert held[2]["text"] == '{"id": "r9", "income": ' and held[4]["text"] == "plain words"
    assert (held[5]["reason"], held[6]["reason"], held[7]["reason"]) == ("time", "no_id", "type:income")
    assert 'found "much"' in held[7]["expected"]
    assert sum(receipt["reasons"].values()) == 5
    kept = hub.store.cursor().execute("SELECT id FROM rows_1_1 ORDER BY n").fetchall()
    assert kept == [("r00000",), ("r00001",)]


def test_undeclared_columns_are_counted_and_absent_ones_are_missing(hub: Hub, tmp_path: Path) -> None:
    rows = [{**found, "shoe_size": 42} for found in rows_of(0, 5)]
    for found in rows:
        del found["purpose"]
    receipt = take(hub, write_csv(tmp_path / "a.csv", rows))
    assert receipt["ignored"] == {"shoe_size": 5} and receipt["kept"] == 5
    spec = hub.store.reads(OWNER).spec("loan", "1")
    assert spec is not None
    missing = spec.input_cells[1].missing
    totals = [cells[missing] for key, cells in summaries(hub).items() if key[0] == "inputs" and key[1] is None]
    assert sum(totals) == 5
    assert hub.store.reads(OWNER).receipts()[0]["absent"] == ["purpose"]


def test_persons_are_stored_as_salted_hashes(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "a.csv", rows_of(0, 5)))
    people = [found for (found,) in hub.store.cursor().execute("SELECT person FROM rows_1_1").fetchall()]
    assert len(set(people)) == 5 and all(len(found) == 64 for found in people) and "C001" not in people


def test_halves_that_never_meet_are_counted_where_they_are(hub: Hub, tmp_path: Path) -> None:
    rows = rows_of(0, 10)
    take(hub, write_csv(tmp_path / "in.csv", part(rows[:7], INPUT_COLUMNS)))
    take(hub, write_csv(tmp_path / "out.csv", part(rows[4:], OUTPUT_COLUMNS)))
    spec = hub.store.reads(OWNER).spec("loan", "1")
    assert spec is not None and spec.prediction_cells is not None
    counted = summaries(hub)

    def count(section: str, places: slice) -> int:
        return sum(sum(cells[places]) for key, cells in counted.items() if key[0] == section and key[1] is None)

    assert count("inputs", spec.input_cells[0].partition) == 7
    assert count("outputs", spec.prediction_cells.partition) == 6
    assert count("outcomes", slice(None)) == 3
    (told,) = hub.store.reads(OWNER).coverage("loan", "1", FIRST, NOW)
    assert (told["inputs_alone"], told["predictions_alone"]) == (4, 3)
    first = hub.store.reads(OWNER, hub.store.reads(OWNER).seq - 1).coverage("loan", "1", FIRST, NOW)
    assert [(row["inputs_alone"], row["predictions_alone"]) for row in first] == [(7, 0)]
    assert hub.store.reads(OWNER).coverage("loan", "1", FIRST.replace(month=9), FIRST) == []
    take(hub, write_csv(tmp_path / "rest.csv", part(rows[:4], OUTPUT_COLUMNS)))
    take(hub, write_csv(tmp_path / "whole.csv", rows_of(10, 12)))
    (told,) = hub.store.reads(OWNER).coverage("loan", None, FIRST, NOW)
    assert (told["inputs_alone"], told["predictions_alone"]) == (0, 3)


def test_an_id_beyond_the_horizon_is_another_row(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "a.csv", [row(0, at="2026-08-01T00:00:00Z")]))
    near, far = row(0, at="2026-09-05T00:00:00Z"), row(0, at="2026-10-11T00:00:00Z")
    assert take(hub, write_csv(tmp_path / "near.csv", [near]))["reasons"] == {"conflict": 1}
    assert take(hub, write_csv(tmp_path / "far.csv", [far]))["kept"] == 1


def test_the_same_id_with_other_values_is_set_aside_with_what_differs(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "inputs.csv", part(rows_of(0, 4), INPUT_COLUMNS)))
    told = [row(0), row(1, income=77), row(2, customer="C999"), row(4), row(4), row(4, approved=1 - row(4)["approved"])]
    receipt = take(hub, write_csv(tmp_path / "whole.csv", told))
    assert (receipt["rows"], receipt["kept"], receipt["duplicates"], receipt["quarantined"]) == (6, 2, 1, 3)
    assert receipt["reasons"] == {"conflict": 3}
    held = {found["expected"]: json.loads(found["text"]) for found in hub.store.reads(OWNER).quarantine()}
    assert sorted(held) == [
        f'row "r00001" as first told in event {receipt["seq"] - 1}: income was 37, is now 77',
        f'row "r00002" as first told in event {receipt["seq"] - 1}: customer differs',
        'row "r00004" as first told earlier in the same batch: approved was 1, is now 0',
    ]
    first = held[min(held)]
    assert first["id"] == "r00001" and first["income"] == 77 and first["purpose"] == "home" and "customer" not in first
    again = take(hub, write_csv(tmp_path / "again.csv", [row(0), row(4), row(1)]))
    assert (again["kept"], again["duplicates"], again["quarantined"]) == (1, 2, 0)
    assert hub.store.reads(OWNER).verify_trail(data=True).holds


def test_a_label_is_not_taken_from_a_row_that_is_set_aside(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "a.csv", [row(0), row(1)]))
    receipt = take(hub, write_csv(tmp_path / "b.csv", [row(0, repaid=1), row(1, income=99, repaid=1)]))
    assert (receipt["duplicates"], receipt["quarantined"]) == (1, 1)
    assert hub.store.cursor().execute("SELECT id FROM labels_1").fetchall() == [("r00000",)]


def test_a_label_that_is_restated_counts_and_the_older_one_stays(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "a.csv", [row(0)]))
    for at, value in enumerate((0, 1, 1)):
        receipt = take(hub, write_csv(tmp_path / f"{at}.csv", [label(0, value=value), label(at + 7)]), kind="labels")
        assert receipt["quarantined"] == 0 and receipt["duplicates"] == (at == 2)
    held = hub.store.cursor().execute("SELECT label FROM labels_1 WHERE id = 'r00000' ORDER BY seq").fetchall()
    assert held == [("0",), ("1",)]


def test_rows_without_a_time_that_come_again_are_repeats(tmp_path: Path) -> None:
    moments = iter(FIRST + timedelta(minutes=n) for n in range(1000))
    text = MODEL.replace("  time: at\n", "")
    hub = populate(memory_hub(parse(SETTINGS, environ={}), lambda: next(moments), b"salt"), model=text)
    take(hub, write_csv(tmp_path / "a.csv", rows_of(0, 3)))
    receipt = take(hub, write_csv(tmp_path / "b.csv", rows_of(0, 4)))
    assert (receipt["kept"], receipt["duplicates"], receipt["quarantined"]) == (1, 3, 0)
    hub.close()


def test_the_same_id_at_another_site_is_another_row(hub: Hub, tmp_path: Path) -> None:
    add_site(hub, OWNER, name="second")
    path = write_csv(tmp_path / "a.csv", rows_of(0, 4))
    assert take(hub, path)["kept"] == take(hub, path, site="second")["kept"] == 4


def test_a_quarantined_line_is_read_again_once_the_model_file_is_mended(tmp_path: Path) -> None:
    hub = populate(hub_on_disk(tmp_path / "hub"))
    take(hub, write_lines(tmp_path / "a.jsonl", [row(0), row(1, income="much")]))
    held = hub.store.reads(OWNER).quarantine()[0]
    again = retry_quarantine(hub, OWNER, id=held["id"])
    assert again["kept"] == 0
    with pytest.raises(UnknownName):
        retry_quarantine(hub, viewer_with(Grant("regulator")), id=held["id"])
    hub.close()


# -- what a site does not share ----------------------------------------------------------


@pytest.mark.parametrize("site", ["branch", "south"])
@pytest.mark.parametrize("kind", ["predictions", "labels"])
def test_rows_of_a_site_that_counts_are_stored_nowhere_in_the_folder(tmp_path: Path, site: str, kind: str) -> None:
    sites = (("cloud", "rows"), ("branch", "counts"), ("south", "noisy-counts"))
    hub = populate(hub_on_disk(tmp_path / "hub"), sites=sites)
    secret = "Marisol-Quintero-Vale"
    rows = [row(n, id=f"{secret}-{n}") for n in range(20)]
    path = write_lines(tmp_path / "a.jsonl", [*rows, f"broken {secret}"])
    seq = hub.store.reads(OWNER).seq
    with pytest.raises(NotPermitted, match="nothing was stored"):
        ingest(hub, OWNER, paths=[path], site=site, model="loan", kind=kind)
    reads = hub.store.reads(OWNER)
    assert reads.seq == seq and reads.receipts() == [] and reads.quarantine() == []
    hub.close()
    files = [found for found in (tmp_path / "hub").rglob("*") if found.is_file()]
    assert files and not any(secret.encode() in found.read_bytes() for found in files)
    assert not list((tmp_path / "hub" / "spool").iterdir()) and not list((tmp_path / "hub" / "quarantine").iterdir())


def test_who_may_not_write_to_a_site_is_refused_before_anything_is_read(hub: Hub, tmp_path: Path) -> None:
    nobody = viewer_with(Grant("data", site="branch"))
    with pytest.raises(NotPermitted, match="not for site cloud"):
        ingest(hub, nobody, paths=[tmp_path / "never opened.csv"], site="cloud", model="loan")
    with pytest.raises(NotPermitted):
        ingest(hub, viewer_with(Grant("auditor")), paths=[tmp_path / "never opened.csv"], site="cloud", model="loan")


def test_a_token_gets_the_same_receipt_again_and_needs_no_model(hub: Hub, tmp_path: Path) -> None:
    """A token may write and nothing else: that must not hide its own earlier batch from the ingest."""
    token = viewer_with(Grant("site-token", site="cloud"), name="site:cloud")
    path = write_csv(tmp_path / "a.csv", rows_of(0, 4))
    first = ingest(hub, token, paths=[path], site="cloud")["receipts"][0]
    again = ingest(hub, token, paths=[path], site="cloud")["receipts"][0]
    assert first["repeated"] is False and again["repeated"] is True and again["seq"] == first["seq"]
    assert len(hub.store.reads(OWNER).receipts()) == 1


def test_the_same_labels_are_the_same_batch_after_a_new_version(hub: Hub, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "labels.csv", [label(n) for n in range(5)])
    first = take(hub, path, kind="labels")
    add_model(hub, OWNER, text=MODEL.replace('version: "1"', 'version: "2"'), source="loan.yaml")
    again = take(hub, path, kind="labels")
    assert again["repeated"] is True and again["seq"] == first["seq"]


def test_a_site_cannot_replace_what_every_site_is_held_against(hub: Hub, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", rows_of(0, 4))
    for grant in (Grant("site-token", site="cloud"), Grant("site-operator", site="cloud")):
        with pytest.raises(NotPermitted, match="model:write"):
            ingest(hub, viewer_with(grant), paths=[path], site="cloud", model="loan", kind="reference")
    assert take(hub, path, kind="reference", viewer=viewer_with(Grant("data")))["kept"] == 4


def test_options_reach_the_source_and_unknown_ones_are_refused(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "loans.csv"
    path.write_text("id|at|income;\nr1|2026-10-05|7\n".replace(";", ""))
    (receipt,) = ingest(hub, OWNER, paths=[path], site="cloud", options=["delimiter=|"])["receipts"]
    assert (receipt["kept"], receipt["notes"]) == (1, [])
    with pytest.raises(BadInput, match="no option separator_") as told:
        ingest(hub, OWNER, paths=[path], site="cloud", options=["separator_=|"])
    assert "delimiter" in told.value.advice


def test_equal_bytes_below_other_folders_are_both_taken(hub: Hub, tmp_path: Path) -> None:
    """A daily export whose folders say the channel: the files are equal, the rows are not; they grow all the same."""
    for channel in ("web", "branch"):
        path = tmp_path / f"channel={channel}" / "part.csv"
        path.parent.mkdir()
        path.write_text("at,income,purpose,sex\n2026-10-05,7,car,F\n")
    first = ingest(hub, OWNER, paths=[tmp_path], site="cloud")["receipts"]
    assert [(r["kept"], r["repeated"]) for r in first] == [(1, False), (1, False)]
    again = ingest(hub, OWNER, paths=[tmp_path], site="cloud")["receipts"]
    assert [r["repeated"] for r in again] == [True, True]
