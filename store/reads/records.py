"""Reads about the record itself: the trail, reports, people who may sign in."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from store import checkpoints, merkle, trail
from store.access import Grant, Permission, Viewer
from store.reads.view import View, where

_REPORTS = files("store").joinpath("sql", "reports.sql").read_text()


class RecordReads(View):
    def events(
        self, limit: int | None = None, about: str | None = None, event: str | None = None
    ) -> list[dict[str, Any]]:
        """The audit trail, newest first."""
        if not self.may(Permission.AUDIT_READ):
            return []
        more, values = where(about=about, event=event)
        rows = self.rows(
            "SELECT a.seq, a.known_at, a.event, a.about, a.leaf, a.leaf_hash, p.private FROM audit_leaf a "
            "LEFT JOIN audit_private p USING (seq) WHERE a.seq <= "
            f"?{more.replace(' about', ' a.about').replace(' event', ' a.event')} "
            "ORDER BY a.seq DESC LIMIT coalesce(?, 1000000)",
            [self.seq, *values, limit],
        )
        for row in rows:
            private = json.loads(row.pop("private") or "{}")
            row["details"] = json.loads(row.pop("leaf"))["details"]
            row["actor"] = private.pop("actor", None)
            row["reason"] = private.get("reason")
        return rows

    def trail_state(self) -> dict[str, Any]:
        """How far the trail is signed, by which checkpoint, and when one last left the hub; not verified here."""
        if not self.may(Permission.AUDIT_READ):
            return {"size": 0, "signed": 0, "checkpoint": None, "anchored": None, "restored": []}
        last = checkpoints.newest(self._cursor)
        return {
            "size": self.seq + 1,
            "signed": last["size"] if last else 0,
            "checkpoint": last,
            "anchored": checkpoints.anchored(self._cursor),
            "restored": [branch.as_json() for branch in checkpoints.branches(self._cursor)],
        }

    def root(self) -> str:
        """Merkle root (hex) of the trail up to the as-of."""
        return merkle.root(trail.leaf_hashes(self._cursor, size=self.seq + 1)).hex()

    def verify_trail(self, *, data: bool = False) -> trail.Verification:
        return trail.verify(self._cursor, data=data)

    def reports(self, model: str | None = None) -> list[dict[str, Any]]:
        """Built reports, newest first."""
        allowed = self.allowed(Permission.REPORT_READ, site=None, model="r.model")
        rows = self.rows(_REPORTS.replace("{allowed}", allowed), [self.seq, self.seq])
        for row in rows:
            row |= {"gaps": json.loads(row["gaps"] or "[]"), "steps": row["steps"] or []}
        return [row for row in rows if model is None or row["model"] == model]

    def report(self, *, id_: str | None = None, sha256: str | None = None) -> dict[str, Any] | None:
        return next(
            (r for r in self.reports() if r["id"] == id_ or (sha256 is not None and r["sha256"] == sha256)), None
        )

    def declarations(self, model: str, pack: str) -> dict[str, dict[str, Any]]:
        """By control: text, not_applicable, by, at; the newest of each."""
        if not self.may(Permission.REPORT_READ, model=model):
            return {}
        found = self.rows(
            "SELECT control, text, not_applicable, actor AS by, known_at AS at FROM declaration "
            "WHERE seq <= ? AND model = ? AND pack = ? "
            "QUALIFY row_number() OVER (PARTITION BY control ORDER BY seq DESC) = 1 ORDER BY control",
            [self.seq, model, pack],
        )
        return {row.pop("control"): row for row in found}

    def users(self) -> list[dict[str, Any]]:
        """Accounts without their password texts."""
        if not self.may(Permission.USER_WRITE):
            return []
        rows = self.rows("SELECT name, grants, disabled, known_at, seq FROM user_at(?) ORDER BY name", [self.seq])
        return [{**row, "grants": json.loads(row["grants"])} for row in rows]

    def account(self, name: str) -> tuple[Viewer, str] | None:
        """Who signs in under this name, and the scrypt text to check; None where there is no such live account.

        Asked by the sign-in before anyone is a viewer, so it is not filtered by grants.
        """
        row = self.one(
            "SELECT name, password, grants FROM user_at(?) WHERE name = ? AND NOT disabled", [self.seq, name]
        )
        if row is None:
            return None
        return Viewer(row["name"], tuple(Grant(**grant) for grant in json.loads(row["grants"]))), row["password"]

    def token_site(self, token_sha256: str) -> str | None:
        """The site an ingest token speaks for; None for an unknown or revoked one."""
        row = self.one("SELECT site FROM token_at(?) WHERE token_sha256 = ? AND NOT revoked", [self.seq, token_sha256])
        return None if row is None else str(row["site"])
