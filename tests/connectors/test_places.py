"""Places: what a format takes in a folder, a glob or a real object store, one object on the disk at a time."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from emulators import AZURE_KEY, EMULATORS, Emulator

from connectors.base import Wanted
from connectors.object_store import OPTIONS, ObjectStore, StoreOptions
from connectors.places import LocalPlace, ObjectPlace, _pattern, scheme_of
from store.errors import BadInput, Final, Retryable

HOUR = "modelDataCollector/loans/blue/model_inputs/2026/11/02/10"
EVENT = {"specversion": "1.0", "id": "e", "type": "azureml.inference.model_inputs", "time": "2026-11-02T10:00:00Z"}


@pytest.fixture(scope="module", params=sorted(EMULATORS))
def emulator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with EMULATORS[request.param](tmp_path_factory.mktemp(request.param)) as running:
        yield running


def options(emulator: Emulator, **changed: str) -> StoreOptions:
    """The store's settings with their references resolved."""
    given = {**tomllib.loads(emulator.settings), **changed}
    known = {
        key: emulator.environ[text.removeprefix("env:")] if text.startswith("env:") else text
        for key, text in given.items()
    }
    return OPTIONS[emulator.scheme](**known)


def visit(emulator: Emulator, path: str, spool: Path) -> ObjectPlace:
    return ObjectPlace(f"{emulator.scheme}://{path}", ObjectStore(emulator.scheme, options(emulator)), spool)


def line(correlation: str, **data: Any) -> bytes:
    return json.dumps({**EVENT, "correlationid": correlation, **data}).encode() + b"\n"


def rows_of(place: Any, format_name: str = "auto") -> dict[str, list[dict[str, Any]]]:
    source = place.source(format_name)
    out = {}
    for found in place.files(source):
        with place.brought(found, source) as file:
            chunks = list(source.read(file, source.options(), Wanted()).chunks())
            assert not [record for chunk in chunks for record in chunk.unreadable]
            out[file.name] = [row for chunk in chunks for row in chunk.table.to_pylist()]
    return out


def test_a_folder_of_a_store_gives_what_the_format_takes(emulator: Emulator, tmp_path: Path) -> None:
    emulator.put(f"walked/{HOUR}/b.jsonl", line("b", data=[{"x": 2}]))
    emulator.put(f"walked/{HOUR}/a.jsonl", line("a", data=[{"x": 1}]))
    emulator.put(f"walked/{HOUR}/notes.txt", b"not of this format")
    emulator.put("walked/elsewhere/c.jsonl", line("c", data=[{"x": 3}]))
    place = visit(emulator, "walked/modelDataCollector", tmp_path)
    assert place.source("auto").kind == "azureml"
    assert rows_of(place) == {
        f"{emulator.scheme}://walked/{HOUR}/a.jsonl": [{"x": 1}],
        f"{emulator.scheme}://walked/{HOUR}/b.jsonl": [{"x": 2}],
    }
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) == 0, "the spool is empty again"


def test_one_object_stands_for_itself_and_a_changed_one_has_another_stamp(emulator: Emulator, tmp_path: Path) -> None:
    url = emulator.put("single/rows.csv", b"x,y\n1,2\n")
    emulator.put("single/rows.csv.bak", b"x,y\n9,9\n")
    place = visit(emulator, "single/rows.csv", tmp_path / "1")
    (first,) = place.files(place.source("auto"))
    assert (first.key, first.size) == (url, 8) and first.etag and first.modified is not None
    assert [row["x"] for row in rows_of(place)[url]] == ["1"]
    emulator.put("single/rows.csv", b"x,y\n3,4\n")
    again = visit(emulator, "single/rows.csv", tmp_path / "2")
    (second,) = again.files(again.source("csv"))
    assert second.size == first.size and second.etag != first.etag


def test_a_glob_chooses_among_the_objects(emulator: Emulator, tmp_path: Path) -> None:
    for day in ("01", "02", "11"):
        emulator.put(f"globbed/2026/{day}/x.csv", b"x\n1\n")
    found = rows_of(visit(emulator, "globbed/2026/0?", tmp_path), "csv")
    assert [name[-8:] for name in found] == ["01/x.csv", "02/x.csv"]


def test_a_payload_is_followed_inside_the_container_and_nowhere_else(emulator: Emulator, tmp_path: Path) -> None:
    """The reference names an object beside what was walked; one of another container stays where it is."""
    emulator.put("payloads/kept/big.json", json.dumps([{"x": 7}, {"x": 8}]).encode())
    emulator.put("others/kept/secret.json", json.dumps([{"x": 99}]).encode())
    inside = "https://account.blob.core.windows.net/payloads/kept/big.json"
    outside = "https://account.blob.core.windows.net/others/kept/secret.json"
    emulator.put(f"payloads/{HOUR}/a.jsonl", line("a", dataref=inside) + line("b", dataref=outside))
    place = visit(emulator, f"payloads/{HOUR}", tmp_path)
    source = place.source("azureml")
    (found,) = place.files(source)
    with place.brought(found, source) as file:
        chunks = list(source.read(file, source.options(), Wanted()).chunks())
    assert [row for chunk in chunks for row in chunk.table.to_pylist()] == [{"x": 7}, {"x": 8}]
    assert [record.reason for chunk in chunks for record in chunk.unreadable] == ["dataref"]


def test_of_a_delta_table_only_the_files_of_its_newest_version(tmp_path: Path, tmp_path_factory: Any) -> None:
    table = tmp_path / "table"
    for values, mode in (([1, 2], "append"), ([7], "overwrite"), ([8], "append")):
        write_deltalake(str(table), pa.table({"x": values}), mode=mode)
    with EMULATORS["s3"](tmp_path_factory.mktemp("emulator")) as running:
        for path in (path for path in table.rglob("*") if path.is_file()):
            running.put(f"lake/table/{path.relative_to(table).as_posix()}", path.read_bytes())
        read = rows_of(visit(running, "lake/table", tmp_path / "spool"), "tabular")
    assert sorted(row["x"] for rows in read.values() for row in rows) == [7, 8]


def test_what_is_not_there_is_told(emulator: Emulator, tmp_path: Path) -> None:
    emulator.put("present/x.csv", b"x\n1\n")
    for path in ("no-such-container/logs", "present/no-such-folder"):
        with pytest.raises(BadInput, match="there is no") as raised:
            list(visit(emulator, path, tmp_path).files(visit(emulator, "present", tmp_path).source("csv")))
        assert raised.value.advice


def test_a_wrong_key_is_denied_and_stands_in_no_message(tmp_path: Path) -> None:
    with EMULATORS["az"](tmp_path) as running:
        running.put("closed/x.csv", b"x\n1\n")
        wrong = "AAAA" + AZURE_KEY[4:]
        store = ObjectStore("az", options(running, key=wrong))
        with pytest.raises(Final, match="denies access") as raised:
            store.listing("closed")
        assert wrong not in str(raised.value.as_json()) and raised.value.advice


def test_a_store_that_does_not_answer_may_answer_later() -> None:
    nobody = "http://127.0.0.1:9"
    for store in (
        ObjectStore("s3", OPTIONS["s3"](endpoint=nobody, key="id", secret="hidden-words")),
        ObjectStore("az", OPTIONS["az"](account="a", endpoint=f"{nobody}/a", key="aGlkZGVuLXdvcmRz")),
    ):
        with pytest.raises(Retryable, match="does not answer") as raised:
            store.listing("bucket")
        assert "hidden-words" not in str(raised.value.as_json())


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(BadInput, match="s3fs") as raised:
        ObjectStore("s3", OPTIONS["s3"]())
    assert "pip install 'bailiwick[stores]'" in raised.value.advice


def test_folders_and_globs_of_this_machine(tmp_path: Path) -> None:
    for day in ("01", "02", "11"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "x.csv").write_text("x\n1\n")
    assert sorted(rows_of(LocalPlace(tmp_path))) == ["01/x.csv", "02/x.csv", "11/x.csv"]
    assert sorted(rows_of(LocalPlace(tmp_path / "0?"))) == ["01/x.csv", "02/x.csv"]
    with pytest.raises(BadInput, match="nothing matches"):
        LocalPlace(tmp_path / "9*").source("auto")


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("c/a", ["c/a", "c/a/b.csv"], ["c/ab", "c/b"]),
        ("c/*/x.csv", ["c/1/x.csv"], ["c/1/2/x.csv", "c/x.csv"]),
        ("c/**/x.csv", ["c/x.csv", "c/1/2/x.csv"], ["c/1/y.csv"]),
        ("c/[!0]?", ["c/1a/z", "c/11"], ["c/0a", "c/1"]),
        ("c/a.b*", ["c/a.b", "c/a.bc"], ["c/aXb"]),
    ],
)
def test_globs(pattern: str, matching: list[str], others: list[str]) -> None:
    assert all(_pattern(pattern).match(path) for path in matching)
    assert not any(_pattern(pattern).match(path) for path in others)


def test_addresses() -> None:
    assert scheme_of("/data/logs") is None and scheme_of("az://c/x") == "az"
    with pytest.raises(BadInput, match="no store of ftp://"):
        scheme_of("ftp://host/x")
    with pytest.raises(BadInput, match="is missing"):
        scheme_of("s3://")
