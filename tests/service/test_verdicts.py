"""A file that somebody hands in: the same verdict as the command line's, from a process that can do no harm."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from world import FIRST, OWNER, hub_on_disk, populate, rows_of, take, viewer_with, write_csv

from service import verdicts
from service.commands.monitoring import monitor
from service.commands.reports import build_report, check_file, report_evidence, verify_report
from service.wiring import Hub
from store.access import Grant
from store.errors import BadInput, NotPermitted, UnknownName


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("checked")
    made = populate(hub_on_disk(folder / "hub"))
    take(made, write_csv(folder / "rows.csv", rows_of(0, 300)))
    monitor(made, OWNER)
    yield made
    made.close()


@pytest.fixture(scope="module")
def made(hub: Hub) -> Path:
    period = {"start": FIRST, "end": FIRST + timedelta(days=8)}
    return Path(build_report(hub, OWNER, pack="general", model="loan", format="pdf", **period)["path"])


def kept(hub: Hub) -> set[tuple[str, int]]:
    files = [path for path in hub.folder.rglob("*") if path.is_file() and not path.name.startswith("hub.duckdb")]
    return {(str(path), path.stat().st_mtime_ns) for path in files}


def test_the_verdict_is_the_command_lines_and_nothing_is_written(hub: Hub, made: Path) -> None:
    before, seq = kept(hub), hub.store.reads(OWNER).seq
    told = check_file(hub, OWNER, content=made.read_bytes(), file_name="a copy.pdf")
    assert told["integrity"] == "intact" and told["signature"] == "signed"
    same = verify_report(hub, OWNER, path=made)
    assert {**told, "file": ""} == {**same, "file": ""}
    assert kept(hub) == before and hub.store.reads(OWNER).seq == seq


def test_a_changed_byte_is_found_apart_too(hub: Hub, made: Path) -> None:
    content = bytearray(made.read_bytes())
    content[len(content) // 2] ^= 1
    told = check_file(hub, OWNER, content=bytes(content), file_name="report.pdf")
    assert told["integrity"] == "changed" and told["findings"]


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"hello\n\nworld", b"%PDF-1.7\n%%EOF", b"{}", b'{"id": [1]}', b"<!doctype html>"]
)
def test_what_is_not_ours_is_unknown(hub: Hub, content: bytes) -> None:
    told = check_file(hub, OWNER, content=content, file_name="x")
    assert told["integrity"] == "unknown" and told["steps"][0]["held"] is None


def test_a_stream_that_would_fill_the_memory_ends_its_reader_alone(hub: Hub) -> None:
    deflate = zlib.compressobj(1)
    zeros = bytes(2**24)
    stream = b"".join(deflate.compress(zeros) for _ in range(24)) + deflate.flush()
    objects = [b"<</Type/Catalog/Pages 2 0 R/Metadata 3 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"]
    objects.append(b"<</Filter/FlateDecode/Length %d>>stream\n" % len(stream) + stream + b"\nendstream")
    objects.append(b"<</Producer(x)>>")
    pdf, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(pdf))
        pdf += b"%d 0 obj" % number + body + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size 5/Root 1 0 R/Info 4 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(pdf)
    pdf += b"xref\n0 5\n0000000000 65535 f \n" + table + end
    told = verdicts.verdict_apart(pdf, "bomb.pdf", [], hub.folder, memory=2**30)
    assert told["integrity"] == "unknown"
    assert [one["what"][:23] for one in told["findings"]] == ["metadata cannot be read"]


def test_too_many_bytes_are_refused_before_they_are_read(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "MOST_BYTES", 10)
    with pytest.raises(BadInput, match="11 bytes") as refused:
        check_file(hub, OWNER, content=b"x" * 11, file_name="big.pdf")
    assert "report verify" in refused.value.advice


def test_a_reader_that_comes_to_no_end_is_stopped(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "SECONDS", 0.01)
    with pytest.raises(BadInput, match="within"):
        check_file(hub, OWNER, content=b"{}", file_name="slow.json")


def test_who_may_not_read_reports_checks_none_and_other_models_stay_unknown(hub: Hub, made: Path) -> None:
    with pytest.raises(NotPermitted):
        check_file(hub, viewer_with(Grant("site-operator")), content=b"x", file_name="x")
    elsewhere = viewer_with(Grant("regulator", model="other"))
    told = check_file(hub, elsewhere, content=made.read_bytes(), file_name="report.pdf")
    assert told["integrity"] == "unknown" and told["signature"] == "signed"
    with pytest.raises(UnknownName):
        report_evidence(hub, elsewhere, id=made.stem)


def test_what_the_library_shows_comes_from_the_recorded_file_alone(hub: Hub, made: Path) -> None:
    told = report_evidence(hub, OWNER, id=made.stem)["told"]
    assert {c["id"] for c in told["controls"]} >= {"G-01", "G-11"} and told["coverage"]
    content = made.read_bytes()
    try:
        made.write_bytes(content + b" ")
        from service.commands import reports

        reports._told.cache_clear()
        assert report_evidence(hub, OWNER, id=made.stem)["told"] is None
    finally:
        made.write_bytes(content)
