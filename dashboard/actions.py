"""What a page may change: each method is one command of `service.commands`, which checks, acts and records.

Imported when pressed: a page that only reads does not load what trains models or draws paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.access import Viewer


@dataclass(frozen=True)
class Actions:
    hub: Any
    viewer: Viewer

    def run(self, name: str, **arguments: Any) -> dict[str, Any]:
        from service import commands

        return commands.load(name)(self.hub, self.viewer, **arguments)

    def acknowledge(self, alert: str) -> dict[str, Any]:
        return self.run("acknowledge_alert", id=alert)

    def assign(self, alert: str, owner: str) -> dict[str, Any]:
        return self.run("assign_alert", id=alert, owner=owner)

    def snooze(self, alert: str, until: datetime | None, reason: str, *, ends: str = "time") -> dict[str, Any]:
        return self.run("snooze_alert", id=alert, until=until, ends=ends, reason=reason)

    def mute(self, alert: str, until: datetime, reason: str) -> dict[str, Any]:
        return self.run("mute_alert", id=alert, until=until, reason=reason)

    def explained(self, alert: dict[str, Any]) -> list[str]:
        """How an alert came about, in sentences."""
        from service.explaining import explained_alert

        return explained_alert(self.hub.store.reads(self.viewer), alert)

    def resolve(self, alert: str, reason: str) -> dict[str, Any]:
        return self.run("resolve_alert", id=alert, reason=reason)

    def request_retraining(self, *, alert: str | None, model: str, site: str | None, why: str) -> dict[str, Any]:
        return self.run("request_retraining", alert=alert, model=model, site=site, why=why)

    def approve(self, request: str) -> dict[str, Any]:
        """Approves; the last approval needed wakes the scheduler, which trains where the rows are."""
        from service import runtime

        done = self.run("approve_request", id=request)
        runtime.work.set()
        return done

    def reject(self, request: str, why: str) -> dict[str, Any]:
        return self.run("reject_request", id=request, why=why)

    def build_report(self, *, pack: str, start: datetime, end: datetime, **subject: str | None) -> dict[str, Any]:
        """subject: model and version, or site for packs on all models."""
        return self.run("build_report", pack=pack, start=start, end=end, format="pdf", **subject)

    def submit_report(self, report: str) -> dict[str, Any]:
        return self.run("submit_report", id=report)

    def review_report(self, report: str, reason: str) -> dict[str, Any]:
        return self.run("review_report", id=report, reason=reason)

    def flag_report(self, report: str, reason: str) -> dict[str, Any]:
        return self.run("flag_report", id=report, reason=reason)

    def approve_report(self, report: str) -> dict[str, Any]:
        return self.run("approve_report", id=report)

    def declare_control(
        self, *, pack: str, control: str, model: str, text: str, not_applicable: bool
    ) -> dict[str, Any]:
        given = {"pack": pack, "control": control, "model": model, "text": text}
        return self.run("declare_control", **given, not_applicable=not_applicable)

    def report_told(self, report: str) -> dict[str, Any] | None:
        """What its evidence says of controls, coverage and statuses; None where the file is gone or changed."""
        told: dict[str, Any] | None = self.run("report_evidence", id=report)["told"]
        return told

    def check_file(self, content: bytes, name: str) -> dict[str, Any]:
        return self.run("check_file", content=content, file_name=name)

    def report_bytes(self, report: str) -> bytes | None:
        """The file as it stands in the hub's folder; None where it is gone."""
        found: bytes | None = self.run("report_file", id=report)["bytes"]
        return found

    def search_hub_file(self, text: str) -> dict[str, Any]:
        return self.run("search_hub_file", text=text)

    def ask_verification(self) -> dict[str, Any]:
        """Leaves the verification to the scheduler's thread; `verification` tells how far it is."""
        from service import runtime
        from store.access import Permission, require

        require(self.viewer, Permission.AUDIT_READ)
        runtime.ask_verification(self.viewer)
        return {}

    def ask_evidently(self, *, model: str, version: str, window: datetime, site: str | None) -> dict[str, Any]:
        """Leaves Evidently's own report to the scheduler's thread; `evidently` tells how far it is."""
        from service import runtime
        from store.access import Permission, require

        require(self.viewer, Permission.MODEL_READ, site=site, model=model)
        runtime.ask_evidently(self.viewer, {"model": model, "version": version, "window": window, "site": site})
        return {}

    def evidently(self) -> dict[str, Any]:
        from service import runtime

        return runtime.evidently(self.viewer)

    def verification(self) -> dict[str, Any]:
        from service import runtime

        return runtime.verification()

    def take_checkpoint(self) -> dict[str, Any]:
        return self.run("take_checkpoint", about="from the console")
