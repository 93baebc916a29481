"""The library of a hub in plain dicts: a report in each stage, what their evidence tells, a file that was changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fake_story import FIRST, NOW, text

_MIDDLE = FIRST + timedelta(days=30)
GAP = "G-10 No alert of severity high or above is left without anyone acting on it: 2 alerts untouched"
_STEPS = {
    "ready": [],
    "draft": [],
    "in review": [("submitted", "dana", "")],
    "reviewed": [("submitted", "dana", ""), ("reviewed", "kim", "Figures agree with the branch.")],
    "flagged": [("submitted", "dana", ""), ("flagged", "kim", "The period leaves out the *outage*.")],
    "issued": [],
}


def report(number: int, stage: str, **more: Any) -> dict[str, Any]:
    steps = [{"step": s, "by": by, "at": NOW, "reason": why} for s, by, why in _STEPS[stage]]
    found = {
        "id": f"report_{number}",
        "pack": "general",
        "model": "loan-approval",
        "version": "3",
        "from": FIRST,
        "to": NOW,
        "as_of": 470,
        "format": "pdf",
        "state": "ISSUED" if stage == "issued" else "DRAFT",
        "stage": stage,
        "gaps": [GAP] if stage == "draft" else [],
        "reason": steps[-1]["reason"] if steps else None,
        "steps": steps,
        "draft": "report_0" if stage == "issued" else None,
        "site": None,
        "sha256": "ef" * 32,
        "evidence_sha256": "aa" * 32,
        "file": f"report_{number}.pdf",
        "seq": 475 + number,
        "known_at": NOW,
        "built_by": "dana",
    }
    return found | more


REPORTS = [
    report(6, "draft"),
    report(5, "flagged", **{"from": FIRST, "to": _MIDDLE}),
    report(4, "in review", **{"from": _MIDDLE, "to": NOW}),
    report(3, "reviewed", **{"from": _MIDDLE, "to": NOW}),
    report(2, "ready", pack="committee", model="*", version="", site="edge-kiosk"),
    report(1, "issued"),
]


class ReportReads:
    empty = False

    def reports(self, model: str | None = None) -> list[dict[str, Any]]:
        return [] if self.empty else [r for r in REPORTS if model in (None, r["model"])]

    def declarations(self, model: str, pack: str) -> dict[str, dict[str, Any]]:
        if self.empty or pack != "general":
            return {}
        said = {"text": "Decides <b>loans</b>", "not_applicable": False, "by": "dana", "at": NOW - timedelta(days=2)}
        return {"G-02": said}


def control(id_: str, title: str, status: str, **more: Any) -> dict[str, Any]:
    nothing = {"kind": "fact", "required": True, "why": "all did", "by": "", "at": "", "owner": "", "cite": ""}
    return {"id": id_, "title": title, "status": status, **nothing, **more}


def told(report: str) -> dict[str, Any] | None:
    """As `reports.periods.told_of` gives it; the file of report_3 is gone."""
    if report == "report_3":
        return None
    late = report not in ("report_5", "report_6")
    silent = {"status": "missing", "why": "nothing from edge-kiosk", "owner": "credit-risk"} if late else {}
    said = {"by": "dana", "at": text(NOW - timedelta(days=12)), "why": "credit-risk"}
    return {
        "period": {"from": text(FIRST), "to": text(NOW)},
        "controls": [
            control("G-01", "The model has an owner", "declared", **said),
            control("G-04", "Every site of the model sent data", **{"status": "met", **silent}),
            control("G-07", "Performance was measured on outcomes", "not applicable", why="no outcome is named"),
        ],
        "coverage": {
            "branch-north": {"rows": 72000 if late else 36000, "kept": 36000, "quarantined": 0, "silent_hours": 1},
        },
        "statuses": {"drift": {"within": 120, "outside": 14 if late else 2}, "fairness": {"unclear": 3}},
    }


CHANGED = {
    "integrity": "changed",
    "signature": "broken",
    "signed": {"told": "a byte under the signature was changed", "signer": None},
    "completeness": "9 of 11 controls answered",
    "gaps": [GAP],
    "report": "report_1",
    "sha256": "cd" * 32,
    "file": "from <b>outside</b>.pdf",
    "steps": [
        {"step": 1, "told": "the SHA-256 of the file is not the one recorded in the trail", "held": False},
        {"step": 2, "told": "the file says it is report_1", "held": True},
        {"step": 4, "told": "the hub's own copy is not at hand", "held": None},
    ],
    "findings": [
        {"what": "page 7 was changed", "where": "page 7", "expected": "912 bytes", "found": "918 bytes"},
    ],
    "trail": {"holds": True},
}
