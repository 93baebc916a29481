"""The hub of this process, for the console's script threads: set once by the server, read by every page."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from store.errors import HubUnreachable

if TYPE_CHECKING:
    from service.wiring import Hub
    from store.access import Viewer

_held: list[Hub] = []
work = threading.Event()
"""Set by whoever leaves work for the scheduler (an approval), so that it need not wait for its next round."""


def set_hub(hub: Hub | None) -> None:
    _held[:] = [] if hub is None else [hub]


def hub() -> Hub:
    if not _held:
        raise HubUnreachable("no hub is open in this process", advice="Start the console with `bailiwick serve`.")
    return _held[0]


_verification: dict[str, Any] = {"state": "none"}
"""The trail's verification as the scheduler's thread carries it out, for whoever looks at the page."""


def ask_verification(viewer: Viewer) -> None:
    _verification.update(state="waiting", viewer=viewer, found=None)
    work.set()


def verification() -> dict[str, Any]:
    """state (`none`, `waiting`, `running`, `done` or `failed`), and what was found by whom and when."""
    return dict(_verification)


def told_of_verification(**what: Any) -> None:
    _verification.update(what)


_peer_reports: dict[str, dict[str, Any]] = {}
"""Evidently's report that each viewer asked for last, as the scheduler's thread has it written."""


def ask_evidently(viewer: Viewer, asked: dict[str, Any]) -> None:
    """asked: the arguments of `service.commands.evidently.evidently_report` but the file."""
    _peer_reports[viewer.name] = {"state": "waiting", "viewer": viewer, "asked": asked}
    work.set()


def evidently(viewer: Viewer) -> dict[str, Any]:
    """state (`none`, `waiting`, `running`, `done` or `failed`), what was asked, `html` and `note`, or `told`."""
    return dict(_peer_reports.get(viewer.name, {"state": "none"}))


def evidently_asked() -> list[dict[str, Any]]:
    return [dict(one) for one in list(_peer_reports.values()) if one["state"] == "waiting"]


def told_of_evidently(viewer: Viewer, asked: dict[str, Any], **what: Any) -> None:
    """Nothing where the viewer has asked for another one meanwhile."""
    if (held := _peer_reports.get(viewer.name)) is not None and held["asked"] == asked:
        held.update(what)
