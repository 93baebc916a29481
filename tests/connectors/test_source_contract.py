"""Our sources, held to the contract."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import MODEL, Case, SourceContract
from envelopes import (
    spoil_databricks,
    spoil_sagemaker,
    spoil_trustyai,
    spoil_vertex_lines,
    write_databricks,
    write_delta,
    write_sagemaker,
    write_trustyai,
    write_vertex,
    write_vertex_lines,
)
from kserve_files import calls, event, record, write_events, write_records
from seldon_files import FEEDBACK, kafka_record, request

from connectors.sources.azureml import AzureML
from connectors.sources.databricks import Databricks
from connectors.sources.kserve import KServe
from connectors.sources.sagemaker import SageMaker
from connectors.sources.seldon import Seldon
from connectors.sources.tabular import Tabular
from connectors.sources.trustyai import TrustyAI
from connectors.sources.vertex import Vertex

Rows = Sequence[Mapping[str, Any]]


def _csv_text(rows: Rows, delimiter: str = ",") -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, delimiter=delimiter, lineterminator="\n")
    if names:
        writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write_csv(folder: Path, rows: Rows) -> Path:
    path = folder / "batch.csv"
    path.write_text(_csv_text(rows), encoding="utf-8")
    return path


def write_utf16_tsv(folder: Path, rows: Rows) -> Path:
    path = folder / "batch.tsv"
    path.write_bytes(_csv_text(rows, "\t").replace("\n", "\r\n").encode("utf-16"))
    return path


def write_jsonl(folder: Path, rows: Rows) -> Path:
    path = folder / "batch.jsonl"
    path.write_text("".join(json.dumps(dict(row)) + "\n" for row in rows), encoding="utf-8")
    return path


def write_jsonl_gz(folder: Path, rows: Rows) -> Path:
    path = folder / "batch.jsonl.gz"
    text = "".join(json.dumps(dict(row), ensure_ascii=False) + "\r\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode("utf-8-sig"), mtime=0))
    return path


def write_json_array(folder: Path, rows: Rows) -> Path:
    path = folder / "batch.json"
    path.write_text(json.dumps([dict(row) for row in rows], indent=1), encoding="utf-8")
    return path


def _columns(rows: Rows) -> pa.Table:
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        mixed = len({type(value) for value in values if value is not None}) > 1
        columns[name] = pa.array([None if v is None else str(v) for v in values] if mixed else values)
    return pa.table(columns or {"income": pa.array([], pa.float64())})


def write_parquet(folder: Path, rows: Rows) -> Path:
    path = folder / "batch.parquet"
    pq.write_table(_columns(rows), path)
    return path


def write_arrow(folder: Path, rows: Rows, *, stream: bool = False) -> Path:
    path = folder / "batch.arrow"
    table = _columns(rows)
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=7)
    return path


def write_azureml(folder: Path, rows: Rows) -> Path:
    tree = folder / "model_inputs_outputs" / "2026" / "02" / "01" / "00"
    tree.mkdir(parents=True)
    lines = []
    for at in range(0, len(rows), 2):
        event = {
            "specversion": "1.0",
            "id": f"event-{at}",
            "type": "azureml.inference.model_inputs",
            "time": "2026-02-01T00:00:00Z",
            "data": [dict(row) for row in rows[at : at + 2]],
            "correlationid": f"call-{at}",
            "modelversion": "default",
        }
        lines.append(json.dumps(event) + "\n")
    (tree / "log.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def write_kserve_events(folder: Path, rows: Rows) -> Path:
    return write_events(folder, [event(payload, call=call) for call, payload in calls(rows)])


def write_kserve_records(folder: Path, rows: Rows, form: str) -> Path:
    return write_records(folder, [record(payload, call=call) for call, payload in calls(rows)], form)


def _seldon_payloads(rows: Rows) -> list[tuple[str, dict[str, Any]]]:
    out = []
    for call, payload in calls(rows):
        names = list(dict.fromkeys(name for row in payload["instances"] for name in row))
        values = [[row.get(name) for name in names] for row in payload["instances"]]
        out.append((call, {"data": {"names": names, "ndarray": values}}))
    return out


def write_seldon(folder: Path, rows: Rows) -> Path:
    labels = bool(rows) and set(rows[0]) == {"id", "repaid"}
    events = [
        request({"truth": payload}, call=call, type_=FEEDBACK) if labels else request(payload, call=call)
        for call, payload in _seldon_payloads(rows)
    ]
    return write_events(folder, events)


def write_seldon_kafka(folder: Path, rows: Rows) -> Path:
    return write_events(
        folder, [kafka_record(json.dumps(payload), key=call) for call, payload in _seldon_payloads(rows)]
    )


def _spoil_seldon(path: Path) -> int:
    lines = path.read_bytes().split(b"\n")
    call = json.loads(lines[3])
    text = "value" in call
    payload = json.loads(call["value"]) if text else call["body"]
    payload["data"]["ndarray"][1] = "no row"
    call["value" if text else "body"] = json.dumps(payload) if text else payload
    lines[3] = json.dumps(call).encode()
    path.write_bytes(b"\n".join(lines))
    return 1


def _spoil_line(path: Path, text: bytes, number: int = 5) -> int:
    lines = path.read_bytes().split(b"\n")
    lines[number] = text
    path.write_bytes(b"\n".join(lines))
    return 1


def _spoil_azureml(folder: Path) -> int:
    (path,) = folder.rglob("*.jsonl")
    lines = path.read_bytes().split(b"\n")
    event = json.loads(lines[3])
    event["data"][1] = "no row"
    lines[3] = json.dumps(event).encode()
    path.write_bytes(b"\n".join(lines))
    return 1


def _spoil_event(path: Path) -> int:
    lines = path.read_bytes().split(b"\n")
    call = json.loads(lines[3])
    call["data"]["instances"][1] = "no row"
    lines[3] = json.dumps(call).encode()
    path.write_bytes(b"\n".join(lines))
    return 1


def _spoil_records(path: Path) -> int:
    records = json.loads(path.read_text())
    payload = json.loads(base64.b64decode(records[3]["bytes"]))
    payload["instances"][1] = "no row"
    records[3]["bytes"] = base64.b64encode(json.dumps(payload).encode()).decode()
    path.write_text(json.dumps(records))
    return 1


def _spoil_array(path: Path) -> int:
    rows = json.loads(path.read_text())
    rows[5] = "no row"
    path.write_text(json.dumps(rows))
    return 1


def _spoil_utf16(path: Path) -> int:
    lines = path.read_bytes().decode("utf-16").split("\r\n")
    lines[5] = "only\ttwo"
    path.write_bytes("\r\n".join(lines).encode("utf-16"))
    return 1


def _spoil_gz(path: Path) -> int:
    lines = gzip.decompress(path.read_bytes()).split(b"\n")
    lines[5] = b'{"id": "\xff"}'
    path.write_bytes(gzip.compress(b"\n".join(lines)))
    return 1


class TestCsv(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(source=Tabular(), write=write_csv, spoil=lambda path: _spoil_line(path, b'r4,"never closed'))


class TestUtf16Tsv(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(source=Tabular(), write=write_utf16_tsv, spoil=_spoil_utf16)


class TestJsonLines(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(source=Tabular(), write=write_jsonl, spoil=lambda path: _spoil_line(path, b'{"id": "r5", '))


class TestJsonLinesZipped(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(source=Tabular(), write=write_jsonl_gz, spoil=_spoil_gz)


class TestJsonArray(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(source=Tabular(), write=write_json_array, spoil=_spoil_array)


class TestParquet(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        one_file = "Parquet has no lines: damage costs a row group or the file, see test_tabular.py"
        return Case(source=Tabular(), write=write_parquet, gaps={"test_a_damaged_record_keeps_the_rest": one_file})


class TestArrowFile(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        one_file = "Arrow has no lines: damage costs a batch and what follows, see test_arrow_and_partitions.py"
        return Case(source=Tabular(), write=write_arrow, gaps={"test_a_damaged_record_keeps_the_rest": one_file})


class TestArrowStream(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        one_file = "Arrow has no lines: damage costs a batch and what follows, see test_arrow_and_partitions.py"
        write = partial(write_arrow, stream=True)
        return Case(source=Tabular(), write=write, gaps={"test_a_damaged_record_keeps_the_rest": one_file})


class TestAzureML(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(source=AzureML(), write=write_azureml, spoil=_spoil_azureml)


class TestKServeEvents(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(source=KServe(), write=write_kserve_events, spoil=_spoil_event)


class TestKServeJson(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(source=KServe(), write=partial(write_kserve_records, form="json"), spoil=_spoil_records)


class TestKServeCsv(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        one_cell = "a call is one cell: damage costs the call, see test_kserve.py"
        write = partial(write_kserve_records, form="csv")
        return Case(source=KServe(), write=write, gaps={"test_a_damaged_record_keeps_the_rest": one_cell})


class TestKServeParquet(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        one_cell = "a call is one cell: damage costs the call, see test_kserve.py"
        write = partial(write_kserve_records, form="parquet")
        return Case(source=KServe(), write=write, gaps={"test_a_damaged_record_keeps_the_rest": one_cell})


class TestDatabricks(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(source=Databricks(), write=write_databricks, spoil=spoil_databricks)


class TestDatabricksDelta(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        gaps = {
            "test_a_damaged_record_keeps_the_rest": "the file is the one that TestDatabricks spoils",
            "test_an_empty_delivery_is_an_empty_batch": "a Delta table without rows has no file, hence no batch",
        }
        return Case(source=Databricks(), write=write_delta, gaps=gaps)


class TestVertexParquet(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        one_cell = "a call is one cell: damage costs the call, as TestVertexLines shows"
        return Case(source=Vertex(), write=write_vertex, gaps={"test_a_damaged_record_keeps_the_rest": one_cell})


class TestVertexLines(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(source=Vertex(), write=write_vertex_lines, spoil=spoil_vertex_lines)


class TestTrustyAI(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(source=TrustyAI(), write=write_trustyai, spoil=spoil_trustyai)


class TestSageMaker(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(source=SageMaker(), write=write_sagemaker, spoil=spoil_sagemaker)


class TestSeldonEvents(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        return Case(source=Seldon(), write=write_seldon, spoil=_spoil_seldon)


class TestSeldonKafka(SourceContract):
    @pytest.fixture
    def case(self) -> Case:
        feedback = "topics of inputs and outputs carry no feedback: labels come from elsewhere"
        return Case(source=Seldon(), write=write_seldon_kafka, spoil=_spoil_seldon, gaps={"test_labels": feedback})


def test_every_source_is_held_to_the_contract() -> None:
    """Each source that is registered stands in a case above; csv, tsv ... are the tabular reader held to one format."""
    from connectors import registry

    text = Path(__file__).read_text(encoding="utf-8")
    sources = {name: type(registry.load(name)) for name in registry.names("source")}
    assert [
        name for name, of in sources.items() if f"source={of.__name__}()" not in text and of.__base__ is not Tabular
    ] == []
    assert MODEL.name == "loans"
