"""Reads about contributions: the sums per input that attribution drift is judged from."""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files

import pyarrow as pa

from store.access import Permission
from store.attribution import Contributed, contributed
from store.reads.view import View

_ATTRIBUTIONS = files("store").joinpath("sql", "attributions.sql").read_text()


class AttributionReads(View):
    def attributions(
        self,
        model: str,
        version: str,
        *,
        site: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> pa.Table:
        """The sums of each site, block and input: site, block, block_end, grain, input, n, sum_abs, in that order.

        Blocks that lie inside [start, end) alone; site None: every site the viewer may read. Merge rows with
        `store.attribution.contributed(table.to_pylist())`, which gives the mean |contribution| of each input.
        """
        parameters = {
            "seq": self.seq,
            "model": model,
            "version": version,
            "site": site,
            "start": start,
            "end": end,
        }
        return self.table(_ATTRIBUTIONS.replace("{allowed}", self.allowed(Permission.MODEL_READ)), parameters)

    def reference_attributions(self, model: str, version: str) -> dict[str, Contributed]:
        """What each input contributed over the reference; empty where nobody delivered any."""
        if not self.may(Permission.MODEL_READ, model=model):
            return {}
        rows = self.rows(
            "SELECT input, n, sum_abs FROM reference_attribution WHERE seq <= ? AND model = ? AND version = ? "
            "QUALIFY since = max(since) OVER () ORDER BY input",
            [self.seq, model, version],
        )
        return contributed(rows)
