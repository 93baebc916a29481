"""A bundle from a real hub checks itself without the hub, and notices a file that was swapped."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from world import FIRST, OWNER, hub_on_disk, populate, rows_of, take, viewer_with, write_csv

from service.commands.monitoring import monitor
from service.commands.reports import build_report
from service.report_bundles import bundle_report
from store.access import Grant
from store.errors import BadInput, Refused, UnknownName


def test_a_bundle_is_checked_without_the_hub(tmp_path: Path) -> None:
    hub = populate(hub_on_disk(tmp_path / "hub"))
    try:
        take(hub, write_csv(tmp_path / "rows.csv", rows_of(0, 300)))
        monitor(hub, OWNER)
        asked = {"pack": "general", "model": "loan", "start": FIRST, "end": FIRST + timedelta(days=8)}
        made = build_report(hub, OWNER, **asked)
        take(hub, write_csv(tmp_path / "more.csv", rows_of(300, 320)))
        packed = bundle_report(hub, OWNER, id=made["id"])
        with pytest.raises(BadInput, match="a bundle holds a PDF"):
            bundle_report(hub, OWNER, id=build_report(hub, OWNER, **asked, format="json")["id"])
        with pytest.raises(UnknownName):
            bundle_report(hub, viewer_with(Grant("regulator", model="other")), id=made["id"])
        Path(made["path"]).write_bytes(b"%PDF-1.7 another")
        with pytest.raises(Refused, match="not the one that was built"):
            bundle_report(hub, OWNER, id=made["id"])
    finally:
        hub.close()
    folder = tmp_path / "bundle"
    with zipfile.ZipFile(io.BytesIO(packed["bytes"])) as archive:
        archive.extractall(folder)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "Integrity: HOLDS" in done.stdout, done.stdout + done.stderr
    (folder / "report.pdf").write_bytes((folder / "report.pdf").read_bytes() + b"\n")
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "(1) FAILS" in done.stdout
