"""Rows as the logs of serving stacks wrap them, for the contract suite: writers, and ways to spoil one row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Rows = Sequence[Mapping[str, Any]]
OUTPUTS = ("approved", "probability")


def calls(rows: Rows) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The rows as calls of two and of one, in turn, each with the place of its first."""
    at = 0
    while at < len(rows):
        size = 2 if at % 3 == 0 else 1
        yield at, [dict(row) for row in rows[at : at + size]]
        at += size


def _halves(rows: Rows) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What went in and what came out; ids and times are part of the call."""
    asked = [{name: value for name, value in row.items() if name not in OUTPUTS} for row in rows]
    answered = [{name: value for name, value in row.items() if name in OUTPUTS} for row in rows]
    return asked, answered


def _text(rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any]:
    return {
        "observedContentType": "application/json",
        "mode": key,
        "data": json.dumps({key: list(rows)}),
        "encoding": "JSON",
    }


def write_sagemaker(folder: Path, rows: Rows) -> Path:
    tree = folder / "AllTraffic" / "2026" / "02" / "01" / "00"
    tree.mkdir(parents=True)
    lines = []
    for at, some in calls(rows):
        event: dict[str, Any] = {
            "eventMetadata": {"eventId": f"event-{at}", "inferenceTime": "2026-02-01T00:00:00Z"},
            "eventVersion": "0",
        }
        if any("repaid" in row for row in rows):
            event["groundTruthData"] = _text(some, "labels") | {"data": json.dumps(some)}
        else:
            asked, answered = _halves(some)
            event["captureData"] = {"endpointInput": _text(asked, "instances")}
            if any(answered):
                event["captureData"]["endpointOutput"] = _text(answered, "predictions")
        lines.append(json.dumps(event) + "\n")
    (tree / "00-00-000-abc.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def spoil_sagemaker(folder: Path) -> int:
    """Breaks the answer to a call of one row."""
    (path,) = folder.rglob("*.jsonl")
    lines = path.read_bytes().split(b"\n")
    event = json.loads(lines[3])
    event["captureData"]["endpointOutput"]["data"] = "{"
    lines[3] = json.dumps(event).encode()
    path.write_bytes(b"\n".join(lines))
    return 1
