"""The sentences that read a model file back."""

from __future__ import annotations

from store.model_draft import ColumnFacts, draft
from store.model_file import InputType
from store.model_reader import read_model_file
from store.model_words import explain

LOAN = """
name: loan
version: "3"
title: Small loans
owner: {team: credit-risk, email: mr@example.org}
tier: {level: 1, why: exposure}
columns:
  prediction: {column: approved, good: 1, good_means: loan granted}
  inputs: [{name: income, range: [0, 500000]}, term]
  groups: {sex: {}, age: {bands: [18, 65]}}
watch:
  window: {every: 1d, at_least: 200, up_to: 30d}
  fairness: [{measure: selection_rate_ratio, of: sex, at_least: 0.80, source: policy MR-14}]
  performance: [{measure: roc_auc, at_least: 0.75}]
"""


def test_an_officer_reads_who_what_and_which_limits() -> None:
    told = "\n".join(explain(read_model_file(LOAN, source="loan.yaml")))
    for sentence in (
        "This is version 3 of loan (Small loans).",
        "It is owned by credit-risk <mr@example.org>.",
        "Its owner puts it in risk tier 1 (1 is the highest), because of exposure.",
        'The favourable decision is "1", meaning loan granted.',
        "2 inputs: income (a number from 0 to 500000); term (its kind is taken from the reference).",
        "age in the bands <18, 18-65, >=65, and in pairs of two.",
        "a window with fewer than 200 rows grows backwards, up to 30d.",
        "must be at least 0.8 (set by policy MR-14).",
        "At most 5 % of a column may be missing",
        "Limits on performance are set, but no outcome is declared: they cannot be judged.",
    ):
        assert sentence in told


def test_the_least_file_is_told_too() -> None:
    told = explain(read_model_file("name: m\nversion: 1\ncolumns: {inputs: [x]}", source="m.yaml"))
    assert "Nobody is named as its owner." in told
    assert all(sentence.endswith(".") for sentence in told)


def test_a_draft_is_a_model_file_with_questions() -> None:
    facts = [
        ColumnFacts(name="id", type=InputType.CATEGORY, rows=9, distinct=9),
        ColumnFacts(name="event_time", type=InputType.CATEGORY, time=True, rows=9, distinct=9),
        ColumnFacts(name="approved", type=InputType.NUMBER, rows=9, distinct=2, low=0, high=1),
        ColumnFacts(name="sex", type=InputType.CATEGORY, rows=9, distinct=2, values=("F", "M")),
        ColumnFacts(name="income: gross", type=InputType.NUMBER, rows=9, distinct=9, low=1.5, high=9e5, missing=1),
        ColumnFacts(name="NO", type=InputType.CATEGORY, rows=9, distinct=2, values=("yes", "# no")),
    ]
    text = draft("loans", facts)
    model = read_model_file(text, source="draft.yaml")
    assert model.columns.id == "id" and model.columns.time == "event_time"
    assert model.columns.prediction is not None and model.columns.prediction.column == "approved"
    assert [item.name for item in model.columns.inputs] == ["sex", "income: gross", "NO"]
    assert model.columns.inputs[2].values == ("yes", "# no")
    assert [group.name for group in model.columns.groups] == ["sex"]
    assert text.count("?") > 8


def test_a_draft_of_one_column_can_be_read() -> None:
    text = draft("m", [ColumnFacts(name="target", type=InputType.NUMBER, rows=3, distinct=30)])
    assert "Which" in text and "inputs" in text
