"""Alerts, a training run that came back, and requests for one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fake_story import FIRST, NOW, SITES, text


def alert(id_: str, **fields: Any) -> dict[str, Any]:
    found = {
        "id": id_,
        "model": "loan-approval",
        "version": "3",
        "site": "branch-north",
        "segment": None,
        "case_id": f"case_{fields['monitor']}_{fields.get('about')}",
        "condition": "firing",
        "triage": "to_review",
        "severity": "high",
        "rule": "tier 1 and outside for 3 windows: high",
        "opened_at": text(NOW - timedelta(days=7)),
        "first_window": {"from": text(NOW - timedelta(days=8)), "to": text(NOW - timedelta(days=7))},
        "last_window": {"from": text(FIRST + timedelta(days=59)), "to": text(FIRST + timedelta(days=60))},
        "value": None,
        "limit": None,
        "owner": None,
        "snooze_until": None,
        "count": 8,
        "reason": None,
        "result": None,
        "seq": 470,
    }
    return found | fields


ALERTS = [
    alert(
        "alert_fair",
        monitor="fairness",
        measure="selection_rate_ratio",
        about="sex",
        severity="critical",
        value=0.73,
        limit={"op": "at_least", "value": 0.8, "source": "policy MR-14"},
        sentence="At branch-north, women are approved at 0.73 of men's rate (0.68 to 0.78, n 4,210); "
        "the limit is at least 0.80.",
    ),
    alert(
        "alert_kiosk",
        monitor="fairness",
        measure="selection_rate_ratio",
        about="sex",
        site="edge-kiosk",
        severity="low",
        condition="pending",
        value=0.71,
        limit={"op": "at_least", "value": 0.8, "source": "policy MR-14"},
        sentence="At edge-kiosk, women are approved at 0.71 of men's rate (0.38 to 1.31, n 43).",
    ),
    alert(
        "alert_income",
        monitor="drift",
        measure="psi",
        about="income",
        value=0.31,
        limit={"op": "at_most", "value": 0.1, "source": "default"},
        sentence="income has moved at branch-north: PSI 0.312 against at most 0.1, for 29 days.",
    ),
    *[
        alert(
            f"alert_purpose_{site}",
            monitor="drift",
            measure="psi",
            about="loan_purpose",
            site=site,
            value=0.31,
            limit={"op": "at_most", "value": 0.1, "source": "default"},
            sentence=f"loan_purpose has moved at {site}: PSI 0.315 against at most 0.1, for 15 days.",
        )
        for site in SITES
    ],
    alert(
        "alert_silent",
        monitor="silence",
        measure="hours_silent",
        about=None,
        site="edge-kiosk",
        value=30.0,
        sentence="edge-kiosk has been silent for 30 hours; it should be heard from every 6.",
        limit={"op": "at_most", "value": 6.0, "source": "site"},
    ),
    alert(
        "alert_auc",
        monitor="performance",
        measure="roc_auc",
        about=None,
        site="cloud-eu",
        severity="medium",
        triage="acknowledged",
        owner="dana",
        value=0.734,
        sentence="ROC AUC at cloud-eu has fallen to 0.734 (0.714 to 0.754); the limit is at least 0.75.",
    ),
    alert(
        "alert_term",
        monitor="quality",
        measure="missing_rate",
        about="term",
        site="cloud-eu",
        severity="medium",
        triage="resolved",
        condition="cleared",
        reason="upstream job repaired",
        sentence="term was missing in every row for two days.",
    ),
]

OUTCOME = {
    "state": "done",
    "reason": "",
    "exit_code": 0,
    "result": {
        "version": "4",
        "metrics": {
            "before": {
                "roc_auc": {"value": 0.734, "interval": [0.714, 0.754], "n": 5200},
                "log_loss": {"value": 0.61, "interval": [0.59, 0.63], "n": 5200},
                "approval_rate": {"value": 0.561, "interval": [0.547, 0.574], "n": 5200},
            },
            "after": {
                "roc_auc": {"value": 0.792, "interval": [0.774, 0.81], "n": 5200},
                "log_loss": {"value": 0.54, "interval": [0.52, 0.56], "n": 5200},
                "approval_rate": {"value": 0.55, "interval": [0.536, 0.563], "n": 5200},
            },
        },
        "groups": {
            "before": {
                "sex=F": {"value": 0.45, "interval": [0.43, 0.47], "n": 2600},
                "sex=M": {"value": 0.62, "n": 2600},
            },
            "after": {
                "sex=F": {"value": 0.52, "interval": [0.5, 0.54], "n": 2600},
                "sex=M": {"value": 0.58, "n": 2600},
            },
        },
    },
    "gate": [
        {"measure": "roc_auc", "rule": "no_worse_than", "number": 0.01, "before": 0.734, "after": 0.792, "met": True}
    ],
    "price": "approvals -1.1 points overall",
    "stderr": "read 5,200 rows",
}


def request(id_: str, **fields: Any) -> dict[str, Any]:
    found = {
        "id": id_,
        "model": "loan-approval",
        "version": "3",
        "site": "branch-north",
        "alert": "alert_fair",
        "state": "requested",
        "requested_by": "dana",
        "requested_at": text(NOW - timedelta(hours=3)),
        "why": ALERTS[0]["sentence"],
        "approved_by": None,
        "executor": "local",
        "command": "python train.py",
        "outcome": None,
        "seq": 480,
        "known_at": NOW - timedelta(hours=3),
        "history": [
            {
                "seq": 480,
                "known_at": NOW - timedelta(hours=3),
                "event": "retrain:request:filed",
                "state": "requested",
                "actor": "dana",
            }
        ],
    }
    return found | fields
