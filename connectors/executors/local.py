"""Runs an approved command as a process of its own, in a given folder, within limits.

No shell: the command line is split into words. The process gets a few named variables of the environment and no
others, bounded time, memory and processor time, and its own process group, which is killed whole when time is up.
It reads `job.json` and answers by leaving `outcome.json`; what it prints is kept up to a cap. This bounds accidents:
it is no sandbox against an owner's own training code, which runs with the rights of the account that runs Bailiwick.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from connectors.base import Executor, Job, Outcome
from store.errors import Final

JOB_FILE, OUTCOME_FILE = "job.json", "outcome.json"
LARGEST_OUTCOME = 4 << 20
ALLOWED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "VIRTUAL_ENV", "SYSTEMROOT")
_LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    timeout: timedelta = timedelta(hours=1)
    """Of wall-clock time; then the whole process group is ended."""
    memory_bytes: int = 8 << 30
    """Of address space, for each process."""
    cpu_seconds: int = 3600
    """Of processor time, for each process."""
    output_bytes: int = 64 << 10
    """The last part of stdout and of stderr that is kept."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What the allow-list takes its values from; the caller passes its own environment."""
    allow: tuple[str, ...] = ALLOWED
    """The variables of the environment that reach the command."""
    python: str = sys.executable
    """What `python` at the start of a command means: the interpreter that has the training libraries."""


class Local(Executor):
    kind = "local"
    options = LocalOptions

    def run(self, job: Job, options: Any, *, now: Callable[[], datetime]) -> Outcome:
        words = _words(job, options)
        _prepare(job)
        started = now()
        clock = time.monotonic()
        process = _start(words, job, options)
        tails = [_Tail(stream, options.output_bytes) for stream in (process.stdout, process.stderr) if stream]
        ended = _wait(process, options.timeout.total_seconds())
        stdout, stderr = (tail.text() for tail in tails)
        state, result, reason = _judge(job, process.returncode, ended, options)
        return Outcome(
            state=state,
            exit_code=process.returncode if ended else None,
            started_at=started,
            ended_at=now(),
            seconds=round(time.monotonic() - clock, 3),
            result=result,
            stdout=stdout,
            stderr=stderr,
            reason=reason,
        )


def _words(job: Job, options: LocalOptions) -> list[str]:
    try:
        words = shlex.split(job.command)
    except ValueError as error:
        raise Final(
            f"the command {job.command!r} cannot be split into words: {error}", advice="Mend its quotes."
        ) from error
    if not words:
        raise Final("there is no command to run", advice="Give retrain.command in the model file.")
    if words[0] in ("python", "python3"):
        words[0] = options.python
    elif shutil.which(words[0], path=options.environment.get("PATH")) is None and not (job.folder / words[0]).is_file():
        raise Final(
            f'there is no program "{words[0]}"',
            advice="Name a program that is installed where the rows are, or a file in the job's folder.",
            details={"command": job.command},
        )
    return words


def _prepare(job: Job) -> None:
    """An outcome that was there before is not this job's."""
    try:
        (job.folder / OUTCOME_FILE).unlink(missing_ok=True)
        (job.folder / JOB_FILE).write_text(
            json.dumps(dict(job.inputs), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    except OSError as error:
        raise Final(
            f"{job.folder}: {error.strerror or error}", advice="Check that the folder is there and can be written to."
        ) from error


def _start(words: list[str], job: Job, options: LocalOptions) -> subprocess.Popen[bytes]:
    environment = {name: options.environment[name] for name in options.allow if name in options.environment}
    environment |= {"BAILIWICK_JOB": job.id, "PYTHONUNBUFFERED": "1"}
    # The limits are set by a small program that then becomes the command: between fork and exec of a process with
    # threads, Python code may deadlock.
    launch = [sys.executable, "-I", str(_LAUNCH), str(options.memory_bytes), str(options.cpu_seconds), *words]
    try:
        return subprocess.Popen(  # an approved command, split into words, without a shell
            launch,
            cwd=job.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise Final(
            f"{words[0]} does not start: {error.strerror or error}", advice="Check the command and its folder."
        ) from error


def _wait(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether it ended by itself; its whole group is gone afterwards in either case."""
    try:
        process.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        return False
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _judge(job: Job, code: int | None, ended: bool, options: LocalOptions) -> tuple[str, dict[str, Any], str]:
    if not ended:
        return "timeout", {}, f"it ran longer than {options.timeout} and was stopped"
    result, problem = _read_outcome(job.folder / OUTCOME_FILE)
    if code != 0:
        killed = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        return "failed", result, f"the command {killed}"
    return ("no_result", {}, problem) if problem else ("done", result, "")


def _read_outcome(path: Path) -> tuple[dict[str, Any], str]:
    try:
        if path.is_symlink() or path.stat().st_size > LARGEST_OUTCOME:
            return {}, f"{path.name} is no plain file of at most {LARGEST_OUTCOME} bytes"
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except FileNotFoundError:
        return {}, f"the command left no {path.name}"
    except (ValueError, RecursionError, OSError) as error:
        return {}, f"{path.name} is no JSON: {error}"
    return (document, "") if isinstance(document, dict) else ({}, f"{path.name} is no JSON object")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


class _Tail:
    """Reads a stream to its end and keeps the last part of it, so that a chatty command never blocks."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream, self._most, self._kept, self._seen = stream, most, b"", 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while block := os.read(self._stream.fileno(), 65_536):
            self._seen += len(block)
            self._kept = (self._kept + block)[-self._most :] if self._most else b""

    def text(self) -> str:
        self._thread.join(5)
        self._stream.close()
        cut = self._seen - len(self._kept)
        return (f"[{cut} bytes before this]\n" if cut else "") + self._kept.decode("utf-8", "backslashreplace")
