"""From draft to issued: three different people, nothing missing, and the numbers that were reviewed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from world import FIRST, OWNER, hub_on_disk, label, populate, rows_of, take, viewer_with, write_csv

from service.commands.alerts import acknowledge_alert
from service.commands.models import add_model
from service.commands.monitoring import monitor
from service.commands.report_release import approve_report, flag_report, review_report, submit_report
from service.commands.reports import build_report, verify_report
from service.wiring import Hub
from store.access import Grant, Viewer
from store.canonical import canonical_json
from store.errors import BadInput, NotPermitted, Refused, UnknownName

ANNA, BEN, CARLA = (Viewer(name, (Grant("compliance"),)) for name in ("anna", "ben", "carla"))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = populate(hub_on_disk(tmp_path / "hub"))
    take(made, write_csv(tmp_path / "reference.csv", rows_of(0, 300)), kind="reference")
    take(made, write_csv(tmp_path / "rows.csv", rows_of(0, 300)))
    take(made, write_csv(tmp_path / "labels.csv", [label(n) for n in range(200)]), kind="labels")
    monitor(made, OWNER)
    yield made
    made.close()


def build(hub: Hub, viewer: Viewer, **more: Any) -> dict[str, Any]:
    period = {"start": FIRST, "end": FIRST + timedelta(days=8)}
    return build_report(hub, viewer, pack="general", model="loan", **{**period, **more})


def complete(hub: Hub) -> None:
    """Closes the gaps of the general pack: owner, use, tier and every site's data are declared or there."""
    file = hub.store.reads(OWNER).model_file("loan", "1")
    assert file is not None
    document = {**file.document, "use": "Decides small loans", "owner": {"team": "risk"}}
    document["tier"] = {"level": 2, "why": "small exposure"}
    add_model(hub, OWNER, text=canonical_json(document), source="loan.json", reason="owner and use are declared")
    for alert in hub.store.reads(OWNER).alerts():
        acknowledge_alert(hub, OWNER, id=alert["id"])


def test_gaps_are_not_issued(hub: Hub) -> None:
    with pytest.raises(Refused, match="cannot be issued") as caught:
        build(hub, ANNA, issue=True)
    assert caught.value.details["gaps"]
    made = build(hub, ANNA)
    assert made["state"] == "DRAFT" and made["gaps"]
    with pytest.raises(Refused, match="not complete"):
        submit_report(hub, ANNA, id=made["id"])


def test_three_people_issue_a_report(hub: Hub, tmp_path: Path) -> None:
    complete(hub)
    draft = build(hub, ANNA, issue=True)
    assert (draft["state"], draft["stage"], draft["gaps"]) == ("DRAFT", "in review", [])
    with pytest.raises(NotPermitted, match="cannot take another part"):
        review_report(hub, ANNA, id=draft["id"])
    with pytest.raises(Refused, match="in review, not reviewed"):
        approve_report(hub, CARLA, id=draft["id"])
    assert review_report(hub, BEN, id=draft["id"], reason="figures traced")["stage"] == "reviewed"
    for one in (ANNA, BEN):
        with pytest.raises(NotPermitted, match="cannot take another part"):
            approve_report(hub, one, id=draft["id"])
    # What came after the draft changes nothing in it.
    take(hub, write_csv(tmp_path / "later.csv", rows_of(300, 400)))
    issued = approve_report(hub, CARLA, id=draft["id"])
    assert (issued["state"], issued["draft"]) == ("ISSUED", draft["id"]) and issued["id"] != draft["id"]
    assert [one["by"] for one in issued["signatories"]] == ["anna", "ben", "carla"]
    told = verify_report(hub, OWNER, path=Path(issued["path"]), recompute_too=True)
    assert (told["integrity"], told["signature"]) == ("intact", "signed")
    assert told["recomputed"] == {"same": True, "differences": []}
    stages = {row["id"]: row["stage"] for row in hub.store.reads(OWNER).reports()}
    assert stages == {draft["id"]: "approved", issued["id"]: "issued"}
    with pytest.raises(Refused, match="approved, not reviewed"):
        approve_report(hub, CARLA, id=draft["id"])


def test_a_flag_sends_it_back_with_its_reason(hub: Hub) -> None:
    complete(hub)
    draft = build(hub, ANNA, issue=True)
    with pytest.raises(BadInput, match="needs a reason"):
        flag_report(hub, BEN, id=draft["id"], reason=" ")
    flag_report(hub, BEN, id=draft["id"], reason="branch-north is missing")
    row = hub.store.reads(OWNER).report(id_=draft["id"])
    assert row is not None and (row["stage"], row["reason"]) == ("flagged", "branch-north is missing")
    with pytest.raises(Refused):
        review_report(hub, BEN, id=draft["id"])
    assert submit_report(hub, ANNA, id=draft["id"])["stage"] == "in review"


def test_a_draft_that_was_changed_is_not_approved(hub: Hub) -> None:
    complete(hub)
    draft = build(hub, ANNA, issue=True)
    review_report(hub, BEN, id=draft["id"])
    Path(draft["path"]).write_bytes(Path(draft["path"]).read_bytes() + b"\n")
    with pytest.raises(Refused, match="not the one that was built"):
        approve_report(hub, CARLA, id=draft["id"])


def test_who_may(hub: Hub) -> None:
    complete(hub)
    draft = build(hub, ANNA, issue=True)
    with pytest.raises(NotPermitted, match="prepared by anna"):
        submit_report(hub, BEN, id=draft["id"])
    review_report(hub, BEN, id=draft["id"])
    with pytest.raises(NotPermitted):
        approve_report(hub, viewer_with(Grant("data")), id=draft["id"])
    with pytest.raises(UnknownName, match="no report"):
        review_report(hub, BEN, id="report_" + "a" * 20)
