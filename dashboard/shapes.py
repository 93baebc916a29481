"""From what reads give to what pages draw: pure functions of lists of dicts, tested without a browser.

No figure is made here that a monitor did not measure; only the newest is picked, runs are counted and words chosen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.words import moment_of, plain, span
from reports import words as told

Row = dict[str, Any]

CANNOT = told.CANNOT
WORST_FIRST = (
    "outside",
    "stale",
    "silent",
    "unclear",
    "no_data",
    "never",
    "no_reference",
    "no_labels",
    "not_computable",
    "too_few",
    "no_limit",
    "within",
)
SEVERITIES = ("critical", "high", "medium", "low", "info")


def worst_rank(status: str) -> int:
    return WORST_FIRST.index(status) if status in WORST_FIRST else len(WORST_FIRST)


def status_of(result: Row) -> str:
    """A number without a limit is told, never judged: its status is `no_limit`."""
    if result.get("limit") or result["status"] not in ("within", "unclear"):
        return str(result["status"])
    return "no_limit"


def measured(result: Row, *, limit: bool = True) -> str:
    """`0.71 (0.66 to 0.77, n 1,204) against at least 0.80`."""
    low, high = result.get("interval") or (None, None)
    text = told.interval(result.get("value"), low, high, n=(result.get("n") or {}).get("current"))
    return f"{text} against {told.limit(result['limit'])}" if limit and result.get("limit") else text


def window_end(result: Row) -> datetime:
    return moment_of(result["window"]["to"]) or datetime.min


def window_start(result: Row) -> datetime:
    return moment_of(result["window"]["from"]) or datetime.min


def newest(results: Iterable[Row]) -> Row | None:
    """The newest window. Outcomes come late: one that still waits for them stands back behind one that has them."""
    return max(results, key=lambda r: (r["status"] != "no_labels", window_end(r), r.get("seq") or 0), default=None)


def grouped(rows: Iterable[Row], *keys: str) -> dict[tuple[Any, ...], list[Row]]:
    out: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        out[tuple(row.get(key) for key in keys)].append(row)
    return dict(out)


def newest_each(results: Iterable[Row]) -> list[Row]:
    """The newest window of each measured thing."""
    keys = ("model", "version", "site", "segment", "monitor", "about", "measure")
    return [found for rows in grouped(results, *keys).values() if (found := newest(rows))]


def outside_since(results: Sequence[Row]) -> datetime | None:
    """Start of the unbroken run of `outside` that reaches the newest verdict; what cannot be said breaks no run."""
    start = None
    for result in sorted(results, key=window_end, reverse=True):
        if result["status"] in CANNOT or result["status"] == "unclear":
            continue
        if result["status"] != "outside":
            break
        start = window_start(result)
    return start


@dataclass(frozen=True, slots=True)
class Move:
    """One column's present state at each site."""

    about: str
    cells: dict[str, Row]
    since: dict[str, datetime]

    @property
    def outside(self) -> list[str]:
        return sorted(site for site in self.since if site != "*")

    @property
    def judged(self) -> list[str]:
        return sorted(
            site for site, cell in self.cells.items() if site != "*" and cell["status"] in ("within", "outside")
        )


def moves(results: Iterable[Row]) -> list[Move]:
    """One per column, those that moved first: is it one site, or all?"""
    out = []
    for (about,), rows in grouped((r for r in results if r.get("segment") is None and r.get("about")), "about").items():
        by_site = grouped(rows, "site")
        cells = {key[0]: found for key, of_site in by_site.items() if (found := newest(of_site))}
        since = {key[0]: start for key, of_site in by_site.items() if (start := outside_since(of_site))}
        out.append(Move(str(about), cells, since))
    return sorted(out, key=lambda move: (-len(move.outside), move.about))


def move_sentence(move: Move) -> str:
    """`income moved at branch-north alone, since 2026-10-04; 2 other sites could have told and did not.`"""
    sites, others = move.outside, [site for site in move.judged if site not in move.outside]
    first = min((move.since[site] for site in sites), default=None)
    when = f", since {first:%Y-%m-%d}" if first else ""
    name = f"**{plain(move.about)}**"
    silent = [site for site in move.cells if site != "*" and site not in move.judged and site not in sites]
    cannot = f" {told.listed(map(plain, sorted(silent)))} cannot say." if silent else ""
    if not sites:
        return f"{name} has not moved.{cannot}"
    if not others and len(sites) > 1:
        return f"{name} moved at every site that can tell: {told.listed(map(plain, sites))}{when}.{cannot}"
    if len(sites) == 1 and others:
        stayed = f"{told.listed(map(plain, others))} stayed within."
        return f"{name} moved at **{plain(sites[0])} alone**{when}; {stayed}{cannot}"
    return f"{name} moved at {told.listed(map(plain, sites))}{when}.{cannot}"


def freshness_sentence(sites: Sequence[Row]) -> str:
    """`3 of 4 sites are fresh; edge-kiosk has been silent for 30 hours.`"""
    if not sites:
        return "No site is registered yet."
    live = [site for site in sites if site["fresh"] == "live"]
    sentence = f"{len(live)} of {told.plural(len(sites), 'site')} {'is' if len(live) == 1 else 'are'} fresh"
    for site in quiet(sites):
        if site["fresh"] == "never":
            sentence += f"; {plain(site['site'])} was never heard from"
        else:
            word = "has been silent" if site["fresh"] == "silent" else "is late: nothing came"
            sentence += f"; {plain(site['site'])} {word} for {span((site['hours_silent'] or 0) * 3600)}"
    return sentence + "."


def quiet(sites: Iterable[Row]) -> list[Row]:
    """Sites from which nothing came when it was due, the longest silence first."""
    found = [site for site in sites if site["fresh"] != "live"]
    return sorted(found, key=lambda site: (site["fresh"] != "never", -(site["hours_silent"] or 0)))


def open_alerts(alerts: Iterable[Row]) -> list[Row]:
    """Neither cleared by the machine nor resolved by a person; firing first, then the most severe."""
    found = [alert for alert in alerts if alert["condition"] != "cleared" and alert["triage"] != "resolved"]
    return sorted(found, key=lambda a: (a["condition"] != "firing", severity_rank(a["severity"]), str(a["id"])))


def severity_rank(name: str) -> int:
    return SEVERITIES.index(name) if name in SEVERITIES else len(SEVERITIES)


def triage_of(alert: Row) -> str:
    """The tab an alert stands under: everything nobody has taken up is for review."""
    return str(alert["triage"]) if alert["triage"] in ("acknowledged", "snoozed", "resolved") else "review"


def is_overdue(alert: Row, now: datetime) -> bool:
    """Open, taken up by nobody, and past the time by which somebody should have dealt with it."""
    due = moment_of(alert.get("due_at"))
    return due is not None and due < now and alert["condition"] != "cleared" and triage_of(alert) == "review"


def by_severity(alerts: Iterable[Row]) -> str:
    """`2 high, 1 medium`."""
    counts = dict.fromkeys(SEVERITIES, 0)
    for alert in alerts:
        counts[alert["severity"]] = counts.get(alert["severity"], 0) + 1
    return ", ".join(f"{n} {name}" for name, n in counts.items() if n)


def worst_severities(alerts: Iterable[Row]) -> str:
    """`4 critical, 3 high, 2 lower`: what fits on a card."""
    names = [alert["severity"] for alert in alerts]
    told = [(sum(name == worst for name in names), worst) for worst in SEVERITIES[:2]]
    told.append((sum(name not in SEVERITIES[:2] for name in names), "lower"))
    return ", ".join(f"{n} {name}" for n, name in told if n)


def group_rates(gap: Row | None, rates: Iterable[Row]) -> list[Row]:
    """Rates of the groups behind a gap: those measured in its window, else the two that its details name."""
    if not gap:
        return []
    mine = [r for r in rates if attribute_of(r) == gap["about"] and r["window"] == gap["window"]]
    if mine:
        return sorted(mine, key=lambda r: str(r["about"]))
    ends = [(gap.get("details") or {}).get(end) for end in ("lowest", "highest")]
    return [
        {"about": end["group"], "value": end["rate"], "interval": end.get("interval"), "n": {"current": end.get("n")}}
        for end in ends
        if end
    ]


def attribute_of(rate: Row) -> str:
    """What the group of a rate is a group of: `sex & age` for `sex=F & age=30-45`."""
    return " & ".join(part.partition("=")[0] for part in str(rate["about"]).split(" & "))


@dataclass(frozen=True, slots=True)
class Change:
    """One measure before and after retraining; either side may be missing."""

    name: str
    before: Row
    after: Row

    @property
    def difference(self) -> float | None:
        before, after = self.before.get("value"), self.after.get("value")
        return None if before is None or after is None else after - before


def changes(sides: Any) -> list[Change]:
    """`{before: {name: measured}, after: {...}}` of a training run, paired by name; a bare number is a value."""
    if not isinstance(sides, dict):
        return []
    before, after = (_measurements(sides.get(when)) for when in ("before", "after"))
    return [Change(name, before.get(name, {}), after.get(name, {})) for name in dict.fromkeys([*before, *after])]


def _measurements(side: Any) -> dict[str, Row]:
    if not isinstance(side, dict):
        return {}
    return {str(name): value if isinstance(value, dict) else {"value": value} for name, value in side.items()}
