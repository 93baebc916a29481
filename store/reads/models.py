"""Reads about models: their files, revisions, frozen bins, summaries and references."""

from __future__ import annotations

import json
from datetime import timedelta
from importlib.resources import files
from typing import Any

import numpy as np

from store.access import Permission
from store.bins import BinSpec, Section, spec_from_json
from store.model_file import ModelFile
from store.model_reader import read_model_file
from store.reads.view import View, where
from store.summary import Counts, SummaryBlocks, matrix

_MODELS = files("store").joinpath("sql", "models.sql").read_text()
_BLOCKS = files("store").joinpath("sql", "summary_blocks.sql").read_text()
_GRAINS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


class ModelReads(View):
    def models(self) -> list[dict[str, Any]]:
        """Every version of every model, newest version of each model first."""
        allowed = self.allowed(Permission.MODEL_READ, site=None, model="m.model")
        rows = self.rows(_MODELS.replace("{allowed}", allowed), {"seq": self.seq})
        for row in rows:
            document = json.loads(row.pop("document"))
            file = read_model_file(json.dumps(document), source=f"model {row['model']}:{row['version']}")
            row |= {
                "title": file.title or file.name,
                "owner": {"team": file.owner.team, "email": file.owner.email},
                "tier": {"level": file.tier.level, "why": file.tier.why},
                "task": str(file.task),
                "use": file.use,
            }
        return rows

    def model(self, name: str, version: str | None = None) -> dict[str, Any] | None:
        """One version (None: the newest) with its `file`, `spec`, `versions` and `changes`;
        None where there is none.
        """
        listed = [row for row in self.models() if row["model"] == name]
        row = next((row for row in listed if version is None or row["version"] == version), None)
        if row is None:
            return None
        file = self.model_file(name, row["version"])
        changes = self.model_changes(name, row["version"])
        return {
            **row,
            "file": file,
            "spec": self.spec(name, row["version"]),
            "versions": [r["version"] for r in listed],
            "changes": changes,
        }

    def model_file(self, name: str, version: str) -> ModelFile | None:
        found = self.one("SELECT document FROM model_at(?) WHERE model = ? AND version = ?", [self.seq, name, version])
        return None if found is None else read_model_file(found["document"], source=f"model {name}:{version}")

    def newest_version(self, name: str) -> str | None:
        """The version added last: revisions make no older one newer, and one we trained counts once it serves."""
        found = self.one(
            "SELECT version FROM model_version v WHERE v.seq <= ? AND v.model = ? AND v.revision = 1 AND "
            "(v.origin = 'file' "
            "OR EXISTS (SELECT 1 FROM batch b WHERE b.seq <= ? AND b.model = v.model AND b.version = v.version "
            "AND b.kind IN ('predictions', 'summaries'))) ORDER BY v.seq DESC LIMIT 1",
            [self.seq, name, self.seq],
        )
        return None if found is None else str(found["version"])

    def model_number(self, name: str, version: str | None = None) -> int | None:
        """The number in the names of a version's row tables; without a version, that of the model's labels."""
        more, values = where(version=version)
        found = self.one(
            f"SELECT min(number) AS number FROM model_at(?) WHERE model = ?{more}", [self.seq, name, *values]
        )
        return None if found is None or found["number"] is None else int(found["number"])

    def model_changes(self, name: str, version: str) -> list[dict[str, Any]]:
        """Revisions after the first, oldest first, with who made them and why."""
        rows = self.rows(
            "SELECT v.seq, v.known_at, v.revision, v.reason, v.changes, v.replay, json_extract_string(p.private, "
            "'$.actor') AS actor "
            "FROM model_version v LEFT JOIN audit_private p USING (seq) "
            "WHERE v.seq <= ? AND v.model = ? AND v.version = ? AND v.revision > 1 ORDER BY v.seq",
            [self.seq, name, version],
        )
        for row in rows:
            row["changes"] = json.loads(row["changes"])
        return rows

    def spec(self, name: str, version: str) -> BinSpec | None:
        """The bin spec frozen last for this version, or None while there is none."""
        found = self.one("SELECT spec FROM bin_spec_at(?) WHERE model = ? AND version = ?", [self.seq, name, version])
        return None if found is None else spec_from_json(json.loads(found["spec"]))

    def reference_counts(self, name: str, version: str, spec_hash: str) -> dict[str, Counts]:
        """The reference's vector per section under this spec; empty where there is no reference."""
        rows = self.rows(
            "SELECT section, counts FROM reference_at(?) WHERE model = ? AND version = ? AND spec_hash = ?",
            [self.seq, name, version, spec_hash],
        )
        return {row["section"]: np.asarray(row["counts"], dtype=np.int64) for row in rows}

    def summary_blocks(
        self, name: str, version: str, spec: BinSpec, section: Section, segment: str | None = None
    ) -> list[SummaryBlocks]:
        """The merged counts of one section, one value per site, blocks oldest first."""
        allowed = self.allowed(Permission.MODEL_READ)
        parameters = {
            "seq": self.seq,
            "model": name,
            "version": version,
            "spec_hash": spec.spec_hash,
            "section": str(section),
            "segment": segment,
        }
        table = self.table(_BLOCKS.replace("{allowed}", allowed), parameters)
        return _merged(table, spec.widths[section], section=str(section), segment=segment)

    def segments(self, name: str, version: str, spec: BinSpec) -> list[str]:
        """The segment values seen, `name=value`."""
        rows = self.rows(
            "SELECT DISTINCT segment FROM summary WHERE seq <= ? AND model = ? AND version = ? AND spec_hash = ? "
            "AND segment IS NOT NULL ORDER BY segment",
            [self.seq, name, version, spec.spec_hash],
        )
        return [row["segment"] for row in rows]


def _merged(table: Any, width: int, *, section: str, segment: str | None) -> list[SummaryBlocks]:
    """Deltas, ordered by site and block, summed per (site, block)."""
    if not table.num_rows or not width:
        return []
    deltas = matrix(table.column("counts"), width)
    keys = table.select(["site", "block", "grain"]).to_pylist()
    starts = [0] + [i for i in range(1, len(keys)) if keys[i] != keys[i - 1]]
    sums = np.add.reduceat(deltas, starts, axis=0)
    variances = np.add.reduceat(table.column("variance").to_numpy(), starts)
    out = []
    by_site: dict[str, list[int]] = {}
    for at, start in enumerate(starts):
        by_site.setdefault(keys[start]["site"], []).append(at)
    for site, places in by_site.items():
        first = [keys[starts[at]] for at in places]
        out.append(
            SummaryBlocks(
                site=site,
                section=section,
                segment=segment,
                starts=np.array([key["block"] for key in first], dtype="datetime64[us]"),
                ends=np.array([key["block"] + _GRAINS[key["grain"]] for key in first], dtype="datetime64[us]"),
                counts=sums[places],
                variance=variances[places],
            )
        )
    return out
