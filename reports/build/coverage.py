"""Coverage by site, and what was not looked at: told before any finding, because findings stand on it.

A site that sent nothing has no percentages here: `no data` is never 0 or 100 %.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reports import words
from reports.build.facts import GeneralFacts, Row
from reports.elements import Bullets, Cell, Column, Element, Kind, Note, Section, Table, Text

SHARING = {"rows": "rows", "counts": "counts only", "noisy-counts": "counts with noise"}
_DIGITS_OF_TOTAL = ("rows", "kept", "quarantined", "duplicates")


def coverage_section(facts: GeneralFacts) -> Section:
    rows = facts.coverage
    if not rows:
        nothing = Note("No site has sent anything for this model. Nothing below can be said of it.", caution=True)
        return Section("coverage", "Coverage by site", (nothing,))
    without = [words.clean(row["site"]) for row in rows if not row.get("rows")]
    elements: list[Element] = [
        Text(
            f"{words.plural(len(rows) - len(without), 'site')} of {len(rows)} sent data for this period. "
            "What stands below is measured on the kept rows of these sites and on nothing else."
            if len(without) < len(rows)
            else "No site sent anything for this period, so that nothing below stands on data."
        )
    ]
    if without:
        elements.append(Note(f"No data at all from {words.listed(without)}.", caution=True))
    elements += [_received(rows), _hours(rows), _apart(rows), _refused(rows)]
    return Section("coverage", "Coverage by site", tuple(elements))


def _received(rows: list[Row]) -> Table:
    columns = (
        Column("Site", width=1.5),
        Column("Shares", width=1.4),
        Column("Batches", Kind.NUMBER, 0.8),
        Column("Rows", Kind.NUMBER),
        Column("Kept", Kind.NUMBER),
        Column("Quarantined", Kind.NUMBER, 1.2),
        Column("Duplicates", Kind.NUMBER, 1.1),
        Column("Kept, share", Kind.NUMBER, 1.1),
    )
    cells: list[tuple[Cell, ...]] = []
    for row in rows:
        shared = SHARING.get(str(row.get("sharing")), words.clean(row.get("sharing")))
        if not row.get("rows"):
            void = Cell(words.NO_DATA, None)
            batches = words.counted(row.get("batches") or 0)
            cells.append((words.text(row["site"]), Cell(shared), batches, void, void, void, void, void))
            continue
        numbers = tuple(words.counted(row.get(name)) for name in _DIGITS_OF_TOTAL)
        kept = Cell(words.share(row.get("kept"), row["rows"]), row.get("kept"))
        cells.append((words.text(row["site"]), Cell(shared), words.counted(row.get("batches")), *numbers, kept))
    total = [sum(int(row.get(name) or 0) for row in rows) for name in ("batches", *_DIGITS_OF_TOTAL)]
    if total[1]:
        share = Cell(words.share(total[2], total[1]), total[2])
        cells.append((Cell("all sites"), Cell(""), *(words.counted(n) for n in total), share))
    return Table(
        "What came in",
        columns,
        tuple(cells),
        note="Kept, quarantined and duplicates add up to rows. A site that shares counts keeps its rows; the numbers "
        "are those it reported with its summaries.",
    )


def _hours(rows: list[Row]) -> Table:
    columns = (
        Column("Site", width=1.4),
        Column("State", Kind.STATE, 1.5),
        Column("First event", width=1.6),
        Column("Last event", width=1.6),
        Column("Days with data", Kind.NUMBER, 0.9),
        Column("Silent hours", Kind.NUMBER, 0.9),
        Column("Labelled", Kind.NUMBER, 1.3),
    )
    return Table(
        "When it came, and how much has an outcome",
        columns,
        tuple(_hour_cells(row) for row in rows),
        note="Silent hours: from the last event of the site to the end of the period. Labelled: the share of decisions "
        "of the period whose outcome is known as of this report.",
    )


def _hour_cells(row: Row) -> tuple[Cell, ...]:
    sent = bool(row.get("rows"))
    fresh = words.state(str(row.get("fresh") or ("live" if sent else "no_data")))
    labelled = words.NO_DATA if not sent else _label_share(row)
    return (
        words.text(row["site"]),
        fresh,
        Cell(words.moment(row.get("first_event")), row.get("first_event")),
        Cell(words.moment(row.get("last_event")), row.get("last_event")),
        _hour(row.get("days_with_data"), sent),
        _hour(row.get("silent_hours"), sent),
        Cell(labelled, row.get("labelled")),
    )


def _label_share(row: Row) -> str:
    if row.get("labelled") is None:
        return "not counted"
    return "no labels yet" if not row["labelled"] else words.share(row["labelled"], _decisions(row))


def _decisions(row: Row) -> int:
    """Rows that could have an outcome: inputs and prediction met; else the kept ones."""
    return int(row.get("outcomes") or row.get("kept") or 0)


def _hour(value: float | None, sent: bool) -> Cell:
    """Hours without data are told even where nothing came; hours with data are not a zero there."""
    if value is None or (not sent and not value):
        return Cell(words.NO_DATA if not sent else "not counted", None)
    return Cell(f"{float(value):,.4g}", value)


def _apart(rows: list[Row]) -> Table:
    """Halves of rows: a request whose response never came, and the other way round."""
    told = [row for row in rows if row.get("inputs_alone") or row.get("predictions_alone")]
    return Table(
        "Requests and responses that never met",
        (
            Column("Site", width=1.5),
            Column("Requests without response", Kind.NUMBER),
            Column("Responses without request", Kind.NUMBER),
        ),
        tuple(
            (words.text(row["site"]), words.counted(row["inputs_alone"]), words.counted(row["predictions_alone"]))
            for row in told
        ),
        note="Inputs and prediction of a row may come apart, and meet on the row's id. A serving stack that logs no "
        "failed calls leaves requests without response. Told for sites whose single rows are here.",
        empty="none: where single rows are here, each was whole or met its other half",
    )


def _refused(rows: list[Row]) -> Table:
    pairs = [(row, reason, n) for row in rows for reason, n in sorted((row.get("reasons") or {}).items()) if n]
    return Table(
        "Why rows were quarantined",
        (Column("Site", width=1.2), Column("Reason", width=2), Column("Rows", Kind.NUMBER, 0.8)),
        tuple(
            (words.text(row["site"]), Cell(words.clean(reason).replace("_", " "), reason), words.counted(n))
            for row, reason, n in pairs
        ),
        empty="none: no row was quarantined",
    )


LINEAGE = (
    "Lineage: from which data a model's features and its training came, and what uses its predictions, is not recorded "
    "by this hub."
)
"""Said in every report for as long as nothing of it is taken in."""


def silence_of(row: Row) -> str:
    """Hours at the end of the period in which a site that sent something sent nothing; empty where there were none."""
    hours = row.get("silent_hours")
    if not hours:
        return ""
    told = f"{float(hours):,.4g}"
    return f"{told} {'hour' if told == '1' else 'hours'} without anything at the end of the period."


def not_looked_at_section(facts: GeneralFacts) -> Section:
    items = list(_not_looked_at(facts))
    lead = "These parts of what exists, or of what was asked for, are in no finding of this report."
    return Section("not_looked_at", "What was not looked at", (Text(lead), Bullets(tuple(items)), _cannot(facts)))


def _not_looked_at(facts: GeneralFacts) -> Iterator[str]:
    for row in facts.coverage:
        site = words.clean(row["site"])
        if not row.get("rows"):
            yield f"{site}: no data in the period."
            continue
        if silence := silence_of(row):
            yield f"{site}: {silence}"
        if row.get("sharing") in ("counts", "noisy-counts"):
            yield f"{site}: single rows. The site sent {SHARING[row['sharing']]}; its rows stayed there."
        if row.get("inputs_alone"):
            yield f"{site}: {words.plural(int(row['inputs_alone']), 'request')} without response: no prediction."
    ignored: Counter[str] = Counter()
    for receipt in facts.receipts:
        ignored.update({str(name): int(n) for name, n in (receipt.get("ignored") or {}).items()})
    if ignored:
        yield f"Columns nobody declared, with the rows that carried them: {words.tally(ignored)}."
    left = sum(int(row.get("quarantined") or 0) for row in facts.coverage)
    if left:
        yield f"{words.plural(left, 'quarantined row')}, kept with reasons and bytes and counted in nothing else."
    unlabelled = sum(_decisions(r) - int(r["labelled"]) for r in facts.coverage if r.get("labelled") is not None)
    if facts.file.columns.outcome and unlabelled > 0:
        yield f"{words.plural(unlabelled, 'decision')} without an outcome so far: performance says nothing of them."
    if not facts.file.columns.groups:
        yield "Groups of people: the model file names none."
    if not facts.file.columns.outcome:
        yield "Outcomes: the model file names none, so that performance cannot be measured."
    yield LINEAGE


def _cannot(facts: GeneralFacts) -> Table:
    """Where a measurement was due and could not say anything, by monitor and reason."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for result in facts.results:
        if result["status"] in words.CANNOT:
            counts[(str(result["monitor"]), str(result["site"]), str(result["status"]))] += 1
    ordered = sorted(counts.items(), key=lambda pair: (pair[0][0], pair[0][1] == "*", pair[0][1], pair[0][2]))
    return Table(
        "Measurements that could not say",
        (
            Column("Monitor", width=1.3),
            Column("Site", width=1.3),
            Column("State", Kind.STATE, 1.7),
            Column("Results", Kind.NUMBER, 0.8),
        ),
        tuple(
            (Cell(monitor.replace("_", " ")), Cell(words.site(site), site), words.state(status), words.counted(n))
            for (monitor, site, status), n in ordered
        ),
        empty="none: every measurement could say something" if facts.results else "nothing was measured",
    )
