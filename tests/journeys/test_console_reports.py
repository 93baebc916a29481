"""A report from the form to the signed file: prepared by one person, reviewed by a second, approved by a third; and
what the Verify page says of the file that was taken away, untouched and changed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from demo_console import PASSWORD, Console
from people import IDLE, Person

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

POPOVER = "[data-testid=stPopoverBody]"


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("taken") / "report.pdf"


def test_one_prepares_a_second_reviews_a_third_approves(
    console: Console, enter: Any, tmp_path: Path, taken: Path
) -> None:
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    added = console.cli("user", "add", "carla", "--role", "compliance", "--password-file", password)
    assert added.returncode == 0, added.stderr
    for alert in json.loads(console.cli("alerts", "list", "--json").stdout)["alerts"]:
        if alert["triage"] == "to_review":
            assert console.cli("alerts", "ack", alert["id"]).returncode == 0

    anna, ben, carla = (enter(name) for name in ("anna", "ben", "carla"))
    anna.opens("/reports")
    anna.page.get_by_text("Build a report").click()
    anna.presses("Build report")
    anna.sees("2 reports: 1 draft and 1 ready.")
    anna.presses("Submit")
    anna.sees("2 reports: 1 draft and 1 in review.", "Review: you prepared it, and another person reviews it.")

    carla.opens("/reports?stage=in+review")
    carla.finds("submitted by anna")
    assert not carla.page.get_by_role("button", name="Approve", exact=True).count()
    ben.opens("/reports?stage=in+review")
    ben.presses("Review")
    ben.writes("Note (optional)", "Counted again at branch-north.", within=POPOVER)
    ben.presses("Review", within=POPOVER)
    ben.sees("2 reports: 1 draft and 1 reviewed.")
    ben.opens("/reports?stage=reviewed")
    ben.sees("“Counted again at branch-north.”", "Approve: you reviewed it, and another person approves it.")

    carla.opens("/reports?stage=reviewed")
    carla.presses("Approve")
    carla.sees("3 reports: 1 draft, 1 approved and 1 issued.")
    carla.opens("/reports?stage=issued")
    carla.sees("✓ issued")
    carla.presses("Get PDF")
    with carla.page.expect_download() as coming:
        carla.presses("Download PDF")
    coming.value.save_as(taken)
    told = json.loads(console.cli("report", "verify", taken, "--json").stdout)
    assert (told["integrity"], told["signature"], told["gaps"]) == ("intact", "signed", [])


def hand_in(person: Person, file: Path) -> None:
    person.opens("/verify")
    person.page.set_input_files("input[type=file]", file)
    person.finds("integrity: ")
    person.page.wait_for_selector(IDLE)


def test_the_file_that_was_taken_away_is_intact_and_signed(console: Console, enter: Any, taken: Path) -> None:
    ben = enter("ben")
    hand_in(ben, taken)
    ben.sees("✓ integrity: intact", "✓ signature: signed", "11 of 11 controls answered.", "What was checked")


def test_one_changed_byte_and_a_file_of_somebody_else(
    console: Console, enter: Any, taken: Path, tmp_path: Path
) -> None:
    content = bytearray(taken.read_bytes())
    content[len(content) // 2] ^= 1
    changed, strange = tmp_path / "changed.pdf", tmp_path / "strange.pdf"
    changed.write_bytes(content)
    strange.write_bytes(b"%PDF-1.7\nnothing of ours\n%%EOF\n")
    ben = enter("ben")
    hand_in(ben, changed)
    told = ben.sees("▲ integrity: changed", "▲ signature: broken", "from what was recorded")
    assert "✓ integrity" not in told
    hand_in(ben, strange)
    told = ben.sees("? integrity: unknown", "■ signature: none")
    assert "✓ integrity" not in told and "✓ signature" not in told


def test_controls_by_period_and_what_a_person_declares(console: Console, enter: Any) -> None:
    anna = enter("anna")
    anna.opens("/reports?section=Evidence")
    anna.finds(r"G-10 No alert .* ✓ met")
    anna.page.get_by_text("Declare a control").click()
    anna.writes("What you declare, or why it does not apply", "Small-business loans <b>only</b>")
    anna.presses("Declare")
    anna.sees("Declared by people", "Small-business loans <b>only</b>")
    said = re.search(r"declared anna, \S+", anna.reads())
    assert said, "under the name of who said it"
