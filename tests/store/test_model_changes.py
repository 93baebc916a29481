"""What differs between two model files, and what of it needs a reason."""

from __future__ import annotations

import pytest

from store.model_changes import Change, changes, needs_reason
from store.model_reader import read_model_file

BASE = """
name: m
version: 1
owner: risk
columns:
  inputs: [{name: income, type: number, range: [0, 10]}, term]
  prediction: {column: y, good: 1}
  groups: [sex]
reference: r.csv
watch:
  window: 1d
  fairness: [{measure: selection_rate_ratio, of: sex, at_least: 0.80}]
"""


def between(old: str, new: str) -> list[Change]:
    return changes(read_model_file(old, source="old.yaml"), read_model_file(new, source="new.yaml"))


def test_the_same_meaning_is_no_change() -> None:
    assert between(BASE, BASE.replace("window: 1d", "window: {every: 24h, at_least: 200}").replace("0.80", "0.8")) == []


@pytest.mark.parametrize(
    ("old", "new", "path", "values"),
    [
        ("0.80", "0.70", "watch.fairness[selection_rate_ratio of sex].at_least", ("0.8", "0.7")),
        ("window: 1d", "window: 7d", "watch.window.every", ("1d", "7d")),
        ("[0, 10]", "[0, 20]", "columns.inputs[income].range", ("0, 10", "0, 20")),
        ("r.csv", "s.csv", "reference.file", ("r.csv", "s.csv")),
        ("groups: [sex]", "groups: {sex: {values: [F, M]}}", "columns.groups[sex].values", (None, "F, M")),
        ("good: 1", "good: 0", "columns.prediction.good", ("1", "0")),
    ],
)
def test_what_moves_a_limit_needs_a_reason(old: str, new: str, path: str, values: tuple[str | None, str]) -> None:
    found = between(BASE, BASE.replace(old, new))
    assert Change(path, *values, moves_limit=True) in found
    assert needs_reason(found)


@pytest.mark.parametrize(
    ("old", "new"), [("owner: risk", "owner: audit"), ("version: 1", "version: 2"), ("owner: risk", "use: loans")]
)
def test_words_do_not(old: str, new: str) -> None:
    assert not needs_reason(between(BASE, BASE.replace(old, new)))


def test_who_looks_and_by_when_is_no_limit_and_what_makes_an_alert_is() -> None:
    watch = "watch:\n  alerts: {owner: ana, due: 3d, persistence: 2 of 3}\n"
    found = between(BASE, BASE.replace("watch:\n", watch))
    moving = {change.path for change in found if change.moves_limit}
    assert moving == {"watch.alerts.persistence"} and len(found) > 1


def test_a_limit_that_goes_is_told() -> None:
    gone = BASE[: BASE.index("  fairness")]
    found = between(BASE, gone)
    assert Change("watch.fairness[selection_rate_ratio of sex].at_least", "0.8", None, moves_limit=True) in found


def test_an_input_that_comes_is_told_by_name() -> None:
    found = between(BASE, BASE.replace("term]", "term, age]"))
    assert [change.path for change in found] == ["columns.inputs", "columns.inputs[age].name"]
    assert found[0].old == "income, term" and found[0].new == "income, term, age"
