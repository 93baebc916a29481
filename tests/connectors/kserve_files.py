"""What KServe's logger leaves behind, written for tests: CloudEvents, and objects of its blob store."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

REQUEST, RESPONSE = "org.kubeflow.serving.inference.request", "org.kubeflow.serving.inference.response"
COLUMNS = [
    "url",
    "bytes",
    "contentType",
    "reqType",
    "id",
    "sourceUri",
    "inferenceService",
    "namespace",
    "component",
    "endpoint",
    "metadata",
    "annotations",
    "certName",
    "tlsSkipVerify",
]
AT = "2026-02-01T00:00:00.123456789Z"


def event(payload: Any, *, type_: str = REQUEST, call: str = "call-1", **changes: Any) -> dict[str, Any]:
    whole = {
        "specversion": "1.0",
        "type": type_,
        "source": "http://localhost:9081/",
        "id": call,
        "time": AT,
        "datacontenttype": "application/json",
        "inferenceservicename": "loans",
        "namespace": "default",
        "component": "predictor",
        "endpoint": "",
        "data": payload,
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not ...}


def record(payload: Any, *, type_: str = REQUEST, call: str = "call-1", **changes: Any) -> dict[str, Any]:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    whole = {
        "url": {"Scheme": "http", "Host": "sink"},
        "bytes": base64.b64encode(body).decode(),
        "contentType": "application/json",
        "reqType": type_,
        "id": call,
        "sourceUri": {"Scheme": "http", "Host": "localhost:9081"},
        "inferenceService": "loans",
        "namespace": "default",
        "component": "predictor",
        "endpoint": "",
        "metadata": None,
        "annotations": None,
        "certName": "",
        "tlsSkipVerify": False,
        "occurrenceTime": AT,
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not ...}


def calls(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """(call, payload): two rows a call, by name."""
    pairs = [rows[at : at + 2] for at in range(0, len(rows), 2)]
    return [(f"call-{at}", {"instances": [dict(row) for row in pair]}) for at, pair in enumerate(pairs)]


def write_events(folder: Path, events: Sequence[Any], name: str = "events.jsonl") -> Path:
    path = folder / name
    path.write_text("".join((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in events), encoding="utf-8")
    return path


def write_records(folder: Path, records: Sequence[dict[str, Any]], form: str = "json") -> Path:
    """As the blob store holds them: one record is an object, more are an array; tables carry neither time nor maps."""
    path = folder / f"{records[0]['id'] if records else 'none'}-request.{form}"
    if form == "json":
        document: Any = records[0] if len(records) == 1 else list(records)
        path.write_text(json.dumps(document), encoding="utf-8")
        return path
    flat = [{name: _cell(one[name]) for name in COLUMNS} for one in records]
    if form == "csv":
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(flat)
        return path
    kinds = {name: pa.bool_() if name == "tlsSkipVerify" else pa.string() for name in COLUMNS}
    values = [{**row, "tlsSkipVerify": row["tlsSkipVerify"] == "true"} for row in flat]
    pq.write_table(pa.Table.from_pylist(values, schema=pa.schema(list(kinds.items()))), path)
    return path


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, dict) else str(value)
