"""The demo's story in plain dicts, for pages drawn without a hub: its day, its sites, its model and one result."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from store.access import Grant, Viewer
from store.model_reader import read_model_file

NOW = datetime(2026, 11, 2, 6)
FIRST = NOW.replace(hour=0) - timedelta(days=60)
SITES = ("branch-north", "branch-south", "cloud-eu", "edge-kiosk")
INPUTS = ("income", "loan_purpose", "amount", "term", "age")

MODEL = read_model_file(
    """
name: loan-approval
version: "3"
title: Small-business loans
owner: {team: credit-risk, email: mr@example.org}
use: Decides small-business loans up to 50,000
tier: {level: 1, why: exposure 1.2 bn}
columns:
  id: prediction_id
  time: event_time
  prediction: {column: approved, good: 1, good_means: loan granted}
  score: probability
  outcome: {column: repaid, expected_after: 20d}
  inputs:
    - {name: income, type: number, range: [0, 500000]}
    - {name: loan_purpose, type: category, values: [car, home]}
    - {name: amount, type: number, range: [0, 50000]}
    - {name: term, type: number, range: [0, 120]}
    - {name: age, type: number, range: [18, 100]}
  groups: [sex]
  person: customer
watch:
  fairness: [{measure: selection_rate_ratio, of: sex, at_least: 0.80, source: policy MR-14}]
  performance: [{measure: roc_auc, at_least: 0.75}]
privacy: {people: customers, unit: user-day, contributions: 1}
retrain: {executor: local, command: python train.py, approvals: 1, gate: {roc_auc: no_worse_than 0.01}}
""",
    source="model.yaml",
)


def viewer(name: str = "dana", role: str = "admin") -> Viewer:
    return Viewer(name, (Grant(role),))


def text(moment: datetime) -> str:
    return moment.isoformat() + "Z"


def result(**fields: Any) -> dict[str, Any]:
    day = fields.pop("day", 59)
    found = {
        "id": f"result_{abs(hash((*tuple(sorted((k, str(v)) for k, v in fields.items())), day)))}",
        "model": "loan-approval",
        "version": "3",
        "segment": None,
        "window": {"from": text(FIRST + timedelta(days=day)), "to": text(FIRST + timedelta(days=day + 1))},
        "interval": None,
        "n": {"reference": 20000, "current": 1204},
        "limit": None,
        "significant": None,
        "severity": "info",
        "method": {"name": "bailiwick", "basis": "counts", "exact": True, "bins": 20},
        "noise": None,
        "details": {},
        "seq": 400 + day,
        "known_at": text(FIRST + timedelta(days=day + 1, hours=1)),
    }
    return found | fields
