"""Other people's bytes, through ingest: a receipt or one clear error, each row somewhere, and nothing that grows."""

from __future__ import annotations

import gzip
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bad_input import FORMS, check_all_there, cuts, encodings, fed, flips, fresh, sample
from contract import row

from connectors import registry

EVERY = sorted(FORMS)
JSON_KINDS = ("jsonl", "tabular", "azureml", "kserve", "sagemaker", "vertex", "trustyai", "seldon")
OFTEN = pytest.param(40, marks=pytest.mark.long)


def words(real_data: Path) -> list[str]:
    return [word for word in json.loads((real_data / "robustness/strings/blns.json").read_text()) if word]


def feed_all(folder: Path, form: str, variants: Iterator[bytes], name: str) -> list[dict[str, Any]]:
    """Each variant under its own name, into one hub."""
    to = fresh()
    receipts = []
    for at, variant in enumerate(variants):
        place = folder / f"{at}"
        place.mkdir()
        path = place / name
        path.write_bytes(variant)
        receipts += fed(to, path, FORMS[form].kind)
    check_all_there(to, receipts)
    return receipts


def test_every_source_is_fed_bad_input() -> None:
    known = {name.partition(".")[2] for name in registry.names("source")}
    assert {form.kind for form in FORMS.values()} == known


@pytest.mark.parametrize("form", EVERY)
@pytest.mark.parametrize("places", [5, pytest.param(20, marks=pytest.mark.long)])
def test_cut_files(tmp_path: Path, form: str, places: int) -> None:
    path = sample(FORMS[form], tmp_path / "good", [row(n, purpose="é") for n in range(12)])
    receipts = feed_all(tmp_path, form, cuts(path.read_bytes(), places), path.name)
    assert receipts, "no cut was answered by a receipt"


@pytest.mark.parametrize("form", EVERY)
@pytest.mark.parametrize("times", [6, OFTEN])
def test_flipped_bytes(tmp_path: Path, form: str, times: int) -> None:
    path = sample(FORMS[form], tmp_path / "good", [row(n, purpose="é") for n in range(12)])
    receipts = feed_all(tmp_path, form, flips(path.read_bytes(), form, times), path.name)
    assert receipts, "no change was answered by a receipt"


@pytest.mark.parametrize("form", [form for form in EVERY if FORMS[form].text])
def test_wrong_encodings(tmp_path: Path, form: str) -> None:
    path = sample(FORMS[form], tmp_path / "good", [row(n, purpose="Zürich") for n in range(4)])
    feed_all(tmp_path, form, encodings(path.read_bytes()), path.name)


@pytest.mark.realdata
@pytest.mark.parametrize("form", EVERY)
def test_naughty_strings_are_values_and_ids(real_data: Path, tmp_path: Path, form: str) -> None:
    rows = [row(at, id=f"{at} {word}", purpose=word, sex=word) for at, word in enumerate(words(real_data))]
    to = fresh()
    (receipt,) = fed(to, sample(FORMS[form], tmp_path / "a", rows), FORMS[form].kind)
    check_all_there(to, [receipt])
    assert receipt["rows"] == len(rows)
    assert receipt["kept"] >= len(rows) * 0.9


@pytest.mark.realdata
@pytest.mark.parametrize("form", EVERY)
def test_naughty_strings_are_names_of_columns(real_data: Path, tmp_path: Path, form: str) -> None:
    to = fresh()
    names = [word for word in words(real_data) if word.casefold() not in row(0)]
    wide = {name: "1" for name in dict.fromkeys(name.strip() for name in names[:480]) if name}
    receipts = fed(to, sample(FORMS[form], tmp_path / "a", [row(1, **wide), row(2, **wide)]), FORMS[form].kind)
    check_all_there(to, receipts)
    assert [receipt["kept"] for receipt in receipts] == [2]


@pytest.mark.realdata
@pytest.mark.parametrize("kind", JSON_KINDS)
def test_every_json_text_as_a_line(real_data: Path, tmp_path: Path, kind: str) -> None:
    texts = [path.read_bytes() for path in sorted((real_data / "robustness/json").rglob("*.json"))]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(text.replace(b"\n", b" ") for text in texts))
    to = fresh()
    fed(to, path, kind)


@pytest.mark.long
@pytest.mark.realdata
@pytest.mark.parametrize("kind", JSON_KINDS)
def test_every_json_text_as_a_file(real_data: Path, tmp_path: Path, kind: str) -> None:
    to = fresh()
    for path in sorted((real_data / "robustness/json").rglob("*.json")):
        fed(to, path, kind)


def lines_of(form: str, folder: Path) -> tuple[Path, bytes]:
    """A good file of lines, and its first line."""
    path = sample(FORMS[form], folder, [row(1), row(2)])
    return path, path.read_bytes().split(b"\n")[0]


LINES = ("jsonl", "azureml", "kserve", "sagemaker", "vertex-lines", "trustyai", "seldon")


@pytest.mark.parametrize("form", LINES)
def test_json_that_goes_down_and_down(tmp_path: Path, form: str) -> None:
    path, first = lines_of(form, tmp_path / "a")
    deep = b"[" * 100_000 + b"]" * 100_000
    object_ = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    inside = first.rstrip()[:-1] + b',"more":' + deep + b"}"
    path.write_bytes(b"\n".join([first, deep, object_, b"[" * 100_000, inside, b""]))
    to = fresh()
    (receipt,) = fed(to, path, FORMS[form].kind)
    check_all_there(to, [receipt])
    assert receipt["reasons"]["too_deep"] == 4
    assert receipt["kept"] >= 1


@pytest.mark.parametrize("form", LINES)
def test_numbers_that_are_none(tmp_path: Path, form: str) -> None:
    numbers = [math.nan, math.inf, -math.inf, 1e308, -0.0, 10**400, -(10**25), 5e-324]
    to = fresh()
    receipts = fed(
        to, sample(FORMS[form], tmp_path / "a", [row(n, income=x) for n, x in enumerate(numbers)]), FORMS[form].kind
    )
    check_all_there(to, receipts)
    assert [receipt["rows"] for receipt in receipts] == [len(numbers)]


@pytest.mark.parametrize("form", EVERY)
def test_ten_thousand_columns(tmp_path: Path, form: str) -> None:
    wide = row(1, **{f"c{at}": at for at in range(10_000)})
    to = fresh()
    receipts = fed(to, sample(FORMS[form], tmp_path / "a", [wide]), FORMS[form].kind)
    for receipt in receipts:
        assert receipt["kept"] == 0
        assert receipt["quarantined"] >= 1


@pytest.mark.parametrize("form", ["jsonl", "csv", "kserve", "seldon"])
def test_a_bomb_in_gzip(tmp_path: Path, form: str) -> None:
    path, _ = lines_of(form, tmp_path / "a")
    bomb = path.with_name(f"{path.name}.gz")
    with gzip.open(bomb, "wb", compresslevel=1) as stream:
        stream.write(path.read_bytes())
        for _ in range(40):
            stream.write(b" " * (1 << 20))
    to = fresh()
    (receipt,) = fed(to, bomb, FORMS[form].kind)
    assert receipt["reasons"].get("expansion") == 1
