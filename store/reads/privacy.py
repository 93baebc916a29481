"""Reads about privacy spend: the ledger, entry by entry. Totals are views over entries and never stored."""

from __future__ import annotations

from typing import Any

from store.access import Permission
from store.reads.view import View, where


class PrivacyReads(View):
    def ledger(self, people: str | None = None) -> list[dict[str, Any]]:
        """Entries as they stand, oldest block first."""
        more, values = where(people=people)
        return self.rows(
            f"SELECT * FROM ledger_at(?) WHERE {self.allowed(Permission.SITE_READ)}{more} ORDER BY people, "
            "block_from, seq",
            [self.seq, *values],
        )
