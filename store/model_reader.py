"""Reads a model file, YAML or JSON, short forms and all, into a `ModelFile`; whatever is not right is an error.

Only `name`, `version` and `columns.inputs` are required. Every error names the file, the line, the key path, what
was expected and what to do; an unknown key gets a "did you mean". Nothing is guessed: defaults are those of
`store/model_file.py`. The `watch`, `privacy` and `retrain` sections are read in `store/watch_reader.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from store.bins import band_names
from store.canonical import canonical_spelling
from store.documents import parse_document
from store.fields import Field, root
from store.model_file import (
    Columns,
    Group,
    Input,
    InputType,
    ModelFile,
    Outcome,
    Owner,
    Prediction,
    Reference,
    Task,
    Tier,
    Watch,
)
from store.watch_reader import read_privacy, read_retrain, read_watch

T = TypeVar("T")

KEYS = (
    "name",
    "version",
    "title",
    "owner",
    "use",
    "tier",
    "task",
    "columns",
    "reference",
    "watch",
    "privacy",
    "retrain",
)
COLUMN_KEYS = ("id", "time", "prediction", "score", "outcome", "inputs", "groups", "segments", "person")
LOWEST_TIER = 9


def read_model_file(text: str, *, source: str) -> ModelFile:
    """The model file in a text; `source` is the file's name, for messages. Raises BadInput."""
    document = parse_document(text, source=source)
    fields = root(document).mapping(*KEYS)
    _require(root(document), fields, "name", "version", "columns")
    columns = _columns(fields["columns"])
    model = ModelFile(
        name=fields["name"].slug(),
        version=fields["version"].version(),
        columns=columns,
        title=_text(fields, "title"),
        owner=_read(fields, "owner", _owner, Owner()),
        use=_text(fields, "use"),
        tier=_read(fields, "tier", _tier, Tier()),
        task=Task(fields["task"].choice(Task)) if "task" in fields else Task.BINARY,
        reference=_read(fields, "reference", _reference, Reference()),
        watch=_read(fields, "watch", lambda field: read_watch(field, columns=columns), Watch()),
        privacy=_read(fields, "privacy", lambda field: read_privacy(field, columns=columns), None),
        retrain=_read(fields, "retrain", read_retrain, None),
        document=_in_order(document.value),
    )
    if "reference" in fields and model.reference.version == model.version:
        raise fields["reference"].bad("another version", found=f'this version, "{model.version}"')
    return model


def _in_order(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its groups as a list: their order names the pairs, and canonical JSON sorts keys."""
    groups = document["columns"].get("groups")
    if not isinstance(groups, dict) or "name" in groups:
        return document
    listed = [{"name": name, **(item or {})} for name, item in groups.items()]
    return {**document, "columns": {**document["columns"], "groups": listed}}


def _require(whole: Field, fields: dict[str, Field], *names: str) -> None:
    for name in names:
        if name not in fields:
            raise whole.child(name, None).bad("a value", advice=f"Add `{name}`; it is required.", found="nothing")


def _read(fields: dict[str, Field], name: str, reading: Callable[[Field], T], default: T) -> T:
    return reading(fields[name]) if name in fields else default


def _text(fields: dict[str, Field], name: str) -> str:
    return fields[name].text() if name in fields else ""


def _form(field: Field, short: str, *known: str) -> dict[str, Field]:
    """The fields of a mapping, or of the short form in which a single value stands for `{short: value}`."""
    if isinstance(field.value, str):
        return {short: field}
    return field.mapping(*known)


def _owner(field: Field) -> Owner:
    if isinstance(field.value, str):
        return Owner(email=field.text()) if "@" in field.value else Owner(team=field.text())
    fields = field.mapping("team", "email")
    return Owner(team=_text(fields, "team"), email=_text(fields, "email"))


def _tier(field: Field) -> Tier:
    fields = _form(field, "level", "level", "why")
    level = fields["level"].whole(at_least=1) if "level" in fields else Tier().level
    if level > LOWEST_TIER:
        raise fields["level"].bad(f"a tier from 1 (highest) to {LOWEST_TIER}")
    return Tier(level=level, why=_text(fields, "why"))


def _reference(field: Field) -> Reference:
    if isinstance(field.value, str):
        return Reference(file=field.text())
    fields = field.mapping("file", "from", "to", "version")
    ways = [way for way in ("file", "version") if way in fields] + (["from"] if {"from", "to"} & set(fields) else [])
    if len(ways) != 1:
        raise field.bad("one of file, version, or from and to", found=" and ".join(ways) or "none of them")
    if ways == ["file"]:
        return Reference(file=fields["file"].text())
    if ways == ["version"]:
        return Reference(version=fields["version"].version())
    _require(field, fields, "from", "to")
    start, end = _moment(fields["from"]), _moment(fields["to"])
    if start >= end:
        raise fields["to"].bad(f"a time after {fields['from'].raw()}")
    return Reference(window=(fields["from"].raw(), fields["to"].raw()))


def _moment(field: Field) -> float:
    try:
        moment = datetime.fromisoformat(field.raw())
    except ValueError:
        raise field.bad("a date (2026-01-31) or a time (2026-01-31T00:00:00Z)") from None
    return (moment - datetime(1970, 1, 1, tzinfo=moment.tzinfo)) / timedelta(seconds=1) - (
        offset.total_seconds() if (offset := moment.utcoffset()) else 0.0
    )


# -- columns ------------------------------------------------------------------------------------------------------


def _columns(field: Field) -> Columns:
    fields = field.mapping(*COLUMN_KEYS)
    _require(field, fields, "inputs")
    inputs = tuple(_input(item) for item in fields["inputs"].sequence())
    if not inputs:
        raise fields["inputs"].bad("at least one input", found="an empty list")
    _once(fields["inputs"], [item.name for item in inputs])
    columns = Columns(
        inputs=inputs,
        id=_name(fields, "id"),
        time=_name(fields, "time"),
        prediction=_read(fields, "prediction", _prediction, None),
        score=_name(fields, "score"),
        outcome=_read(fields, "outcome", _outcome, None),
        groups=_read(fields, "groups", _groups, ()),
        segments=_read(fields, "segments", Field.texts, ()),
        person=_name(fields, "person"),
    )
    _apart(field, columns)
    return columns


def _name(fields: dict[str, Field], key: str) -> str | None:
    return fields[key].text() if key in fields else None


def _once(field: Field, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise field.bad("each name once", advice=f'Remove the second "{name}".', found=f'"{name}" twice')
        seen.add(name)


def _apart(field: Field, columns: Columns) -> None:
    """An outcome that is also the prediction would always be right; one that is an input would be known too early."""
    if columns.outcome is None:
        return
    name = columns.outcome.column
    if columns.prediction and columns.prediction.column == name:
        raise field.child("outcome", name).bad("another column than that of the prediction")
    if name in [item.name for item in columns.inputs]:
        raise field.child("outcome", name).bad("a column that is no input")


def _input(field: Field) -> Input:
    fields = _form(field, "name", "name", "type", "range", "values")
    _require(field, fields, "name")
    kind = InputType(fields["type"].choice(InputType)) if "type" in fields else None
    if "range" in fields and "values" in fields:
        raise field.bad("a range (of a number) or values (of a category)", found="both")
    if "range" in fields:
        if kind is InputType.CATEGORY:
            raise fields["range"].bad("no range: the input is a category", advice="Give `values` instead.")
        kind = InputType.NUMBER
    if "values" in fields:
        if kind is InputType.NUMBER:
            raise fields["values"].bad("no values: the input is a number", advice="Give `range: [low, high]` instead.")
        kind = InputType.CATEGORY
    return Input(
        name=fields["name"].text(),
        type=kind,
        range=_read(fields, "range", _range, None),
        values=_read(fields, "values", _values, ()),
    )


def _range(field: Field) -> tuple[float, float]:
    numbers = field.rising(at_least=2)
    if len(numbers) != 2:
        raise field.bad("[low, high]")
    return numbers[0], numbers[1]


def _values(field: Field) -> tuple[str, ...]:
    """Distinct values, each as data spells it: `1.0` and `1` are one value."""
    values = tuple(map(canonical_spelling, field.texts()))
    _once(field, values)
    for value in values:
        if value in ("(other)", "(missing)"):
            raise field.bad("values that are not words of ours", found=f'"{value}"')
    return values


def _prediction(field: Field) -> Prediction:
    fields = _form(field, "column", "column", "good", "good_means", "values")
    _require(field, fields, "column")
    prediction = Prediction(
        column=fields["column"].text(),
        good=canonical_spelling(good) if (good := _name(fields, "good")) is not None else None,
        good_means=_text(fields, "good_means"),
        values=_read(fields, "values", _values, ()),
    )
    if prediction.good is not None and prediction.values and prediction.good not in prediction.values:
        raise fields["good"].bad(f"one of the values {', '.join(prediction.values)}")
    return prediction


def _outcome(field: Field) -> Outcome:
    fields = _form(field, "column", "column", "expected_after", "give_up_after")
    _require(field, fields, "column")
    after: Any = _read(fields, "expected_after", Field.duration, timedelta(0))
    until: Any = _read(fields, "give_up_after", Field.duration, None)
    if until is not None and until <= after:
        raise fields["give_up_after"].bad("a duration longer than expected_after")
    return Outcome(column=fields["column"].text(), expected_after=after, give_up_after=until)


def _groups(field: Field) -> tuple[Group, ...]:
    """`[sex, race]`, `{sex: {}, age: {bands: [...]}}`, or a list of both forms."""
    if isinstance(field.value, dict) and "name" not in field.value:
        groups = tuple(_group(name, item) for name, item in field.open_mapping().items())
    else:
        groups = tuple(_listed_group(item) for item in field.one_or_many())
    _once(field, [group.name for group in groups])
    for group in groups:
        if not group.name.strip() or any(mark in group.name for mark in "=&"):
            raise field.bad("group names without = and &", found=f'"{group.name}"')
    return groups


def _listed_group(item: Field) -> Group:
    if isinstance(item.value, str):
        return Group(name=item.text())
    fields = item.mapping("name", "values", "bands")
    _require(item, fields, "name")
    inner = {key: value for key, value in item.value.items() if key != "name"}
    return _group(fields["name"].text(), Field(item.document, item.path, inner))


def _group(name: str, field: Field) -> Group:
    if field.absent:
        return Group(name=name)
    fields = field.mapping("values", "bands")
    if len(fields) > 1:
        raise field.bad("values or bands", found="both")
    bands: tuple[float, ...] = fields["bands"].rising(at_least=1) if "bands" in fields else ()
    if bands and len(set(band_names(bands))) != len(bands) + 1:
        raise fields["bands"].bad("bands that differ in their first six digits")
    return Group(name=name, values=_read(fields, "values", _values, ()), bands=bands)
