"""What a pack on all models asks, and whether the facts answer it."""

from __future__ import annotations

from collections.abc import Callable

from reports import words
from reports.build.controls import Answer, Held, answer, is_open, touched
from reports.build.facts import Row
from reports.build.fleet_facts import FleetFacts
from reports.build.limits import moving

_SERIOUS = ("critical", "high")
ASKED = "the owners of the models named"


def fleet_answers(facts: FleetFacts) -> list[Answer]:
    return [answer(facts, control, _CHECKS, asked=ASKED) for control in facts.pack.controls]


def fleet_gaps(facts: FleetFacts) -> list[str]:
    """Why this report cannot be issued yet; empty when it can."""
    found = [f"{one.control.id} {one.control.title}: {one.why}" for one in fleet_answers(facts) if one.gap]
    return [*facts.pack.not_read_at_source, *found]


def series_name(row: Row) -> str:
    return f"{words.clean(row['model'])} at {words.clean(row['site'])}"


def _owners(facts: FleetFacts) -> Held:
    without = [words.clean(m["model"]) for m in facts.models if not (m["owner"].get("team") or m["owner"].get("email"))]
    return not without, f"nobody is named for {words.listed(without)}" if without else "all do"


def _tier_reasons(facts: FleetFacts) -> Held:
    without = [words.clean(m["model"]) for m in facts.models if not m["tier"].get("why")]
    return not without, f"no reason for {words.listed(without)}" if without else "all are"


def _fleet_sent(facts: FleetFacts) -> Held:
    without = [series_name(row) for row in facts.coverage if not row.get("rows")]
    if not facts.coverage:
        return False, "no site has sent anything"
    return not without, f"nothing from {words.listed(without)}" if without else "all did"


def _changes_have_reasons(facts: FleetFacts) -> Held:
    silent = [change for change in facts.changes if moving(change) and not change.get("reason")]
    return not silent, f"{words.plural(len(silent), 'change')} without a reason" if silent else "all have one"


def _cases_handled(facts: FleetFacts) -> Held:
    left = [a for a in facts.alerts if is_open(a) and a.get("severity") in _SERIOUS and not touched(a)]
    return not left, f"{words.plural(len(left), 'alert')} untouched" if left else "none is"


def _trail_checked(facts: FleetFacts) -> Held:
    checked = facts.proof.get("checked")
    return checked is True, {"True": "it held", "False": "it did not hold"}.get(str(checked), "not re-derived")


_CHECKS: dict[str, Callable[[FleetFacts], Held]] = {
    "owners": _owners,
    "tier_reasons": _tier_reasons,
    "fleet_sent": _fleet_sent,
    "fleet_changes_have_reasons": _changes_have_reasons,
    "fleet_cases_handled": _cases_handled,
    "trail_checked": _trail_checked,
}
