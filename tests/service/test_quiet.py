"""Nothing leaves the machine: the main job runs in a process in which every way out raises, and tells nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from world import MODEL, rows_of, write_csv

WATCHED = """
import runpy, sys

def watch(event, arguments):
    if event == "socket.connect":
        host = arguments[1][0] if isinstance(arguments[1], tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    elif event in ("urllib.Request", "ftplib.connect", "smtplib.connect"):
        host = "elsewhere"
    else:
        return
    if host is not None and str(host) not in ("127.0.0.1", "::1", "localhost", ""):
        with open(sys.argv[1], "a") as stream:
            stream.write(f"{event} {host}\\n")
        raise OSError("no way out")

sys.addaudithook(watch)
log, module, *rest = sys.argv[1:]
sys.argv[1:] = [log, *rest]
if module == "probe":
    import socket
    socket.create_connection(("192.0.2.1", 80), timeout=1)
sys.argv = [module, *rest]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


def watched(folder: Path, root: Path, *words: str, module: str = "service.cli") -> subprocess.CompletedProcess[str]:
    watcher = folder / "watched.py"
    watcher.write_text(WATCHED.replace('sys.argv[1], "a"', f'{str(folder / "log")!r}, "a"'), encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(watcher), "-", module, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root)},
    )


def test_the_watcher_sees(tmp_path: Path, root: Path) -> None:
    assert watched(tmp_path, root, module="probe").returncode != 0
    assert (tmp_path / "log").read_text(encoding="utf-8") == "socket.getaddrinfo 192.0.2.1\n"


def test_the_main_job_reaches_no_other_host(tmp_path: Path, root: Path) -> None:
    (tmp_path / "loan.yaml").write_text(MODEL.split("privacy:")[0], encoding="utf-8")
    write_csv(tmp_path / "rows.csv", rows_of(0, 120))
    period = ("--from", "2026-10-05", "--to", "2026-10-09")
    steps = (
        ("init",),
        ("site", "add", "cloud"),
        ("model", "add", "loan.yaml"),
        ("ingest", "rows.csv", "--site", "cloud", "--kind", "reference"),
        ("ingest", "rows.csv", "--site", "cloud"),
        ("monitor",),
        ("report", "build", "--pack", "general", "--model", "loan", *period, "--format", "html", "-o", "report.html"),
        ("audit", "verify", "--data"),
    )
    for step in steps:
        done = watched(tmp_path, root, *step, "--json")
        assert done.returncode == 0, (step, done.stdout, done.stderr)
        json.loads(done.stdout)
    assert not (tmp_path / "log").exists()
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for way in ('src="http', 'href="http', "url(http", "@import", "<script src"):
        assert way not in page


def test_telemetry_is_off() -> None:
    settings = import_module("dashboard.settings").STREAMLIT_CONFIG
    assert settings["browser.gatherUsageStats"] is False
    assert settings["server.fileWatcherType"] == "none" and settings["runner.magicEnabled"] is False


def test_evidently_is_told_not_to_track_before_it_is_imported(root: Path) -> None:
    text = (root / "monitors" / "evidently.py").read_text(encoding="utf-8")
    assert "DO_NOT_TRACK" in text
