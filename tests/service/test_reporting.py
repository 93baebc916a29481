"""Reports: built, verified, found changed by one byte, and computed again to the same numbers later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from world import FIRST, OWNER, hub_on_disk, label, populate, rows_of, take, viewer_with, write_csv

from service.commands.monitoring import monitor
from service.commands.reports import build_report, report_file, verify_report
from service.wiring import Hub
from store.access import Grant
from store.errors import BadInput, NotPermitted, Refused, UnknownName


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("reports")
    made = populate(hub_on_disk(folder / "hub"))
    take(made, write_csv(folder / "rows.csv", rows_of(0, 300)))
    take(made, write_csv(folder / "labels.csv", [label(n) for n in range(200)]), kind="labels")
    monitor(made, OWNER)
    yield made
    made.close()


def build(hub: Hub, format_: str, **more: Any) -> dict[str, Any]:
    period = {"start": FIRST, "end": FIRST + timedelta(days=8), **more}
    return build_report(hub, OWNER, pack="general", model="loan", format=format_, **period)


@pytest.mark.parametrize("format_", ["json", "html", "pdf"])
def test_a_report_is_intact_until_one_byte_changes(hub: Hub, tmp_path: Path, format_: str) -> None:
    made = build(hub, format_)
    content = Path(made["path"]).read_bytes()
    copy = tmp_path / f"anything.{format_}"
    copy.write_bytes(content)
    told = verify_report(hub, OWNER, path=copy, recompute_too=True)
    assert told["integrity"] == "intact" and told["recomputed"] == {"same": True, "differences": []}
    for at in (len(content) // 3, len(content) // 2, len(content) - 2):
        copy.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert verify_report(hub, OWNER, path=copy)["integrity"] in ("changed", "unknown")
    copy.write_bytes(content + b"\n")
    assert verify_report(hub, OWNER, path=copy)["integrity"] == "changed"
    copy.write_bytes(content[:-20])
    assert verify_report(hub, OWNER, path=copy)["integrity"] != "intact"


def test_a_digit_that_was_changed_is_named(hub: Hub, tmp_path: Path) -> None:
    made = build(hub, "json")
    text = Path(made["path"]).read_text(encoding="utf-8")
    copy = tmp_path / "report.json"
    copy.write_text(
        text.replace('"at_least":0.8', '"at_least":0.7').replace('"at_least": 0.8', '"at_least": 0.7'), "utf-8"
    )
    if copy.read_text(encoding="utf-8") == text:
        copy.write_text(text.replace("0.8", "0.7", 1), encoding="utf-8")
    told = verify_report(hub, OWNER, path=copy)
    assert told["integrity"] == "changed" and told["findings"]


def test_the_numbers_are_found_again_after_late_rows_and_labels(hub: Hub, tmp_path: Path) -> None:
    made = Path(build(hub, "json")["path"])
    before = hub.store.reads(OWNER).seq
    take(hub, write_csv(tmp_path / "late.csv", rows_of(5000, 5040)))
    wrong = [label(n, value=n % 2) for n in range(150, 260)]
    take(hub, write_csv(tmp_path / "labels.csv", wrong), kind="labels")
    monitor(hub, OWNER)
    assert hub.store.reads(OWNER).seq > before
    told = verify_report(hub, OWNER, path=made, recompute_too=True)
    assert told["integrity"] == "intact" and told["recomputed"]["differences"] == []


def test_a_tampered_hub_gives_other_numbers(hub: Hub) -> None:
    made = Path(build(hub, "json")["path"])
    cursor = hub.store.cursor()
    cursor.execute("CREATE TEMP TABLE kept AS SELECT * FROM summary")
    cursor.execute("UPDATE summary SET counts = list_transform(counts, lambda c: c * 2) WHERE section = 'outcomes'")
    told = verify_report(hub, OWNER, path=made, recompute_too=True)
    cursor.execute("DELETE FROM summary")
    cursor.execute("INSERT INTO summary SELECT * FROM kept")
    assert told["recomputed"]["same"] is False and told["recomputed"]["differences"]
    assert verify_report(hub, OWNER, path=made, recompute_too=True)["recomputed"]["same"] is True


def test_what_is_not_ours_is_unknown(hub: Hub, tmp_path: Path) -> None:
    for name, content in (
        ("a.pdf", b"%PDF-1.7 not ours"),
        ("a.json", b"{}"),
        ("a.html", b""),
        ("a.bin", bytes(range(256))),
    ):
        (tmp_path / name).write_bytes(content)
        assert verify_report(hub, OWNER, path=tmp_path / name)["integrity"] == "unknown"
    with pytest.raises(BadInput, match="cannot be read"):
        verify_report(hub, OWNER, path=tmp_path / "none.pdf")


def test_what_cannot_be_built(hub: Hub) -> None:
    with pytest.raises(Refused, match="cannot be issued"):
        build(hub, "json", issue=True)
    with pytest.raises(BadInput, match="before it begins"):
        build(hub, "json", start=FIRST, end=FIRST)
    with pytest.raises(BadInput, match="'docx' is none of"):
        build(hub, "docx")
    with pytest.raises(NotPermitted):
        build_report(hub, viewer_with(Grant("auditor")), pack="general", model="loan", start=FIRST, end=FIRST)


def test_who_may_read_which_report(hub: Hub) -> None:
    made = build(hub, "json")
    reader = viewer_with(Grant("regulator", model="loan"))
    held = report_file(hub, reader, id=made["id"])
    assert held["bytes"] == Path(made["path"]).read_bytes()
    for other in (viewer_with(Grant("regulator", model="other")), viewer_with(Grant("site-operator"))):
        with pytest.raises(UnknownName):
            report_file(hub, other, id=made["id"])
        assert other.roles and hub.store.reads(other).reports() == []
