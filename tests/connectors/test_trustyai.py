"""TrustyAI: uploads and the volume, tags, names, and files that do not belong together."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import RECEIVED
from envelopes import upload

from connectors import registry
from connectors.base import Raw
from connectors.normalise import Tally, normalise, wanted_of
from connectors.sources.trustyai import TrustyAI, TrustyAIOptions
from store.errors import BadInput
from store.model_file import InputType, ModelFile
from store.model_reader import read_model_file
from store.receipt import Kind

LOAN = read_model_file(
    """
    name: loans
    version: 1
    columns:
      prediction: approved
      inputs: [{name: income, type: number}, {name: purpose, type: category}]
    """,
    source="loans.yaml",
)
TYPES = (InputType.NUMBER, InputType.CATEGORY)
ROW = {"income": 5, "purpose": "car", "approved": 1}


def raw_of(path: Path, model: ModelFile = LOAN, kind: Kind = Kind.PREDICTIONS, **options: Any) -> Raw:
    source = TrustyAI()
    (file,) = source.walk(path)
    return source.read(file, TrustyAIOptions(**options), wanted_of(model, kind))


def read(
    path: Path, model: ModelFile = LOAN, kind: Kind = Kind.PREDICTIONS, types: Any = TYPES, **options: Any
) -> tuple[list[dict[str, Any]], Tally]:
    rows = normalise(raw_of(path, model, kind, **options), model, kind=kind, types=types, received_at=RECEIVED)
    return rows.table().to_pylist(), rows.finish()


def values(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(r["x0"], r["x1"], r["prediction"]) for r in rows]


# -- uploads ------------------------------------------------------------------------------------------------------


def posted(folder: Path, *documents: dict[str, Any], indent: int | None = None) -> Path:
    path = folder / "upload.json"
    path.write_text("\n".join(json.dumps(document, indent=indent) for document in documents))
    return path


@pytest.mark.parametrize("indent", [None, 2])
def test_an_upload_is_rows(tmp_path: Path, indent: int | None) -> None:
    path = posted(tmp_path, upload([ROW, {**ROW, "income": 7}]), indent=indent)
    assert registry.sniff(path).kind == "trustyai"
    assert values(read(path)[0]) == [(5.0, "car", "1"), (7.0, "car", "1")]
    assert raw_of(path).model == "loans"


def test_one_tensor_of_many_columns_takes_the_models_names(tmp_path: Path) -> None:
    tensor = {"name": "input", "shape": [2, 2], "datatype": "BYTES", "data": [[5, "car"], [7, "home"]]}
    answer = {"name": "predict", "shape": [2, 1], "datatype": "INT64", "data": [1, 0]}
    document = upload([ROW], request={"id": "q", "inputs": [tensor]}, response={"outputs": [answer]})
    rows, _ = read(posted(tmp_path, document))
    assert values(rows) == [(5.0, "car", "1"), (7.0, "home", "0")]
    assert [r["id"] for r in rows] == ["q_0", "q_1"]


def test_tags_choose_rows(tmp_path: Path) -> None:
    made_up = upload([ROW], tag="_trustyai_synthetic")
    training = upload([{**ROW, "income": 7}, {**ROW, "income": 8}], tag="TRAINING")
    path = posted(tmp_path, upload([ROW]), training, made_up)
    rows, tally = read(path)
    assert [r["x0"] for r in rows] == [5.0, 7.0, 8.0]
    assert "1 of _trustyai_synthetic" in tally.notes[0]
    rows, tally = read(path, kind=Kind.REFERENCE, tags=("TRAINING",))
    assert [r["x0"] for r in rows] == [7.0, 8.0]
    assert "1 of _trustyai_synthetic, 1 of no tag" in tally.notes[0]


def tensor(name: str, rows: int, *data: Any) -> dict[str, Any]:
    return {"name": name, "shape": [rows], "datatype": "INT64", "data": list(data)}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (upload([ROW], is_ground_truth=True), "ground_truth"),
        ({"data_tag": "", "request": None}, "no_data"),
        (upload([ROW], response={"outputs": [tensor("approved", 2, 1, 0)]}), "rows_differ"),
        (upload([ROW], request={"inputs": [tensor("income", 3, 1)]}), "not_tabular"),
    ],
)
def test_what_holds_no_rows_is_told(tmp_path: Path, document: dict[str, Any], reason: str) -> None:
    rows, tally = read(posted(tmp_path, document, upload([ROW])))
    assert (len(rows), tally.reasons) == (1, {reason: 1})


# -- the volume ---------------------------------------------------------------------------------------------------

DATA = "5,car,1\n7,,0\n9,home,1\n"
INTERNAL = """_trustyai_unlabeled,a,2026-02-01T00:00:00.123456789
TRAINING,b,2026-02-01T01:00:00
_trustyai_synthetic,c,2026-02-01T02:00:00
"""


def schema(*names: str, first: int = 0, mapping: dict[str, str] | None = None) -> dict[str, Any]:
    items = {name: {"name": name, "index": first + at} for at, name in reversed(list(enumerate(names)))}
    return {"items": items, "nameMapping": mapping or {}}


def volume(folder: Path, *, data: str = DATA, internal: str | None = INTERNAL, metadata: Any = None) -> Path:
    path = folder / "loans-data.csv"
    path.write_text(data)
    if internal is not None:
        (folder / "loans-internal_data.csv").write_text(internal)
    told = metadata or {"inputSchema": schema("income", "purpose"), "outputSchema": schema("approved", first=2)}
    (folder / "loans-metadata.json").write_text(json.dumps(told))
    return path


def test_three_files_are_one(tmp_path: Path) -> None:
    volume(tmp_path)
    assert registry.sniff(tmp_path).kind == "trustyai"
    rows, tally = read(tmp_path)
    assert values(rows) == [(5.0, "car", "1"), (7.0, None, "0")]
    assert [r["id"] for r in rows] == ["a", "b"]
    assert rows[0]["event_time"] == datetime(2026, 2, 1, 0, 0, 0, 123456)
    assert "1 of _trustyai_synthetic" in tally.notes[0]
    raw = raw_of(tmp_path)
    assert (raw.model, raw.hints["income"], raw.hints["purpose"]) == ("loans", "double", "string")
    assert raw.more_than_bytes and len(raw.beside) == 2


def test_what_stands_beside_is_part_of_the_batch(tmp_path: Path) -> None:
    first = raw_of(volume(tmp_path)).sha256
    assert raw_of(volume(tmp_path)).sha256 == first
    assert raw_of(volume(tmp_path, internal=INTERNAL.replace(",b,", ",x,"))).sha256 != first


@pytest.mark.parametrize(
    "metadata",
    [
        {"inputSchema": schema("in-0", "in-1"), "outputSchema": schema("predict", first=2)},
        {
            "inputSchema": schema("in-0", "in-1", mapping={"in-0": "income", "in-1": "purpose"}),
            "outputSchema": schema("predict", first=2, mapping={"predict": "approved"}),
        },
    ],
)
def test_names_are_the_models_by_place_or_by_mapping(tmp_path: Path, metadata: Any) -> None:
    volume(tmp_path, metadata=metadata)
    assert values(read(tmp_path)[0])[0] == (5.0, "car", "1")


def test_without_ids_the_rows_have_their_places(tmp_path: Path) -> None:
    rows, _ = read(volume(tmp_path, internal=None))
    assert len({r["id"] for r in rows}) == 3


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"data": DATA + "1,2\n", "internal": INTERNAL + "x,d,2026-02-01\n"}, {"csv": 1}),
        ({"data": DATA + "1,car,1\n"}, {"no_id": 1}),
        ({"internal": INTERNAL + "x,d,2026-02-01\n"}, {"file": 1}),
        ({"internal": INTERNAL.replace("2026-02-01T01:00:00", "soon")}, {"no_id": 1}),
        ({"data": '5,"car,1\n7,,0\n9,home,1\n'}, {"csv": 1}),
    ],
)
def test_lines_that_do_not_fit_are_told(tmp_path: Path, changes: dict[str, str], reasons: dict[str, int]) -> None:
    assert read(volume(tmp_path, **changes))[1].reasons == reasons


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"inputSchema": 5}'])
def test_metadata_that_cannot_be_read_is_one_clear_error(tmp_path: Path, text: str) -> None:
    path = volume(tmp_path)
    (tmp_path / "loans-metadata.json").write_text(text)
    with pytest.raises(BadInput, match="metadata") as told:
        raw_of(path)
    assert "together" in told.value.advice


@pytest.mark.realdata
def test_a_volume_of_theirs(real_data: Path, tmp_path: Path) -> None:
    for path in (real_data / "logs" / "trustyai").glob("demo*"):
        shutil.copy(path, tmp_path)
    inputs = ", ".join(f"{{name: customer_data_input-{at}, type: number}}" for at in range(11))
    model = read_model_file(
        f"{{name: demo, version: 1, columns: {{prediction: predict, inputs: [{inputs}]}}}}", source="demo"
    )
    assert registry.sniff(tmp_path).kind == "trustyai"
    rows, tally = read(tmp_path, model, types=(InputType.NUMBER,) * 11)
    assert (len(rows), tally.rejects, tally.ignored, tally.absent) == (10, (), {}, ())
    assert (rows[0]["x1"], rows[0]["x10"], rows[0]["prediction"]) == (297000.0, 3234.0, "1")
    assert rows[0]["id"] == "204f4899-a73c-4c47-8b48-8faf431651f9"
    assert raw_of(tmp_path, model).model == "demo-loan-nn-onnx-beta"
