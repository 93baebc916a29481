"""What nobody added is kept aside: whole, shown, in no figure, and taken in by adding it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from world import MODEL, OWNER, hub_on_disk, populate, row, rows_of, summaries, take, write_csv

from reports.words import aside as told
from service.checking import check
from service.commands.ingest import ingest
from service.commands.models import add_model
from service.wiring import Hub
from store.errors import UnknownName

SECOND = MODEL.replace('version: "1"', 'version: "7"')


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = populate(hub_on_disk(tmp_path / "hub"))
    yield made
    made.close()


def collector_log(folder: Path, rows: list[dict[str, Any]], *, version: str, name: str = "log.jsonl") -> Path:
    path = folder / "model_inputs_outputs" / "2026" / "10" / "05" / "00" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    source = "/subscriptions/s/providers/Microsoft.MachineLearningServices/workspaces/w"
    events = [
        {
            "specversion": "1.0",
            "id": f"e{n}",
            "source": source,
            "type": "azureml.inference.model_inputs_outputs",
            "time": found["at"],
            "data": [found],
            "correlationid": f"c{n}",
            "modelversion": version,
        }
        for n, found in enumerate(rows)
    ]
    path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return path


def bring(hub: Hub, path: Path, **other: Any) -> dict[str, Any]:
    return ingest(hub, OWNER, paths=[path], site="cloud", **{"model": "loan", **other})


def test_a_version_that_nobody_added_is_kept_aside_and_repeated_not_doubled(hub: Hub, tmp_path: Path) -> None:
    path = collector_log(tmp_path / "logs", rows_of(0, 30), version="7")
    done = bring(hub, path)
    assert done["receipts"] == [] and done["errors"] == []
    answer = done["aside"][0]
    assert (answer["model"], answer["version"], answer["rows"], answer["repeated"]) == ("loan", "7", 30, False)
    assert answer["first_event"] == row(0)["at"] and answer["last_event"] == row(29)["at"]
    again = bring(hub, path)["aside"][0]
    assert again == {**answer, "repeated": True}
    reads = hub.store.reads(OWNER)
    assert len(reads.aside()) == 1 and reads.receipts() == [] and summaries(hub) == {}
    assert reads.verify_trail(data=True).holds
    assert told(reads.aside()) == "1 version seen that is not in the inventory, since 5 October 2026, 30 rows."
    problems = check(hub, OWNER, model="loan")["problems"]
    assert ("unknown_version", "version 7") in [(one["status"], one["what"]) for one in problems]


def test_adding_the_version_takes_it_in_with_the_receipt_that_it_would_have_had(hub: Hub, tmp_path: Path) -> None:
    path = collector_log(tmp_path / "logs", rows_of(0, 30), version="7")
    kept = bring(hub, path)["aside"][0]
    shutil.rmtree(tmp_path / "logs")
    made = add_model(hub, OWNER, text=SECOND, source="loan.yaml")
    receipt = made["taken_in"]["receipts"][0]
    assert made["taken_in"]["errors"] == []
    assert (receipt["version"], receipt["rows"], receipt["kept"], receipt["format"]) == ("7", 30, 30, "azureml")
    assert receipt["sha256"] == kept["sha256"]
    reads = hub.store.reads(OWNER)
    assert reads.aside() == [] and reads.verify_trail(data=True).holds
    assert reads.one("SELECT count(*) AS n FROM aside_version", [])["n"] == 2  # type: ignore[index]
    assert not [one for one in check(hub, OWNER, model="loan")["problems"] if one["status"] == "unknown_version"]
    path = collector_log(tmp_path / "logs", rows_of(0, 30), version="7")
    assert bring(hub, path)["receipts"][0]["repeated"] is True
    assert add_model(hub, OWNER, text=SECOND, source="loan.yaml")["taken_in"] is None


def test_a_version_called_default_is_no_version(hub: Hub, tmp_path: Path) -> None:
    receipt = take(hub, collector_log(tmp_path / "logs", rows_of(0, 3), version="default"))
    assert (receipt["version"], receipt["kept"]) == ("1", 3)


def test_a_version_that_the_caller_names_holds_whatever_the_log_says(hub: Hub, tmp_path: Path) -> None:
    path = collector_log(tmp_path / "logs", rows_of(0, 3), version="7")
    assert bring(hub, path, version="1")["receipts"][0]["version"] == "1"


def test_a_model_that_nobody_added_is_an_error_where_a_person_names_it_and_kept_where_a_site_does(
    hub: Hub, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "a.csv", rows_of(0, 12))
    with pytest.raises(UnknownName, match="no model called 'fraud'"):
        bring(hub, path, model="fraud")
    answer = bring(hub, path, model="fraud", keep_unknown=True)["aside"][0]
    assert (answer["model"], answer["version"], answer["rows"], answer["first_event"]) == ("fraud", None, 12, None)
    labels = write_csv(tmp_path / "labels.csv", [{"id": row(n)["id"], "repaid": n % 2} for n in range(12)])
    assert bring(hub, labels, model="fraud", kind="labels", keep_unknown=True)["aside"][0]["rows"] == 12
    reads = hub.store.reads(OWNER)
    assert told(reads.aside()).startswith("1 model seen that is not in the inventory, since 2 November 2026, 24 rows")
    made = add_model(hub, OWNER, text=MODEL.replace("name: loan", "name: fraud"), source="fraud.yaml")
    assert [(one["kind"], one["kept"]) for one in made["taken_in"]["receipts"]] == [("predictions", 12), ("labels", 12)]
    assert hub.store.reads(OWNER).aside() == []


def test_what_still_cannot_be_taken_in_stays_aside_with_its_error(hub: Hub, tmp_path: Path) -> None:
    bring(hub, write_csv(tmp_path / "a.csv", [{"a": 1}]), model="fraud", keep_unknown=True)
    bring(hub, write_csv(tmp_path / "b.csv", rows_of(0, 5)), model="fraud", keep_unknown=True)
    made = add_model(hub, OWNER, text=MODEL.replace("name: loan", "name: fraud"), source="fraud.yaml")
    assert [one["kept"] for one in made["taken_in"]["receipts"]] == [5]
    assert "none of the columns" in made["taken_in"]["errors"][0]["message"]
    assert [one["source"] for one in hub.store.reads(OWNER).aside()] == ["a.csv"]


def test_bytes_that_went_away_are_told(hub: Hub, tmp_path: Path) -> None:
    bring(hub, write_csv(tmp_path / "b.csv", rows_of(0, 5)), model="fraud", keep_unknown=True)
    shutil.rmtree(hub.folder / "quarantine" / "aside")
    made = add_model(hub, OWNER, text=MODEL.replace("name: loan", "name: fraud"), source="fraud.yaml")
    assert "no longer in the hub's quarantine folder" in made["taken_in"]["errors"][0]["message"]


def test_a_payload_beside_the_log_is_kept_with_it(hub: Hub, tmp_path: Path) -> None:
    path = collector_log(tmp_path / "logs", rows_of(0, 2), version="7")
    events = [json.loads(line) for line in path.read_text().splitlines()]
    events[1]["dataref"] = "azureml://store/model_inputs_outputs/2026/10/05/00/files/p1.json"
    payload = path.parent / "files" / "p1.json"
    payload.parent.mkdir()
    payload.write_text(json.dumps(events[1].pop("data")))
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    assert bring(hub, path)["aside"][0]["rows"] == 2
    shutil.rmtree(tmp_path / "logs")
    made = add_model(hub, OWNER, text=SECOND, source="loan.yaml")
    assert made["taken_in"]["receipts"][0]["kept"] == 2


def test_rows_of_the_versions_meet_their_own_columns(hub: Hub, tmp_path: Path) -> None:
    """The columns to read are those of the version that the log names, not of the newest."""
    other = MODEL.replace('version: "1"', 'version: "8"').replace("name: income", "name: earnings")
    add_model(hub, OWNER, text=other, source="loan.yaml")
    take(hub, write_csv(tmp_path / "new.csv", [{**row(0), "earnings": 3}]))
    receipt = take(hub, collector_log(tmp_path / "logs", rows_of(0, 3), version="1"))
    assert receipt["version"] == "1" and "income" not in receipt["ignored"]
    absent = hub.store.reads(OWNER).receipts()[0]["absent"]
    assert absent == []
