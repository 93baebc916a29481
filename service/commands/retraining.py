"""Governed retraining: someone asks, someone else approves, an executor runs the model's command, a version comes back.

States: requested -> approved -> running -> trained | failed, or requested -> rejected. Nobody approves their own
request. The new version is a candidate: it serves nothing until logs name it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors import registry
from connectors.base import Job, Outcome
from service.known import known_model
from service.wiring import Hub
from store import writes
from store.access import Permission, Viewer, require
from store.canonical import make_id
from store.db import Transaction
from store.errors import BadInput, BailiwickError, NotPermitted, Refused, UnknownName
from store.events import Event
from store.model_file import ModelFile, Retrain
from store.model_reader import read_model_file

OWN_REQUEST = "You asked for this; another person must approve."
RATE = "approval_rate"


def request_retraining(
    hub: Hub, viewer: Viewer, *, why: str, alert: str | None = None, model: str | None = None, site: str | None = None
) -> dict[str, Any]:
    """Files a request, from an alert or for a model; `why` is shown to whoever approves it."""
    held = hub.store.reads(viewer).alert(alert) if alert else None
    if alert and held is None:
        raise UnknownName(f"no alert {alert}", advice="List them with `bailiwick alerts list`.")
    name, version = (held["model"], held["version"]) if held else (model, None)
    if name is None:
        raise BadInput("a request needs an alert or a model", advice="Name one with --alert or --model.")
    if not why.strip():
        raise BadInput("a request needs a reason", advice='Say why with --why "...".')
    file = known_model(hub, viewer, name, version)
    require(viewer, Permission.RETRAIN_REQUEST, model=file.name)
    retrain = _retrain_of(file)
    with hub.store.write(viewer.name, Event.RETRAIN_REQUEST_FILED, f"{file.name}:{file.version}") as tx:
        document: dict[str, Any] = {
            "schema": "bailiwick/request/1",
            "id": make_id("request", tx.seq, file.name),
            "model": file.name,
            "version": file.version,
            "site": site or (held["site"] if held and held["site"] != "*" else None),
            "alert": alert,
            "sentence": held["sentence"] if held else None,
            "state": "requested",
            "event": "requested",
            "requested_by": viewer.name,
            "requested_at": tx.now.isoformat() + "Z",
            "why": why,
            "executor": retrain.executor,
            "command": retrain.command,
            "approvals_needed": retrain.approvals,
            "approvals": [],
            "approved_by": None,
            "rejected_by": None,
            "outcome": None,
        }
        _record(tx, document, why=why)
    return {**document, "seq": tx.seq}


def _retrain_of(file: ModelFile) -> Retrain:
    if file.retrain is None or not file.retrain.command:
        raise Refused(
            f"{file.name}:{file.version} says nothing about retraining",
            advice="Add `retrain: {executor: local, command: ...}` to its model file.",
        )
    return file.retrain


def _record(tx: Transaction, document: dict[str, Any], *, why: str = "") -> None:
    writes.request(tx, document)
    tx.details |= {"request": document["id"], "state": document["state"]}
    if why:
        tx.private["reason"] = why


def _open_request(hub: Hub, viewer: Viewer, id_: str, *, state: str) -> dict[str, Any]:
    document = hub.store.reads(viewer).request(id_)
    if document is None:
        raise UnknownName(f"no request {id_}", advice="List them with `bailiwick retrain list`.")
    if document["state"] != state:
        raise Refused(
            f"request {id_} is {document['state']}, not {state}", advice="Look at it with `bailiwick retrain show`."
        )
    return {key: value for key, value in document.items() if key not in ("seq", "history", "known_at")}


def approve_request(hub: Hub, viewer: Viewer, *, id: str, why: str = "") -> dict[str, Any]:
    """Approves a request; with enough approvals it may run. Refused to whoever filed it, whatever their role."""
    with hub.store.turn():
        document = _open_request(hub, viewer, id, state="requested")
        require(viewer, Permission.RETRAIN_APPROVE, model=document["model"])
        if viewer.name == document["requested_by"]:
            raise NotPermitted(
                OWN_REQUEST, advice="Ask a colleague with the role compliance or admin.", details={"request": id}
            )
        if any(approval["by"] == viewer.name for approval in document["approvals"]):
            raise Refused("you have approved this already", advice="It needs another person's approval.")
        with hub.store.write(
            viewer.name, Event.RETRAIN_REQUEST_APPROVED, f"{document['model']}:{document['version']}"
        ) as tx:
            approvals = [*document["approvals"], {"by": viewer.name, "at": tx.now.isoformat() + "Z", "why": why}]
            enough = len(approvals) >= document["approvals_needed"]
            document |= {
                "approvals": approvals,
                "approved_by": viewer.name if enough else None,
                "state": "approved" if enough else "requested",
                "event": "approved",
            }
            _record(tx, document, why=why)
    return {**document, "seq": tx.seq}


def reject_request(hub: Hub, viewer: Viewer, *, id: str, why: str) -> dict[str, Any]:
    """Rejects a request, with a reason."""
    if not why.strip():
        raise BadInput("a rejection needs a reason", advice='Say why with --why "...".')
    with hub.store.turn():
        document = _open_request(hub, viewer, id, state="requested")
        require(viewer, Permission.RETRAIN_APPROVE, model=document["model"])
        with hub.store.write(
            viewer.name, Event.RETRAIN_REQUEST_REJECTED, f"{document['model']}:{document['version']}"
        ) as tx:
            document |= {"state": "rejected", "event": "rejected", "rejected_by": viewer.name, "rejected_why": why}
            _record(tx, document, why=why)
    return {**document, "seq": tx.seq}


def run_request(hub: Hub, viewer: Viewer, *, id: str) -> dict[str, Any]:
    """Carries out an approved request: the executor runs, the gate is judged, the new version is added."""
    require(viewer, Permission.RETRAIN_APPROVE)
    with hub.store.turn():
        document = _open_request(hub, viewer, id, state="approved")
        file = known_model(hub, viewer, document["model"], document["version"])
        with hub.store.write(viewer.name, Event.RETRAIN_RUN_STARTED, f"{file.name}:{file.version}") as tx:
            document |= {"state": "running", "event": "running"}
            _record(tx, document)
    try:
        outcome = _carry_out(hub, document, file)
    except Exception as error:
        _finish(hub, viewer, document, file, failure=str(error))
        raise
    return _finish(hub, viewer, document, file, outcome=outcome)


def next_version(version: str, taken: set[str]) -> str:
    """`3` gives `4`, `2.1` gives `2.2`, `blue` gives `blue.1`; never one that is there."""
    found = re.fullmatch(r"(.*?)(\d+)", version)
    stem, number = (found[1], int(found[2])) if found else (version + ".", 0)
    while f"{stem}{number + 1}" in taken:
        number += 1
    return f"{stem}{number + 1}"


def _carry_out(hub: Hub, document: dict[str, Any], file: ModelFile) -> Outcome:
    chosen = hub.config.executors.get(document["executor"])
    if chosen is None:
        raise Refused(
            f"bailiwick.toml has no [executors.{document['executor']}]",
            advice='Add it with kind = "local" and folder = "..." (where the rows are), then approve again.',
        )
    executor = registry.load_executor(chosen.kind)
    folder = Path(str(chosen.options.get("folder", hub.folder / "spool" / document["id"])))
    found = hub.store.reads(_HOUSE).rows("SELECT DISTINCT version FROM model_version WHERE model = ?", [file.name])
    versions = {row["version"] for row in found}
    inputs = {
        "schema": "bailiwick/job/1",
        "request": document["id"],
        "model": file.name,
        "version": file.version,
        "next_version": next_version(file.version, versions),
        "site": document["site"],
        "why": document["why"],
        "model_file": file.document,
    }
    job = Job(id=document["id"], command=document["command"], folder=folder, inputs=inputs)
    limits = {
        "timeout": hub.config.retrain_time,
        "memory_bytes": hub.config.retrain_memory,
        "environment": dict(os.environ),
    }
    return executor.run(job, executor.options(**limits), now=hub.now)


def _finish(
    hub: Hub,
    viewer: Viewer,
    document: dict[str, Any],
    file: ModelFile,
    *,
    outcome: Outcome | None = None,
    failure: str = "",
) -> dict[str, Any]:
    """Records the outcome; a version that was trained is added as N+1, with the bins and reference of its parent."""
    done = outcome is not None and outcome.state == "done"
    told: dict[str, Any]
    told = {"state": "failed", "reason": failure} if outcome is None else _outcome_document(outcome, file)
    with hub.store.turn():
        version = str(told["result"].get("version", "")) if done else ""
        if done and not re.fullmatch(r"[A-Za-z0-9._+-]{1,64}", version):
            done, told = False, {**told, "reason": f"outcome.json names no usable version: {version!r}"}
        if done:
            try:
                _add_trained(hub, viewer, file, version, document["id"])
            except BailiwickError as error:
                # The run is over all the same: a request that stays "running" could never be settled.
                done, told = False, {**told, "reason": error.message}
        with hub.store.write(viewer.name, Event.RETRAIN_RUN_FINISHED, f"{file.name}:{file.version}") as tx:
            state = "trained" if done else "failed"
            document |= {"state": state, "event": state, "outcome": told, "new_version": version if done else None}
            _record(tx, document)
    return {**document, "seq": tx.seq}


def _outcome_document(outcome: Outcome, file: ModelFile) -> dict[str, Any]:
    result = dict(outcome.result)
    return {
        "state": outcome.state,
        "reason": outcome.reason,
        "exit_code": outcome.exit_code,
        "seconds": round(outcome.seconds, 2),
        "started_at": outcome.started_at.isoformat() + "Z",
        "ended_at": outcome.ended_at.isoformat() + "Z",
        "result": result,
        "gate": judge_gate(file, result) if outcome.state == "done" else [],
        "price": price(result),
        "stderr": outcome.stderr[-2000:],
    }


def judge_gate(file: ModelFile, result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each condition of the model file's gate with the numbers it was held against."""
    metrics = result.get("metrics") or {}
    judged = []
    for measure, rule, number in file.retrain.gate if file.retrain else ():
        before, after = (_value(metrics.get(when, {}).get(measure)) for when in ("before", "after"))
        met: bool | None = None
        if after is not None:
            if rule == "at_least":
                met = after >= number
            elif rule == "at_most":
                met = after <= number
            elif before is not None:
                lower_is_better = measure in ("log_loss", "brier", "mae", "rmse")
                met = after <= before + number if lower_is_better else after >= before - number
        judged.append(
            {"measure": measure, "rule": rule, "number": number, "before": before, "after": after, "met": met}
        )
    return judged


def _value(measured: Any) -> float | None:
    found = measured.get("value") if isinstance(measured, Mapping) else measured
    return float(found) if isinstance(found, int | float) else None


def price(result: Mapping[str, Any]) -> str | None:
    """What the new version costs in approvals overall, in words; None where the run does not say."""
    metrics = result.get("metrics") or {}
    before, after = (_value(metrics.get(when, {}).get(RATE)) for when in ("before", "after"))
    if before is None or after is None:
        return None
    return f"approvals {100 * (after - before):+.1f} points overall"


def _add_trained(hub: Hub, viewer: Viewer, file: ModelFile, version: str, request: str) -> None:
    reads = hub.store.reads(viewer)
    if reads.model_file(file.name, version) is not None:
        raise Refused(f"there is a version {version} of {file.name} already", advice="The command must name a new one.")
    text = json.dumps({**file.document, "version": version}, ensure_ascii=False)
    trained = read_model_file(text, source=f"retraining of {file.name}:{file.version}")
    spec = reads.spec(file.name, file.version)
    with hub.store.write(
        viewer.name, Event.MODEL_VERSION_TRAINED, f"{file.name}:{version}", {"request": request}
    ) as tx:
        number = writes.next_model_number(tx)
        writes.model(
            tx, trained, number=number, revision=1, reason=f"trained by {request}", changes=[], origin="retraining"
        )
        if spec is not None:
            writes.spec(tx, spec, model=file.name, version=version, learned_from=f"version {file.version}")


_HOUSE = Viewer("house", ())
