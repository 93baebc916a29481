"""The bias audit workpaper from rows to evidence: exact counts, declarations by name, the same numbers again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from world import OWNER, hub_on_disk, viewer_with, write_csv

from service.commands.ingest import ingest
from service.commands.models import add_model
from service.commands.report_release import declare_control
from service.commands.reports import build_report, verify_report
from service.commands.sites import add_site
from service.wiring import Hub
from store.access import Grant
from store.errors import BadInput, NotPermitted, Refused, UnknownName

START = datetime(2026, 10, 1)
SCREENER = """name: screener
version: "1"
owner: {team: people}
task: binary
columns:
  id: id
  time: at
  prediction: {column: moved, good: "yes", values: ["yes", "no"]}
  score: score
  inputs: [{name: years, type: number, range: [0, 40]}]
  groups:
    race: {values: [White, Asian, Hispanic or Latino]}
    sex: {values: [Female, Male]}
"""


def applicants() -> list[dict[str, Any]]:
    races = ("White", "Asian", "Hispanic or Latino", "")
    return [
        {
            "id": n,
            "at": (START + timedelta(minutes=7 * n)).isoformat(),
            "moved": "yes" if n * 7 % 10 < 4 else "no",
            "score": n * 37 % 100 / 100,
            "years": n % 40,
            "race": races[n * 5 % 17 % 4],
            "sex": ("Female", "Male", "Male", "unknown")[n * 3 % 13 % 4],
        }
        for n in range(400)
    ]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = hub_on_disk(tmp_path / "hub")
    add_site(made, OWNER, name="cloud", sharing="rows")
    add_model(made, OWNER, text=SCREENER, source="screener.yaml")
    done = ingest(made, OWNER, paths=[write_csv(tmp_path / "a.csv", applicants())], site="cloud", model="screener")
    assert done["receipts"][0]["kept"] == 400
    yield made
    made.close()


def build(hub: Hub) -> tuple[dict[str, Any], dict[str, Any]]:
    end = START + timedelta(days=30)
    made = build_report(hub, OWNER, pack="nyc-ll144", model="screener", start=START, end=end, format="json")
    return made, json.loads(Path(made["path"]).read_text("utf-8"))["evidence"]


def test_the_counts_are_those_of_the_rows(hub: Hub) -> None:
    made, evidence = build(hub)
    known = [one for one in applicants() if one["race"] and one["sex"] != "unknown"]
    n = Counter((one["sex"], one["race"]) for one in known)
    selected = Counter((one["sex"], one["race"]) for one in known if one["moved"] == "yes")
    held = evidence["impact"]
    assert {(c["sex"], c["race"]): (c["n"], c["selected"]) for c in held["cells"]} == {
        key: (n[key], selected[key]) for key in n
    }
    assert held["unknown"] == 400 - len(known) and held["unmapped"] == 0
    assert sum(one["n"] for one in held["scores"]) == 400
    assert sum(one["n"] for one in held["scores"] if one["sex"] is None) == held["unknown"]
    assert [c["race"] for c in held["cells"]][:3] == ["Hispanic or Latino", "White", "Asian"], "in the order of EEO-1"
    told = verify_report(hub, OWNER, path=Path(made["path"]), recompute_too=True)
    assert told["recomputed"] == {"same": True, "differences": []}


def test_what_nobody_declared_is_missing_and_what_somebody_did_has_a_name(hub: Hub) -> None:
    made, evidence = build(hub)
    assert any(gap.startswith("LL-01") for gap in made["gaps"])
    anna = viewer_with(Grant("compliance"), name="anna")
    declare_control(hub, anna, pack="nyc-ll144", control="LL-01", model="screener", text="in use since 2026-03-01")
    declare_control(
        hub, anna, pack="nyc-ll144", control="LL-09", model="screener", text="all of the use", not_applicable=True
    )
    made, evidence = build(hub)
    controls = {one["id"]: one for one in evidence["controls"]}
    assert (controls["LL-01"]["status"], controls["LL-01"]["by"]) == ("declared", "anna")
    assert controls["LL-09"]["status"] == "not applicable"
    assert not any(gap.startswith("LL-01") for gap in made["gaps"])


def test_what_cannot_be_declared(hub: Hub) -> None:
    def declare(control: str, text: str = "words", model: str = "screener") -> None:
        declare_control(hub, OWNER, pack="nyc-ll144", control=control, model=model, text=text)

    with pytest.raises(Refused, match="answered by the record"):
        declare("LL-03")
    with pytest.raises(UnknownName, match="no control"):
        declare("LL-99")
    with pytest.raises(UnknownName, match="no model"):
        declare("LL-01", model="nobody")
    with pytest.raises(BadInput, match="needs words"):
        declare("LL-01", text=" ")
    auditor = viewer_with(Grant("auditor"))
    with pytest.raises(NotPermitted):
        declare_control(hub, auditor, pack="nyc-ll144", control="LL-01", model="screener", text="words")
