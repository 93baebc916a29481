"""Drafts a model file from what a table's columns look like, with its doubts as comments.

A draft is a starting point for a person: what cannot be known from the data (who owns it, what is favourable,
which limits) is asked, never answered. The text it gives can be read back by `read_model_file` at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from store.model_file import InputType


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFacts:
    """What was seen of one column."""

    name: str
    type: InputType
    time: bool = False
    """Whether its type is a time."""
    rows: int = 0
    missing: int = 0
    distinct: int = 0
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    """The most frequent values of a category, at most 20."""


ROLES: tuple[tuple[str, str], ...] = (
    ("id", r"(row|request|event|prediction|correlation|inference|record)?_?id|uuid"),
    ("time", r"(event_?)?time(stamp)?|ts|date|created(_at)?|occurred_at"),
    ("prediction", r"predict(ions?|ed)?(_label|-0)?|y_?(hat|pred)|decision|approved"),
    ("score", r"score|prob(ability)?|confidence|proba"),
    ("outcome", r"target|label|outcome|ground_?truth|actual|y(_?true)?"),
    ("person", r"(customer|person|user|patient|client|applicant)_?(id|no|number)"),
)
GROUPS = re.compile(
    r"sex|gender|age(_?(group|band))?|race|ethnicity|religion|disability|nationality|marital_?status", re.IGNORECASE
)
MOST_VALUES = 20
LONGEST_VALUE = 60
"""What is longer is somebody's text, and is not written into a file that travels."""


def draft(
    name: str, columns: Iterable[ColumnFacts], *, outputs: Iterable[str] = (), questions: Iterable[str] = ()
) -> str:
    """YAML of version 1 of a model called `name`, with questions as comments.

    outputs: columns that the model is known to have given; questions: more of them, for the top.
    """
    facts = list(columns)
    roles = _roles(facts, list(outputs))
    taken = set(roles.values())
    groups = [fact for fact in facts if GROUPS.fullmatch(fact.name) and fact.name not in taken]
    inputs = [fact for fact in facts if fact.name not in taken]
    lines = [
        "# A draft from the data. Answer what stands after a question mark, then: bailiwick model add FILE",
        *[f"# {' '.join(question.split())}" for question in questions],
        f"name: {name}",
        'version: "1"',
        "# Who answers for it? owner: {team: ..., email: ...}",
        "# What is it used for, and how much hangs on it? use: ...   tier: {level: 1, why: ...}",
        *_task(facts, roles),
        "columns:",
        *_role_lines(roles),
        "  inputs:",
        *[line for fact in inputs or facts for line in _input(fact)],
        *_group_lines(groups),
        "# What should new rows be compared with? Ingest it with --kind reference, or: reference: {file: ...}",
        "watch:",
        "  window: {every: 1d, at_least: 200, up_to: 30d}   # How often is it judged, and on how many rows?",
        *_fairness(groups, roles),
    ]
    return "\n".join(lines) + "\n"


def roles_of(columns: Iterable[ColumnFacts], outputs: Iterable[str] = ()) -> dict[str, str]:
    """Which column would play which part in a draft."""
    return _roles(list(columns), list(outputs))


def _roles(facts: list[ColumnFacts], outputs: list[str]) -> dict[str, str]:
    """Which column plays which part, by its name; the prediction and the score are among the outputs, if known."""
    out: dict[str, str] = _of_outputs(outputs)
    for role, pattern in ROLES:
        for fact in facts:
            fits = re.fullmatch(pattern, fact.name, re.IGNORECASE) or (role == "time" and fact.time)
            if fits and role not in out and fact.name not in out.values():
                out[role] = fact.name
    return out


def _of_outputs(outputs: list[str]) -> dict[str, str]:
    """The prediction is the output that is called so, else the first that is no score."""
    patterns = dict(ROLES)
    called = [name for name in outputs if re.fullmatch(patterns["prediction"], name, re.IGNORECASE)]
    scores = [name for name in outputs if re.fullmatch(patterns["score"], name, re.IGNORECASE)]
    chosen = {"prediction": called or [name for name in outputs if name not in scores], "score": scores}
    return {role: names[0] for role, names in chosen.items() if names}


def _task(facts: list[ColumnFacts], roles: dict[str, str]) -> list[str]:
    chosen = roles.get("prediction") or roles.get("outcome")
    fact = next((fact for fact in facts if fact.name == chosen), None)
    if fact is None:
        return ["task: binary   # binary, multiclass or regression?"]
    if fact.type is InputType.NUMBER and fact.distinct > MOST_VALUES:
        return [f"task: regression   # because {fact.name} has {fact.distinct} different numbers; is that right?"]
    task = "binary" if fact.distinct <= 2 else "multiclass"
    return [f"task: {task}   # because {fact.name} has {fact.distinct} different values; is that right?"]


def _role_lines(roles: dict[str, str]) -> list[str]:
    asked = {
        "id": "Is it unique for each prediction? Outcomes that come later are joined on it.",
        "time": "When the prediction was made, not when it was written down?",
        "prediction": "Which value is the favourable one? {column: ..., good: 1, good_means: ...}",
        "score": "Is it the probability of the favourable value?",
        "outcome": "How long until it is known? {column: ..., expected_after: 90d}",
        "person": "Does it tell persons apart? It is used for privacy units and stored only as a salted hash.",
    }
    return [
        f"  {role}: {_quoted(roles[role])}   # {question}" if role in roles else f"  # {role}: ...   {question}"
        for role, question in asked.items()
    ]


def _input(fact: ColumnFacts) -> list[str]:
    seen = f"{fact.distinct} different values" + (f", {fact.missing} of {fact.rows} missing" if fact.missing else "")
    if fact.type is InputType.NUMBER:
        span = f"seen from {fact.low:g} to {fact.high:g}, " if fact.low is not None and fact.high is not None else ""
        return [f"    - {{name: {_quoted(fact.name)}, type: number}}   # {span}{seen}; does a published range hold?"]
    short = all(len(value) <= LONGEST_VALUE for value in fact.values)
    if 0 < len(fact.values) <= MOST_VALUES and fact.distinct <= MOST_VALUES and short:
        values = ", ".join(map(_quoted, fact.values))
        return [
            f"    # May these values leave a site by name? {seen}",
            f"    - {{name: {_quoted(fact.name)}, type: category, values: [{values}]}}",
        ]
    return [f"    - {{name: {_quoted(fact.name)}, type: category}}   # {seen}; free text or an id? Then remove it."]


def _group_lines(groups: list[ColumnFacts]) -> list[str]:
    if not groups:
        return ["  # Between whom must it be fair? groups: {sex: {}, age: {bands: [18, 25, 40, 65]}}"]
    lines = ["  groups:   # Are these the groups to compare?"]
    for fact in groups:
        if fact.type is InputType.NUMBER:
            lines.append(f"    {_quoted(fact.name)}: {{bands: [18, 25, 40, 65]}}   # Which bands does your policy use?")
        else:
            lines.append(f"    {_quoted(fact.name)}: {{}}")
    return lines


def _fairness(groups: list[ColumnFacts], roles: dict[str, str]) -> list[str]:
    of = _quoted(groups[0].name) if groups else "sex"
    return [
        "  # Which limits has your policy set?",
        f"  # fairness: [{{measure: selection_rate_ratio, of: {of}, at_least: 0.80, source: ...}}]",
        "  # performance: [{measure: roc_auc, at_least: 0.75, source: ...}]",
    ]


def _quoted(text: str) -> str:
    """The text as a YAML scalar: bare where that is safe, else as a JSON string, which YAML reads alike."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", text) and text != "null":
        return text
    return json.dumps(text, ensure_ascii=False)
