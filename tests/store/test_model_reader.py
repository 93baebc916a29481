"""Model files: short forms, strictness, and messages that say where and what to do."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.canonical import canonical_json
from store.documents import parse_document
from store.durations import format_duration, parse_duration
from store.errors import BadInput
from store.model_file import AlertWatch, ColumnDrift, Group, InputType, ModelFile, Task
from store.model_reader import read_model_file

EXAMPLES = Path(__file__).parents[2] / "examples"

FULL = """
name: loan-approval
version: "3"
title: Small-business loans
owner: {team: credit-risk, email: mr@example.org}
use: Decides small-business loans up to 50,000
tier: {level: 1, why: exposure 1.2 bn}
task: binary                         # binary multiclass regression
columns:
  id: prediction_id
  time: event_time
  prediction: {column: approved, good: 1, good_means: loan granted}
  score: probability
  outcome: {column: repaid, expected_after: 90d, give_up_after: 400d}
  inputs:
    - {name: income, type: number, range: [0, 500000]}
    - {name: loan_purpose, type: category, values: [car, home]}
    - term
  groups: {sex: {}, age: {bands: [18, 25, 40, 65]}}
  segments: [channel]
  person: customer_id
reference: {file: reference.parquet}
watch:
  window: {every: 1d, at_least: 200, up_to: 30d}
  drift: {method_set: bailiwick, columns: {income: {measure: psi, at_most: 0.2}}}
  fairness: [{measure: selection_rate_ratio, of: sex, at_least: 0.80, source: policy MR-14}]
  performance: [{measure: roc_auc, at_least: 0.75}, {measure: log_loss, at_most: 0.6}]
  quality: {missing: 0.05, unseen: 0.01}
privacy: {people: customers, unit: user-day, contributions: 1}
retrain: {executor: local, command: python train.py, approvals: 1, gate: {roc_auc: no_worse_than 0.01}}
"""


def read(text: str, source: str = "m.yaml") -> ModelFile:
    return read_model_file(text, source=source)


def minimal(**more: object) -> str:
    columns = {"inputs": ["x"], **more.pop("columns", {})}  # type: ignore[dict-item]  # a dict by construction
    return json.dumps({"name": "m", "version": "1", "columns": columns, **more})


def test_the_whole_file_of_the_contract_is_read() -> None:
    model = read(FULL)
    assert (model.name, model.version, model.task, model.tier.level) == ("loan-approval", "3", Task.BINARY, 1)
    assert [item.type for item in model.columns.inputs] == [InputType.NUMBER, InputType.CATEGORY, None]
    assert model.columns.groups == (Group(name="sex"), Group(name="age", bands=(18, 25, 40, 65)))
    assert model.columns.prediction is not None and model.columns.prediction.good == "1"
    assert model.columns.outcome is not None and model.columns.outcome.give_up_after == timedelta(days=400)
    assert model.watch.drift.columns == (("income", ColumnDrift(measure="psi", at_most=0.2)),)
    assert model.watch.fairness[0].source == "policy MR-14"
    assert model.retrain is not None and model.retrain.gate == (("roc_auc", "no_worse_than", 0.01),)
    assert model.document["watch"]["fairness"][0]["at_least"] == "0.80"
    assert canonical_json(model.document)


def test_only_three_keys_are_required() -> None:
    model = read("name: m\nversion: 3\ncolumns: {inputs: [a, b]}\nwatch:\n")
    assert model.version == "3" and model.watch == ModelFile.__dataclass_fields__["watch"].default
    for gone in ("name", "version", "columns"):
        text = "".join(f"{line}\n" for line in ("name: m", "version: 3", "columns: {inputs: [a]}") if gone not in line)
        with pytest.raises(BadInput, match=rf"m\.yaml: {gone}: expected a value"):
            read(text)


def test_short_forms_mean_the_long_ones() -> None:
    short = read(
        "name: m\nversion: 1.10\nowner: risk\ntier: 1\nreference: r.csv\n"
        "columns: {inputs: [x], prediction: approved, outcome: repaid, groups: [sex, race], segments: channel}\n"
        "watch: {window: 1d, drift: azureml,\n"
        "        fairness: {measure: selection_rate_ratio, of: race & sex, at_least: 0.8}}\n"
        "privacy: {people: customers}\nretrain: python train.py\n"
    )
    long = read(
        'name: m\nversion: "1.10"\nowner: {team: risk}\ntier: {level: 1}\nreference: {file: r.csv}\n'
        "columns:\n  inputs: [{name: x}]\n  prediction: {column: approved}\n  outcome: {column: repaid}\n"
        "  groups: {sex: {}, race:}\n  segments: [channel]\n"
        "watch:\n  window: {every: 24h}\n  drift: {method_set: azureml}\n"
        "  fairness: [{measure: selection_rate_ratio, of: sex & race, at_least: 0.80}]\n"
        "privacy: {people: customers, unit: row, contributions: 1}\nretrain: {command: python train.py}\n"
    )
    assert short == long
    assert short.version == "1.10"


def test_scalars_keep_their_text_in_yaml_and_in_json() -> None:
    yaml = read("name: m\nversion: 1.10\ncolumns: {inputs: [{name: x, values: [NO, on, 1.0]}]}")
    text = '{"name": "m", "version": 1.10, "columns": {"inputs": [{"name": "x", "values": ["NO", "on", 1.0]}]}}'
    assert yaml == read(text, "m.json") and yaml.document == read(text, "m.json").document
    assert yaml.columns.inputs[0].values == ("NO", "on", "1"), "values meet data in its spelling"
    assert yaml.document["columns"]["inputs"][0]["values"] == ["NO", "on", "1.0"]
    assert parse_document('{"a": [true, null, 1e400]}', source="x").value == {"a": ["true", None, "1e400"]}
    assert parse_document('{a: [true, null, "null"]}', source="x").value == {"a": ["true", None, "null"]}


def test_json_with_tabs_is_read() -> None:
    assert (
        read('{\n\t"name": "m",\n\t"version": "1",\n\t"columns": {"inputs": ["a\\u00e9"]}}').columns.inputs[0].name
        == "aé"
    )


@pytest.mark.parametrize(
    ("text", "where", "advice"),
    [
        ("name: m\nverson: 1\ncolumns: {inputs: [a]}", r"m\.yaml line 2: verson: .*unknown key", 'mean "version"'),
        (FULL.replace("task: binary", "task: binry"), r"line \d+: task: expected one of", 'mean "binary"'),
        (FULL.replace("of: sex", "of: sexx"), r"watch\.fairness\[0\]\.of: expected one of sex, age", 'mean "sex"'),
        (FULL.replace("of: sex", "of: sex & sex"), r"fairness\[0\]\.of: expected a group, or a pair", ""),
        (FULL.replace("[car, home]", "[car, car]"), r"inputs\[1\]\.values\[1\]: expected each value once", "second"),
        (FULL.replace("[car, home]", "[1, 1.0]"), r"inputs\[1\]\.values: expected each name once", ""),
        (FULL.replace("- term", "- income"), r"columns\.inputs: expected each name once", "income"),
        (FULL.replace("every: 1d", "every: 1 month"), r"watch\.window\.every: expected a duration", "30m, 12h"),
        (FULL.replace("up_to: 30d", "up_to: 1h"), r"watch\.window\.up_to", "grows"),
        (FULL.replace("roc_auc, at", "roc_auk, at"), r"performance\[0\]\.measure", 'mean "roc_auc"'),
        (FULL.replace("selection_rate_ratio", "ratio"), r"fairness\[0\]\.measure", "selection_rate_ratio"),
        (FULL.replace("bailiwick, columns", "evidently, columns"), r"drift\.method_set", "evidently-0.7"),
        (FULL.replace("missing: 0.05", "missing: 5"), r"quality\.missing: expected a share from 0 to 1", ""),
        (FULL.replace("at_least: 0.75", "at_least: nan"), r"expected a finite number", ""),
        (FULL.replace("at_least: 0.75", "at_least: 0.7, at_most: 1"), r"expected at_least or at_most, found both", ""),
        (FULL.replace("[0, 500000]", "[5, 1]"), r"inputs\[0\]\.range: expected a list of at least 2 rising", ""),
        (FULL.replace("person: customer_id", "person:"), r"privacy\.unit", "columns.person"),
        (FULL.replace("name: loan-approval", "name: Loan approval"), r"line 2: name: expected a name of a-z", ""),
        (FULL.replace('version: "3"', "version: a/b"), r"version: expected a version", ""),
        (FULL.replace("no_worse_than 0.01", "no_worse 0.01"), r"retrain\.gate\.roc_auc", "no_worse_than"),
        (FULL.replace("column: repaid", "column: approved"), r"columns\.outcome", ""),
        (FULL.replace("{file: reference.parquet}", "{from: 2026-02-01, to: 2026-01-01}"), r"reference\.to", ""),
        (FULL.replace("{file: reference.parquet}", '{version: "3"}'), r"another version", ""),
        (FULL + "name: again\n", r'line \d+: the key "name" stands twice', "Keep one"),
        ("a: &a [1]\nb: *a\n", "line 2: an alias", "Write the values out"),
        ("name: [\n", r"line 2: not YAML", ""),
        ("- a\n", "the document: expected a mapping", ""),
        ("", "the document: expected a mapping", ""),
        ('{"name": "a", "name": "b"}', 'the key "name" stands twice', ""),
        ("[" * 5000, "nested deeper", ""),
        ('name: "\\ud800"\n', "half a character", ""),
    ],
)
def test_what_is_wrong_is_named(text: str, where: str, advice: str) -> None:
    with pytest.raises(BadInput, match=where) as caught:
        read(text)
    assert advice in caught.value.advice
    assert "m.yaml" in str(caught.value)


def test_a_json_file_that_is_no_json_says_so() -> None:
    with pytest.raises(BadInput, match=r"m\.json: not JSON"):
        read('{"name": "m",}', "m.json")


def test_details_are_for_programs() -> None:
    with pytest.raises(BadInput) as caught:
        read(FULL.replace("task: binary", "task: binry"))
    assert caught.value.details["key"] == "task" and caught.value.details["line"] == 8


def test_privacy_numbers_stay_text() -> None:
    for rho in ("1/100", "0.005", "1e-6"):
        model = read(minimal(privacy={"people": "p", "rho": rho}))
        assert model.privacy is not None and model.privacy.rho == rho and model.privacy.unit == "row"
    for rho in ("0", "-1", "1e999999999", "1/0", "nan"):
        with pytest.raises(BadInput, match=r"privacy\.rho"):
            read(minimal(privacy={"people": "p", "rho": rho}))


def test_a_range_makes_a_number_and_values_a_category() -> None:
    model = read(minimal(columns={"inputs": [{"name": "x", "range": [0, 1]}, {"name": "c", "values": ["a"]}]}))
    assert [item.type for item in model.columns.inputs] == [InputType.NUMBER, InputType.CATEGORY]
    with pytest.raises(BadInput, match="both"):
        read(minimal(columns={"inputs": [{"name": "x", "range": [0, 1], "values": ["a"]}]}))


def test_groups_in_every_form() -> None:
    for groups in ("[sex, {name: age, bands: [30]}]", "{sex:, age: {bands: [30]}}"):
        model = read(f"name: m\nversion: 1\ncolumns: {{inputs: [x], groups: {groups}}}")
        assert model.columns.groups == (Group(name="sex"), Group(name="age", bands=(30,)))


def test_the_iris_example_is_read() -> None:
    model = read((EXAMPLES / "iris.yaml").read_text(encoding="utf-8"), "iris.yaml")
    assert model.watch.drift.method_set == "azureml" and model.watch.window.at_least == 10
    assert len(model.columns.inputs) == 4 and model.task is Task.MULTICLASS


@given(st.integers(min_value=0, max_value=10**9))
def test_durations_are_told_back(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "1y", "1d x", "99999999999d", "999999999w"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_duration(text)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadInput):
        read(text)


def test_the_order_of_groups_survives_canonical_json() -> None:
    """The order names the pairs (`sex & race`), and the record keeps documents with their keys sorted."""
    model = read("name: m\nversion: 1\ncolumns: {inputs: [x], groups: {sex: {}, age: {bands: [18, 40]}, race:}}\n")
    assert read(canonical_json(model.document)).columns.groups == model.columns.groups
    assert [group.name for group in model.columns.groups] == ["sex", "age", "race"]


def alerts(text: str) -> AlertWatch:
    return read(f"name: m\nversion: 3\ncolumns: {{inputs: [a]}}\nwatch: {{alerts: {text}}}").watch.alerts


def test_when_results_become_an_alert_is_read() -> None:
    whole = alerts(
        "{false_discovery_rate: 0.1, persistence: 2 of 3, clears_at: 0.8, cool_down: 3d, "
        "owner: {critical: ana, medium: ben}, due: {high: 12h}}"
    )
    assert whole == AlertWatch(
        false_discovery_rate=0.1,
        persistence=(2, 3),
        clears_at=0.8,
        cool_down=timedelta(days=3),
        owner=(("critical", "ana"), ("medium", "ben")),
        due=(("high", timedelta(hours=12)),),
    )
    assert alerts("{persistence: {windows: 2, of: 3}}").persistence == (2, 3)
    assert dict(alerts("{owner: ana}").owner) == dict.fromkeys(("critical", "high", "medium", "low"), "ana")
    assert alerts("{}") == AlertWatch()


@pytest.mark.parametrize(
    "wrong",
    [
        "{false_discovery_rate: 0}",
        "{false_discovery_rate: 2}",
        "{clears_at: 0}",
        "{persistence: 3 of 2}",
        "{persistence: 0 of 2}",
        "{persistence: 2 of 9}",
        "{persistence: twice}",
        "{persistence: {windows: 2}}",
        "{owner: {grave: ana}}",
        "{due: {high: soon}}",
        "{fdr: 0.1}",
    ],
)
def test_what_is_wrong_with_alerts_is_named(wrong: str) -> None:
    with pytest.raises(BadInput, match=r"watch\.alerts") as bad:
        alerts(wrong)
    assert bad.value.advice
