"""Reads the sections of a model file that set limits: `watch`, `privacy` and `retrain`.

Called by `store/model_reader.py` alone. A measure that nobody knows is an error here; one that is known and
cannot be computed for this task becomes `not_computable` when it is measured.
"""

from __future__ import annotations

from datetime import timedelta

from store.alert_reader import read_alerts
from store.fields import Field
from store.model_file import (
    ColumnDrift,
    Columns,
    DriftWatch,
    FairnessWatch,
    PerformanceWatch,
    Privacy,
    QualityWatch,
    Retrain,
    Watch,
    Window,
)

METHOD_SETS = ("bailiwick", "evidently-0.7", "azureml", "nannyml-0.13", "trustyai")
DRIFT_MEASURES = (
    "psi", "jensen_shannon", "hellinger", "kl", "total_variation", "l_infinity", "chi_square", "g", "ks",
    "wasserstein", "mann_whitney", "t", "z", "energy", "cramer_von_mises", "anderson_darling",
    "js", "normed_wasserstein", "meanshift", "fouriermmd", "epps_singleton", "fisher",
)  # fmt: skip
"""Ours, then other tools' names and measures that only their method sets have."""
DRIFT_KEYS = ("method_set", "columns", "season", "borrow", "attribution")
SEASONS = ("week",)
PERFORMANCE_MEASURES = (
    "roc_auc",
    "accuracy",
    "log_loss",
    "brier",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "average_precision",
    "calibration_error",
    "mae",
    "rmse",
    "r2",
)
FAIRNESS_MEASURES = (
    "selection_rate_ratio",
    "selection_rate_difference",
    "true_positive_rate_difference",
    "false_positive_rate_difference",
    "equalized_odds_difference",
)
GATE_RULES = ("no_worse_than", "at_least", "at_most")
UNITS = ("user-day", "row")


def read_watch(field: Field, *, columns: Columns) -> Watch:
    fields = field.mapping("window", "drift", "fairness", "performance", "quality", "alerts")
    out = Watch()
    return Watch(
        window=_window(fields["window"]) if "window" in fields else out.window,
        drift=_drift(fields["drift"], columns=columns) if "drift" in fields else out.drift,
        fairness=_fairness(fields["fairness"], columns=columns) if "fairness" in fields else (),
        performance=_performance(fields["performance"]) if "performance" in fields else (),
        quality=_quality(fields["quality"]) if "quality" in fields else out.quality,
        alerts=read_alerts(fields["alerts"]) if "alerts" in fields else out.alerts,
    )


def _window(field: Field) -> Window:
    fields = {"every": field} if isinstance(field.value, str) else field.mapping("every", "at_least", "up_to")
    default = Window()
    every = fields["every"].duration() if "every" in fields else default.every
    up_to = fields["up_to"].duration() if "up_to" in fields else max(default.up_to, every)
    if every < timedelta(minutes=1):
        raise fields["every"].bad("a window of at least 1m")
    if up_to < every:
        raise fields["up_to"].bad("a duration of at least `every`", advice="A window grows from `every` to `up_to`.")
    at_least = fields["at_least"].whole(at_least=1) if "at_least" in fields else default.at_least
    return Window(every=every, at_least=at_least, up_to=up_to)


def _drift(field: Field, *, columns: Columns) -> DriftWatch:
    fields = {"method_set": field} if isinstance(field.value, str) else field.mapping(*DRIFT_KEYS)
    method_set = fields["method_set"].choice(METHOD_SETS) if "method_set" in fields else DriftWatch().method_set
    named = {item.name: item for item in columns.inputs}
    own: list[tuple[str, ColumnDrift]] = []
    if "columns" in fields:
        chosen = fields["columns"].mapping(*named, *_outputs(columns))
        own = [(name, _column_drift(item)) for name, item in chosen.items()]
    if "season" in fields and method_set != DriftWatch().method_set:
        raise fields["season"].bad(
            f"the method set {DriftWatch().method_set}", advice="Other tools' rules have no season."
        )
    return DriftWatch(
        method_set=method_set,
        columns=tuple(own),
        season=fields["season"].choice(SEASONS) if "season" in fields else None,
        borrow=fields["borrow"].choice(("pool",)) if "borrow" in fields else None,
        attribution=fields["attribution"].share() if "attribution" in fields else None,
    )


def _outputs(columns: Columns) -> list[str]:
    """The columns besides the inputs whose drift is measured."""
    names = [columns.prediction.column if columns.prediction else None, columns.score]
    return [name for name in names if name]


def _column_drift(field: Field) -> ColumnDrift:
    fields = {"at_most": field} if isinstance(field.value, str) else field.mapping("measure", "at_most", "source")
    at_most = fields["at_most"].number() if "at_most" in fields else None
    if at_most is not None and at_most < 0:
        raise fields["at_most"].bad("a limit of at least 0")
    return ColumnDrift(
        measure=fields["measure"].choice(DRIFT_MEASURES) if "measure" in fields else None,
        at_most=at_most,
        source=fields["source"].text() if "source" in fields else ColumnDrift().source,
    )


def _fairness(field: Field, *, columns: Columns) -> tuple[FairnessWatch, ...]:
    out = []
    for item in field.one_or_many():
        fields = item.mapping("measure", "of", "at_least", "at_most", "source")
        for name in ("measure", "of"):
            if name not in fields:
                raise item.child(name, None).bad("a value", advice=f"Add `{name}`; each limit needs one.")
        at_least, at_most = _one_limit(item, fields)
        out.append(
            FairnessWatch(
                measure=fields["measure"].choice(FAIRNESS_MEASURES),
                of=_attribute(fields["of"], columns=columns),
                at_least=at_least,
                at_most=at_most,
                source=_source(fields),
            )
        )
    _each_once(field, [(watch.measure, watch.of) for watch in out])
    return tuple(out)


def _attribute(field: Field, *, columns: Columns) -> str:
    """`sex`, or a pair in the order in which the groups are declared: `sex & race`."""
    known = [group.name for group in columns.groups]
    if not known:
        raise field.bad("a declared group", advice="Declare it under columns.groups.")
    parts = [part.strip() for part in field.text().split("&")]
    for part in parts:
        Field(field.document, field.path, part).choice(known)
    if len(parts) > 2 or len(set(parts)) != len(parts):
        raise field.bad("a group, or a pair of two groups such as `sex & race`")
    return " & ".join(sorted(parts, key=known.index))


def _performance(field: Field) -> tuple[PerformanceWatch, ...]:
    out = []
    for item in field.one_or_many():
        if isinstance(item.value, str):
            raise item.bad("a limit such as {measure: roc_auc, at_least: 0.75}")
        fields = item.mapping("measure", "at_least", "at_most", "source")
        if "measure" not in fields:
            raise item.child("measure", None).bad("a value", advice="Add `measure`; each limit needs one.")
        at_least, at_most = _one_limit(item, fields)
        out.append(
            PerformanceWatch(
                measure=fields["measure"].choice(PERFORMANCE_MEASURES),
                at_least=at_least,
                at_most=at_most,
                source=_source(fields),
            )
        )
    _each_once(field, [(watch.measure, "") for watch in out])
    return tuple(out)


def _one_limit(item: Field, fields: dict[str, Field]) -> tuple[float | None, float | None]:
    if ("at_least" in fields) == ("at_most" in fields):
        raise item.bad("at_least or at_most", found="both" if "at_least" in fields else "neither")
    if "at_least" in fields:
        return fields["at_least"].number(), None
    return None, fields["at_most"].number()


def _source(fields: dict[str, Field]) -> str:
    return fields["source"].text() if "source" in fields else PerformanceWatch(measure="").source


def _each_once(field: Field, keys: list[tuple[str, str]]) -> None:
    """One limit per measure (and attribute): with two, a result could stand inside one and outside the other."""
    for place, key in enumerate(keys):
        if key in keys[:place]:
            told = " of ".join(part for part in key if part)
            raise field.child(place, None).bad("one limit for each measure", found=f"a second limit for {told}")


def _quality(field: Field) -> QualityWatch:
    fields = field.mapping("missing", "unseen", "out_of_range", "volume", "source")
    default = QualityWatch()
    return QualityWatch(
        missing=fields["missing"].share() if "missing" in fields else default.missing,
        unseen=fields["unseen"].share() if "unseen" in fields else default.unseen,
        out_of_range=fields["out_of_range"].share() if "out_of_range" in fields else None,
        volume=fields["volume"].share() if "volume" in fields else None,
        source=fields["source"].text() if "source" in fields else "model file",
    )


def read_privacy(field: Field, *, columns: Columns) -> Privacy:
    short = isinstance(field.value, str)
    fields = {"people": field} if short else field.mapping("people", "unit", "contributions", "rho")
    if "people" not in fields:
        raise field.child("people", None).bad("a name", advice="Name the people of [people.NAME] in bailiwick.toml.")
    default = "user-day" if columns.person else "row"
    unit = fields["unit"].choice(UNITS) if "unit" in fields else default
    if unit == "user-day" and not columns.person:
        raise fields["unit"].bad("unit: row, or a column for persons", advice="Declare columns.person for user-day.")
    return Privacy(
        people=fields["people"].slug(),
        unit=unit,
        contributions=fields["contributions"].whole(at_least=1) if "contributions" in fields else 1,
        rho=fields["rho"].exact() if "rho" in fields else None,
    )


def read_retrain(field: Field) -> Retrain:
    short = isinstance(field.value, str)
    fields = {"command": field} if short else field.mapping("executor", "command", "approvals", "gate")
    default = Retrain()
    return Retrain(
        executor=fields["executor"].slug() if "executor" in fields else default.executor,
        command=fields["command"].text() if "command" in fields else "",
        approvals=fields["approvals"].whole(at_least=1) if "approvals" in fields else default.approvals,
        gate=_gate(fields["gate"]) if "gate" in fields else (),
    )


def _gate(field: Field) -> tuple[tuple[str, str, float], ...]:
    """`{roc_auc: no_worse_than 0.01}` or `{roc_auc: {no_worse_than: 0.01}}`"""
    out = []
    for measure, item in field.mapping(*PERFORMANCE_MEASURES, *FAIRNESS_MEASURES).items():
        if isinstance(item.value, str):
            words = item.value.split()
            if len(words) != 2:
                raise item.bad("a rule and a number, such as `no_worse_than 0.01`")
            rule, number = words
        else:
            rules = item.mapping(*GATE_RULES)
            if len(rules) != 1:
                raise item.bad("one rule, such as {no_worse_than: 0.01}")
            rule, inner = next(iter(rules.items()))
            number = inner.raw()
        word = Field(item.document, item.path, rule).choice(GATE_RULES)
        out.append((measure, word, Field(item.document, item.path, number).number()))
    return tuple(out)
