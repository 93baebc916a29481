"""Governed retraining: who asks does not approve, what runs was approved, and what comes back is held to the gate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from world import MODEL, OWNER, SETTINGS, hub_on_disk, populate, rows_of, take, viewer_with, write_csv

from service.commands.alerts import acknowledge_alert
from service.commands.monitoring import monitor
from service.commands.retraining import (
    approve_request,
    judge_gate,
    next_version,
    price,
    reject_request,
    request_retraining,
    run_request,
)
from service.wiring import Hub
from store.access import Grant
from store.errors import BadInput, NotPermitted, Refused, UnknownName

ANNA = viewer_with(Grant("data"), name="anna")
BEN = viewer_with(Grant("compliance"), name="ben")
OWN = "You asked for this; another person must approve."
RETRAIN = """retrain:
  executor: there
  command: python train.py
  approvals: {approvals}
  gate: {{roc_auc: no_worse_than 0.01}}
"""
TRAINED = {
    "version": "2",
    "metrics": {
        "before": {"roc_auc": {"value": 0.8}, "approval_rate": {"value": 0.611}},
        "after": {"roc_auc": {"value": 0.795}, "approval_rate": 0.6},
    },
}


def write_training(folder: Path, outcome: Any, *, code: int = 0) -> None:
    """A training program that answers this, whatever it was given."""
    answer = json.dumps(outcome) if not isinstance(outcome, str) else outcome
    text = f"import pathlib, sys\npathlib.Path('outcome.json').write_text({answer!r})\nsys.exit({code})\n"
    (folder / "train.py").write_text(text, encoding="utf-8")


def made_hub(folder: Path, *, approvals: int = 1) -> Hub:
    there = folder / "site"
    there.mkdir()
    settings = SETTINGS + f'\n[executors.there]\nkind = "local"\nfolder = "{there}"\n'
    hub = populate(hub_on_disk(folder / "hub", settings=settings), model=MODEL + RETRAIN.format(approvals=approvals))
    write_training(there, TRAINED)
    return hub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = made_hub(tmp_path)
    yield made
    made.close()


def asked(hub: Hub) -> str:
    return str(request_retraining(hub, ANNA, model="loan", why="it drifts")["id"])


def state(hub: Hub, id_: str) -> str:
    found = hub.store.reads(OWNER).request(id_)
    assert found is not None
    return str(found["state"])


def test_the_whole_way(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "rows.csv", rows_of(0, 100)))
    id_ = asked(hub)
    assert approve_request(hub, BEN, id=id_)["state"] == "approved"
    done = run_request(hub, BEN, id=id_)
    assert (done["state"], done["new_version"]) == ("trained", "2")
    assert done["outcome"]["gate"] == [
        {"measure": "roc_auc", "rule": "no_worse_than", "number": 0.01, "before": 0.8, "after": 0.795, "met": True}
    ]
    assert done["outcome"]["price"] == "approvals -1.1 points overall"
    reads = hub.store.reads(OWNER)
    found = reads.request(id_)
    assert found is not None
    told = [(step["state"], step["actor"]) for step in found["history"]]
    assert told == [("requested", "anna"), ("approved", "ben"), ("running", "ben"), ("trained", "ben")]
    old, new = reads.spec("loan", "1"), reads.spec("loan", "2")
    assert old is not None and new is not None and old.spec_hash == new.spec_hash
    assert reads.newest_version("loan") == "1", "a version that was trained serves nothing until logs name it"
    job = json.loads((tmp_path / "site" / "job.json").read_text(encoding="utf-8"))
    assert (job["model"], job["version"], job["request"]) == ("loan", "1", id_)
    assert reads.verify_trail(data=True).holds


def test_nobody_approves_their_own(hub: Hub) -> None:
    id_ = asked(hub)
    both = viewer_with(Grant("data"), Grant("compliance"), Grant("admin"), name="anna")
    with pytest.raises(NotPermitted) as caught:
        approve_request(hub, both, id=id_)
    assert caught.value.message == OWN and state(hub, id_) == "requested"
    own = str(request_retraining(hub, OWNER, model="loan", why="mine")["id"])
    with pytest.raises(NotPermitted, match="another person must approve"):
        approve_request(hub, OWNER, id=own)


def test_who_may_ask_approve_and_run(hub: Hub) -> None:
    id_ = asked(hub)
    for role in ("data", "auditor", "regulator", "site-operator"):
        someone = viewer_with(Grant(role), name="carol")
        with pytest.raises((NotPermitted, UnknownName)):
            approve_request(hub, someone, id=id_)
        with pytest.raises((NotPermitted, UnknownName)):
            reject_request(hub, someone, id=id_, why="no")
        with pytest.raises(NotPermitted):
            run_request(hub, someone, id=id_)
    elsewhere = viewer_with(Grant("compliance", model="other"), name="dora")
    with pytest.raises((NotPermitted, UnknownName)):
        approve_request(hub, elsewhere, id=id_)
    with pytest.raises(NotPermitted):
        request_retraining(hub, viewer_with(Grant("auditor")), model="loan", why="x")
    assert state(hub, id_) == "requested"


def test_the_states_and_no_other_steps(hub: Hub) -> None:
    id_ = asked(hub)
    with pytest.raises(Refused, match="is requested, not approved"):
        run_request(hub, BEN, id=id_)
    with pytest.raises(BadInput, match="a rejection needs a reason"):
        reject_request(hub, BEN, id=id_, why=" ")
    assert reject_request(hub, BEN, id=id_, why="too soon")["state"] == "rejected"
    for step in (approve_request, run_request):
        with pytest.raises(Refused, match="is rejected"):
            step(hub, BEN, id=id_)
    with pytest.raises(UnknownName):
        approve_request(hub, BEN, id="request_none")
    with pytest.raises(BadInput, match="needs a reason"):
        request_retraining(hub, ANNA, model="loan", why="")
    with pytest.raises(BadInput, match="an alert or a model"):
        request_retraining(hub, ANNA, why="x")


def test_two_approvals_come_from_two_people(tmp_path: Path) -> None:
    hub = made_hub(tmp_path, approvals=2)
    id_ = asked(hub)
    assert approve_request(hub, BEN, id=id_)["state"] == "requested"
    with pytest.raises(Refused, match="approved this already"):
        approve_request(hub, BEN, id=id_)
    other = viewer_with(Grant("compliance"), name="carol")
    assert approve_request(hub, other, id=id_)["state"] == "approved"
    hub.close()


@pytest.mark.parametrize(
    ("outcome", "code", "reason"),
    [
        (TRAINED, 3, "ended with code 3"),
        ("{", 0, "outcome.json"),
        ({"metrics": {}}, 0, "no usable version"),
        ({"version": "../2"}, 0, "no usable version"),
    ],
)
def test_a_run_that_fails_says_why_and_adds_nothing(
    hub: Hub, tmp_path: Path, outcome: Any, code: int, reason: str
) -> None:
    write_training(tmp_path / "site", outcome, code=code)
    id_ = asked(hub)
    approve_request(hub, BEN, id=id_)
    done = run_request(hub, BEN, id=id_)
    assert done["state"] == "failed" and reason in done["outcome"]["reason"] and done["new_version"] is None
    assert [row["version"] for row in hub.store.reads(OWNER).models()] == ["1"]


def test_a_version_that_is_there_already_ends_the_run_as_failed(hub: Hub, tmp_path: Path) -> None:
    write_training(tmp_path / "site", {**TRAINED, "version": "1"})
    id_ = asked(hub)
    approve_request(hub, BEN, id=id_)
    done = run_request(hub, BEN, id=id_)
    assert done["state"] == "failed" and "there is a version 1 of loan already" in done["outcome"]["reason"]
    assert state(hub, id_) == "failed"


def test_an_executor_nobody_configured_fails_the_run(tmp_path: Path) -> None:
    hub = populate(hub_on_disk(tmp_path / "hub"), model=MODEL + RETRAIN.format(approvals=1))
    id_ = asked(hub)
    approve_request(hub, BEN, id=id_)
    with pytest.raises(Refused, match=r"no \[executors\.there\]"):
        run_request(hub, BEN, id=id_)
    assert state(hub, id_) == "failed"
    hub.close()


def test_a_model_without_a_command_cannot_be_asked_for(tmp_path: Path) -> None:
    hub = populate(hub_on_disk(tmp_path / "hub"))
    with pytest.raises(Refused, match="says nothing about retraining"):
        request_retraining(hub, ANNA, model="loan", why="x")
    hub.close()


def test_a_request_from_an_alert_tells_its_sentence(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "rows.csv", rows_of(0, 100)))
    monitor(hub, OWNER)
    alert = hub.store.reads(OWNER).alerts()[0]
    acknowledge_alert(hub, ANNA, id=alert["id"])
    made = request_retraining(hub, ANNA, alert=alert["id"], why="see the alert")
    assert (made["alert"], made["sentence"], made["site"]) == (alert["id"], alert["sentence"], "cloud")


def test_the_gate_and_the_price(hub: Hub) -> None:
    file = hub.store.reads(OWNER).model_file("loan", "1")
    assert file is not None
    for after, met in ((0.79, True), (0.7899, False), (None, None)):
        result = {"metrics": {"before": {"roc_auc": 0.8}, "after": {"roc_auc": after}}}
        assert [judged["met"] for judged in judge_gate(file, result)] == [met]
    assert price({"metrics": {"before": {"approval_rate": 0.5}, "after": {"approval_rate": 0.52}}}) == (
        "approvals +2.0 points overall"
    )
    assert price({}) is None
    assert [next_version(v, t) for v, t in (("3", set()), ("2.1", {"2.2"}), ("blue", set()))] == ["4", "2.3", "blue.1"]
