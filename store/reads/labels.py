"""Reads about labels: how many of the outcomes that are due have come, and how long they took."""

from __future__ import annotations

import json
from datetime import datetime
from importlib.resources import files
from typing import Any

from store.access import Permission
from store.bins import spec_from_json
from store.model_reader import read_model_file
from store.reads.view import View
from store.rows import labels_table, quoted, tables

_COVERAGE = files("store").joinpath("sql", "label_coverage.sql").read_text()


class LabelReads(View):
    def label_arrivals(self, site: str | None = None) -> list[dict[str, Any]]:
        """Per site and model with an outcome: `due`, `labelled` and their `share` (None where none is due), from the
        counts; `latency_median_s` and `latency_p90_s` from event to first known label, where rows are here, else None.

        Due is a decision whose block ended `expected_after` ago.
        """
        due = self._outcomes()
        if not due["models"]:
            return []
        allowed = self.allowed(Permission.SITE_READ, site="s.site", model="s.model")
        rows = self.rows(_COVERAGE.replace("{allowed}", allowed), {"seq": self.seq, **due})
        rows = sorted((row for row in rows if site in (None, row["site"])), key=lambda row: (row["site"], row["model"]))
        took = {model: self._latency(model, site) for model in {row["model"] for row in rows}}
        for row in rows:
            row["share"] = min(row["labelled"] / row["due"], 1.0) if row["due"] else None
            row["latency_median_s"], row["latency_p90_s"] = took[row["model"]].get(row["site"], (None, None))
        return rows

    def _outcomes(self) -> dict[str, list[Any]]:
        """The model versions that have an outcome and bins, and until when theirs are due."""
        out: dict[str, list[Any]] = {"models": [], "versions": [], "specs": [], "joint": [], "due": []}
        for row in self.rows(
            "SELECT m.document, b.spec_hash, b.spec FROM model_at($seq) m JOIN bin_spec_at($seq) b "
            "USING (model, version)",
            {"seq": self.seq},
        ):
            file = read_model_file(row["document"], source="a model file")
            joint = _joint(row["spec"])
            if file.columns.outcome is None or not joint:
                continue
            due: datetime = self.now - file.columns.outcome.expected_after
            of = (file.name, file.version, row["spec_hash"], joint, due)
            for name, value in zip(out, of, strict=True):
                out[name].append(value)
        return out

    def _latency(self, model: str, site: str | None) -> dict[str, tuple[float, float]]:
        """Site to the median and the 90th percentile of seconds from the event to the first label known of it."""
        labels = labels_table(self._cursor, model)
        held = tables(self._cursor, model, None, "rows")
        if labels is None or not held:
            return {}
        events = " UNION ALL ".join(
            f"SELECT site, id, event_time FROM {quoted(name)} WHERE seq <= $seq AND part & 2 = 2" for name, _, _ in held
        )
        rows = self.rows(
            "SELECT site, quantile_disc(took, 0.5) AS median, quantile_disc(took, 0.9) AS p90 FROM ("
            "SELECT l.site, greatest(0, epoch(l.known_at) - epoch(min(e.event_time))) AS took "
            f"FROM (SELECT site, id, min(known_at) AS known_at FROM {quoted(labels)} WHERE seq <= $seq "
            "AND label IS NOT NULL AND ($site IS NULL OR site = $site) GROUP BY site, id) l "
            f"JOIN ({events}) e USING (site, id) GROUP BY l.site, l.id, l.known_at) GROUP BY site",
            {"seq": self.seq, "site": site},
        )
        return {row["site"]: (float(row["median"]), float(row["p90"])) for row in rows}


def _joint(text: str) -> int:
    """Cells of the labelled table that stand for a row each."""
    spec = spec_from_json(json.loads(text))
    return spec.labelled_joint.stop if spec.outcome else 0
