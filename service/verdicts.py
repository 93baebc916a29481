"""What a file says and whether it is ours, found from its bytes and the rows that the trail holds of reports.

`verdict_of` is the one way; `verdict_apart` is the same in a process of its own with bounded memory and time, for
bytes that a stranger hands in: whatever they do to the readers of PDF, the house stands. Nothing is written.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from reports.identify import Identity, identify
from reports.signature import check_signature
from reports.verify import RecordedReport, Verdict, verify
from service.signing_keys import roots
from store.canonical import sha256_hex
from store.errors import BadInput

MOST_BYTES = 20 * 2**20
MEMORY_BYTES = 2 * 2**30
SECONDS = 60
_KNOWN = ("id", "format", "sha256", "evidence_sha256", "seq", "known_at")


def verdict_of(content: bytes, name: str, rows: Sequence[dict[str, Any]], folder: Path) -> tuple[Verdict, Identity]:
    """rows: the reports that whoever asks may know of. Found by digest, else by the id the file names and its kind."""
    digest, inside = sha256_hex(content), identify(content)
    suffix = PurePath(name).suffix
    of_id = [row for row in rows if row["id"] == inside.report_id]
    recorded = next((row for row in rows if row["sha256"] == digest), None)
    recorded = recorded or next((row for row in of_id if row["file"].endswith(suffix)), None)
    recorded = recorded or next(iter(of_id), None)
    original = folder / "reports" / recorded["file"] if recorded else None
    verdict = verify(
        content,
        RecordedReport(**{key: recorded[key] for key in _KNOWN}) if recorded else None,
        original.read_bytes() if original and original.exists() else None,
        check_signature(content, roots(folder)) if inside.format == "pdf" else None,
    )
    return verdict, inside


def verdict_apart(
    content: bytes, name: str, rows: Sequence[dict[str, Any]], folder: Path, *, memory: int = MEMORY_BYTES
) -> dict[str, Any]:
    """The verdict as JSON; raises BadInput for bytes that are too many, or that no reader comes to an end with."""
    if len(content) > MOST_BYTES:
        raise BadInput(
            f"{name} has {len(content):,} bytes; a check takes {MOST_BYTES:,} at most",
            advice="Check it with `bailiwick report verify FILE`.",
        )
    known = [{key: row[key] for key in (*_KNOWN, "file")} for row in rows]
    head = json.dumps({"name": name, "rows": known, "folder": str(folder), "memory": memory}, default=_text)
    advice = "Nothing is known of it. Take the file from the library again and compare."
    try:
        done = subprocess.run(
            [sys.executable, "-m", "service.verdicts"],
            input=head.encode() + b"\n" + content,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BadInput(f"{name} could not be read within {SECONDS} seconds", advice=advice) from error
    if done.returncode:
        raise BadInput(f"{name} could not be read: its reader came to no end", advice=advice)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def main() -> int:
    """The door of the process apart: one line of JSON, then the bytes; the verdict comes out as JSON."""
    head, _, content = sys.stdin.buffer.read().partition(b"\n")
    asked = json.loads(head)
    _bound(asked["memory"])
    verdict, _ = verdict_of(content, asked["name"], asked["rows"], Path(asked["folder"]))
    sys.stdout.write(json.dumps(verdict.as_json()))
    return 0


def _bound(memory: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows; there the time alone is bounded
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


if __name__ == "__main__":
    raise SystemExit(main())
