"""Learning a bin spec: from what an engine saw in a reference, or from what the model file declares.

Pure: an engine's `profile()` gives the values, `learn_spec` turns them into edges and published values. Every value
that is published by name stands for at least `PUBLISHED_ROWS` rows or was declared; an edge is rounded to three
significant digits of itself or of the column's spread, whichever is finer (a year would otherwise be one bin).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil, floor, isfinite, log10, nextafter

from store.bins import BinSpec, CategoryBins, ColumnBins, GroupBins, NumberBins, band_names
from store.errors import BadInput
from store.model_file import Group, Input, InputType, ModelFile, Prediction, Task

PUBLISHED_ROWS = 11
"""Fewest rows of a value that may be published by name."""
QUANTILES = 100
"""A profile holds the quantiles 0/100, 1/100 ... 100/100 of each number."""
TOP_VALUES = 1000
"""Values of a column that a profile keeps, by count, then by text."""
DIGITS = 3
MANY_DISTINCT = 20
"""A column of text whose values all read as numbers is a number when it has more distinct ones than this."""
LARGEST = 1e300
"""Numbers beyond it are below or above all bins, so that the distance of any two edges stays finite."""
NUMBER_TYPES = re.compile(r"(u?(tiny|small|big|huge)?int(eger)?\d*|float\d*|halffloat|double|real|decimal.*)$")
OPPOSITES = {"1": "0", "0": "1", "true": "false", "false": "true"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """What a reference holds in one column."""

    name: str
    type: InputType
    """As seen: NUMBER for a column of doubles, CATEGORY for text."""
    rows: int
    """Rows with a value: not null and, for a number, finite."""
    distinct: int
    """Distinct values among them; above `TOP_VALUES` it may be an estimate."""
    numeric: bool
    """Whether every value is a number, or text that reads as one and is not a code (`007`)."""
    quantiles: tuple[float, ...] = ()
    """QUANTILES + 1 values of the column, smallest first; empty without numbers."""
    values: tuple[tuple[str, int], ...] = ()
    """Canonical text and count of the most frequent values; of a number only when it has at most TOP_VALUES."""

    def published(self) -> tuple[str, ...]:
        return tuple(sorted(value for value, count in self.values if count >= PUBLISHED_ROWS))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceProfile:
    """What a reference holds. A column that it lacks is None, or absent from the mapping."""

    rows: int
    inputs: Mapping[str, ColumnProfile]
    groups: Mapping[str, ColumnProfile]
    prediction: ColumnProfile | None = None
    score: ColumnProfile | None = None

    def filled_from(self, other: ReferenceProfile) -> ReferenceProfile:
        """This profile, with the columns that it lacks taken from another (a reference without groups, say)."""
        return replace(
            self,
            inputs={**other.inputs, **self.inputs},
            groups={**other.groups, **self.groups},
            prediction=self.prediction or other.prediction,
            score=self.score or other.score,
        )


def resolve_types(model: ModelFile, schema_hint: Mapping[str, str]) -> tuple[InputType, ...]:
    """The type of every input, in order: declared, else by its range or values, else by the data's own type.

    schema_hint: input name -> the name of its Arrow or DuckDB type (`int64`, `double`, `DECIMAL(9,2)`, `string`).
    What is no number, and what the data lacks, is a category: text holds anything.
    """
    return tuple(
        _declared_type(column) or seen_type(schema_hint.get(column.name, "")) for column in model.columns.inputs
    )


def _declared_type(column: Input) -> InputType | None:
    if column.type:
        return column.type
    if column.range:
        return InputType.NUMBER
    return InputType.CATEGORY if column.values else None


def seen_type(name: str) -> InputType:
    """The type of a column by the name of its Arrow or DuckDB type; booleans, times and unknown ones are categories."""
    return InputType.NUMBER if NUMBER_TYPES.match(name.lower()) else InputType.CATEGORY


def undeclared(model: ModelFile, profile: ReferenceProfile | None = None) -> tuple[str, ...]:
    """The columns that neither the model file nor the profile describes well enough for bins."""
    columns = model.columns
    known = profile or ReferenceProfile(rows=0, inputs={}, groups={})
    names = [column.name for column in columns.inputs if column.name not in known.inputs and not _binnable(column)]
    names += [g.name for g in columns.groups if not (g.values or g.bands or g.name in known.groups)]
    if columns.prediction and not known.prediction:
        told = model.task is Task.BINARY or (model.task is Task.MULTICLASS and columns.prediction.values)
        names += [] if told else [columns.prediction.column]
    return tuple(names)


def declared_enough(model: ModelFile, profile: ReferenceProfile | None = None) -> bool:
    """Whether a spec is possible now: from the model file alone, or with this profile."""
    return not undeclared(model, profile)


def _binnable(column: Input) -> bool:
    return bool(column.range) if _declared_type(column) is InputType.NUMBER else bool(column.values)


def learn_spec(model: ModelFile, profile: ReferenceProfile | None, *, bins: int = 20) -> BinSpec:
    """The bin spec of a model version; `learned_from` is `reference` or `declared`.

    Raises BadInput where an input or a number predicted has neither a profile nor a declared range or values. Groups
    and classes that nobody knows are counted under (other).
    """
    known = profile or ReferenceProfile(rows=0, inputs={}, groups={})
    columns = model.columns
    return BinSpec(
        task=model.task.value,
        inputs=tuple(_input_bins(column, known.inputs.get(column.name), bins=bins) for column in columns.inputs),
        prediction=_prediction_bins(model, known.prediction, bins=bins),
        score=_score_bins(columns.score, known.score, bins=bins),
        groups=_groups(model, known.groups),
        good=good_value(model),
        outcome=columns.outcome is not None,
        learned_from="reference" if profile else "declared",
    )


def good_value(model: ModelFile) -> str | None:
    """The favourable prediction in canonical text: declared, else `1` of a binary task."""
    prediction = model.columns.prediction
    if prediction is None or model.task is Task.REGRESSION:
        return None
    return prediction.good or ("1" if model.task is Task.BINARY else None)


# -- columns ----------------------------------------------------------------------------------------------------


def _input_bins(column: Input, seen: ColumnProfile | None, *, bins: int) -> ColumnBins:
    kind = _declared_type(column) or _profiled_type(seen)
    if kind is InputType.CATEGORY and (column.values or seen):
        return CategoryBins(column.name, column.values or (seen.published() if seen else ()))
    if kind is InputType.NUMBER and (seen or column.range):
        return _number_bins(column.name, seen, declared=column.range, bins=bins)
    raise BadInput(
        f"no bins for the input {column.name!r}: there is no reference, and the model file gives no range or values",
        advice="Add the reference (`bailiwick ingest --kind reference`), or declare a `range` or `values` for it.",
        details={"column": column.name},
    )


def _profiled_type(seen: ColumnProfile | None) -> InputType | None:
    if seen and seen.type is InputType.CATEGORY and seen.numeric and seen.distinct > MANY_DISTINCT:
        return InputType.NUMBER
    return seen.type if seen else None


def _prediction_bins(model: ModelFile, seen: ColumnProfile | None, *, bins: int) -> ColumnBins | None:
    prediction = model.columns.prediction
    if prediction is None:
        return None
    if model.task is not Task.REGRESSION:
        return CategoryBins(prediction.column, _classes(prediction, seen, good=good_value(model), task=model.task))
    if seen is None:
        raise BadInput(
            f"no bins for the predicted number {prediction.column!r}: there is no reference",
            advice="Add the reference (`bailiwick ingest --kind reference`) with its predictions.",
            details={"column": prediction.column},
        )
    return _number_bins(prediction.column, seen, declared=None, bins=bins)


def _classes(prediction: Prediction, seen: ColumnProfile | None, *, good: str | None, task: Task) -> tuple[str, ...]:
    known = set(prediction.values or (seen.published() if seen else ()))
    if good and not prediction.values:
        known.add(good)
    if task is Task.BINARY and len(known) == 1 and (other := OPPOSITES.get(*known)):
        known.add(other)
    return tuple(sorted(known))


def _score_bins(name: str | None, seen: ColumnProfile | None, *, bins: int) -> NumberBins | None:
    if name is None:
        return None
    inside = seen is None or not seen.quantiles or (seen.quantiles[0] >= 0 and seen.quantiles[-1] <= 1)
    return _number_bins(name, seen, declared=(0.0, 1.0) if inside else None, bins=bins)


def _groups(model: ModelFile, seen: Mapping[str, ColumnProfile]) -> tuple[GroupBins, ...]:
    return tuple(_group_bins(group, seen.get(group.name)) for group in model.columns.groups)


def _group_bins(group: Group, seen: ColumnProfile | None) -> GroupBins:
    if group.bands:
        return GroupBins(group.name, band_names(group.bands), group.bands)
    return GroupBins(group.name, group.values or (seen.published() if seen else ()))


# -- edges ------------------------------------------------------------------------------------------------------


def _number_bins(
    name: str, seen: ColumnProfile | None, *, declared: tuple[float, float] | None, bins: int
) -> NumberBins:
    """Bins by the reference where it holds numbers, else of equal width over the declared range."""
    if seen is None or not seen.quantiles:
        low, high = declared or (0.0, 1.0)
        return NumberBins(name, _equal_edges(low, high, bins), low, high)
    edges = _value_edges(seen, bins) or _quantile_edges(seen.quantiles, bins)
    # Half a spread to either side, so that a mean that moves beyond the reference is still seen to move.
    room = (edges[-1] - edges[0]) / 2
    low, high = declared or (_at_digits(edges[0] - room, room, floor), _at_digits(edges[-1] + room, room, ceil))
    return NumberBins(name, edges, low, high)


def _equal_edges(low: float, high: float, bins: int) -> tuple[float, ...]:
    """`bins` bins over [low, high]; the first edge lies a billionth of the range lower: low is inside."""
    first = min(low - (high - low) * 1e-9, nextafter(low, float("-inf")))
    return _rising([first, *(low + (high - low) * i / bins for i in range(1, bins)), high])


def _value_edges(seen: ColumnProfile, bins: int) -> tuple[float, ...]:
    """A bin for each value of a column of few; empty where they are many, or too rare to be published."""
    if len(seen.values) != seen.distinct or not 0 < seen.distinct <= bins or len(seen.published()) < seen.distinct:
        return ()
    values = sorted({float(value) for value, _ in seen.values} if seen.numeric else ())
    if len(values) < 2 or max(map(abs, values)) > LARGEST:
        return ()
    return _rising([values[0] - (values[1] - values[0]), *values])


def _quantile_edges(quantiles: tuple[float, ...], bins: int) -> tuple[float, ...]:
    quantiles = tuple(min(max(value, -LARGEST), LARGEST) for value in quantiles)
    low, high = quantiles[0], quantiles[-1]
    spread = high - low
    last = len(quantiles) - 1
    inner = [_at_digits(quantiles[round(i * last / bins)], spread, round) for i in range(1, bins)]
    first = _at_digits(low, spread, floor)
    if first >= low:
        first = min(_at_digits(low - _unit(low, spread), spread, floor), nextafter(low, float("-inf")))
    top = max(high, _at_digits(high, spread, ceil))
    return _rising([first, *(edge for edge in inner if first < edge < top), top])


def _rising(edges: list[float]) -> tuple[float, ...]:
    return tuple(sorted({edge + 0.0 for edge in edges}))  # + 0.0: -0.0 would be an edge of its own in the spec's JSON


def _unit(value: float, spread: float) -> float:
    """The place of the third significant digit of the value or of the spread, whichever is finer."""
    sizes = [abs(size) for size in (value, spread) if size and isfinite(size)]
    return float(f"1e{floor(log10(min(sizes))) - DIGITS + 1}") if sizes else float(f"1e{1 - DIGITS}")


def _at_digits(value: float, spread: float, rounding: Callable[[float], int]) -> float:
    """The value rounded to that place, without the noise of binary fractions (0.30000000000000004)."""
    unit = _unit(value, spread)
    if not unit or abs(value / unit) >= 2**53:
        return value
    rounded = float(f"{rounding(value / unit) * unit:.15g}")
    return rounded if isfinite(rounded) else value
