"""The committee's report: all models or one site, this period beside the one before, computed again to the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from world import FIRST, MODEL, OWNER, hub_on_disk, label, populate, rows_of, take, viewer_with, write_csv

from service.commands.models import add_model
from service.commands.monitoring import monitor
from service.commands.reports import build_report, verify_report
from service.wiring import Hub
from store.access import Grant
from store.errors import BadInput, UnknownName


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("committee")
    made = populate(hub_on_disk(folder / "hub"), sites=(("cloud", "rows"), ("edge", "rows")))
    other = MODEL.replace("name: loan", "name: idle").replace("tier: {level: 1, why: test}", "tier: {level: 3}")
    add_model(made, OWNER, text=other, source="idle.yaml")
    take(made, write_csv(folder / "reference.csv", rows_of(0, 300)), kind="reference")
    take(made, write_csv(folder / "rows.csv", rows_of(0, 300)))
    take(made, write_csv(folder / "edge.csv", rows_of(400, 440)), site="edge")
    take(made, write_csv(folder / "labels.csv", [label(n) for n in range(200)]), kind="labels")
    monitor(made, OWNER)
    yield made
    made.close()


def build(hub: Hub, format_: str = "json", **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    asked = {"start": FIRST + timedelta(days=4), "end": FIRST + timedelta(days=8), **more}
    made = build_report(hub, OWNER, pack="committee", format=format_, **asked)
    text = Path(made["path"]).read_text("utf-8") if format_ == "json" else "{}"
    return made, json.loads(text).get("evidence", {})


def test_every_model_stands_in_it_by_tier(hub: Hub) -> None:
    made, evidence = build(hub)
    assert (made["model"], made["version"]) == ("*", "")
    assert [(m["model"], m["tier"]["level"]) for m in evidence["models"]] == [("idle", 3), ("loan", 1)]
    loan = evidence["models"][1]
    reads = hub.store.reads(OWNER)
    start, end = FIRST + timedelta(days=4), FIRST + timedelta(days=8)
    told = [r["status"] for r in reads.results(model="loan", window_from=start, window_to=end)]
    assert loan["statuses"] == {status: told.count(status) for status in set(told)}
    earlier = [r["status"] for r in reads.results(model="loan", window_from=FIRST, window_to=start)]
    assert sum(loan["before"].values()) == len(earlier) > 0
    assert any(gap.startswith("C-02") and "idle" in gap for gap in made["gaps"])


def test_its_numbers_are_found_again(hub: Hub, tmp_path: Path) -> None:
    for format_ in ("json", "pdf"):
        made, _ = build(hub, format_)
        take(hub, write_csv(tmp_path / f"{format_}.csv", rows_of(500, 510)), site="edge")
        told = verify_report(hub, OWNER, path=Path(made["path"]), recompute_too=True)
        assert told["integrity"] == "intact" and told["recomputed"] == {"same": True, "differences": []}


def test_what_was_not_looked_at_names_silence_and_lineage(hub: Hub) -> None:
    _, evidence = build(hub)
    silent = [row for row in evidence["coverage"] if row.get("silent_hours")]
    assert silent, "the sites stopped before the period did"
    made, _ = build(hub, "html")
    told = Path(made["path"]).read_text("utf-8")
    for row in silent:
        assert row["silent_hours"] > 1
        assert f"at {row['site']}: {row['silent_hours']:,.4g} hours without anything at the end of the period" in told
    assert "is not recorded by this hub" in told


def test_one_site_alone(hub: Hub) -> None:
    made, evidence = build(hub, site="edge")
    assert evidence["site"] == "edge" and {row["site"] for row in evidence["coverage"]} <= {"edge"}
    assert [m["model"] for m in evidence["models"]] == ["loan"]
    assert hub.store.reads(OWNER).report(id_=made["id"])["site"] == "edge"
    with pytest.raises(UnknownName, match="no site"):
        build(hub, site="edgy")


def test_the_subject_is_the_packs(hub: Hub) -> None:
    with pytest.raises(BadInput, match="on all models"):
        build(hub, model="loan")
    with pytest.raises(BadInput, match="on one model"):
        build_report(hub, OWNER, pack="general", start=FIRST, end=FIRST + timedelta(days=2))


def test_it_holds_what_its_reader_may_read(hub: Hub) -> None:
    narrow = viewer_with(Grant("compliance", model="idle"), name="ida")
    made = build_report(hub, narrow, pack="committee", format="json", start=FIRST, end=FIRST + timedelta(days=8))
    evidence = json.loads(Path(made["path"]).read_text("utf-8"))["evidence"]
    assert [m["model"] for m in evidence["models"]] == ["idle"] and evidence["alerts"] == []
