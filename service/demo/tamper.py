"""`demo tamper`: one digit changed in a copy of the report, one row in a copy of the hub, and what verification says.

The copies are thrown away. The demo's own hub is read and never written: the last act verifies it, and is to hold.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reports.tamper import change_one_digit
from reports.words import listed
from service.commands.reports import verify_report
from service.config import FILE
from service.wiring import HUB_FILE, local_viewer, open_hub
from store.errors import BadInput

KEPT = ("keys", "reports", "spool", "run", "quarantine")


def tamper(hub_dir: Path, *, environ: Mapping[str, str]) -> dict[str, Any]:
    """What was changed, and what verification says of it, act by act."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "hub"
        _copy_hub(hub_dir, copy, environ=environ)
        acts = [_digit(copy, Path(folder), environ=environ), _row(copy, environ=environ)]
    acts.append(_own(hub_dir, environ=environ))
    return {"schema": "bailiwick/demo-tamper/1", "acts": acts}


def _copy_hub(hub_dir: Path, copy: Path, *, environ: Mapping[str, str]) -> None:
    hub = open_hub(hub_dir, environ=environ)
    try:
        copy.mkdir()
        hub.store.copy_to(copy / HUB_FILE)
        shutil.copyfile(hub_dir / FILE, copy / FILE)
        for part in KEPT:
            (copy / part).mkdir()
        shutil.copytree(hub_dir / "reports", copy / "reports", dirs_exist_ok=True)
    finally:
        hub.close()


def _digit(copy: Path, folder: Path, *, environ: Mapping[str, str]) -> dict[str, Any]:
    hub = open_hub(copy, environ=environ)
    try:
        reports = [row for row in hub.store.reads(local_viewer()).reports() if row["format"] == "pdf"]
        if not reports:
            raise BadInput("this hub has no PDF report to change", advice="Build the demo first: bailiwick demo")
        changed, tampering = change_one_digit((copy / "reports" / reports[0]["file"]).read_bytes())
        path = folder / reports[0]["file"]
        path.write_bytes(changed)
        verdict = verify_report(hub, local_viewer(), path=path)
    finally:
        hub.close()
    return {
        "did": f"In a copy of {path.name}: {tampering}",
        "held": verdict["integrity"] == "intact",
        "verification": [_told(finding) for finding in verdict["findings"]],
    }


def _row(copy: Path, *, environ: Mapping[str, str]) -> dict[str, Any]:
    """Past every command, as somebody with the file in hand would do it."""
    hub = open_hub(copy, environ=environ)
    try:
        cursor = hub.store.cursor()
        batches = cursor.execute(
            "SELECT table_name, seq FROM batch WHERE kind = 'predictions' AND kept > 0 AND table_name IS NOT NULL "
            "ORDER BY seq LIMIT 1"
        ).fetchall()
        if not batches:
            raise BadInput("this hub has no rows to change", advice="Build the demo first: bailiwick demo")
        table, seq = batches[0]
        n, id_, before = cursor.execute(
            f'SELECT n, id, prediction FROM "{table}" WHERE seq = ? AND prediction IS NOT NULL ORDER BY n LIMIT 1',
            [seq],
        ).fetchall()[0]
        after = "0" if str(before) == "1" else "1"
        cursor.execute(f'UPDATE "{table}" SET prediction = ? WHERE seq = ? AND n = ?', [after, seq, n])
        found = hub.store.reads(local_viewer()).verify_trail(data=True).as_json()
    finally:
        hub.close()
    return {
        "did": f"In a copy of the hub: the decision on {id_} from {before} to {after}",
        "held": found["holds"],
        "verification": [_told(flaw) for flaw in found["flaws"]],
    }


def _own(hub_dir: Path, *, environ: Mapping[str, str]) -> dict[str, Any]:
    """The demo's own report and rows, for comparison."""
    hub = open_hub(hub_dir, environ=environ)
    try:
        reads = hub.store.reads(local_viewer())
        kept = [hub_dir / "reports" / row["file"] for row in reads.reports() if row["format"] == "pdf"]
        verdicts = [verify_report(hub, local_viewer(), path=path) for path in kept]
        trail = reads.verify_trail(data=True).as_json()
    finally:
        hub.close()
    told = [_told(flaw) for flaw in trail["flaws"]]
    told += [_told(finding) for verdict in verdicts for finding in verdict["findings"]]
    counted = ", ".join(f"{number} {what}" for what, number in trail["checked"].items())
    return {
        "did": "In the demo's own hub: nothing",
        "held": not told and all(verdict["integrity"] == "intact" for verdict in verdicts),
        "verification": told or [f"{listed(path.name for path in kept)} intact; the trail holds: {counted}"],
    }


def _told(flaw: Mapping[str, Any]) -> str:
    values = f": expected {flaw['expected']}, found {flaw['found']}" if flaw.get("expected") else ""
    return f"{flaw['what']} in {flaw['where']}{values}"
