"""A stand-in for `store.reads.Reads` with the demo's story in plain dicts, so that pages are tested without a hub.

The shapes are those of store/reads, monitors and service/commands/retraining.
"""

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


def _drift() -> list[dict[str, Any]]:
    out = []
    for day in range(60):
        for site in (*SITES, "*"):
            for about in INPUTS:
                moved = (about == "income" and site in ("branch-north", "*") and day >= 31) or (
                    about == "loan_purpose" and day >= 45
                )
                few = site == "edge-kiosk" and (day % 3 or about == "age")
                if few:
                    fields = {
                        "status": "too_few",
                        "value": None,
                        "n": {"reference": 20000, "current": 7},
                        "details": {"reason": "7 rows"},
                    }
                else:
                    value = (0.31 if moved else 0.012) + 0.001 * ((day * 7 + len(about)) % 9)
                    fields = {
                        "status": "outside" if moved else "within",
                        "value": value,
                        "significant": moved,
                        "severity": "high" if moved else "info",
                    }
                limit = {"op": "at_most", "value": 0.1, "source": "default"}
                out.append(
                    result(day=day, site=site, monitor="drift", measure="psi", about=about, limit=limit, **fields)
                )
    return out


def _fairness() -> list[dict[str, Any]]:
    out = []
    told = {
        "branch-north": (0.73, [0.68, 0.78], "outside", 4210),
        "branch-south": (0.93, [0.85, 1.02], "within", 3900),
        "cloud-eu": (0.95, [0.92, 0.98], "within", 21000),
        "edge-kiosk": (0.71, [0.38, 1.31], "unclear", 43),
    }
    for site, (value, interval, status, n) in told.items():
        for day in range(52, 60):
            limit = {"op": "at_least", "value": 0.8, "source": "policy MR-14"}
            out.append(
                result(
                    day=day,
                    site=site,
                    monitor="fairness",
                    measure="selection_rate_ratio",
                    about="sex",
                    value=value,
                    interval=interval,
                    status=status,
                    significant=status == "outside",
                    n={"reference": None, "current": n},
                    limit=limit,
                    details={"p_adjusted": 0.00002 if status == "outside" else 0.31},
                )
            )
        for group, n_share in (("sex=F", value), ("sex=M", 1.0)):
            rate = 0.62 * n_share
            few = n < 50
            out.append(
                result(
                    site=site,
                    monitor="fairness",
                    measure="selection_rate",
                    about=group,
                    value=None if few else rate,
                    interval=None if few else [rate - 0.02, rate + 0.02],
                    status="too_few" if few else "within",
                    n={"reference": None, "current": n // 2},
                    details={"limit": "none set"},
                )
            )
    return out


def _others() -> list[dict[str, Any]]:
    out = []
    for day in range(40):
        value = 0.81 - max(0, day - 20) * 0.004
        limit = {"op": "at_least", "value": 0.75, "source": "model file"}
        out.append(
            result(
                day=day,
                site="cloud-eu",
                monitor="performance",
                measure="roc_auc",
                value=value,
                about=None,
                limit=limit,
                interval=[value - 0.02, value + 0.02],
                status="outside" if value + 0.02 < 0.75 else "unclear" if value < 0.75 else "within",
            )
        )
    out.append(
        result(
            site="*",
            monitor="privacy",
            measure="budget_spent_share",
            about="customers",
            value=0.8,
            status="outside",
            limit={"op": "at_most", "value": 0.8, "source": "warning from 80 % of the budget"},
            details={
                "spent_rho": "4/50",
                "cap_rho": "1/10",
                "epsilon_spent": 2.4,
                "epsilon": "3",
                "delta": "1e-6",
                "blocks": 4,
                "from": "2026-10-05",
                "to": "2026-11-02",
                "step": 0.8,
            },
        )
    )
    out.append(
        result(
            site="edge-kiosk",
            monitor="performance",
            measure="roc_auc",
            about=None,
            value=None,
            status="no_labels",
            details={"reason": "no labels"},
        )
    )
    limit = {"op": "at_most", "value": 0.05, "source": "default"}
    out.append(
        result(
            day=38,
            site="cloud-eu",
            monitor="quality",
            measure="missing_rate",
            about="term",
            value=1.0,
            status="outside",
            limit=limit,
        )
    )
    out.append(
        result(
            day=59,
            site="cloud-eu",
            monitor="quality",
            measure="missing_rate",
            about="term",
            value=0.0,
            status="within",
            limit=limit,
        )
    )
    out.append(
        result(
            site="edge-kiosk",
            monitor="silence",
            measure="hours_silent",
            about=None,
            value=30.0,
            status="stale",
            severity="high",
            limit={"op": "at_most", "value": 6.0, "source": "site"},
        )
    )
    return out


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


class FakeReads:
    """Full by default; `empty=True` is a hub on its first day, `silent=False` one in which every site is fresh."""

    def __init__(
        self,
        *,
        empty: bool = False,
        silent: bool = True,
        requests: list[dict[str, Any]] | None = None,
        broken: bool = False,
    ) -> None:
        self.empty, self.silent, self.broken = empty, silent, broken
        self.now, self.seq = NOW, -1 if empty else 481
        done = {"state": "trained", "outcome": OUTCOME, "approved_by": "kim", "new_version": "4"}
        self._requests = [request("request_open"), request("request_done", **done)] if requests is None else requests
        self._results = [] if empty else _drift() + _fairness() + _others()

    def sites(self) -> list[dict[str, Any]]:
        if self.broken:
            raise RuntimeError("the disk went away")
        if self.empty:
            return []
        told = {
            "branch-north": ("counts", "branch", 2.0, "live"),
            "branch-south": ("noisy-counts", "branch", 20.0, "live"),
            "cloud-eu": ("rows", "cloud", 0.5, "live"),
            "edge-kiosk": ("rows", "edge", 30.0 if self.silent else 1.0, "silent" if self.silent else "live"),
        }
        return [
            {
                "site": site,
                "title": site.replace("-", " ").capitalize(),
                "kind": kind,
                "region": "eu",
                "jurisdiction": "EU",
                "timezone": "UTC",
                "sharing": sharing,
                "contact_window_s": 21600,
                "last_event": NOW - timedelta(hours=hours),
                "last_batch_at": NOW - timedelta(hours=hours),
                "last_contact": NOW - timedelta(hours=hours),
                "hours_silent": hours,
                "fresh": fresh,
                "batches": 60,
                "rows": 180000,
                "kept": 179950,
                "quarantined": 30,
                "duplicates": 20,
                "bytes": 812345,
            }
            for site, (sharing, kind, hours, fresh) in told.items()
        ]

    def site(self, name: str) -> dict[str, Any] | None:
        return next((row for row in self.sites() if row["site"] == name), None)

    def models(self) -> list[dict[str, Any]]:
        if self.empty:
            return []
        return [
            {
                "model": "loan-approval",
                "version": "3",
                "title": "Small-business loans",
                "owner": {"team": "credit-risk", "email": "mr@example.org"},
                "tier": {"level": 1, "why": "exposure 1.2 bn"},
                "task": "binary",
                "use": MODEL.use,
                "revision": 2,
                "spec_hash": "ab12" * 16,
                "sites": list(SITES),
                "last_event": NOW - timedelta(minutes=30),
                "worst": "outside",
                "open_alerts": 8,
                "rows": 300120,
            }
        ]

    def model(self, name: str, version: str | None = None) -> dict[str, Any] | None:
        row = next((row for row in self.models() if row["model"] == name and version in (None, row["version"])), None)
        if row is None:
            return None
        changes = [
            {
                "seq": 300,
                "known_at": NOW - timedelta(days=20),
                "revision": 2,
                "actor": "dana",
                "reason": "policy MR-14 rev. B",
                "changes": [{"path": "watch.fairness.0.at_least", "old": 0.75, "new": 0.8}],
            }
        ]
        return {**row, "file": MODEL, "spec": None, "versions": ["3"], "changes": changes}

    def receipts(
        self, site: str | None = None, model: str | None = None, kind: str | None = None, limit: int | None = None
    ) -> list[dict[str, Any]]:
        if self.empty:
            return []
        kinds = {"cloud-eu": "predictions", "edge-kiosk": "predictions"}
        rows = [
            {
                "batch": f"batch_{name}_{day}",
                "site": name,
                "model": "loan-approval",
                "version": "3",
                "format": "csv",
                "kind": kinds.get(name, "summaries"),
                "rows": 3000,
                "kept": 2995,
                "quarantined": 5,
                "duplicates": 0,
                "ignored": {},
                "absent": {},
                "seq": 100 + day,
                "sha256": "cd" * 32,
                "first_event": NOW - timedelta(days=day + 1),
                "last_event": NOW - timedelta(days=day),
                "reasons": {"bad_time": 5},
                "source": f"{name}/{day}.csv",
                "bytes": 13000,
                "known_at": NOW - timedelta(days=day),
                "repeated": False,
            }
            for name in SITES
            for day in range(30)
            if site in (None, name)
        ]
        return rows[:limit]

    def quarantine(self, site: str | None = None, model: str | None = None) -> list[dict[str, Any]]:
        if self.empty:
            return []
        return [
            {
                "id": "quarantine_1",
                "batch": "b",
                "site": site or "cloud-eu",
                "model": "loan-approval",
                "source": "3.csv",
                "line": 17,
                "reason": "bad_time",
                "expected": "an RFC 3339 time",
                "text": "17,<b>not a time</b>,42",
                "seq": 120,
                "known_at": NOW - timedelta(days=3),
            }
        ]

    def shapes(self, model: str, version: str) -> list[Any]:
        return []

    def departures(self, site: str) -> dict[str, Any]:
        return {} if self.empty else {"summaries": {"kind": "summaries", "files": 60, "bytes": 812345, "rows": 60}}

    def results(
        self,
        model: str | None = None,
        version: str | None = None,
        site: str | None = None,
        monitor: str | None = None,
        measure: str | None = None,
        about: str | None = None,
        **options: Any,
    ) -> list[dict[str, Any]]:
        wanted = {
            "model": model,
            "version": version,
            "site": site,
            "monitor": monitor,
            "measure": measure,
            "about": about,
        }
        found = [r for r in self._results if all(value is None or r[key] == value for key, value in wanted.items())]
        if options.get("latest"):
            from dashboard.shapes import newest_each

            found = newest_each(found)
        return found

    def alerts(
        self,
        state: str | None = None,
        condition: str | None = None,
        model: str | None = None,
        site: str | None = None,
        severity: str | None = None,
        case: str | None = None,
    ) -> list[dict[str, Any]]:
        wanted = {
            "triage": state,
            "condition": condition,
            "model": model,
            "site": site,
            "severity": severity,
            "case_id": case,
        }
        return (
            []
            if self.empty
            else [a for a in ALERTS if all(value is None or a[key] == value for key, value in wanted.items())]
        )

    def alert(self, id_: str) -> dict[str, Any] | None:
        found = next((a for a in self.alerts() if a["id"] == id_), None)
        if found is None:
            return None
        history = [
            {
                "seq": 470,
                "known_at": NOW - timedelta(days=7),
                "event": "opened",
                "actor": "system",
                "condition": "firing",
                "triage": "to_review",
                "severity": found["severity"],
                "reason": None,
                "owner": None,
                "sentence": found["sentence"],
            }
        ]
        siblings = [a for a in self.alerts(case=found["case_id"]) if a["id"] != id_]
        document = next(
            (
                r
                for r in reversed(self._results)
                if (r["site"], r["monitor"], r["about"]) == (found["site"], found["monitor"], found["about"])
            ),
            None,
        )
        return {**found, "history": history, "siblings": siblings, "result_document": document}

    def requests(self, state: str | None = None, model: str | None = None) -> list[dict[str, Any]]:
        return [] if self.empty else [r for r in self._requests if state in (None, r["state"])]

    def request(self, id_: str) -> dict[str, Any] | None:
        return next((r for r in self.requests() if r["id"] == id_), None)

    def reports(self, model: str | None = None) -> list[dict[str, Any]]:
        if self.empty:
            return []
        return [
            {
                "id": "report_1",
                "pack": "general",
                "model": "loan-approval",
                "version": "3",
                "from": FIRST,
                "to": NOW,
                "as_of": 470,
                "format": "pdf",
                "state": "DRAFT",
                "sha256": "ef" * 32,
                "evidence_sha256": "aa" * 32,
                "file": "report_1.pdf",
                "seq": 475,
                "known_at": NOW,
                "built_by": "dana",
            }
        ]

    def events(
        self, limit: int | None = None, about: str | None = None, event: str | None = None
    ) -> list[dict[str, Any]]:
        if self.empty:
            return []
        return [
            {
                "seq": 481 - i,
                "known_at": NOW - timedelta(hours=i),
                "event": "batch:rows:accepted",
                "about": "batch_cloud-eu_1",
                "leaf_hash": "12" * 32,
                "details": {"rows": 3000},
                "actor": "site:cloud-eu",
                "reason": None,
            }
            for i in range(12)
        ][:limit]

    def ledger(self, people: str | None = None) -> list[dict[str, Any]]:
        if self.empty:
            return []
        return [
            {
                "id": f"spend_{week}",
                "people": "customers",
                "block_from": FIRST + timedelta(days=7 * week),
                "block_to": FIRST + timedelta(days=7 * week + 7),
                "site": "branch-south",
                "model": "loan-approval",
                "version": "3",
                "purpose": "summary release",
                "rho": "1/50",
                "squared_l2": "49",
                "scale": 35.0,
                "mechanism": "discrete gaussian",
                "unit": "user-day",
                "neighbouring": "add-remove",
                "contributions": 1,
                "state": "released",
                "output_sha256": "34" * 32,
                "seq": 200 + week,
                "known_at": NOW,
            }
            for week in range(8)
        ]

    def people(self) -> list[dict[str, Any]]:
        if self.empty:
            return []
        return [
            {
                "people": "customers",
                "epsilon": "3",
                "delta": "1e-6",
                "per": "30d",
                "block": "7d",
                "spent_rho": "4/50",
                "cap_rho": "5/50",
                "share": 0.8,
            }
        ]

    def coverage(self, model: str, version: str | None, start: datetime, end: datetime) -> list[dict[str, Any]]:
        return (
            []
            if self.empty
            else [
                {
                    "site": s["site"],
                    "sharing": s["sharing"],
                    "batches": 60,
                    "rows": 180000,
                    "kept": 179950,
                    "quarantined": 30,
                    "duplicates": 20,
                    "reasons": {},
                    "first_event": FIRST,
                    "last_event": s["last_event"],
                    "hours_with_data": 1400,
                    "silent_hours": 30,
                    "outcomes": 1000,
                    "labelled": 600,
                    "label_share": 0.6,
                }
                for s in self.sites()
            ]
        )

    def users(self) -> list[dict[str, Any]]:
        return (
            []
            if self.empty
            else [
                {
                    "name": "dana",
                    "grants": [{"role": "admin", "site": "*", "model": "*"}],
                    "disabled": False,
                    "known_at": NOW,
                    "seq": 1,
                }
            ]
        )


class FakeActions:
    """Remembers what was pressed; refuses as the real commands do."""

    def __init__(self, viewer_name: str = "dana") -> None:
        self.viewer_name = viewer_name
        self.pressed: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def press(*args: Any, **kwargs: Any) -> dict[str, Any]:
            self.pressed.append((name, args, kwargs))
            if name == "approve" and self.viewer_name == "dana":
                from store.errors import NotPermitted

                raise NotPermitted(
                    "You asked for this; another person must approve.", advice="Ask somebody with retrain:approve."
                )
            return {
                "id": "request_new",
                "found": 0,
                "columns_searched": 88,
                "holds": True,
                "size": 482,
                "root": "ab" * 32,
                "flaws": [],
            }

        return press
