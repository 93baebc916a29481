"""Pulls: what is new is taken once, what grew is taken on, what fails is seen and tried again later."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from commandline import CommandLine
from emulators import EMULATORS
from world import OWNER, hub_on_disk, populate, rows_of, write_csv, write_lines

from service.commands import pulling
from service.commands.inspection import verify_audit
from service.commands.pulling import due, pull
from service.config import parse
from service.scheduler import Scheduler
from service.wiring import open_hub, wall_clock
from store.access import Grant, Viewer
from store.errors import BadInput, NotPermitted, Refused, Retryable

LOGS = '[[pull]]\nsite = "cloud"\nwhere = "../logs"\nmodel = "loan"\nevery = "15m"\n'


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    (tmp_path / "logs").mkdir()
    made = CommandLine(tmp_path)
    settings(made, LOGS)
    made.ok("site", "add", "cloud")
    made.model("loan", [{"name": "x", "type": "number"}], id="id", prediction="y", task="binary")
    return made


def settings(line: CommandLine, text: str) -> None:
    with (line.hub / "bailiwick.toml").open("a") as stream:
        stream.write("\n" + text)


def log(line: CommandLine, name: str, *ids: int, mode: str = "w") -> Path:
    path = line.folder / "logs" / name
    with path.open(mode) as stream:
        stream.writelines(json.dumps({"id": f"i{n}", "x": n, "y": n % 2}) + "\n" for n in ids)
    return path


def once(line: CommandLine) -> dict[str, object]:
    (row,) = line.ok("pull", "--once")["pulls"]
    return {key: row[key] for key in ("found", "taken", "refused", "waiting")}


def rows_kept(line: CommandLine) -> int:
    return sum(receipt["kept"] for receipt in line.ok("site", "show", "cloud")["receipts"])


def test_only_what_is_new_or_changed_is_taken(line: CommandLine) -> None:
    log(line, "a.jsonl", 1, 2)
    assert once(line) == {"found": 1, "taken": 1, "refused": 0, "waiting": 0}
    assert once(line) == {"found": 1, "taken": 0, "refused": 0, "waiting": 0}
    log(line, "b.jsonl", 3)
    log(line, "a.jsonl", 4, mode="a")
    assert once(line) == {"found": 2, "taken": 2, "refused": 0, "waiting": 0}
    assert rows_kept(line) == 4, "of the file that grew only the rest was counted"
    (row,) = line.ok("pull", "list")["pulls"]
    assert (row["state"], row["seen"], row["failures"]) == ("well", 2, 0)
    assert row["next_at"] > row["last_visit"]


def test_what_is_no_log_of_the_model_is_told_and_offered_again_when_it_changes(line: CommandLine) -> None:
    (line.folder / "logs" / "bad.csv").write_text("nothing,declared\n1,2\n")
    log(line, "good.jsonl", 1)
    settings(line, "")
    assert once(line)["refused"] == 1
    assert once(line) == {"found": 2, "taken": 0, "refused": 0, "waiting": 0}
    (row,) = line.ok("pull", "list")["pulls"]
    assert row["refused"] == 1 and "bad.csv" in row["refused_file"] and "declares" in row["refused_why"]
    (line.folder / "logs" / "bad.csv").write_text("id,x,y\ni9,1,0\n")
    assert once(line)["taken"] == 1
    assert line.ok("pull", "list")["pulls"][0]["refused"] == 0


def test_a_place_that_cannot_be_listed_is_seen_and_backs_off(line: CommandLine) -> None:
    (line.folder / "logs").rmdir()
    waits = []
    for failures in (1, 2, 3):
        said = line.run("pull", "--once", "--json")
        assert said.code == 2 and "no such file" in said.json["pulls"][0]["error"]
        (row,) = line.ok("pull", "list")["pulls"]
        assert (row["state"], row["failures"]) == ("failing", failures) and row["advice"]
        assert any("no such file" in look["found"] for look in line.run("doctor", "--json").json["checks"])
        waits.append((row["last_visit"], row["next_at"]))
    seconds = [
        (datetime.fromisoformat(later) - datetime.fromisoformat(first)).total_seconds() for first, later in waits
    ]
    assert seconds == [900, 1800, 3600]
    (line.folder / "logs").mkdir()
    log(line, "a.jsonl", 1)
    assert once(line)["taken"] == 1
    assert line.ok("pull", "list")["pulls"][0]["state"] == "well"


def test_one_file_that_cannot_be_read_now_keeps_no_other_waiting(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No disk and no network fails at a file's name, so the failure is put there by hand."""
    taking = pulling.ingest_file

    def failing(*arguments: Any, **named: Any) -> dict[str, Any]:
        if arguments[3].name == "a.jsonl":
            raise Retryable("it changed while it was read", advice="Later.")
        return taking(*arguments, **named)

    log(line, "a.jsonl", 1)
    log(line, "b.jsonl", 2)
    with monkeypatch.context() as patched:
        patched.setattr(pulling, "ingest_file", failing)
        (row,) = line.run("pull", "--once", "--json").json["pulls"]
        assert (row["taken"], row["waiting"]) == (1, 1) and "changed while" in row["error"]
    assert once(line) == {"found": 2, "taken": 1, "refused": 0, "waiting": 0}


def test_objects_of_a_store_are_pulled(line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A blob that is appended to, as the collector's hours are, is read on, and never taken twice."""
    (tmp_path / "emulator").mkdir()
    with EMULATORS["az"](tmp_path / "emulator") as running:
        for name, value in running.environ.items():
            monkeypatch.setenv(name, value)
        settings(line, f'[stores.az]\nprefix = "az://"\n{running.settings}')
        settings(line, '[[pull]]\nname = "blobs"\nsite = "cloud"\nwhere = "az://logs/day"\nmodel = "loan"\n')
        first = b'{"id": "a", "x": 1, "y": 0}\n'
        running.put("logs/day/1.jsonl", first)
        for content, kept in ((first, 1), (first, 1), (first + b'{"id": "b", "x": 2, "y": 1}\n', 2)):
            running.put("logs/day/1.jsonl", content)
            line.ok("pull", "--once", "--name", "blobs")
            assert rows_kept(line) == kept
    assert line.ok("audit", "verify", "--data")["holds"]


def test_the_scheduler_looks_when_it_is_due_and_one_failure_stops_no_other(tmp_path: Path) -> None:
    text = (
        LOGS.replace("../logs", str(tmp_path / "gone")) + '[[pull]]\nname = "fine"\nsite = "cloud"\nwhere = "../fine"\n'
    )
    hub = populate(
        hub_on_disk(
            tmp_path / "hub",
            settings='[hub]\norg = "x"\n[people.customers]\nepsilon = "3"\n'
            'delta = "1e-6"\nper = "30d"\nblock = "7d"\n' + text,
        )
    )
    (tmp_path / "fine").mkdir()
    write_lines(tmp_path / "fine" / "a.jsonl", rows_of(0, 5))
    try:
        now = wall_clock()
        assert set(due(hub, now)) == {"cloud-loan-predictions", "fine"}
        Scheduler(hub).round(now)
        states = {row["pull"]: row for row in hub.store.reads(OWNER).pulls()}
        assert states["fine"]["taken"] == 1 and states["cloud-loan-predictions"]["error"]
        assert due(hub, wall_clock()) == []
        assert due(hub, wall_clock() + timedelta(hours=1)) == ["cloud-loan-predictions", "fine"]
    finally:
        hub.close()


def test_it_needs_the_permission_of_its_site_and_its_sharing(tmp_path: Path) -> None:
    hub = populate(hub_on_disk(tmp_path / "hub", settings=f"{SETTINGS}{LOGS}"), sites=(("cloud", "counts"),))
    try:
        with pytest.raises(NotPermitted):
            pull(hub, Viewer("anna", (Grant("regulator"),)), name="cloud-loan-predictions")
        done = pull(hub, OWNER, name="cloud-loan-predictions")
        assert "shares counts" in done["error"]
        with pytest.raises(BadInput, match="no pull"):
            pull(hub, OWNER, name="cloud-loan-prediction")
    finally:
        hub.close()


SETTINGS = '[hub]\norg = "x"\n[people.customers]\nepsilon = "3"\ndelta = "1e-6"\nper = "30d"\nblock = "7d"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[pull]]\nsite = "a"', "where"),
        ('[[pull]]\nsite = "a"\nwhere = "x"\nevery = "1s"', "10s or more"),
        ('[[pull]]\nsite = "a"\nwhere = "x"\nkind = "reference"', "predictions, labels, attributions"),
        ('[[pull]]\nsite = "a"\nwhere = "x"\n[[pull]]\nsite = "a"\nwhere = "y"', "another name"),
        ('[[pull]]\nsite = "a"\nwhere = "x"\nevry = "1h"', 'Did you mean "every"'),
    ],
)
def test_settings_that_cannot_be_right(text: str, told: str) -> None:
    with pytest.raises(BadInput) as raised:
        parse(text, environ={})
    assert told in raised.value.message + raised.value.advice


def test_one_visit_at_a_time(tmp_path: Path) -> None:
    hub = populate(hub_on_disk(tmp_path / "hub", settings=f"{SETTINGS}{LOGS}"))
    lock = pulling._busy.setdefault((hub.path, "cloud-loan-predictions"), pulling.threading.Lock())
    try:
        with lock, pytest.raises(Refused, match="at this moment"):
            pull(hub, OWNER, name="cloud-loan-predictions")
    finally:
        hub.close()


def test_killed_at_any_moment_everything_is_there_once(tmp_path: Path, root: Path) -> None:
    hub = populate(hub_on_disk(tmp_path / "hub", settings=f"{SETTINGS}{LOGS}"))
    hub.close()
    (tmp_path / "logs").mkdir()
    for place in range(6):
        write_csv(tmp_path / "logs" / f"{place}.csv", rows_of(place * 10, place * 10 + 10))
    command = [sys.executable, "-m", "service.cli", "pull", "--once", "--hub", str(tmp_path / "hub")]
    environ, chance = {**os.environ, "PYTHONPATH": str(root)}, random.Random(7)
    for _ in range(4):
        started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ)
        time.sleep(chance.uniform(0.8, 2.5))
        started.send_signal(signal.SIGKILL)
        started.wait()
    assert subprocess.run(command, capture_output=True, env=environ, check=False).returncode == 0
    again = open_hub(tmp_path / "hub")
    try:
        receipts = again.store.reads(OWNER).receipts(site="cloud")
        assert sorted(receipt["source"] for receipt in receipts) == [f"{place}.csv" for place in range(6)]
        assert sum(receipt["kept"] for receipt in receipts) == 60
        assert verify_audit(again, OWNER, data=True)["holds"]
    finally:
        again.close()
