"""Reads about alerts and retraining requests: as they stand, and how they came to."""

from __future__ import annotations

import json
from typing import Any

from store.access import Permission
from store.reads.results import ResultReads
from store.reads.view import View, where
from store.result import SEVERITIES


class AlertReads(View):
    def alerts(
        self,
        state: str | None = None,
        condition: str | None = None,
        model: str | None = None,
        site: str | None = None,
        severity: str | None = None,
        case: str | None = None,
    ) -> list[dict[str, Any]]:
        """Alerts as they stand, the most severe and newest first. `state` is the triage state."""
        more, values = where(triage=state, condition=condition, model=model, site=site, severity=severity, case_id=case)
        rows = self.rows(
            f"SELECT seq, document FROM alert_at(?) WHERE {self.allowed(Permission.MODEL_READ)}{more}",
            [self.seq, *values],
        )
        found = [{**json.loads(row["document"]), "seq": row["seq"]} for row in rows]
        ranks = {str(name): rank for rank, name in enumerate(SEVERITIES)}
        found.sort(key=lambda alert: alert["id"])
        found.sort(key=lambda alert: str(alert.get("last_window", {}).get("to", "")), reverse=True)
        found.sort(key=lambda alert: (alert["condition"] == "firing", ranks[alert["severity"]]), reverse=True)
        return found

    def alert(self, id_: str) -> dict[str, Any] | None:
        """One alert with its history, the result it stands on, and its siblings at other sites."""
        versions = self.rows(
            "SELECT a.seq, a.known_at, a.event, a.document, json_extract_string(p.private, '$.actor') AS actor "
            "FROM alert_version a LEFT JOIN audit_private p USING (seq) "
            f"WHERE a.seq <= ? AND a.id = ? AND {self.allowed(Permission.MODEL_READ)} ORDER BY a.seq",
            [self.seq, id_],
        )
        if not versions:
            return None
        now = json.loads(versions[-1]["document"])
        history = [
            {
                "seq": row["seq"],
                "known_at": row["known_at"],
                "event": row["event"],
                "actor": row["actor"],
                **{
                    key: json.loads(row["document"]).get(key)
                    for key in ("condition", "triage", "severity", "reason", "owner", "sentence")
                },
            }
            for row in versions
        ]
        siblings = [other for other in self.alerts(case=now["case_id"]) if other["id"] != id_]
        result = (
            ResultReads.result(self, now["result"]) if now.get("result") and isinstance(self, ResultReads) else None
        )
        return {**now, "seq": versions[-1]["seq"], "history": history, "siblings": siblings, "result_document": result}

    def cases(self) -> list[dict[str, Any]]:
        """Open alerts grouped by what they share: model, monitor, thing and measure."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for alert in self.alerts():
            if alert["open"]:
                groups.setdefault(alert["case_id"], []).append(alert)
        return [
            {
                "case": case,
                "model": members[0]["model"],
                "monitor": members[0]["monitor"],
                "about": members[0]["about"],
                "measure": members[0]["measure"],
                "severity": members[0]["severity"],
                "sites": sorted({member["site"] for member in members}),
                "alerts": members,
            }
            for case, members in groups.items()
        ]

    def requests(self, state: str | None = None, model: str | None = None) -> list[dict[str, Any]]:
        """Retraining requests as they stand, newest first."""
        more, values = where(state=state, model=model)
        rows = self.rows(
            "SELECT seq, known_at, document FROM request_at(?) WHERE "
            f"{self.allowed(Permission.MODEL_READ)}{more} ORDER BY seq DESC",
            [self.seq, *values],
        )
        return [{**json.loads(row["document"]), "seq": row["seq"], "known_at": row["known_at"]} for row in rows]

    def request(self, id_: str) -> dict[str, Any] | None:
        versions = self.rows(
            "SELECT r.seq, r.known_at, r.event, r.state, r.document, json_extract_string(p.private, '$.actor') "
            "AS actor "
            "FROM request_version r LEFT JOIN audit_private p USING (seq) "
            f"WHERE r.seq <= ? AND r.id = ? AND {self.allowed(Permission.MODEL_READ)} ORDER BY r.seq",
            [self.seq, id_],
        )
        if not versions:
            return None
        history = [{key: row[key] for key in ("seq", "known_at", "event", "state", "actor")} for row in versions]
        return {**json.loads(versions[-1]["document"]), "seq": versions[-1]["seq"], "history": history}
