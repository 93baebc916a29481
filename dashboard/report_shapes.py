"""The library of reports as pages draw it: stages in words, the next step and why not yours, the evidence matrix.

Pure functions of rows; who may what is decided by the commands, and told here beforehand in their words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.words import moment_of, plain
from reports.words import day, plural

Row = dict[str, Any]
STAGES = {
    "draft": ("◆", "draft: something required is missing", "orange"),
    "ready": ("◆", "ready to submit", "blue"),
    "in review": ("◆", "in review", "blue"),
    "reviewed": ("◆", "reviewed, waits for approval", "blue"),
    "flagged": ("▲", "flagged", "red"),
    "approved": ("✓", "approved: its issued file stands beside it", "gray"),
    "issued": ("✓", "issued", "green"),
}
ANSWERS = {
    "met": ":green[✓\u00a0met]",
    "declared": ":green[✓\u00a0declared]",
    "missing": ":orange[◆\u00a0missing]",
    "not applicable": ":gray[◇\u00a0not\u00a0applicable]",
}
NOT_ASKED, UNREADABLE = ":gray[■\u00a0not asked]", ":gray[■\u00a0file gone or changed]"


@dataclass(frozen=True, slots=True)
class Step:
    """What may be done next with a report; `why_not` where this viewer may not."""

    name: str
    """`submit`, `review` or `approve`; empty where nothing is left to do."""
    why_not: str = ""


def stage_of(report: Row) -> str:
    return str(report.get("stage") or report["state"]).lower()


def stage(report: Row) -> str:
    """The stage as icon, word and colour."""
    icon, word, colour = STAGES.get(stage_of(report), ("•", stage_of(report), "gray"))
    return f":{colour}-badge[{icon} {plain(word)}]"


def subject(report: Row) -> str:
    """`loan-approval 3`; `all models`; `models at edge-kiosk`."""
    version = f" {plain(report['version'])}" if report["version"] else ""
    return plain(about(report)) + version


def next_step(report: Row, *, viewer: str, may_build: bool, may_issue: bool) -> Step:
    at, preparer = stage_of(report), str(report["built_by"])
    if at in ("ready", "flagged") and not report.get("gaps"):
        if not may_build:
            return Step("", "")
        return Step("submit", "" if viewer == preparer else f"{preparer} prepared it, and submits it")
    if at == "in review" and may_build:
        return Step("review", "you prepared it, and another person reviews it" if viewer == preparer else "")
    if at == "reviewed" and may_issue:
        took = {preparer: "prepared"} | {s["by"]: "reviewed" for s in report["steps"] if s["step"] == "reviewed"}
        return Step("approve", f"you {took[viewer]} it, and another person approves it" if viewer in took else "")
    return Step("")


def may_flag(report: Row) -> bool:
    return stage_of(report) in ("draft", "ready", "in review", "reviewed")


def about(report: Row) -> str:
    """What a report is about, whatever the version, as it may stand in an address."""
    if report["model"] != "*":
        return str(report["model"])
    return f"models at {report['site']}" if report.get("site") else "all models"


def period(report: Row) -> str:
    return f"{day(report['from'])} to {day(report['to'])}"


def chosen(
    reports: Sequence[Row], wanted: Mapping[str, str], *, sought: str, asking: Mapping[str, Sequence[str]], every: str
) -> list[Row]:
    """Those that all filters keep. `sought` is looked for in ids, names, people, periods and gaps.

    wanted: stage, pack, model, period and control, each a value or `every`; asking: the controls of each pack.
    """
    text = sought.casefold().strip()

    def keeps(report: Row) -> bool:
        has = {"stage": stage_of(report), "pack": report["pack"], "model": about(report), "period": period(report)}
        control = wanted["control"]
        return (
            all(wanted[key] in (every, value) for key, value in has.items())
            and (control == every or control in asking.get(str(report["pack"]), ()))
            and text in _searched(report)
        )

    return [report for report in reports if keeps(report)]


def _searched(report: Row) -> str:
    told = [report["id"], report["model"], report["version"], report.get("site"), report["built_by"]]
    told += [day(report["from"]), day(report["to"]), report.get("reason"), *(report.get("gaps") or [])]
    told += [step["by"] for step in report.get("steps") or []]
    return " ".join(str(one) for one in told if one).casefold()


# -- the evidence matrix --------------------------------------------------------------------------------------------


def newest_of_periods(reports: Sequence[Row], *, most: int = 4) -> list[Row]:
    """The newest report of each period, the latest period first."""
    newest: dict[tuple[Any, Any], Row] = {}
    for report in sorted(reports, key=lambda r: r["seq"], reverse=True):
        newest.setdefault((report["from"], report["to"]), report)
    return sorted(newest.values(), key=lambda r: (r["to"], r["from"]), reverse=True)[:most]


def two_periods(reports: Sequence[Row]) -> tuple[Row, Row]:
    """Of two reports or more: the newest period, after the newest that ends before it begins; else any other."""
    after, *others = newest_of_periods(reports, most=len(reports))
    others = others or [report for report in reports if report is not after]
    return next((report for report in others if report["to"] <= after["from"]), others[0]), after


def control_cell(control: Mapping[str, Any] | None, now: datetime) -> str:
    """One control in one report: the answer, and of a declaration by whom and how long ago."""
    if control is None:
        return NOT_ASKED
    told = ANSWERS.get(str(control["status"]), plain(control["status"]))
    if control["status"] == "missing":
        return f"{told}; ask {plain(control['owner'])}" if control.get("owner") else told
    if not control.get("by"):
        return told
    at = moment_of(control["at"]) if control.get("at") else None
    days = 0 if at is None else (now - at).days
    ago = "" if at is None else f", {plural(days, 'day')} ago" if days > 0 else ", today"
    return f"{told} by {plain(control['by'])}{ago}"


def matrix(controls: Sequence[Any], told: Sequence[Mapping[str, Any] | None], now: datetime) -> list[tuple[str, ...]]:
    """A line for each control of the pack, a cell for each report; a report that cannot be read says so."""
    answered = [None if one is None else {c["id"]: c for c in one["controls"]} for one in told]
    return [
        (
            plain(control.id),
            plain(control.title) + ("" if control.required else " (not required)"),
            *(UNREADABLE if one is None else control_cell(one.get(control.id), now) for one in answered),
        )
        for control in controls
    ]


def gaps_named(told: Mapping[str, Any] | None) -> list[str]:
    """What is required and missing in one report, whom to ask, and why: one sentence each."""
    missing = [c for c in (told or {}).get("controls", []) if c["status"] == "missing" and c["required"]]
    return [
        f"{plain(c['id'])} {plain(c['title'])}: {plain(c['why'])}"
        + (f"; ask {plain(c['owner'])}." if c.get("owner") else ".")
        for c in missing
    ]


def declarable(controls: Sequence[Any]) -> list[Any]:
    """Those a person may answer in words. A fact may only be called not applicable, with the reason."""
    return sorted(controls, key=lambda control: control.kind == "fact")
