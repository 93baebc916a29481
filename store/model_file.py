"""A model file as values: what is watched, for whom, and against which limits.

The values here are what the rest of the house reads. Reading text into them (YAML or JSON, short forms, "did you
mean") is `store/model_reader.py`; telling them back in sentences is `store/model_words.py`. Scalars keep the
text their owner wrote (`1.10`, `NO`): this module gives them types.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any


class Task(StrEnum):
    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class InputType(StrEnum):
    NUMBER = "number"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    team: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    level: int = 3
    """The owner's own risk tier; 1 is the highest."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    name: str
    type: InputType | None = None
    """None: taken from the reference (numbers are numbers, everything else a category)."""
    range: tuple[float, float] | None = None
    values: tuple[str, ...] = ()
    """Published values; others are counted as (other). Empty: taken from the reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    column: str
    good: str | None = None
    """The favourable value in canonical text; None: `1` for binary tasks, none for others."""
    good_means: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    column: str
    expected_after: timedelta = timedelta(0)
    give_up_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    name: str
    values: tuple[str, ...] = ()
    bands: tuple[float, ...] = ()
    """Edges of bands of a number: [18, 25] gives `<18`, `18-25`, `>=25`; each band is [lo, hi)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    inputs: tuple[Input, ...]
    id: str | None = None
    time: str | None = None
    prediction: Prediction | None = None
    score: str | None = None
    outcome: Outcome | None = None
    groups: tuple[Group, ...] = ()
    segments: tuple[str, ...] = ()
    person: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """At most one of the three; none: `ingest --kind reference`, or the declared ranges and values."""

    file: str | None = None
    window: tuple[str, str] | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    every: timedelta = timedelta(days=1)
    at_least: int = 200
    up_to: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    measure: str | None = None
    at_most: float | None = None
    source: str = "model file"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftWatch:
    method_set: str = "bailiwick"
    columns: tuple[tuple[str, ColumnDrift], ...] = ()
    season: str | None = None
    """`week`: a window is compared with the same stretch of the weeks before it instead of with the reference."""
    borrow: str | None = None
    """`pool`: a site without anything to be compared with is compared with the other sites of the same window."""
    attribution: float | None = None
    """The least NDCG of the contributions; None is the monitor's own default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FairnessWatch:
    measure: str
    of: str
    """An attribute (`sex`) or a pair (`sex & race`)."""
    at_least: float | None = None
    at_most: float | None = None
    source: str = "model file"


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceWatch:
    measure: str
    at_least: float | None = None
    at_most: float | None = None
    source: str = "model file"


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityWatch:
    missing: float = 0.05
    unseen: float = 0.01
    out_of_range: float | None = None
    """The most of a number's values outside the range of its bins; None is not watched."""
    volume: float | None = None
    """The least rows of a window as a share of what such windows usually hold; None is not watched."""
    source: str = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertWatch:
    """When results become an alert, when it ends, and who has how long."""

    false_discovery_rate: float = 0.05
    """Of the drift alerts of a day, the expected share that chance made (Benjamini-Hochberg); 1 lets all pass."""
    persistence: tuple[int, int] = (1, 1)
    """(k, n): fires when k of the last n windows are outside; far beyond the limit it fires at once."""
    clears_at: float = 0.9
    """Ends inside this share of the limit; 1: at the limit itself."""
    cool_down: timedelta = timedelta(0)
    """What fires again so soon after it cleared goes on as it was, and nobody is called again."""
    owner: tuple[tuple[str, str], ...] = ()
    """(severity, user): whose it is when it opens."""
    due: tuple[tuple[str, timedelta], ...] = (
        ("critical", timedelta(days=1)),
        ("high", timedelta(days=3)),
        ("medium", timedelta(days=7)),
        ("low", timedelta(days=30)),
    )
    """(severity, time): by when somebody should have dealt with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    window: Window = Window()
    drift: DriftWatch = DriftWatch()
    fairness: tuple[FairnessWatch, ...] = ()
    performance: tuple[PerformanceWatch, ...] = ()
    quality: QualityWatch = QualityWatch()
    alerts: AlertWatch = AlertWatch()


@dataclass(frozen=True, slots=True, kw_only=True)
class Privacy:
    people: str
    """The key of `[people.NAME]` in bailiwick.toml, where the caps live."""
    unit: str = "user-day"
    """`user-day` (needs columns.person) or `row`."""
    contributions: int = 1
    rho: str | None = None
    """zCDP loss of one release per block, an exact rational in text; None: the people's cap spread over its blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrain:
    executor: str = "local"
    command: str = ""
    approvals: int = 1
    gate: tuple[tuple[str, str, float], ...] = ()
    """(measure, `no_worse_than` | `at_least` | `at_most`, number)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    name: str
    version: str
    columns: Columns
    title: str = ""
    owner: Owner = Owner()
    use: str = ""
    tier: Tier = Tier()
    task: Task = Task.BINARY
    reference: Reference = Reference()
    watch: Watch = Watch()
    privacy: Privacy | None = None
    retrain: Retrain | None = None
    document: dict[str, Any] = field(default_factory=dict, compare=False)
    """The file as its owner wrote it, short forms and all; its canonical JSON is what the trail hashes."""
