"""Reads about sites: who they are, what came from them and when, what they sent and what stayed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any

from store.access import Permission
from store.reads.halves import halves_apart
from store.reads.view import View, where

_SITES = files("store").joinpath("sql", "sites.sql").read_text()
_RECEIPTS = files("store").joinpath("sql", "receipts.sql").read_text()
_COVERAGE = files("store").joinpath("sql", "coverage.sql").read_text()


_NOT_FINISHED_SINCE = (
    "NOT (reason = 'unfinished' AND EXISTS (SELECT 1 FROM file_position was JOIN file_position then_ USING (stream) "
    "WHERE was.seq = quarantine.seq AND then_.seq > was.seq AND then_.seq <= ?))"
)
"""Half a line at the end of a file that has grown since was read again, and needs nobody."""


class SiteReads(View):
    def sites(self) -> list[dict[str, Any]]:
        """Every site with its freshness against its own contact window; `never` where nothing came yet."""
        rows = self.rows(
            _SITES.replace("{allowed}", self.allowed(Permission.SITE_READ, model=None)), [self.seq, self.seq]
        )
        for row in rows:
            row["hours_silent"], row["fresh"] = _freshness(row["last_contact"], row["contact_window_s"], self.now)
        return rows

    def site(self, name: str) -> dict[str, Any] | None:
        return next((row for row in self.sites() if row["site"] == name), None)

    def receipts(
        self, site: str | None = None, model: str | None = None, kind: str | None = None, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Receipts, newest first."""
        return self._receipts(self.allowed(Permission.SITE_READ), limit, site=site, model=model, kind=kind)

    def receipts_of(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """The receipts of batches that are already here, by their ids.

        Asked by whoever sends those bytes and may write there, so it is not filtered by what they may read.
        """
        return self._told(f"{_RECEIPTS.replace('{allowed}', 'list_contains(?, batch)')}", [self.seq, list(ids)])

    def batch_of_key(self, site: str, key_sha256: str) -> str | None:
        """The id of the batch that a site sent under this name; asked by whoever sends under it again."""
        found = self.one(
            "SELECT batch FROM idempotency_key WHERE seq <= ? AND site = ? AND key_sha256 = ?",
            [self.seq, site, key_sha256],
        )
        return None if found is None else str(found["batch"])

    def _receipts(self, allowed: str, limit: int | None, **filters: str | None) -> list[dict[str, Any]]:
        more, values = where(**filters)
        return self._told(
            f"{_RECEIPTS.replace('{allowed}', allowed)}{more} ORDER BY seq DESC LIMIT coalesce(?, 1000000)",
            [self.seq, *values, limit],
        )

    def _told(self, sql: str, parameters: list[Any]) -> list[dict[str, Any]]:
        rows = self.rows(sql, parameters)
        for row in rows:
            row |= {name: json.loads(row[name]) for name in ("ignored", "absent", "reasons")}
            row["repeated"] = False
        return rows

    def quarantine(
        self, site: str | None = None, model: str | None = None, id: str | None = None, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """What could not be read, newest first; `text` shows the bytes, undecodable ones escaped."""
        more, values = where(site=site, model=model, id=id)
        rows = self.rows(
            "SELECT id, batch, site, model, source, line, reason, expected, bytes, seq, known_at FROM quarantine "
            f"WHERE seq <= ? AND {self.allowed(Permission.QUARANTINE_READ)}{more} AND {_NOT_FINISHED_SINCE} "
            "ORDER BY seq DESC, id LIMIT coalesce(?, 1000000)",
            [self.seq, *values, self.seq, limit],
        )
        for row in rows:
            row["text"] = bytes(row.pop("bytes")).decode("utf-8", errors="backslashreplace")
        return rows

    def aside(self, site: str | None = None, model: str | None = None) -> list[dict[str, Any]]:
        """Files kept aside because they name a model or version that nobody added, oldest first."""
        more, values = where(site=site, model=model)
        return self.rows(
            "SELECT id, site, model, version, kind, format, sha256, source, bytes, rows, first_event, last_event, "
            "seq, known_at, EXISTS (SELECT 1 FROM model_version m WHERE m.seq <= ? AND m.model = a.model) AS "
            f"known_model FROM aside_at(?) a WHERE state = 'kept' AND {self.allowed(Permission.SITE_READ)}{more} "
            "ORDER BY seq",
            [self.seq, self.seq, *values],
        )

    def aside_of(self, id_: str) -> dict[str, Any] | None:
        """A file kept aside or taken in since, as it stands, with where its bytes are. Asked by ingest for any site."""
        return self.one("SELECT * FROM aside_at(?) WHERE id = ?", [self.seq, id_])

    def file_positions(self, *, site: str, model: str, kind: str, source: str, most: int) -> list[dict[str, Any]]:
        """Where files of this name ended when they were last read, at most so long, the longest first.

        Asked by whoever sends such a file and may write there, so it is not filtered by what they may read.
        """
        return self.rows(
            "SELECT * FROM file_position WHERE seq <= ? AND site = ? AND model = ? AND kind = ? AND source = ? "
            "QUALIFY row_number() OVER (PARTITION BY stream ORDER BY seq DESC) = 1 AND length <= ? "
            "ORDER BY length DESC LIMIT 1000",
            [self.seq, site, model, kind, source, most],
        )

    def stream_end(self, stream: str) -> int | None:
        """The seq under which a growing file was last read."""
        found = self.one("SELECT max(seq) AS seq FROM file_position WHERE seq <= ? AND stream = ?", [self.seq, stream])
        return None if found is None else found["seq"]

    def coverage(self, model: str, version: str | None, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """Per site: what came in [start, end), what was set aside and why, silent hours, how many have a label, and
        how many halves never met their other half (None where single rows are not here).
        """
        allowed = self.allowed(Permission.MODEL_READ, site="site_version.site", model=None)
        parameters = {"seq": self.seq, "model": model, "version": version, "start": start, "end": min(end, self.now)}
        rows = self.rows(_COVERAGE.replace("{allowed}", allowed), parameters)
        apart = halves_apart(self, model, version, start, min(end, self.now))
        for row in rows:
            reasons: dict[str, int] = {}
            for text in row.pop("all_reasons") or []:
                for reason, count in json.loads(text).items():
                    reasons[reason] = reasons.get(reason, 0) + count
            row["reasons"] = reasons
            row["inputs_alone"], row["predictions_alone"] = apart.get(row["site"], (None, None))
            row["label_share"] = row["labelled"] / row["outcomes"] if row["outcomes"] else None
        return rows

    def departures(self, site: str) -> dict[str, Any]:
        """What left a site: files, bytes and rows that came to the hub from it, by kind."""
        rows = self.rows(
            "SELECT kind, count(*) AS files, sum(bytes)::BIGINT AS bytes, sum(rows)::BIGINT AS rows FROM batch "
            f"WHERE seq <= ? AND site = ? AND {self.allowed(Permission.SITE_READ)} GROUP BY kind ORDER BY kind",
            [self.seq, site],
        )
        return {row["kind"]: row for row in rows}


def _freshness(last: datetime | None, window_s: int, now: datetime) -> tuple[float | None, str]:
    """Hours since the last contact, and its name: live, late (up to two windows), silent, never."""
    if last is None:
        return None, "never"
    seconds = (now - last).total_seconds()
    state = "live" if seconds <= window_s else "late" if seconds <= 2 * window_s else "silent"
    return round(seconds / 3600, 2), state
