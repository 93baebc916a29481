"""Exit codes of the command line, and which error ends in which.

The contract fixes the numbers; pipelines branch on them. Called by `service/cli/`.
"""

from __future__ import annotations

from enum import IntEnum

from store.errors import BailiwickError, HubLocked, HubUnreachable, NotPermitted


class ExitCode(IntEnum):
    DONE = 0
    """What was asked was done, whatever it found."""
    NOT_WELL = 1
    """Done, and what was asked about is not well: `check`, `report verify`, `audit verify`."""
    USAGE = 2
    """Wrong usage, or nothing could be recorded: bad input, a refusal, an outside system that failed."""
    NOT_PERMITTED = 3
    """This person, or this site's sharing rule, does not allow it."""
    HUB_UNAVAILABLE = 4
    """The hub's file is locked by another process, or its server does not answer."""
    INTERNAL = 5
    """A mistake of ours. `BAILIWICK_DEBUG=1` shows where."""


def exit_code_of(error: BaseException) -> ExitCode:
    """The code that a command which raised this error ends with."""
    if isinstance(error, NotPermitted):
        return ExitCode.NOT_PERMITTED
    if isinstance(error, HubLocked | HubUnreachable):
        return ExitCode.HUB_UNAVAILABLE
    if isinstance(error, BailiwickError):
        return ExitCode.USAGE
    return ExitCode.INTERNAL
