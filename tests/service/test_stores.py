"""Object stores through the command line: receipts by URL, settings with references, errors that say what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from commandline import CommandLine
from emulators import EMULATORS, Emulator

from service.config import parse
from service.connections import StoreSettings
from service.stores import store_for
from store.errors import BadInput

LOGS = "modelDataCollector/loans/blue"


@pytest.fixture(scope="module", params=["az", "s3"])
def emulator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with EMULATORS[request.param](tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def line(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name, value in emulator.environ.items():
        monkeypatch.setenv(name, value)
    made = CommandLine(tmp_path)
    with (made.hub / "bailiwick.toml").open("a") as settings:
        settings.write(f'\n[stores.emulator]\nprefix = "{emulator.scheme}://"\n{emulator.settings}')
    made.ok("site", "add", "cloud")
    made.model("loan", [{"name": "x", "type": "number"}], prediction="y", task="binary")
    return made


def event(correlation: str, **data: object) -> bytes:
    told = {"specversion": "1.0", "time": "2026-11-02T10:00:00Z", "correlationid": correlation, **data}
    return json.dumps({**told, "type": "azureml.inference.model_inputs"}).encode() + b"\n"


def test_a_folder_of_a_store_becomes_receipts_once(emulator: Emulator, line: CommandLine) -> None:
    """Inputs and outputs of one request, with a payload beside the log, meet in the hub."""
    payload = emulator.put("journey/payloads/1.json", json.dumps([{"x": 1}, {"x": 2}]).encode())
    inputs = emulator.put(f"journey/{LOGS}/model_inputs/2026/11/02/10/i.jsonl", event("c", dataref=payload))
    outputs = event("c", data=[{"y": 1}, {"y": 0}])
    emulator.put(f"journey/{LOGS}/model_outputs/2026/11/02/10/o.jsonl", outputs)
    words = (f"{emulator.scheme}://journey/{LOGS}", "--site", "cloud", "--model", "loan")
    first = line.ok("ingest", *words)["receipts"]
    assert [(receipt["rows"], receipt["kept"], receipt["repeated"]) for receipt in first] == [(2, 2, False)] * 2
    assert first[0]["source"] == inputs and first[0]["format"] == "azureml"
    assert all(receipt["repeated"] for receipt in line.ok("ingest", *words)["receipts"])
    assert not list((line.hub / "spool").iterdir())


def test_what_a_killed_visit_left_in_the_spool_is_swept(emulator: Emulator, line: CommandLine) -> None:
    """Left by a process that is gone: swept. By one that lives (this one's parent): kept."""
    for pid in ("4194303", str(os.getppid())):
        (line.hub / "spool" / f"visit-{pid}-x").mkdir()
        (line.hub / "spool" / f"visit-{pid}-x" / "object").write_bytes(b"x")
    emulator.put("swept/x.csv", b"x,y\n1,0\n")
    line.ok("ingest", f"{emulator.scheme}://swept/x.csv", "--site", "cloud", "--model", "loan")
    assert [path.name for path in (line.hub / "spool").iterdir()] == [f"visit-{os.getppid()}-x"]


def test_errors_name_the_url_and_what_to_do(emulator: Emulator, line: CommandLine) -> None:
    to = ("--site", "cloud", "--model", "loan")
    emulator.put("errors/other.csv", b"nothing,declared\n1,2\n")
    error = line.refused(2, "ingest", f"{emulator.scheme}://errors/other.csv", *to)
    assert "errors/other.csv" in error["message"] and "visit-" not in str(error)
    error = line.refused(2, "ingest", f"{emulator.scheme}://no-such-thing/x", "--format", "csv", *to)
    assert "no such container" in error["message"]
    error = line.refused(2, "ingest", f"{emulator.scheme}://errors/b.json", *to, "--kind", "summaries")
    assert "bundles" in error["message"]


def test_a_secret_in_clear_is_refused_and_not_repeated() -> None:
    text = '[stores.a]\nprefix = "s3://b/"\nkey = "AKIAVERYSECRET"\n'
    with pytest.raises(BadInput, match=r"stores\.a\.key: expected a reference") as raised:
        parse(text, environ={})
    assert "VERYSECRET" not in str(raised.value.as_json()) and "env:NAME" in raised.value.advice


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('account = "a"', "stores.a.prefix"),
        ('prefix = "ftp://x"', "az://"),
        ('prefix = "az://x"\nacount = "a"', "account"),
        ('prefix = "gs://x"\nidentity = "mine"', "default, managed, none"),
        ('prefix = "az://x"\nendpoint = "https://h/?sig=abc"', "without credentials"),
    ],
)
def test_settings_that_cannot_be_right(lines: str, told: str) -> None:
    with pytest.raises(BadInput) as raised:
        parse(f"[stores.a]\n{lines}\n", environ={})
    assert told in raised.value.message + raised.value.advice and "abc" not in raised.value.message


def test_the_longest_prefix_that_fits_holds() -> None:
    stores = {
        name: StoreSettings(name=name, prefix=prefix, options={})
        for name, prefix in (("all", "az://"), ("one", "az://logs/"), ("deep", "az://logs/loans"))
    }
    chosen = {
        where: store_for(stores, where) for where in ("az://logs/loans/x", "az://logsets/x", "az://logs", "s3://logs")
    }
    assert {where: store and store.name for where, store in chosen.items()} == {
        "az://logs/loans/x": "deep",
        "az://logsets/x": "all",
        "az://logs": "one",
        "s3://logs": None,
    }


def test_a_reference_that_leads_nowhere_names_the_setting(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    with (line.hub / "bailiwick.toml").open("a") as settings:
        settings.write('\n[stores.b]\nprefix = "s3://b/"\nkey = "env:NOT_SET_ANYWHERE"\n')
    line.ok("site", "add", "cloud")
    line.model("loan", ["x"])
    error = line.refused(2, "ingest", "s3://b/x", "--site", "cloud", "--model", "loan")
    assert "[stores.b] key" in error["message"] and "NOT_SET_ANYWHERE" in error["message"]
