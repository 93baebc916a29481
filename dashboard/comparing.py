"""What a peer's default rules would have said of the same windows: the same rows, judged again under its method set.

Only sites that share rows can be compared, for the peers' tests need both samples themselves. Nothing is recorded:
the model's own method set alone makes results and alerts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

PEER = "evidently-0.7"


@dataclass(frozen=True, slots=True)
class Compared:
    site: str
    since: datetime
    windows: int
    columns: int
    theirs: tuple[str, ...]
    """Columns that the peer's rules call drifted in any of these windows."""
    ours: tuple[str, ...]
    """Columns that this model's own rules called outside in the same windows."""


def compare(
    reads: Any, model: dict[str, Any], *, site: str, spans: Sequence[tuple[datetime, datetime]], ours: set[str]
) -> Compared | None:
    """One site's windows under the peer's defaults; None where no rows are at hand."""
    from monitors.windows import Window
    from service.row_judging import judge_by_rows
    from store.bins import Section
    from store.model_file import DriftWatch

    file, spec = model["file"], model["spec"]
    if not spans or spec is None or not reads.shapes(file.name, file.version):
        return None
    peers = replace(file, watch=replace(file.watch, drift=DriftWatch(method_set=PEER)))
    found = judge_by_rows(reads, peers, spec, site, Section.INPUTS, [Window(*span) for span in spans])
    judged = [result for result in found if result.value is not None]
    if not judged:
        return None
    theirs = {str(result.about) for result in judged if result.status == "outside"}
    columns = len({result.about for result in found})
    return Compared(
        site, min(start for start, _ in spans), len(spans), columns, tuple(sorted(theirs)), tuple(sorted(ours))
    )
