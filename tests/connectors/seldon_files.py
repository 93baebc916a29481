"""Events of Seldon's request logger, written for tests."""

from __future__ import annotations

from typing import Any

REQUEST, RESPONSE = "io.seldon.serving.inference.request", "io.seldon.serving.inference.response"
FEEDBACK = "io.seldon.serving.feedback"


def request(payload: Any, *, call: str = "call-1", type_: str = REQUEST, **headers: Any) -> dict[str, Any]:
    """As an echo server prints what Core 1 posts: headers and body."""
    whole = {
        "Ce-Specversion": "0.3",
        "Ce-Id": f"{call}-{type_[-8:]}",
        "Ce-Requestid": call,
        "Ce-Type": type_,
        "Ce-Source": "http://:8000/",
        "Ce-Time": "2026-02-01T00:00:00.123456789Z",
        "Ce-Modelid": "classifier",
        "Ce-Inferenceservicename": "loans",
        "Ce-Namespace": "seldon",
        "Ce-Endpoint": "example",
        "Ce-Protocol": "seldon",
        "Content-Type": "application/json",
        **{f"Ce-{name.capitalize()}": value for name, value in headers.items()},
    }
    return {"headers": {name: value for name, value in whole.items() if value is not ...}, "body": payload}


def kafka_record(value: Any, *, key: str = "call-1", side: str = "inputs", **changes: Any) -> dict[str, Any]:
    """As a dump of a topic of Core 2 holds it."""
    whole = {
        "topic": f"seldon.default.model.loans.{side}",
        "key": key,
        "timestamp": 1_769_904_000_123,
        "value": value,
    }
    return {name: found for name, found in {**whole, **changes}.items() if found is not ...}
