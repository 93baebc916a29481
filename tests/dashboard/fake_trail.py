"""What a hub reads of its people: events, the privacy ledger, budgets, accounts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fake_story import FIRST, NOW


class TrailReads:
    """One event an hour, one release a week, one account."""

    empty = False

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

    def trail_state(self) -> dict[str, Any]:
        anchored = {"seq": 478, "known_at": NOW - timedelta(days=3), "size": 478, "root": "ab" * 32}
        return {
            "size": 482,
            "signed": 0 if self.empty else 478,
            "checkpoint": None,
            "anchored": None if self.empty else {**anchored, "kind": "report", "about": "report_q3"},
            "restored": [],
        }

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
                "mechanism": '{"__function__":"make_gaussian","__kwargs__":{"scale":35.0}}',
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
