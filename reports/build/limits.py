"""Limits as they stood, who set them, and every change to them: `none` is said aloud."""

from __future__ import annotations

from collections.abc import Iterator

from reports import words
from reports.build.facts import GeneralFacts, Row
from reports.elements import Cell, Column, Element, Kind, Section, Table, Text


def limits_section(facts: GeneralFacts) -> Section:
    applied = _applied(facts)
    elements: list[Element] = [
        Text("A number is outside only against a limit that someone set. These are the limits that were applied."),
        Table(
            "Limits applied",
            (
                Column("Monitor", width=1.1),
                Column("Measure", width=1.6),
                Column("Of", width=2.0),
                Column("Limit", width=1.2),
                Column("Set by", width=1.6),
                Column("Results", Kind.NUMBER, 0.8),
            ),
            tuple(applied),
            empty="none: nothing was judged against a limit in this period",
        ),
        _changes(facts),
    ]
    return Section("limits", "Limits and changes to them", tuple(elements))


def _applied(facts: GeneralFacts) -> Iterator[tuple[Cell, ...]]:
    """One row per limit, with everything it was applied to."""
    uses: dict[tuple[str, str, str, str], list[str]] = {}
    for result in facts.results:
        limit = result.get("limit")
        if limit and limit.get("value") is not None:
            source = words.clean(limit.get("source")) or "nobody is named"
            key = (str(result["monitor"]), str(result["measure"]), words.limit(limit), source)
            uses.setdefault(key, []).append(str(result.get("about") or ""))
    for (monitor, measure, limit_words, source), abouts in sorted(uses.items()):
        names = sorted({words.clean(about) for about in abouts if about})
        of = words.listed(names[:8], none="whole model") + (f" and {len(names) - 8} more" if names[8:] else "")
        yield (
            Cell(monitor.replace("_", " "), monitor),
            Cell(words.measure(measure), measure),
            Cell(of),
            Cell(limit_words),
            Cell(source),
            words.counted(len(abouts)),
        )


def moving(change: Row) -> list[Row]:
    """The parts of a revision that move a limit, reference, bins, window or group."""
    return [part for part in change.get("changes") or [] if part.get("moves_limit", True)]


def limit_changes(facts: GeneralFacts) -> int:
    return sum(len(moving(change)) for change in facts.changes)


def _changes(facts: GeneralFacts) -> Table:
    rows = []
    for change in sorted(facts.changes, key=lambda c: int(c.get("seq") or 0)):
        for part in moving(change):
            reason = words.clean(change.get("reason")) or "no reason given"
            replay = words.clean(change.get("replay"))
            rows.append(
                (
                    Cell(words.moment(change.get("known_at")), change.get("seq")),
                    words.text(change.get("actor"), none="not known"),
                    words.text(part.get("path")),
                    words.text(part.get("old"), none="none"),
                    words.text(part.get("new"), none="none"),
                    Cell(f"{reason}. {replay}" if replay else reason),
                )
            )
    return Table(
        "Changes to limits",
        (
            Column("When", width=1.3),
            Column("Who", width=1.0),
            Column("What", width=2.2),
            Column("From", width=0.9),
            Column("To", width=0.9),
            Column("Reason given", width=2.2),
        ),
        tuple(rows),
        note="A revision of a limit, reference, bins, window or group needs a reason and stands here.",
        empty="none: no limit, reference, bins, window or group was changed",
    )
