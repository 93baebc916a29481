"""What one more result means to an alert: it fires, casts doubt, clears, is lost, or says nothing new.

persistence   fires when k of the last n windows that could say are outside; far beyond the limit it fires at once,
              and silence and budgets always do
discovery     a drift that the day's tests do not bear out counts as `unclear`
hysteresis    clears where a window is inside by a margin, or three windows running are inside at all
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from monitors.discovery import held_back
from monitors.severity import PERSISTENT, is_far
from monitors.subject import AT_LEAST, judged
from store.model_file import AlertWatch
from store.result import CANNOT_SAY, Monitor, Result, Status

UNANSWERED = 3
"""Windows running that could not say, after which an open alert is `no_data`."""
AT_ONCE = (Monitor.SILENCE, Monitor.PRIVACY)
"""Not drawn from a sample: nothing to wait for, and no margin."""


class Signal(StrEnum):
    """What one result means to an alert."""

    FIRES = "fires"
    DOUBTS = "doubts"
    """Unclear in three windows running."""
    CLEARS = "clears"
    LOST = "lost"
    """The third window running that cannot say."""
    NOTHING = "nothing"


def counts_as(result: Result) -> str:
    """The status that alerts go by."""
    return str(Status.UNCLEAR if held_back(result) else result.status)


def signal(result: Result, history: Sequence[str], watch: AlertWatch, *, is_firing: bool = False) -> Signal:
    """`history`: what the earlier windows of this key counted as, oldest first."""
    status = counts_as(result)
    if status == Status.STALE:
        return Signal.FIRES
    if status == Status.OUTSIDE:
        return Signal.FIRES if is_firing or fires(result, history, watch) else Signal.NOTHING
    if status == Status.UNCLEAR:
        return Signal.DOUBTS if running(status, history) >= PERSISTENT else Signal.NOTHING
    if status == Status.WITHIN:
        if not judged(result.details):
            return Signal.NOTHING
        return Signal.CLEARS if is_clear(result, watch) or running(status, history) >= PERSISTENT else Signal.NOTHING
    # Labels come late by nature: windows that still wait for them are no loss of data.
    if status == Status.NO_LABELS:
        return Signal.NOTHING
    unanswered = 1
    for earlier in reversed(history):
        if earlier not in CANNOT_SAY or earlier == Status.NO_LABELS:
            break
        unanswered += 1
    return Signal.LOST if unanswered >= UNANSWERED else Signal.NOTHING


def fires(result: Result, history: Sequence[str], watch: AlertWatch) -> bool:
    """Whether an `outside` makes an alert where none is firing."""
    if result.monitor in AT_ONCE or is_far(result):
        return True
    return outside_of(history, watch.persistence[1]) >= watch.persistence[0]


def outside_of(history: Sequence[str], windows: int) -> int:
    """How many of the last windows that could say were outside, this one included, which is."""
    told = [status for status in history if status not in CANNOT_SAY]
    return 1 + told[len(told) - (windows - 1) :].count(str(Status.OUTSIDE)) if windows > 1 else 1


def is_clear(result: Result, watch: AlertWatch) -> bool:
    """Inside the limit by the margin that ends an alert."""
    stricter = clears_at(result, watch)
    if stricter is None or result.monitor in AT_ONCE:
        return True
    found = result.details.get("effect", result.value)
    if found is None:
        return True
    effect = float(found)
    return effect >= stricter if result.limit_op == AT_LEAST else effect <= stricter


def clears_at(result: Result, watch: AlertWatch) -> float | None:
    """The stricter level: a share of an upper limit; a lower one is raised by as much of what it leaves up to 1."""
    limit = result.limit_value
    if limit is None:
        return None
    if result.limit_op == AT_LEAST:
        return limit + (1 - watch.clears_at) * (1 - limit) if limit < 1 else limit
    return limit * watch.clears_at if limit > 0 else limit


def running(status: str, history: Sequence[str]) -> int:
    """Windows in a row at least as far as this status, this one included; windows that cannot say are passed over."""
    same = (Status.OUTSIDE, Status.UNCLEAR) if status == Status.UNCLEAR else (status,)
    count = 1
    for earlier in reversed(history):
        if earlier in CANNOT_SAY:
            continue
        if earlier not in same:
            break
        count += 1
    return count
