"""What the pack asks and whether the facts answer it: the completeness of a report, control by control.

Completeness is told apart from integrity: a complete report may be changed by someone, an untouched one may be
incomplete. `gaps` is what stands between a draft and an issued report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reports import words
from reports.build.facts import GeneralFacts, Row
from reports.build.impact import eeo1_category
from reports.build.limits import moving
from reports.packs import Control

_SERIOUS = ("high", "critical")


@dataclass(frozen=True, slots=True)
class Answer:
    control: Control
    status: str
    """`met`, `declared`, `missing` or `not applicable`."""
    why: str
    by: str = ""
    """Who declared it."""
    at: str = ""
    age_days: int | None = None
    """Of a declaration, when the report was built."""
    owner: str = ""
    """Who is asked, where it is missing."""

    @property
    def gap(self) -> bool:
        return self.status == "missing" and self.control.required

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.control.id,
            "title": self.control.title,
            "kind": self.control.kind,
            "required": self.control.required,
            "status": self.status,
            "why": self.why,
            "by": self.by,
            "at": self.at,
            "owner": self.owner,
            "cite": self.control.cite,
        }


def answers(facts: GeneralFacts) -> list[Answer]:
    return [answer(facts, control, _CHECKS, asked=_owner(facts)[1]) for control in facts.pack.controls]


def answer(facts: Any, control: Control, checks: Mapping[str, Callable[..., Held]], *, asked: str) -> Answer:
    """How a control is answered by facts of any subject; `asked` is who is asked where it is missing."""
    said = facts.declarations.get(control.id)
    if said is not None and said["not_applicable"]:
        return _said(facts, control, "not applicable", said)
    if control.needs == "declaration":
        if said is not None:
            return _said(facts, control, "declared", said)
        held, why = False, "nobody has declared it for this model"
    else:
        found, why = checks[control.needs](facts)
        if found is None:
            return Answer(control, "not applicable", why)
        held = found
    if not held:
        return Answer(control, "missing", why, owner=asked)
    if control.kind == "fact":
        return Answer(control, "met", why)
    model = facts.model
    said = {"text": why, "by": model.get("declared_by"), "at": model.get("known_at")}
    return _said(facts, control, "declared", said)


def _said(facts: Any, control: Control, status: str, said: Row) -> Answer:
    at = str(said.get("at") or "")
    return Answer(
        control,
        status,
        words.clean(said["text"]),
        by=words.clean(said.get("by")),
        at=at,
        age_days=_days(at, facts.built_at),
    )


def _days(before: str, after: str) -> int | None:
    if not before:
        return None
    return (datetime.fromisoformat(after) - datetime.fromisoformat(before)).days


def gaps(facts: GeneralFacts) -> list[str]:
    """Why this report cannot be issued yet; empty when it can."""
    unread = facts.pack.not_read_at_source
    return unread + [f"{a.control.id} {a.control.title}: {a.why}" for a in answers(facts) if a.gap]


def completeness(found: list[Answer]) -> str:
    """`9 of 11 controls answered (2 missing)`."""
    asked = [answer for answer in found if answer.status != "not applicable"]
    missing = sum(answer.status == "missing" for answer in asked)
    return f"{len(asked) - missing} of {words.plural(len(asked), 'control')} answered, {missing or 'none'} missing"


def measured(results: list[Row], *monitors: str) -> list[Row]:
    return [result for result in results if result["monitor"] in monitors and result["value"] is not None]


Held = tuple[bool | None, str]
Check = Callable[[GeneralFacts], Held]
"""True held, False missing, None does not apply; and why, in words."""


def _owner(facts: GeneralFacts) -> tuple[bool, str]:
    owner = facts.file.owner
    named = words.clean(owner.team or owner.email)
    return bool(named), named or "the model file names no owner"


def _use(facts: GeneralFacts) -> tuple[bool, str]:
    return bool(facts.file.use), words.clean(facts.file.use) or "the model file does not say what the model is for"


def _tier_reason(facts: GeneralFacts) -> tuple[bool, str]:
    tier = facts.file.tier
    return bool(tier.why), f"tier {tier.level}: {words.clean(tier.why) or 'no reason given'}"


def _all_sites_sent(facts: GeneralFacts) -> tuple[bool, str]:
    if not facts.coverage:
        return False, "no site has sent anything"
    without = [words.clean(row["site"]) for row in facts.coverage if not row.get("rows")]
    return not without, f"nothing from {words.listed(without)}" if without else "all did"


def _reference(facts: GeneralFacts) -> tuple[bool, str]:
    lacking = {str(r["about"]) for r in facts.results if r["monitor"] == "drift" and r["status"] == "no_reference"}
    if lacking:
        return False, f"no reference for {words.plural(len(lacking), 'column')}"
    held = bool(facts.model.get("spec_hash"))
    return held, "bins are frozen" if held else "no reference and no bins yet"


def _drift_measured(facts: GeneralFacts) -> tuple[bool, str]:
    n = len(measured(facts.results, "drift"))
    return n > 0, words.plural(n, "result")


def _performance_measured(facts: GeneralFacts) -> tuple[bool | None, str]:
    if facts.file.columns.outcome is None:
        return None, "the model file names no outcome"
    n = len(measured(facts.results, "performance"))
    return n > 0, words.plural(n, "result") if n else "no labels in the period"


def _fairness_measured(facts: GeneralFacts) -> tuple[bool | None, str]:
    if not facts.file.columns.groups:
        return None, "the model file names no groups"
    n = len(measured(facts.results, "fairness"))
    return n > 0, words.plural(n, "result")


def _changes_have_reasons(facts: GeneralFacts) -> tuple[bool, str]:
    silent = [change for change in facts.changes if moving(change) and not change.get("reason")]
    if silent:
        return False, f"{words.plural(len(silent), 'change')} without a reason"
    return True, words.plural(len(facts.changes), "change") if facts.changes else "no changes"


def _high_alerts_handled(facts: GeneralFacts) -> tuple[bool, str]:
    left = [a for a in facts.period_alerts if a.get("severity") in _SERIOUS and not touched(a) and is_open(a)]
    return not left, f"{words.plural(len(left), 'alert')} untouched" if left else "none is"


def _impact_measured(facts: GeneralFacts) -> tuple[bool, str]:
    if not facts.impact:
        return False, "the model file names no groups of sex and of race/ethnicity"
    n = sum(cell["n"] for cell in facts.impact["cells"])
    left_out = facts.impact["left_out"]
    told = f"{words.count(n)} people in {words.plural(len(facts.impact['cells']), 'intersection')}"
    return n > 0, told + (f"; not from {words.listed(left_out)}, which share noisy counts" if left_out else "")


def _categories_of_eeo1(facts: GeneralFacts) -> tuple[bool, str]:
    if not facts.impact:
        return False, "no categories are known"
    others = [words.clean(name) for name in facts.impact["races"] if eeo1_category(name) is None]
    return not others, f"not of EEO-1 Component 1: {words.listed(others)}" if others else "all are of EEO-1 Component 1"


def _outcomes_mapped(facts: GeneralFacts) -> tuple[bool, str]:
    if not facts.impact:
        return False, "no outcomes are counted"
    n = facts.impact["unmapped"]
    told = (
        f"{words.plural(n, 'outcome')} is neither of the declared predictions" if n else "every outcome is one of them"
    )
    return n == 0, told


def _events_recorded(facts: GeneralFacts) -> tuple[bool, str]:
    kept = sum(int(row.get("kept") or 0) for row in facts.coverage)
    sites = sum(bool(row.get("kept")) for row in facts.coverage)
    return kept > 0, f"{words.count(kept)} rows kept from {words.plural(sites, 'site')} of {len(facts.coverage)}"


_BY_OUTCOME = ("true_positive_rate", "false_positive_rate", "equalized_odds", "accuracy")


def _group_accuracy_measured(facts: GeneralFacts) -> tuple[bool, str]:
    found = [r for r in measured(facts.results, "fairness") if str(r["measure"]).startswith(_BY_OUTCOME)]
    return bool(found), words.plural(len(found), "result") if found else "no outcome is known by group"


def _limits_have_sources(facts: GeneralFacts) -> tuple[bool, str]:
    limits = [r["limit"] for r in facts.results if r.get("limit")]
    without = sum(not limit.get("source") for limit in limits)
    return bool(limits) and not without, (
        f"{words.plural(without, 'limit')} without a source" if without else words.plural(len(limits), "limit")
    )


def _trail_checked(facts: GeneralFacts) -> tuple[bool, str]:
    checked = facts.proof.get("checked")
    told = {"True": "it held", "False": "it did not hold"}
    return checked is True, told.get(str(checked), "not re-derived when this report was built")


def is_open(alert: Row) -> bool:
    return str(alert.get("condition")) != "cleared" and str(alert.get("triage")) != "resolved"


def touched(alert: Row) -> bool:
    """Whether a person has acted on it: acknowledged, assigned, snoozed or resolved."""
    if str(alert.get("triage") or "to_review") not in ("to_review", "new"):
        return True
    return bool(alert.get("owner"))


_CHECKS: dict[str, Check] = {
    "owner": _owner,
    "use": _use,
    "tier_reason": _tier_reason,
    "all_sites_sent": _all_sites_sent,
    "reference": _reference,
    "drift_measured": _drift_measured,
    "performance_measured": _performance_measured,
    "fairness_measured": _fairness_measured,
    "changes_have_reasons": _changes_have_reasons,
    "high_alerts_handled": _high_alerts_handled,
    "trail_checked": _trail_checked,
    "impact_measured": _impact_measured,
    "categories_of_eeo1": _categories_of_eeo1,
    "outcomes_mapped": _outcomes_mapped,
    "events_recorded": _events_recorded,
    "group_accuracy_measured": _group_accuracy_measured,
    "limits_have_sources": _limits_have_sources,
}
