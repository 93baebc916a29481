"""Commands run in their folder, within limits, and answer by a file."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Job, Outcome
from connectors.executors.local import Local, LocalOptions
from store.errors import Final

ENVIRONMENT = {"PATH": os.environ["PATH"], "SECRET": "s3cret", "BAILIWICK_TOKEN": "t"}


def run(folder: Path, code: str, **options: Any) -> Outcome:
    (folder / "train.py").write_text(code)
    return command(folder, "python train.py 'two words'", **options)


def command(folder: Path, line: str, **options: Any) -> Outcome:
    job = Job(id="request_1", command=line, folder=folder, inputs={"version": "4"})
    chosen = LocalOptions(**{"environment": ENVIRONMENT, "timeout": timedelta(seconds=20), **options})
    return Local().run(job, chosen, now=lambda: datetime.now(UTC).replace(tzinfo=None))


def test_a_job_is_told_and_answers(tmp_path: Path) -> None:
    code = """
import json, os, sys
job = json.load(open("job.json"))
print("training", sys.argv[1])
json.dump({"version": job["version"], "env": sorted(os.environ), "cwd": os.getcwd()}, open("outcome.json", "w"))
"""
    outcome = run(tmp_path, code)
    assert (outcome.state, outcome.exit_code, outcome.reason) == ("done", 0, "")
    assert outcome.result["version"] == "4"
    assert outcome.result["cwd"] == str(tmp_path)
    assert "SECRET" not in outcome.result["env"]
    assert "BAILIWICK_TOKEN" not in outcome.result["env"]
    assert outcome.stdout == "training two words\n"
    assert outcome.started_at <= outcome.ended_at


def test_no_shell_sees_the_command(tmp_path: Path) -> None:
    (tmp_path / "echo.py").write_text("import sys; print(sys.argv[1:])")
    outcome = command(tmp_path, "python echo.py $HOME ; touch gone && `id` > x")
    assert outcome.stdout.strip() == str(["$HOME", ";", "touch", "gone", "&&", "`id`", ">", "x"])
    assert not (tmp_path / "gone").exists()


def test_a_failure_is_an_outcome(tmp_path: Path) -> None:
    outcome = run(tmp_path, "import sys; print('no rows', file=sys.stderr); sys.exit(3)")
    assert (outcome.state, outcome.exit_code) == ("failed", 3)
    assert outcome.stderr == "no rows\n"
    assert outcome.reason == "the command ended with code 3"


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"auc": NaN}', "\xff"])
def test_an_outcome_that_is_none(tmp_path: Path, text: str) -> None:
    write = f"open('outcome.json', 'w', encoding='latin-1').write({text!r})" if text else "pass"
    outcome = run(tmp_path, write)
    assert (outcome.state, outcome.exit_code, outcome.result) == ("no_result", 0, {})
    assert "outcome.json" in outcome.reason


def test_an_earlier_outcome_is_not_this_ones(tmp_path: Path) -> None:
    (tmp_path / "outcome.json").write_text('{"auc": 1.0}')
    assert run(tmp_path, "pass").state == "no_result"


def test_a_link_is_no_outcome(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text('{"a": 1}')
    assert run(tmp_path, "import os; os.symlink('secret', 'outcome.json')").state == "no_result"


def test_time_is_up_for_the_whole_group(tmp_path: Path) -> None:
    code = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open("child", "w").write(str(child.pid))
print("started", flush=True)
time.sleep(60)
"""
    outcome = run(tmp_path, code, timeout=timedelta(seconds=2))
    assert (outcome.state, outcome.exit_code, outcome.stdout) == ("timeout", None, "started\n")
    assert outcome.seconds < 15
    assert _gone(int((tmp_path / "child").read_text()))


def test_what_a_command_leaves_running_is_ended(tmp_path: Path) -> None:
    code = """
import json, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
json.dump({"child": child.pid}, open("outcome.json", "w"))
"""
    outcome = run(tmp_path, code)
    assert outcome.state == "done"
    assert outcome.seconds < 15
    assert _gone(outcome.result["child"])


def test_memory_is_bounded(tmp_path: Path) -> None:
    outcome = run(tmp_path, "x = bytearray(1 << 30); print(len(x))", memory_bytes=512 << 20)
    assert outcome.state == "failed"
    assert "MemoryError" in outcome.stderr


def test_processor_time_is_bounded(tmp_path: Path) -> None:
    outcome = run(tmp_path, "while True: pass", cpu_seconds=1)
    assert outcome.state == "failed"
    assert "signal" in outcome.reason


def test_a_chatty_command_neither_blocks_nor_floods(tmp_path: Path) -> None:
    outcome = run(tmp_path, "print('x' * 3_000_000); print('end')", output_bytes=1000)
    assert outcome.stdout.endswith("end\n")
    assert len(outcome.stdout) < 1100
    assert outcome.stdout.startswith("[2999005 bytes before this]")


@pytest.mark.parametrize("line", ["", "   ", "no-such-program-anywhere --x", "python 'open"])
def test_a_command_that_cannot_start_is_final(tmp_path: Path, line: str) -> None:
    with pytest.raises(Final) as told:
        command(tmp_path, line)
    assert told.value.advice


def test_a_folder_that_is_not_there_is_final(tmp_path: Path) -> None:
    with pytest.raises(Final):
        command(tmp_path / "gone", "python x.py")


def test_the_job_file_is_plain_json(tmp_path: Path) -> None:
    run(tmp_path, "pass")
    assert json.loads((tmp_path / "job.json").read_text()) == {"version": "4"}


def _gone(pid: int) -> bool:
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False
