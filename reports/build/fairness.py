"""Fairness: per attribute and site the gap with its interval, then the rate of each group.

A gap is a statistical result, not a determination of discrimination: the section says so before the first figure.
Groups too small to tell are told as such, never left out.
"""

from __future__ import annotations

from collections import defaultdict

from reports import words
from reports.build.facts import GeneralFacts, Row
from reports.build.findings import Series, result_words, series, state_of
from reports.elements import Cell, Column, Dot, DotWhisker, Element, Kind, Note, Section, Table, Text

MOST_GROUPS = 80
_RATES = ("selection_rate", "tpr", "fpr", "true_positive_rate", "false_positive_rate", "mean_prediction")


def fairness_section(facts: GeneralFacts) -> Section:
    found = series(facts.results, ("fairness",))
    if not facts.file.columns.groups:
        none = Text("The model file names no groups of people: none were compared.")
        return Section("fairness", "Fairness", (none,))
    if not found:
        note = Note("Groups are declared, but none could be compared in this period.", caution=True)
        return Section("fairness", "Fairness", (note,))
    gaps = [s for s in found if not _of_group(s)]
    elements: list[Element] = [
        Note("A gap between groups is a statistical result, not a determination of discrimination."),
        Text(_good_means(facts) + _gap_words(gaps)),
        *_gap_tables(gaps),
        *_rate_tables(found),
    ]
    return Section("fairness", "Fairness", tuple(elements))


def newest(s: Series) -> Row:
    """The newest window with a number, or the newest at all."""
    return next((r for r in reversed(s.results) if r["value"] is not None), s.results[-1])


def _of_group(s: Series) -> bool:
    return "=" in (s.about or "")


def _good_means(facts: GeneralFacts) -> str:
    prediction = facts.file.columns.prediction
    if prediction is None or not prediction.good_means:
        return ""
    return f"The favourable outcome is: {words.clean(prediction.good_means)}. "


def _gap_words(gaps: list[Series]) -> str:
    outside = [s for s in gaps if newest(s)["status"] == "outside"]
    unclear = [s for s in gaps if newest(s)["status"] == "unclear"]
    cannot = [s for s in gaps if newest(s)["status"] in words.CANNOT]
    told = [f"{s.name} at {words.site(s.site)} ({words.measure(s.measure)})" for s in outside]
    sentence = f"In the newest window, outside the limit and not by chance: {words.listed(told)}."
    if unclear:
        sentence += f" Beyond the limit, but the sample cannot tell: {words.plural(len(unclear), 'comparison')}."
    if cannot:
        sentence += f" Cannot say: {words.plural(len(cannot), 'comparison')}."
    return sentence


def _gap_tables(gaps: list[Series]) -> list[Element]:
    """What is judged comes first, with its chart; gaps that nobody set a limit for are told after it."""
    judged = [s for s in gaps if any(r.get("limit") for r in s.results)]
    rest = [s for s in gaps if s not in judged]
    note = "Out counts the windows of the period that were outside. Outside needs a gap beyond the limit and a "
    note += "difference from parity that is significant; beyond the limit without significance is watch."
    out: list[Element] = [_gap_table("Gaps judged against a limit", judged, note=note), *_charts(judged)]
    if rest:
        told = "Measured and not judged: the model file sets no limit for them."
        out.append(_gap_table("Gaps without a limit", rest, note=told))
    return out


def _gap_table(title: str, gaps: list[Series], *, note: str) -> Table:
    columns = (
        Column("Attribute", width=1.2),
        Column("Site", width=1.2),
        Column("Measure", width=1.4),
        Column("Newest, with interval and n", width=2.5),
        Column("Limit", width=1.15),
        Column("State", Kind.STATE, 1.5),
        Column("Window", width=1.2),
        Column("Out", Kind.NUMBER, 0.45),
    )
    rows = []
    for s in sorted(gaps, key=lambda s: (s.about or "", s.measure, s.site == "*", s.site, s.segment or "")):
        last = newest(s)
        rows.append(
            (
                Cell(s.name, s.about),
                Cell(words.site(s.site), s.site),
                Cell(words.measure(s.measure), s.measure),
                Cell(result_words(last), last["value"]),
                Cell(words.limit(last.get("limit")), last.get("limit")),
                state_of(last),
                Cell(words.window(last["window"]), last["window"]),
                words.counted(s.tally["outside"]),
            )
        )
    return Table(title, columns, tuple(rows), note=note, empty="none: the model file sets no limit on a gap")


def _charts(gaps: list[Series]) -> list[Element]:
    """One dot and whisker per site for each attribute's ratio, the limit and parity drawn in."""
    by_attribute: dict[tuple[str, str], list[Series]] = defaultdict(list)
    for s in gaps:
        if s.measure.endswith("_ratio") and s.segment is None:
            by_attribute[(s.about or "", s.measure)].append(s)
    charts: list[Element] = []
    for (about, measure), found in sorted(by_attribute.items()):
        ordered = sorted(found, key=lambda s: (s.site == "*", s.site))
        limits = [r["limit"] for s in ordered for r in s.results if r.get("limit")]
        if len(charts) < 3 and limits:
            charts.append(_ratio_chart(about, measure, ordered, limits[-1]))
    return charts


def _ratio_chart(about: str, measure: str, found: list[Series], limit: Row) -> DotWhisker:
    dots = []
    for s in found:
        last = newest(s)
        low, high = last.get("interval") or (None, None)
        told = result_words(last)
        dots.append(Dot(words.site(s.site), last["value"], low, high, told, words.tone(str(last["status"]))))
    beyond = [words.site(s.site) for s in found if newest(s)["status"] == "outside"]
    name = words.clean(about)
    title = f"{words.measure(measure).capitalize()} of {name}: outside at {words.listed(beyond, none='no site')}"
    told = "; ".join(f"{dot.label} {dot.text}" for dot in dots)
    return DotWhisker(
        title,
        f"{title}. Limit {words.limit(limit)}, parity at 1. {told}.",
        tuple(dots),
        float(limit["value"]),
        words.limit(limit),
        1.0,
    )


def _rate_tables(found: list[Series]) -> list[Element]:
    """Rates of single groups, from the results of groups and else from the details of a gap."""
    rows = [_rate_row(s.site, s.about or "", s.measure, newest(s)) for s in found if _of_group(s)]
    if not rows:
        rows = [row for s in found if not _of_group(s) for row in _detail_rows(s)]
    if not rows:
        return [Note("The rates of single groups are not part of these results; the counts are in the evidence.")]
    ordered = sorted({tuple(cell.text for cell in row): row for row in rows}.values(), key=_rate_key)
    columns = (
        Column("Group", width=1.6),
        Column("Site", width=1.3),
        Column("Rate of what", width=1.4),
        Column("Rate, with interval and n", width=2.4),
        Column("State", Kind.STATE, 1.3),
        Column("Window", width=2.1),
    )
    left = len(ordered) - MOST_GROUPS
    note = "Newest window per group. Intervals are at 95 %."
    note += f" {words.count(left)} more rows are in the evidence." if left > 0 else ""
    return [Table("Rates per group", columns, tuple(ordered[:MOST_GROUPS]), note=note)]


def _rate_key(row: tuple[Cell, ...]) -> tuple[bool, str, str, str]:
    return (" & " in row[0].text, row[2].text, row[1].text, row[0].text)


def _rate_row(site: str, group: str, measure: str, result: Row) -> tuple[Cell, ...]:
    return (
        Cell(words.clean(group), group),
        Cell(words.site(site), site),
        Cell(words.measure(measure), measure),
        Cell(result_words(result), result["value"]),
        state_of(result),
        Cell(words.window(result["window"]), result["window"]),
    )


def _detail_rows(s: Series) -> list[tuple[Cell, ...]]:
    """Groups as a gap's details hold them: {group: {rate, interval, n}} or a list of the same with `group`."""
    last = newest(s)
    groups = (last.get("details") or {}).get("groups") or {}
    listed = groups.items() if isinstance(groups, dict) else [(g.get("group"), g) for g in groups]
    out: list[tuple[Cell, ...]] = []
    for name, told in listed:
        if not isinstance(told, dict):
            continue
        low, high = told.get("interval") or (told.get("low"), told.get("high"))
        rate = told.get("rate", told.get("value"))
        label = str(name) if "=" in str(name) else f"{s.about}={name}"
        status = Cell("no limit set", None, "plain", "◇") if rate is not None else words.state("too_few")
        out.append(
            (
                Cell(words.clean(label), label),
                Cell(words.site(s.site), s.site),
                Cell(words.clean(told.get("of") or words.measure(_rate_of(s.measure))), s.measure),
                Cell(words.interval(rate, low, high, n=told.get("n")), rate),
                status,
                Cell(words.window(last["window"]), last["window"]),
            )
        )
    return out


def _rate_of(measure: str) -> str:
    """The rate that a gap is made of: `selection_rate_ratio` of `selection_rate`."""
    known = next((rate for rate in _RATES if measure.startswith(rate)), None)
    return known or measure.removesuffix("_ratio").removesuffix("_difference")
