"""The hub of this process, for the console's script threads: set once by the server, read by every page."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from store.errors import HubUnreachable

if TYPE_CHECKING:
    from service.wiring import Hub

_held: list[Hub] = []
work = threading.Event()
"""Set by whoever leaves work for the scheduler (an approval), so that it need not wait for its next round."""


def set_hub(hub: Hub | None) -> None:
    _held[:] = [] if hub is None else [hub]


def hub() -> Hub:
    if not _held:
        raise HubUnreachable("no hub is open in this process", advice="Start the console with `bailiwick serve`.")
    return _held[0]
