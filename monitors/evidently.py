"""The one file that meets Evidently: its drift preset as the oracle of `evidently-0.7`, and its own report as HTML.

Promises: Evidently is imported only when one of these functions runs (12 s on a slow machine), with its telemetry
off; none of its types leaves this file. Callers run it in a subprocess:

    python -m monitors.evidently request.json

where the request is {"reference": a Parquet file, "current": a Parquet file, "kinds": {column: "number" | "category"}
or null, "html": a path or null, "note": what stands above the report, or null}. The answer is one JSON document on
stdout: {"columns": {name: {"measure", "value", "limit", "drifted"}}, "html": path or null}.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.errors import BadInput, Final

if TYPE_CHECKING:
    import pandas as pd


BANNER = "margin:0;padding:12px 24px;background:#fff3cd;color:#1f1f1f;font:16px/1.5 sans-serif"


@dataclass(frozen=True, slots=True)
class PeerVerdict:
    """What Evidently says of one column."""

    measure: str
    """Evidently's display name, such as `Wasserstein distance (normed)`."""
    value: float
    limit: float
    drifted: bool


def drift_preset(
    reference: pd.DataFrame, current: pd.DataFrame, *, kinds: Mapping[str, str] | None = None
) -> dict[str, PeerVerdict]:
    """Evidently's DataDriftPreset with its defaults, by column. Without kinds Evidently infers the columns' types."""
    return _verdicts(_run(reference, current, kinds))


def write_report(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    path: Path,
    *,
    kinds: Mapping[str, str] | None = None,
    note: str | None = None,
) -> dict[str, PeerVerdict]:
    """Evidently's own report on the two samples as one HTML file; also what it says of each column."""
    snapshot = _run(reference, current, kinds)
    snapshot.save_html(str(path))
    if note:
        path.write_text(_with_note(path.read_text(encoding="utf-8"), note), encoding="utf-8")
    return _verdicts(snapshot)


def _with_note(html: str, note: str) -> str:
    """The report under a banner that says what it stands on; raises Final where the page has no body to put it in."""
    body = re.search(r"<body[^>]*>", html, re.IGNORECASE)
    if body is None:
        raise Final("Evidently's page has no body", advice="Is this the version of Evidently that the extra asks for?")
    banner = f'<p role="note" style="{BANNER}">{escape(note)}</p>'
    return html[: body.end()] + banner + html[body.end() :]


def _run(reference: pd.DataFrame, current: pd.DataFrame, kinds: Mapping[str, str] | None) -> Any:
    os.environ["DO_NOT_TRACK"] = "1"  # noqa: TID251 - Evidently reads its telemetry switch from nowhere else
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    if kinds is None:
        definition = DataDefinition()
    else:
        definition = DataDefinition(
            numerical_columns=[name for name, kind in kinds.items() if kind == "number"],
            categorical_columns=[name for name, kind in kinds.items() if kind != "number"],
        )
    sides = [Dataset.from_pandas(frame, definition) for frame in (current, reference)]
    return Report([DataDriftPreset()]).run(*sides)


def _verdicts(snapshot: Any) -> dict[str, PeerVerdict]:
    found = {}
    for metric in snapshot.dict()["metrics"]:
        config = metric["config"]
        if not config["type"].endswith(":ValueDrift"):
            continue
        measure, value, limit = str(config["method"]), float(metric["value"]), float(config["threshold"])
        found[str(config["column"])] = PeerVerdict(measure, value, limit, _drifted(measure, value, limit))
    return found


def _drifted(measure: str, value: float, limit: float) -> bool:
    """The preset hands out scores, not verdicts: p-values drift below the threshold (KS: at it), distances at it."""
    if measure == "K-S p_value":
        return value <= limit
    return value < limit if measure.endswith("p_value") else value >= limit


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        raise BadInput("one request file is expected", advice="Run `python -m monitors.evidently request.json`.")
    import pandas as pd

    request = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    reference, current = (pd.read_parquet(request[side]) for side in ("reference", "current"))
    html, kinds = request.get("html"), request.get("kinds")
    if html:
        verdicts = write_report(reference, current, Path(html), kinds=kinds, note=request.get("note"))
    else:
        verdicts = drift_preset(reference, current, kinds=kinds)
    answer = {"columns": {name: asdict(verdict) for name, verdict in verdicts.items()}, "html": html}
    print(json.dumps(answer, allow_nan=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
