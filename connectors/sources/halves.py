"""The halves of a call, what went in and what came out, as whole rows. Pure; shared by logs that hold both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from connectors.base import Wanted

Rows = list[dict[str, Any]]


class NoRows(ValueError):
    """(reason, what would have been right): why a record holds no rows."""

    @property
    def reason(self) -> str:
        return str(self.args[0])

    @property
    def expected(self) -> str:
        return str(self.args[1])


def joined(halves: Sequence[Rows], wanted: Wanted) -> Rows:
    """Row by row; raises NoRows where the halves have not as many. What an answer repeats of its call is the call's."""
    if len({len(rows) for rows in halves}) > 1:
        told = " and ".join(str(len(rows)) for rows in halves)
        raise NoRows("rows_differ", f"as many rows in the answer as in the call; found {told}")
    outputs = {name.casefold() for name in (*wanted.outputs, wanted.label or "")}
    whole: Rows = [{} for _ in halves[0]]
    for rows in halves:
        for row, more in zip_longest(whole, rows):
            row |= {name: value for name, value in more.items() if name not in row or name.casefold() in outputs}
    return whole


def row_id(own: Any, index: int, count: int) -> str | None:
    """The id of one row of a call: the call's own, with the row's place from 0 where it holds several."""
    if own in (None, ""):
        return None
    return str(own) if count == 1 else f"{own}_{index}"
