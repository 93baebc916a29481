"""A stand-in for `store.reads.Reads` with the demo's story in plain dicts, so that pages are tested without a hub.

The shapes are those of store/reads, monitors and service/commands/retraining.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fake_decisions import ALERTS, OUTCOME, request
from fake_reports import ReportReads
from fake_results import drift, fairness, others
from fake_sites import SiteReads
from fake_story import MODEL, NOW, SITES
from fake_trail import TrailReads


class FakeReads(SiteReads, TrailReads, ReportReads):
    """Full by default; `empty=True` is a hub on its first day, `silent=False` one in which every site is fresh,
    `calm=True` one in which nothing was found."""

    def __init__(
        self,
        *,
        empty: bool = False,
        silent: bool = True,
        requests: list[dict[str, Any]] | None = None,
        broken: bool = False,
        calm: bool = False,
    ) -> None:
        self.empty, self.silent, self.broken, self.calm = empty, silent, broken, calm
        self.now, self.seq = NOW, -1 if empty else 481
        done = {"state": "trained", "outcome": OUTCOME, "approved_by": "kim", "new_version": "4"}
        self._requests = [request("request_open"), request("request_done", **done)] if requests is None else requests
        self._results = [] if empty or calm else drift() + fairness() + others()

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
            if self.empty or self.calm
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
