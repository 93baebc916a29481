"""`connect`: what is there, what is missing, a draft that can be added at once, a preview; and nothing stored."""

from __future__ import annotations

import base64
import csv
import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from commandline import CommandLine
from emulators import EMULATORS

from service.connecting_layout import Where, where_of
from store.model_reader import read_model_file

START = datetime(2026, 9, 7, 10)
ROOT = "modelDataCollector/loans/blue"


def logs(*, days: int = 20, outputs: bool = True, drift: float = 0.0) -> dict[str, bytes]:
    """Name and content of a deployment's hours: inputs with two columns, outputs with a decision."""
    chance = random.Random(3)
    out = {}
    for day in range(days):
        moment = START + timedelta(days=day)
        inputs, given = [], []
        for place in range(40):
            income = chance.gauss(50, 10) + (drift if day >= 10 else 0)
            told = {
                "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
                "correlationid": f"{day}-{place}",
                "modelversion": "default",
            }
            inputs.append({**told, "data": [{"income": round(income, 2), "purpose": chance.choice(["car", "home"])}]})
            given.append({**told, "data": [{"approved": int(income > 50)}]})
        hour = f"{moment:%Y/%m/%d/%H}/log.jsonl"
        out[f"{ROOT}/model_inputs/{hour}"] = lines(inputs)
        if outputs:
            out[f"{ROOT}/model_outputs/{hour}"] = lines(given)
    return out


def lines(events: list[dict[str, Any]]) -> bytes:
    head = {
        "specversion": "1.0",
        "id": "e",
        "type": "azureml.inference.x",
        "source": "Microsoft.MachineLearningServices",
    }
    return "".join(json.dumps({**head, **event}) + "\n" for event in events).encode()


def laid_down(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def test_a_collectors_folder_is_told_drafted_and_previewed(line: CommandLine) -> None:
    folder = laid_down(line.folder / "store", logs(drift=30))
    before = line.ok("audit", "list")
    (found,) = line.ok("connect", "azureml", folder, "-o", "drafts")["deployments"]
    assert (found["name"], found["endpoint"], found["deployment"]) == ("loans-blue", "loans", "blue")
    told = {each["collection"]: each for each in found["collections"]}
    assert set(told) == {"model_inputs", "model_outputs"}
    assert (told["model_inputs"]["files"], told["model_inputs"]["hours"], told["model_inputs"]["rows_read"]) == (
        20,
        20,
        800,
    )
    assert [column["name"] for column in told["model_inputs"]["columns"]] == ["income", "purpose"]
    draft = read_model_file(Path(found["file"]).read_text(), source="draft")
    assert draft.columns.prediction is not None and draft.columns.prediction.column == "approved"
    assert [each.name for each in draft.columns.inputs] == ["income", "purpose"]
    missing = " ".join(item["what"] for item in found["missing"])
    assert "No labels" in missing and "modelversion" in missing
    assert found["preview"]["rows_reference"] == 280 and "first week" in found["preview"]["reference"]
    drifted = {(result["monitor"], result["about"]) for result in found["preview"]["outside"]}
    assert ("drift", "income") in drifted
    assert line.ok("audit", "list") == before and line.ok("model", "list")["models"] == []


def test_the_commands_it_prints_carry_on(line: CommandLine) -> None:
    folder = laid_down(line.folder / "store", logs(days=3))
    (found,) = line.ok("connect", "azureml", folder, "-o", "drafts")["deployments"]
    for words in found["next"]:
        line.ok(*words.replace("SITE", "cloud").removeprefix("bailiwick ").split(" "))
    kept = sum(receipt["kept"] for receipt in line.ok("site", "show", "cloud")["receipts"])
    assert kept == 240
    assert "is there already" in line.refused(2, "connect", "azureml", folder, "-o", "drafts")["message"]


def test_outputs_without_inputs_and_halves_that_do_not_meet_are_said(line: CommandLine) -> None:
    files = logs(days=2)
    alone = laid_down(line.folder / "alone", {name: text for name, text in files.items() if "outputs" in name})
    (found,) = line.ok("connect", "azureml", alone)["deployments"]
    assert "There are outputs and no inputs" in [item["what"] for item in found["missing"]]
    half = {name: text for name, text in files.items() if "outputs" in name or "/08/" in name}
    (found,) = line.ok("connect", "azureml", laid_down(line.folder / "half", half))["deployments"]
    assert any(item["what"].startswith("40 of 80 outputs have no inputs") for item in found["missing"])


def test_a_folder_of_tables_needs_no_hub(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    with (tmp_path / "rows.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "income", "note", "decision"])
        writer.writerows([n, n % 17, "words " * 20 + str(n % 3), n % 2] for n in range(400))
    (found,) = line.ok("connect", "folder", "rows.csv", "--hub", tmp_path / "none")["deployments"]
    assert "prediction: decision" in found["draft"] and "words words" not in found["draft"]
    assert "first quarter" in found["preview"]["reference"]
    assert not (tmp_path / "none").exists()


def test_a_store_is_looked_at_like_a_folder(line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "emulator").mkdir()
    with EMULATORS["s3"](tmp_path / "emulator") as running:
        for name, value in running.environ.items():
            monkeypatch.setenv(name, value)
        with (line.hub / "bailiwick.toml").open("a") as settings:
            settings.write(f'\n[stores.s]\nprefix = "s3://"\n{running.settings}')
        for name, content in logs(days=2).items():
            running.put(f"box/{name}", content)
        (found,) = line.ok("connect", "azureml", "s3://box")["deployments"]
        assert found["name"] == "loans-blue" and found["collections"][0]["rows_read"] == 80
        error = line.refused(2, "connect", "azureml", "s3://box/nothing")
        assert "there is no object" in error["message"]


def test_requests_and_responses_of_kserve(line: CommandLine) -> None:
    """Both halves in one folder, named by service: the response's column is the prediction."""
    folder = line.folder / "ns" / "iris" / "predictor" / "store"
    for place in range(3):
        for half, body in (
            ("request", '{"instances": [[6.8, 2.8], [6.0, 3.4]]}'),
            ("response", '{"predictions": [1, 0]}'),
        ):
            record = {"id": str(place), "reqType": half, "inferenceService": "iris", "namespace": "ns"}
            record |= {"bytes": base64.b64encode(body.encode()).decode(), "contentType": "application/json"}
            record |= {"occurrenceTime": f"2026-11-0{place + 1}T10:00:00Z", "component": "predictor"}
            laid_down(folder, {f"{place}-{half}.json": json.dumps(record).encode()})
    (found,) = line.ok("connect", "kserve", line.folder / "ns")["deployments"]
    assert found["name"] == "ns-iris" and "prediction: predictions" in found["draft"]
    assert {each["collection"]: each["rows_read"] for each in found["collections"]} == {"request": 6, "response": 6}
    assert found["preview"]["rows_kept"] == 12


def test_what_cannot_be_connected_is_refused(line: CommandLine) -> None:
    assert "azureml" in line.refused(2, "connect", "azurml", ".")["advice"]
    (line.folder / "empty").mkdir()
    assert "nothing of azureml" in line.refused(2, "connect", "azureml", "empty")["message"]


@pytest.mark.realdata
@pytest.mark.parametrize("folder", ["e2e/resources", "unit/raw_mdc_data"])
def test_azures_own_samples(line: CommandLine, real_data: Path, folder: str) -> None:
    (found,) = line.ok("connect", "azureml", real_data / "logs" / "azureml_mdc" / folder)["deployments"]
    assert found["draft"] and found["preview"]["reason"] is None
    assert all(len(text) < 400 for text in found["draft"].splitlines()), "no transcript stands in a draft"
    line.run("connect", "azureml", real_data / "logs" / "azureml_mdc" / folder)


@pytest.mark.parametrize(
    ("key", "kind", "wanted"),
    [
        (
            f"az://c/{ROOT}/model_inputs/2026/11/02/10/x.jsonl",
            "azureml",
            ("loans", "blue", "model_inputs", "2026/11/02/10"),
        ),
        ("/a/uri_folder_model_outputs/2023/01/x.jsonl", "azureml", (None, None, "model_outputs", "2023/01")),
        ("s3://b/ns/iris/predictor/p/1-request.json", "kserve", ("ns", "iris", "request", "")),
        ("/data/rows.csv", "folder", (None, None, "rows", "")),
    ],
)
def test_what_a_path_speaks_of(key: str, kind: str, wanted: tuple[str | None, str | None, str, str]) -> None:
    endpoint, deployment, collection, hour = wanted
    assert where_of(key, kind) == Where(endpoint=endpoint, deployment=deployment, collection=collection, hour=hour)
