"""Drift, quality and performance: per column and site the worst window and how many windows stood where.

Long periods are summarised; every single result is in the evidence. A chart is drawn only for what moved most.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from reports import words
from reports.build.facts import GeneralFacts, Row
from reports.elements import Cell, Column, Element, Kind, Mark, Note, Point, Section, Table, Text, TimeSeries

MOST_ROWS = 40
MOST_CHARTS = 4
_DRIFT = ("drift", "prediction_drift", "label_drift", "attribution_drift", "multivariate_drift")
_ORDER = {"outside": 0, "unclear": 1, "stale": 2, "within": 3}


@dataclass(frozen=True, slots=True)
class Series:
    """One measure of one thing at one site over the windows of the period."""

    site: str
    segment: str | None
    monitor: str
    about: str | None
    measure: str
    results: tuple[Row, ...]
    """In the order of their windows."""

    @property
    def tally(self) -> Counter[str]:
        return Counter("cannot" if r["status"] in words.CANNOT else str(r["status"]) for r in self.results)

    @property
    def worst(self) -> Row | None:
        """The window farthest beyond its limit, or without a limit the largest value; None when none was measured."""
        known = [result for result in self.results if result["value"] is not None]
        return max(known, key=lambda r: (-_ORDER.get(str(r["status"]), 4), _beyond(r)), default=None)

    @property
    def rank(self) -> tuple[float, ...]:
        counts, worst = self.tally, self.worst
        return (-counts["outside"], -counts["unclear"], -_beyond(worst) if worst else 0.0)

    @property
    def name(self) -> str:
        part = f" ({words.clean(self.segment)})" if self.segment else ""
        return f"{words.clean(self.about) or 'whole model'}{part}"


def _beyond(result: Row) -> float:
    """How far the value stands beyond its limit, as a share of the limit; without a limit the value itself."""
    value, limit = float(result["value"]), result.get("limit")
    if not limit or not limit.get("value"):
        return abs(value)
    distance = value - limit["value"] if limit["op"] == "at_most" else limit["value"] - value
    return float(distance) / abs(float(limit["value"]))


def series(results: Iterable[Row], monitors: Iterable[str]) -> list[Series]:
    """Results grouped by what they measure, those that moved most first."""
    wanted, groups = set(monitors), defaultdict(list)
    for r in results:
        if r["monitor"] in wanted:
            groups[(r["site"], r.get("segment"), r["monitor"], r.get("about"), r["measure"])].append(r)
    out = [Series(*key, tuple(sorted(rows, key=lambda r: str(r["window"]["from"])))) for key, rows in groups.items()]
    return sorted(out, key=lambda s: (*s.rank, s.site == "*", s.site, s.about or "", s.segment or "", s.measure))


def drift_section(facts: GeneralFacts) -> Section:
    found = series(facts.results, _DRIFT)
    if not found:
        return Section("drift", "Drift", (Note("No drift was measured in this period.", caution=True),))
    outside = [s for s in found if s.tally["outside"]]
    methods = sorted({words.clean(r["method"].get("name")) for s in found for r in s.results if r.get("method")})
    elements: list[Element] = [
        Text(
            f"{words.plural(len({s.about for s in found}), 'column')} at {words.plural(_sites(found), 'site')}"
            f"{' and all sites merged' if any(s.site == '*' for s in found) else ''}, by the method set "
            f"{words.listed(methods)}. {_outside_words(outside)}"
        ),
        _summary("Drift per column and site", found),
        *(_chart(facts, s) for s in outside[:MOST_CHARTS]),
        *_quality(facts),
    ]
    return Section("drift", "Drift", tuple(elements))


def _sites(found: list[Series]) -> int:
    return len({s.site for s in found if s.site != "*"})


def _outside_words(outside: list[Series]) -> str:
    if not outside:
        return "No column was outside its limit in any window."
    names = sorted({s.name for s in outside})
    return f"Outside the limit in at least one window: {words.listed(names[:12])}{' and others' if names[12:] else ''}."


def _summary(title: str, found: list[Series], *, first: str = "Column") -> Table:
    columns = (
        Column(first, width=1.7),
        Column("Site", width=1.25),
        Column("Worst value", Kind.NUMBER, 1.1),
        Column("Limit", width=1.25),
        Column("Worst window", width=1.6),
        Column("State then", Kind.STATE, 1.5),
        Column("Out", Kind.NUMBER, 0.55),
        Column("Watch", Kind.NUMBER, 0.7),
        Column("Within", Kind.NUMBER, 0.75),
        Column("Cannot say", Kind.NUMBER, 0.85),
    )
    shown = found[: max(MOST_ROWS, sum(1 for s in found if s.tally["outside"] or s.tally["unclear"]))]
    note = "Out, watch, within and cannot say count windows. Each single result is in the evidence."
    if len(found) > len(shown):
        note += f" {words.count(len(found) - len(shown))} more rows, none of them outside or on watch, are left to it."
    return Table(title, columns, tuple(_summary_cells(s) for s in shown), note=note)


def _summary_cells(s: Series) -> tuple[Cell, ...]:
    worst, counts = s.worst, s.tally
    last = s.results[-1]
    shown = worst or last
    label = s.name if s.monitor in ("drift", "quality", "performance") else f"{s.name}, {s.monitor.replace('_', ' ')}"
    return (
        Cell(label, s.about),
        Cell(words.site(s.site), s.site),
        words.figure(shown["value"]),
        Cell(words.limit(shown.get("limit")), shown.get("limit")),
        Cell(words.window(shown["window"]), shown["window"]),
        state_of(shown),
        words.counted(counts["outside"]),
        words.counted(counts["unclear"]),
        words.counted(counts["within"]),
        words.counted(counts["cannot"] + counts["stale"]),
    )


def _chart(facts: GeneralFacts, s: Series, *, subject: str = "moved") -> TimeSeries:
    points = tuple(
        Point(r["window"]["from"], r["value"], low, high, words.tone(str(r["status"])))
        for r in s.results
        for low, high in [r.get("interval") or (None, None)]
    )
    limits = [r["limit"] for r in s.results if r.get("limit")]
    latest = limits[-1] if limits else None
    counts = s.tally
    place = f"at {words.site(s.site)}" if s.site != "*" else "over all sites"
    word = words.measure(s.measure)
    title = f"{s.name} {place}: {words.plural(counts['outside'], 'window')} of {len(s.results)} outside"
    if s.monitor == "performance":
        title = f"{word} {place}: {words.plural(counts['outside'], 'window')} of {len(s.results)} outside"
    worst = s.worst
    told = f"Worst {words.number(worst['value'])} in {words.window(worst['window'])}. " if worst else ""
    missing = sum(point.value is None for point in points)
    return TimeSeries(
        title,
        f"{word} of {s.name} {place} per window, limit {words.limit(latest)}. {told}"
        f"{words.plural(missing, 'window')} without a number.",
        facts.period_from,
        facts.period_to,
        points,
        None if latest is None else float(latest["value"]),
        "" if latest is None else words.limit(latest),
        _marks(facts, s),
    )


def _marks(facts: GeneralFacts, s: Series) -> tuple[Mark, ...]:
    """Alerts of this very series; a crowd of them would hide the line."""
    key = (s.site, s.monitor, s.about, s.measure)
    own = [a for a in facts.alerts if (a["site"], a["monitor"], a.get("about"), a["measure"]) == key]
    stamps = [(a.get("first_window") or {}).get("from") or a.get("opened_at") for a in own]
    return tuple(Mark(str(at), "alert") for at in stamps[:3] if at and facts.period_from <= str(at) < facts.period_to)


def _quality(facts: GeneralFacts) -> list[Element]:
    found = series(facts.results, ("quality",))
    moved = [s for s in found if s.tally["outside"] or s.tally["unclear"]]
    if not found:
        return [Note("Missing and unseen values were not measured in this period.")]
    if not moved:
        word = words.plural(len(found), "series", "series")
        return [Text(f"Missing and unseen values: {word} of measurements, none outside its limit.")]
    return [_summary("Missing and unseen values beyond their limits", moved)]


def performance_section(facts: GeneralFacts) -> Section:
    found = series(facts.results, ("performance",))
    estimated = series(facts.results, ("estimated_performance",))
    elements: list[Element] = []
    if facts.file.columns.outcome is None:
        elements.append(Text("The model file names no outcome, so that performance cannot be measured."))
    elif not any(s.worst for s in found):
        elements.append(Note("No outcomes are known for this period: nothing is said about performance.", caution=True))
    else:
        elements.append(Text(_performance_words(found)))
    if found:
        elements.append(_performance_table("Performance on known outcomes", found))
        charted = [s for s in found if s.tally["outside"] or s.site == "*"] or found
        elements += [_chart(facts, s) for s in charted[:2] if sum(r["value"] is not None for r in s.results) > 1]
    if estimated:
        elements.append(Note("What follows is estimated, no outcomes yet."))
        elements.append(_performance_table("Estimated, no outcomes yet", estimated))
    return Section("performance", "Performance", tuple(elements))


def _performance_words(found: list[Series]) -> str:
    outside = [s for s in found if s.tally["outside"]]
    if not outside:
        return "No measure of performance was outside its limit, with its interval, in any window."
    told = [f"{words.measure(s.measure)} at {words.site(s.site)}" for s in outside]
    return f"Outside the limit, interval included, in at least one window: {words.listed(told)}."


def _performance_table(title: str, found: list[Series]) -> Table:
    columns = (
        Column("Measure", width=1.1),
        Column("Site", width=1.2),
        Column("Latest, with interval and n", width=2.6),
        Column("Limit", width=1.1),
        Column("State", Kind.STATE, 1.5),
        Column("Window", width=1.2),
        Column("Out", Kind.NUMBER, 0.5),
        Column("Windows", Kind.NUMBER, 0.9),
    )
    rows = []
    limited = [s for s in found if any(r.get("limit") for r in s.results)]
    for s in sorted(found, key=lambda s: (s not in limited, s.worst is None, s.measure, s.site == "*", s.site)):
        last = next((r for r in reversed(s.results) if r["value"] is not None), s.results[-1])
        rows.append(
            (
                Cell(words.measure(s.measure) + (f" ({words.clean(s.segment)})" if s.segment else ""), s.measure),
                Cell(words.site(s.site), s.site),
                Cell(result_words(last), last["value"]),
                Cell(words.limit(last.get("limit")), last.get("limit")),
                state_of(last),
                Cell(words.window(last["window"]), last["window"]),
                words.counted(s.tally["outside"]),
                words.counted(len(s.results)),
            )
        )
    return Table(title, columns, tuple(rows), note="Latest is the newest window in which it could be computed.")


def state_of(result: Row) -> Cell:
    """A number without a limit is told, not judged."""
    judged = bool(result.get("limit")) or result["status"] not in ("within", "unclear")
    return words.state(str(result["status"]) if judged else "no_limit")


def result_words(result: Row) -> str:
    low, high = result.get("interval") or (None, None)
    return words.interval(result["value"], low, high, n=(result.get("n") or {}).get("current"))
