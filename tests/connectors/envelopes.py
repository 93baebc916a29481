"""Rows as the logs of serving stacks wrap them, for the contract suite: writers, and ways to spoil one row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

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


PAYLOADS = pa.schema(
    [
        ("databricks_request_id", pa.string()),
        ("client_request_id", pa.string()),
        ("request_date", pa.date32()),
        ("request_time", pa.timestamp("us", "UTC")),
        ("status_code", pa.int32()),
        ("sampling_fraction", pa.float64()),
        ("execution_duration_ms", pa.int64()),
        ("request", pa.string()),
        ("response", pa.string()),
        ("served_entity_id", pa.string()),
        ("logging_error_codes", pa.list_(pa.string())),
        ("requester", pa.string()),
    ]
)
"""The payload table of Databricks' AI Gateway."""


def payload(id_: str, asked: Any, answered: Any, **changes: Any) -> dict[str, Any]:
    """One request as the table has it."""
    row = {
        "databricks_request_id": id_,
        "request_date": date(2026, 2, 1),
        "request_time": datetime(2026, 2, 1, tzinfo=UTC),
        "status_code": 200,
        "sampling_fraction": 1.0,
        "execution_duration_ms": 7,
        "request": json.dumps(asked),
        "response": json.dumps(answered),
        "served_entity_id": "e",
        "logging_error_codes": [],
        "requester": "jane@example.org",
    }
    return {**row, **changes}


def payloads(rows: Rows) -> pa.Table:
    found = []
    for at, some in calls(rows):
        asked, answered = _halves(some)
        found.append(payload(f"call-{at}", {"dataframe_records": asked}, {"predictions": answered}))
    return pa.Table.from_pylist(found, schema=PAYLOADS)


def write_databricks(folder: Path, rows: Rows) -> Path:
    pq.write_table(payloads(rows), folder / "part-0.parquet")
    return folder


def write_delta(folder: Path, rows: Rows) -> Path:
    from deltalake import write_deltalake

    write_deltalake(str(folder / "payload"), payloads(rows))
    return folder / "payload"


def spoil_databricks(folder: Path) -> int:
    (path,) = folder.rglob("*.parquet")
    rows = pq.read_table(path).to_pylist()
    rows[3]["response"] = "{"
    pq.write_table(pa.Table.from_pylist(rows, schema=PAYLOADS), path)
    return 1


# -- Vertex AI ----------------------------------------------------------------------------------------------------

LOGGED = pa.schema(
    [
        ("endpoint", pa.string()),
        ("deployed_model_id", pa.string()),
        ("logging_time", pa.timestamp("us", "UTC")),
        ("request_id", pa.decimal128(38, 0)),
        ("request_payload", pa.list_(pa.string())),
        ("response_payload", pa.list_(pa.string())),
    ]
)


def logged(id_: int, asked: list[Any], answered: list[Any], **changes: Any) -> dict[str, Any]:
    """One call as BigQuery has it."""
    row = {
        "endpoint": "e",
        "deployed_model_id": "7",
        "logging_time": datetime(2026, 2, 1, tzinfo=UTC),
        "request_id": Decimal(id_),
        "request_payload": [json.dumps(item) for item in asked],
        "response_payload": [json.dumps(item) for item in answered],
    }
    return {**row, **changes}


def _logged(rows: Rows) -> list[dict[str, Any]]:
    return [logged(at, *_halves(some)) for at, some in calls(rows)]


def write_vertex(folder: Path, rows: Rows) -> Path:
    pq.write_table(pa.Table.from_pylist(_logged(rows), schema=LOGGED), folder / "000.parquet")
    return folder


def write_vertex_lines(folder: Path, rows: Rows) -> Path:
    text = "".join(json.dumps(call, default=str) + "\n" for call in _logged(rows))
    (folder / "000.jsonl").write_text(text.replace("+00:00", " UTC"), encoding="utf-8")
    return folder


def spoil_vertex_lines(folder: Path) -> int:
    (path,) = folder.rglob("*.jsonl")
    lines = path.read_bytes().split(b"\n")
    lines[3] = lines[3][: len(lines[3]) // 2]
    path.write_bytes(b"\n".join(lines))
    return 1


# -- TrustyAI -----------------------------------------------------------------------------------------------------


def tensors(rows: Rows) -> list[dict[str, Any]]:
    """A tensor for each column, as the V2 protocol has them."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [
        {"name": name, "shape": [len(rows)], "datatype": "BYTES", "data": [row.get(name) for row in rows]}
        for name in names
    ]


def upload(rows: Rows, *, tag: str = "", **changes: Any) -> dict[str, Any]:
    asked, answered = _halves(rows)
    document: dict[str, Any] = {
        "model_name": "loans",
        "data_tag": tag,
        "request": {"inputs": tensors(asked)},
        "is_ground_truth": False,
    }
    if any(answered):
        document["response"] = {"model_name": "loans", "outputs": tensors(answered)}
    return {**document, **changes}


def write_trustyai(folder: Path, rows: Rows) -> Path:
    text = "".join(json.dumps(upload(some)) + "\n" for _, some in calls(rows))
    (folder / "uploads.jsonl").write_text(text, encoding="utf-8")
    return folder


def spoil_trustyai(folder: Path) -> int:
    (path,) = folder.rglob("*.jsonl")
    lines = path.read_bytes().split(b"\n")
    lines[3] = b'{"data_tag": "", "request": {}}'
    path.write_bytes(b"\n".join(lines))
    return 1
