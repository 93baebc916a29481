"""Every error that Bailiwick raises on purpose, and the advice that goes with it.

    BailiwickError                 what happened; .advice says what to do
    ├── BadInput                   a file, row, field or option is not what was expected (exit 2)
    │   ├── UnknownName            a site, model, alert ... that nobody registered (exit 2)
    │   └── HubTooNew              the hub was written by a newer version (exit 2)
    ├── Refused                    the request is understood and cannot be carried out now (exit 2)
    │   └── BudgetExceeded         a privacy budget would be overspent (exit 2)
    ├── NotPermitted               this person, or this site's sharing rule, does not allow it (exit 3)
    ├── HubLocked                  another process owns the hub's file (exit 4)
    ├── HubUnreachable             the server that owns the hub does not answer (exit 4)
    ├── Unwritable                 the hub's disk is full or read-only; what was asked was not recorded (exit 2)
    ├── Retryable                  an outside system failed in a way that may pass
    └── Final                      an outside system refused; trying again changes nothing

The scheduler reads the class, never the message. The mapping to exit codes lives in `service/exits.py`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any


class BailiwickError(Exception):
    """Base of the tree. `str()` says what happened and where; `advice` says what to do."""

    code = "error"

    def __init__(self, message: str, *, advice: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.details: dict[str, Any] = dict(details or {})

    def as_json(self) -> dict[str, Any]:
        """The one error shape of the command line and of HTTP: `{"error": {code, message, advice, details}}`."""
        return {"error": {"code": self.code, "message": self.message, "advice": self.advice, "details": self.details}}


class BadInput(BailiwickError):
    code = "bad_input"


class UnknownName(BadInput):
    code = "unknown_name"


class HubTooNew(BadInput):
    code = "hub_too_new"


class Refused(BailiwickError):
    code = "refused"


class BudgetExceeded(Refused):
    code = "budget_exceeded"


class NotPermitted(BailiwickError):
    code = "not_permitted"


class HubLocked(BailiwickError):
    code = "hub_locked"


class HubUnreachable(BailiwickError):
    code = "hub_unreachable"


class Unwritable(BailiwickError):
    code = "unwritable"


class Retryable(BailiwickError):
    code = "retryable"


class Final(BailiwickError):
    code = "final"


_NO_ROOM, _NO_WRITING = (errno.ENOSPC, errno.EDQUOT), (errno.EROFS,)


def unwritable(error: BaseException, where: str = "") -> Unwritable | None:
    """What to say where a disk took no more, or takes nothing; None for any other error.

    A database tells such an error in the system's own words and without its number.
    """
    number, text = getattr(error, "errno", None), str(error)
    full = number in _NO_ROOM or any(os.strerror(known) in text for known in _NO_ROOM)
    if not full and number not in _NO_WRITING and not any(os.strerror(known) in text for known in _NO_WRITING):
        return None
    place = where or str(getattr(error, "filename", None) or "the hub's folder")
    return Unwritable(
        f"{place}: the disk is {'full' if full else 'read-only'}; nothing was recorded",
        advice=f"{'Make room' if full else 'Make it writable'} and do the same again: what was recorded before stands, "
        "and counts once.",
        details={"where": place, "cause": text[:500]},
    )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence naming the nearest known word, or else all of them; empty where there is none to name."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f'Did you mean "{near[0]}"?'
    return f"Known: {', '.join(names)}." if names else ""
