"""Halves of rows that never met: inputs whose prediction did not come, and predictions whose inputs did not.

Told only where single rows are here: of a site that shares counts nobody can say. A row belongs to the period in which
its first half happened; the other half is looked for up to a day on either side of the period.
"""

from __future__ import annotations

from datetime import datetime

from store.reads.view import View
from store.row_shape import RowShape
from store.rows import quoted, tables


def halves_apart(
    view: View, model: str, version: str | None, start: datetime, end: datetime
) -> dict[str, tuple[int, int]]:
    """Site to (inputs without a prediction, predictions without inputs); sites whose rows are all whole have zeros."""
    held = [name for name, _, shape in tables(view.cursor, model, version, "rows") if _has_prediction(shape)]
    if not held:
        return {}
    halves = " UNION ALL ".join(
        f"SELECT '{name}' AS held, site, id, part, event_time FROM {quoted(name)} WHERE seq <= $seq "
        "AND event_time >= $start - INTERVAL 1 DAY AND event_time < $end + INTERVAL 1 DAY"
        for name in held
    )
    rows = view.rows(
        f"""WITH halves AS ({halves}), met AS (
            SELECT held, site, id, bit_or(part) AS parts, min(event_time) AS happened FROM halves WHERE part <> 3
            GROUP BY held, site, id)
        SELECT site, count(*) FILTER (parts = 1) AS inputs, count(*) FILTER (parts = 2) AS predictions
        FROM (SELECT site, parts FROM met WHERE happened >= $start AND happened < $end
              UNION ALL SELECT DISTINCT site, 3 FROM halves WHERE part = 3) GROUP BY site""",
        {"seq": view.seq, "start": start, "end": end},
    )
    return {row["site"]: (row["inputs"], row["predictions"]) for row in rows}


def _has_prediction(shape: RowShape) -> bool:
    """A model that declares no prediction has rows of inputs alone, and nothing is missing of them."""
    return shape.prediction is not None or shape.score
