"""A report as JSON: the same elements, cell for cell, and the evidence beside them. Canonical bytes."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any

from reports.build.facts import json_ready
from reports.elements import Report
from store.canonical import canonical_json

SCHEMA = "bailiwick/report/1"


def render_json(report: Report) -> bytes:
    """Equal reports give equal bytes; ends with a newline."""
    document = {
        "schema": SCHEMA,
        "id": report.id,
        "state": str(report.state),
        "title": report.title,
        "subtitle": report.subtitle,
        "built_at": report.built_at,
        "scope": report.scope,
        "summary": report.summary,
        "sections": [element_json(section) for section in report.sections],
        "evidence_sha256": report.evidence_sha256,
        "evidence": report.evidence,
    }
    return (canonical_json(json_ready(document)) + "\n").encode()


def element_json(value: Any) -> Any:
    """An element by its fields, each named by its kind under `element`."""
    if is_dataclass(value):
        told = {item.name: element_json(getattr(value, item.name)) for item in fields(value)}
        return {"element": type(value).__name__, **told}
    if isinstance(value, tuple | list):
        return [element_json(item) for item in value]
    return json_ready(json.loads(json.dumps(value, default=str)))
