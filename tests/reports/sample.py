"""Made-up facts in the shapes of the reads: a lender at four sites over 60 days, an empty hub, hostile names."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from math import sin
from typing import Any

from reports.build.facts import GeneralFacts
from reports.packs import load_pack
from store.canonical import make_id, sha256_hex
from store.model_reader import read_model_file

START = datetime(2026, 9, 1)
DAYS = 60
SITES = {"branch-north": "counts", "branch-south": "noisy-counts", "cloud-eu": "rows", "edge-kiosk": "rows"}
INPUTS = ("income", "loan_amount", "loan_purpose", "term", "age", "debt_ratio", "years_employed", "channel")
MODEL = """
name: loan-approval
version: "3"
title: Small-business loans
owner: {team: credit-risk, email: mr@example.org}
use: Decides small-business loans up to 50,000
tier: {level: 1, why: exposure 1.2 bn}
task: binary
columns:
  id: prediction_id
  time: event_time
  prediction: {column: approved, good: 1, good_means: loan granted}
  score: probability
  outcome: {column: repaid, expected_after: 20d, give_up_after: 400d}
  inputs: [income, loan_amount, loan_purpose, term, age, debt_ratio, years_employed, channel]
  groups: {sex: {values: [F, M]}, age_band: {values: [young, old]}}
  person: customer_id
watch:
  window: {every: 1d, at_least: 200, up_to: 30d}
  fairness: [{measure: selection_rate_ratio, of: sex, at_least: 0.80, source: policy MR-14}]
  performance: [{measure: roc_auc, at_least: 0.75}]
privacy: {people: customers, unit: user-day, contributions: 1}
"""


def facts() -> GeneralFacts:
    """Income moves at branch-north from day 31, loan purpose everywhere from day 45."""
    return GeneralFacts(
        org="Northern Lending Group",
        pack=load_pack("general"),
        as_of=412,
        as_of_at="2026-11-02T05:58:11Z",
        period_from="2026-09-01T00:00:00Z",
        period_to="2026-10-31T00:00:00Z",
        built_at="2026-11-02T06:00:00Z",
        built_by="anna",
        model={
            "model": "loan-approval",
            "version": "3",
            "revision": 2,
            "spec_hash": sha256_hex("bins"),
            "versions": ["3", "2"],
        },
        file=read_model_file(MODEL, source="loan-approval.yaml"),
        coverage=_coverage(),
        receipts=_receipts(),
        results=[*_drift(), *_quality(), *_performance(), *_fairness()],
        changes=_changes(),
        alerts=_alerts(),
        requests=_requests(),
        ledger=_ledger(),
        people=[
            {
                "people": "customers",
                "epsilon": "3",
                "delta": "1e-6",
                "per": "30d",
                "block": "7d",
                "spent_rho": "3/50",
                "cap_rho": "3/40",
                "share": 0.8,
            }
        ],
        proof={"seq": 412, "size": 413, "root": sha256_hex("root"), "checked": True},
        libraries={"bailiwick": "0.1.0", "duckdb": "2.0.0", "fairlearn": "0.13.0", "opendp": "0.15.0"},
    )


def empty_facts() -> GeneralFacts:
    """A model file was added and nothing ever came."""
    full = facts()
    return replace(
        full,
        file=read_model_file('name: m\nversion: "1"\ncolumns: {inputs: [x]}\n', source="m.yaml"),
        model={"model": "m", "version": "1", "revision": 1, "spec_hash": None},
        coverage=[
            {
                "site": "cloud-eu",
                "sharing": "rows",
                "batches": 0,
                "rows": 0,
                "fresh": "never",
                "reasons": {},
                "silent_hours": 1440,
            }
        ],
        receipts=[],
        results=[],
        changes=[],
        alerts=[],
        requests=[],
        ledger=[],
        people=[],
        proof={},
        libraries={},
    )


def hostile_facts(name: str) -> GeneralFacts:
    """The name wherever a stranger's text may stand."""
    full = facts()
    results = [{**r, "about": name if r["about"] == "income" else r["about"]} for r in full.results[::7]]
    alerts = [{**a, "sentence": name, "owner": name, "about": name} for a in full.alerts]
    coverage = [{**row, "site": name, "reasons": {name: 3}} if i == 0 else row for i, row in enumerate(full.coverage)]
    changes = [{**c, "reason": name, "actor": name} for c in full.changes]
    file = replace(full.file, title=name, use=name)
    return replace(
        full, org=name, built_by=name, file=file, results=results, alerts=alerts, coverage=coverage, changes=changes
    )


def result(site: str, monitor: str, measure: str, about: str | None, day: int, **fields: Any) -> dict[str, Any]:
    window = {"from": _iso(day), "to": _iso(day + fields.pop("days", 1))}
    return {
        "id": make_id("res", site, monitor, measure, about, day),
        "model": "loan-approval",
        "version": "3",
        "site": site,
        "segment": None,
        "monitor": monitor,
        "measure": measure,
        "about": about,
        "window": window,
        "value": None,
        "interval": None,
        "n": {"reference": 20000, "current": 3000},
        "limit": None,
        "status": "within",
        "significant": None,
        "severity": "info",
        "noise": None,
        "details": {},
        "seq": 40 + day,
        "method": {"name": "bailiwick", "basis": "counts", "exact": True},
        "known_at": _iso(day + 1),
    } | fields


def _iso(day: float) -> str:
    return (START + timedelta(days=day)).isoformat() + "Z"


def _drift() -> list[dict[str, Any]]:
    out = []
    for site in (*SITES, "*"):
        for i, about in enumerate(INPUTS):
            for day in range(0, DAYS, 7 if site == "branch-south" else 1):
                moved = about == "income" and site == "branch-north" and day >= 31
                moved |= about == "loan_purpose" and day >= 45
                value = 0.012 + 0.006 * sin(day * 1.3 + i) + (0.21 + 0.02 * sin(day) if moved else 0)
                few = site == "edge-kiosk" and day % 5 != 0
                out.append(
                    result(
                        site,
                        "drift",
                        "psi",
                        about,
                        day,
                        days=7 if site == "branch-south" else 1,
                        value=None if few else round(value, 6),
                        limit={"op": "at_most", "value": 0.1, "source": "method set bailiwick"},
                        status="too_few" if few else "outside" if moved else "within",
                        n={"reference": 20000, "current": 40 if few else 3000},
                        noise={"mechanism": "discrete gaussian", "scale": 11.2} if site == "branch-south" else None,
                        method={
                            "name": "bailiwick",
                            "basis": "noisy" if site == "branch-south" else "counts",
                            "exact": True,
                            "smoothing": 0.5,
                            "log_base": "e",
                        },
                    )
                )
    return out


def _quality() -> list[dict[str, Any]]:
    limit = {"op": "at_most", "value": 0.05, "source": "default"}
    return [
        result(
            "cloud-eu",
            "quality",
            "missing_rate",
            "debt_ratio",
            day,
            value=0.31 if day in (20, 21) else 0.004,
            interval=[0.003, 0.006] if day not in (20, 21) else [0.29, 0.33],
            limit=limit,
            status="outside" if day in (20, 21) else "within",
        )
        for day in range(DAYS)
    ]


def _performance() -> list[dict[str, Any]]:
    out = []
    limit = {"op": "at_least", "value": 0.75, "source": "model file"}
    for site in ("branch-north", "cloud-eu", "edge-kiosk", "*"):
        for day in range(0, DAYS, 5):
            value = None if day > 40 or site == "edge-kiosk" else round(0.81 - day * 0.0018, 4)
            status = (
                "no_labels"
                if value is None
                else "outside"
                if value < 0.742
                else "unclear"
                if value < 0.75
                else "within"
            )
            out.append(
                result(
                    site,
                    "performance",
                    "roc_auc",
                    None,
                    day,
                    days=5,
                    value=value,
                    limit=limit,
                    status=status,
                    interval=None if value is None else [round(value - 0.008, 4), round(value + 0.008, 4)],
                    n={"reference": None, "current": 0 if value is None else 11204},
                )
            )
            out.append(
                result(
                    site,
                    "performance",
                    "log_loss",
                    None,
                    day,
                    days=5,
                    value=None if value is None else 0.52,
                    status=status if value is None else "within",
                    n={"reference": None, "current": 0 if value is None else 11204},
                )
            )
    return out


def _fairness() -> list[dict[str, Any]]:
    limit = {"op": "at_least", "value": 0.8, "source": "policy MR-14"}
    told = {
        "branch-north": (0.73, 0.70, 0.76, 9120, "outside"),
        "branch-south": (0.94, 0.83, 1.06, 4010, "within"),
        "cloud-eu": (0.968, 0.951, 0.985, 42011, "within"),
        "edge-kiosk": (0.71, 0.42, 1.19, 61, "unclear"),
        "*": (0.912, 0.899, 0.925, 55202, "within"),
    }
    out = []
    for site, (value, low, high, n, status) in told.items():
        for day in (0, 30):
            out.append(
                result(
                    site,
                    "fairness",
                    "selection_rate_ratio",
                    "sex",
                    day,
                    days=30,
                    value=value,
                    interval=[low, high],
                    limit=limit,
                    status=status,
                    significant=status == "outside",
                    n={"reference": None, "current": n},
                )
            )
            out.append(
                result(
                    site,
                    "fairness",
                    "selection_rate_difference",
                    "age_band",
                    day,
                    days=30,
                    value=0.021,
                    interval=[0.004, 0.038],
                    n={"reference": None, "current": n},
                )
            )
            for group, rate in (("sex=F", 0.61 * value), ("sex=M", 0.61)):
                out.append(
                    result(
                        site,
                        "fairness",
                        "selection_rate",
                        group,
                        day,
                        days=30,
                        value=round(rate, 4),
                        interval=[round(rate - 0.02, 4), round(rate + 0.02, 4)],
                        n={"reference": None, "current": n // 2},
                    )
                )
    return out


def _coverage() -> list[dict[str, Any]]:
    rows = {"branch-north": 60000, "branch-south": 48210, "cloud-eu": 180120, "edge-kiosk": 2204}
    out = []
    for site, sharing in SITES.items():
        bad = 37 if site == "cloud-eu" else 0
        again = 412 if site == "edge-kiosk" else 0
        out.append(
            {
                "site": site,
                "sharing": sharing,
                "batches": 60,
                "rows": rows[site],
                "kept": rows[site] - bad - again,
                "quarantined": bad,
                "duplicates": again,
                "reasons": {"bad_time": 31, "not_json": 6} if bad else {},
                "first_event": datetime(2026, 9, 1, 0, 4),
                "last_event": datetime(2026, 10, 30, 23, 51),
                "hours_with_data": 1390,
                "days_with_data": 58 if site == "edge-kiosk" else 60,
                "silent_hours": 30 if site == "edge-kiosk" else 0,
                "outcomes": rows[site] - bad - again,
                "labelled": 0 if site in ("edge-kiosk", "branch-south") else int(rows[site] * 0.667),
                "label_share": 0.667,
                "inputs_alone": 12 if site == "edge-kiosk" else 0 if sharing == "rows" else None,
                "predictions_alone": 1 if site == "edge-kiosk" else 0 if sharing == "rows" else None,
                "fresh": "silent" if site == "edge-kiosk" else "live",
            }
        )
    return out


def _receipts() -> list[dict[str, Any]]:
    return [
        {
            "batch": make_id("batch", site, day),
            "site": site,
            "model": "loan-approval",
            "kind": "predictions",
            "rows": 3000,
            "kept": 3000,
            "quarantined": 0,
            "duplicates": 0,
            "seq": 3 + day,
            "sha256": sha256_hex(f"{site}{day}"),
            "ignored": {"campaign": 3000} if site == "cloud-eu" else {},
            "known_at": _iso(day + 1),
        }
        for site in SITES
        for day in range(0, DAYS, 3)
    ]


def _changes() -> list[dict[str, Any]]:
    change = {
        "path": "watch.fairness[selection_rate_ratio of sex].at_least",
        "old": "0.75",
        "new": "0.8",
        "moves_limit": True,
    }
    return [
        {
            "seq": 207,
            "known_at": datetime(2026, 10, 3, 9, 12),
            "actor": "anna",
            "revision": 2,
            "changes": [change],
            "reason": "policy MR-14 was revised on 1 October",
            "replay": "would have raised 2 alerts since 1 September",
        }
    ]


def _alerts() -> list[dict[str, Any]]:
    told = [
        (
            "branch-north",
            "fairness",
            "selection_rate_ratio",
            "sex",
            "high",
            0.73,
            "Women were approved at 0.73 of men's rate (0.70 to 0.76, n 9,120) against at least 0.80",
        ),
        (
            "branch-north",
            "drift",
            "psi",
            "income",
            "medium",
            0.23,
            "income moved here alone: PSI 0.23 against at most 0.1",
        ),
        ("*", "drift", "psi", "loan_purpose", "medium", 0.22, "loan_purpose moved at all sites: PSI 0.22, limit 0.1"),
        ("edge-kiosk", "silence", "hours_silent", None, "low", 30.0, "silent for 30 hours against 6"),
    ]
    out = []
    for site, monitor, measure, about, severity, value, sentence in told:
        id_ = make_id("alert", site, monitor, about)
        mine = monitor == "fairness"
        history = [
            {
                "seq": 300,
                "known_at": _iso(32),
                "actor": "system",
                "event": "opened",
                "condition": "firing",
                "triage": "to_review",
            }
        ]
        if mine:
            history += [
                {"seq": 310, "known_at": _iso(33.4), "actor": "ben", "event": "acknowledged", "triage": "acknowledged"},
                {
                    "seq": 311,
                    "known_at": _iso(33.5),
                    "actor": "ben",
                    "event": "assigned",
                    "triage": "acknowledged",
                    "owner": "anna",
                    "reason": "belongs to credit risk",
                },
            ]
        out.append(
            {
                "id": id_,
                "model": "loan-approval",
                "version": "3",
                "site": site,
                "segment": None,
                "monitor": monitor,
                "about": about,
                "measure": measure,
                "case_id": make_id("case", monitor, about),
                "condition": "firing",
                "triage": "acknowledged" if mine else "to_review",
                "severity": severity,
                "rule": "tier 1, beyond the limit, 3 windows",
                "sentence": sentence,
                "opened_at": _iso(32),
                "first_window": {"from": _iso(31), "to": _iso(32)},
                "last_window": {"from": _iso(59), "to": _iso(60)},
                "value": value,
                "limit": 0.1,
                "owner": "anna" if mine else None,
                "count": 12,
                "history": history,
                "seq": 300,
            }
        )
    return out


def _requests() -> list[dict[str, Any]]:
    return [
        {
            "id": make_id("request", 1),
            "model": "loan-approval",
            "version": "3",
            "site": "cloud-eu",
            "state": "trained",
            "alert": make_id("alert", "branch-north", "fairness", "sex"),
            "requested_by": "ben",
            "requested_at": _iso(40),
            "why": "the gap at branch-north has held for ten windows",
            "approved_by": "anna",
            "approvals": [{"by": "anna", "at": _iso(41), "why": "agreed"}],
            "executor": "local",
            "command": "python train.py",
            "outcome": {
                "version": "4",
                "gate": {"roc_auc": "held: no worse than 0.01"},
                "roc_auc": {"before": 0.742, "after": 0.751, "interval": [0.743, 0.759]},
                "approvals_points": -1.1,
            },
        }
    ]


def _ledger() -> list[dict[str, Any]]:
    return [
        {
            "id": make_id("spend", week),
            "people": "customers",
            "block_from": START + timedelta(days=7 * week - 1),
            "block_to": START + timedelta(days=7 * week + 6),
            "site": "branch-south",
            "model": "loan-approval",
            "version": "3",
            "purpose": "summary_release",
            "rho": "3/400",
            "mechanism": "discrete_gaussian",
            "unit": "user-day",
            "state": "released",
            "seq": 60 + week,
        }
        for week in range(8)
    ]
