"""Prometheus' text format: what an operator's own monitoring asks of a hub.
Names and counts, never a value of a row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from store.reads import Reads


def exposition(reads: Reads) -> str:
    sites, alerts = reads.sites(), reads.alerts()
    lines = _metric("bailiwick_sequence", "Index of the newest audit leaf.", "counter", [({}, reads.seq)])
    for name, help_ in (
        ("rows", "Rows that came from a site."),
        ("kept", "Rows that were kept."),
        ("quarantined", "Rows in quarantine."),
        ("duplicates", "Rows that were there already."),
    ):
        lines += _metric(
            f"bailiwick_site_{name}_total", help_, "counter", [({"site": s["site"]}, s[name]) for s in sites]
        )
    silent = [({"site": s["site"]}, s["hours_silent"] * 3600) for s in sites if s["hours_silent"] is not None]
    lines += _metric("bailiwick_site_silent_seconds", "Seconds since the last event of a site.", "gauge", silent)
    firing: dict[tuple[str, str, str], int] = {}
    for alert in alerts:
        if alert["condition"] == "firing" and alert["triage"] != "resolved":
            key = (alert["model"], alert["site"], alert["severity"])
            firing[key] = firing.get(key, 0) + 1
    counted = [({"model": m, "site": s, "severity": v}, count) for (m, s, v), count in sorted(firing.items())]
    lines += _metric("bailiwick_alerts_firing", "Open alerts that are firing.", "gauge", counted)
    return "\n".join(lines) + "\n"


def _metric(name: str, help_: str, kind: str, values: Iterable[tuple[dict[str, str], Any]]) -> list[str]:
    out = [f"# HELP {name} {help_}", f"# TYPE {name} {kind}"]
    for labels, value in values:
        told = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        out.append(f"{name}{{{told}}} {value}" if told else f"{name} {value}")
    return out


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
