"""What a hub reads of its sites: freshness, receipts, what could not be read, what left."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from fake_story import FIRST, NOW, SITES


class SiteReads:
    """Four sites; nothing where `empty`; the kiosk is heard from where not `silent`."""

    empty = silent = broken = calm = False

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

    def quarantine(
        self, site: str | None = None, model: str | None = None, limit: int | None = None
    ) -> list[dict[str, Any]]:
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

    def aside(self, site: str | None = None, model: str | None = None) -> list[dict[str, Any]]:
        if self.empty or self.calm:
            return []
        row = {
            "id": "aside_1",
            "site": "cloud-eu",
            "model": "fraud-<b>score</b>",
            "version": "2",
            "kind": "predictions",
            "format": "azureml",
            "sha256": "ab" * 32,
            "source": "log.jsonl",
            "bytes": 9000,
            "rows": 14000,
            "first_event": NOW - timedelta(days=4),
            "last_event": NOW,
            "seq": 130,
            "known_at": NOW,
            "known_model": False,
        }
        return [
            row,
            {**row, "id": "aside_2", "model": "loan-approval", "version": "9", "rows": 210, "known_model": True},
        ]

    def pulls(self) -> list[dict[str, Any]]:
        if self.empty or self.calm:
            return []
        well = {"pull": "loans", "waiting": 12, "refused": 2, "error": None}
        failing = {
            "pull": "kiosk",
            "waiting": 0,
            "refused": 0,
            "error": "az://logs: the store denies access: <b>no</b>",
        }
        return [well, failing]

    def label_arrivals(self, site: str | None = None) -> list[dict[str, Any]]:
        took = {"latency_median_s": 259_200.0, "latency_p90_s": 780_000.0}
        row = {"site": site, "model": "loan-approval", "due": 1204, "labelled": 1011, "share": 1011 / 1204, **took}
        return [] if self.empty else [row]

    def shapes(self, model: str, version: str) -> list[Any]:
        return []

    def departures(self, site: str) -> dict[str, Any]:
        return {} if self.empty else {"summaries": {"kind": "summaries", "files": 60, "bytes": 812345, "rows": 60}}

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
                    "inputs_alone": 3,
                    "predictions_alone": 0,
                }
                for s in self.sites()
            ]
        )
