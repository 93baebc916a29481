"""The evidence: one canonical JSON document with everything a report's figures are made of.

Its SHA-256 is printed in the report and recorded in the trail; `report verify --recompute` builds it again as of the
same seq and compares the two, place by place.
"""

from __future__ import annotations

import json
from typing import Any

from reports.build.controls import answers
from reports.build.facts import GeneralFacts
from store.canonical import canonical_json, digest

SCHEMA = "bailiwick/evidence/1"
_RENDERING = frozenset({"built_at", "built_by", "signing_root"})
"""Who pressed the button and when: not part of what is recomputed."""


def evidence(facts: GeneralFacts) -> dict[str, Any]:
    """JSON-ready; equal facts give equal bytes in canonical JSON."""
    return with_head(
        facts,
        {
            "model": facts.model,
            "model_file": facts.file.document,
            "coverage": facts.coverage,
            "receipts": facts.receipts,
            "results": facts.results,
            "changes": facts.changes,
            "alerts": facts.alerts,
            "requests": facts.requests,
            "impact": facts.impact,
            "ledger": facts.ledger,
            "people": facts.people,
            "controls": [answer.as_json() for answer in answers(facts)],
        },
    )


def evidence_bytes(document: dict[str, Any]) -> bytes:
    """The bytes that are attached and whose SHA-256 is printed."""
    return canonical_json(document).encode()


def with_head(facts: Any, body: dict[str, Any]) -> dict[str, Any]:
    """Facts of any subject as evidence: what every report says of itself, and the body."""
    document = {
        "schema": SCHEMA,
        "report": {
            "id": facts.report_id,
            "state": str(facts.state),
            "org": facts.org,
            "built_at": facts.built_at,
            "built_by": facts.built_by,
            "signatories": facts.signatories,
            "signing_root": facts.signing_root,
            "pack": {"id": facts.pack.id, "version": facts.pack.version, "date": facts.pack.date.isoformat()},
        },
        "as_of": {"seq": facts.as_of, "at": facts.as_of_at},
        "period": {"from": facts.period_from, "to": facts.period_to},
        **body,
        "declarations": facts.declarations,
        "trail": facts.proof,
        "libraries": facts.libraries,
    }
    # One trip through text, so that what is compared later is what a file can hold.
    copy: dict[str, Any] = json.loads(canonical_json(document))
    return copy


def substance(document: dict[str, Any]) -> dict[str, Any]:
    """The evidence without who rendered it and when: what two builds as of the same seq must agree on."""
    report = {key: value for key, value in document.get("report", {}).items() if key not in _RENDERING}
    return {**document, "report": report}


def substance_digest(document: dict[str, Any]) -> str:
    return digest(substance(document))
