"""A sender shaped like KServe's logger, written from the format's description: binary CloudEvents, one half a call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

TYPE = "org.kubeflow.serving.inference"


def headers(call: str, half: str, *, service: str = "loan", time: str = "2026-10-05T00:00:00Z") -> dict[str, str]:
    return {
        "Ce-Specversion": "1.0",
        "Ce-Id": call,
        "Ce-Type": f"{TYPE}.{half}",
        "Ce-Source": "http://localhost:9081/",
        "Ce-Time": time,
        "Ce-Recordedtime": "2026-11-02T02:59:59.999999999Z",
        "Ce-Inferenceservicename": service,
        "Ce-Namespace": "default",
        "Ce-Component": "predictor",
        "Ce-Endpoint": "",
        "Ce-Metadata": '{"Authorization":["secret of the caller"]}',
        "Traceparent": "00-90bdf848647d50283394155d2df58f19-84dacdfdf07cadfc-00",
        "Content-Type": "application/json",
    }


@dataclass(frozen=True)
class Logger:
    """Posts halves to one address, as the sidecar does: the token can only stand there."""

    url: str

    def post(self, client: httpx.Client, call: str, half: str, payload: Any, **about: Any) -> httpx.Response:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return client.post(self.url, content=body, headers=headers(call, half, **about))


def v2(values: Mapping[str, list[Any]], side: str) -> dict[str, Any]:
    """One tensor per column."""
    kinds = {int: "INT64", float: "FP64", str: "BYTES"}
    tensors = [
        {"name": name, "shape": [len(column)], "datatype": kinds[type(column[0])], "data": column}
        for name, column in values.items()
    ]
    return {"id": "x", side: tensors}
