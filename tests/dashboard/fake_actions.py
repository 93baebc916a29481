"""A stand-in for `dashboard.actions.Actions`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fake_reports import CHANGED, told

VERIFIED = {
    "state": "done",
    "known_at": datetime(2026, 11, 2, 3),
    "found": {
        "integrity": "intact",
        "size": 482,
        "root": "ab" * 32,
        "checked": {"leaves": 482, "tables": 24},
        "flaws": [],
        "completeness": {"sites": 4, "silent": [{"site": "farm-2"}], "quarantined": 3, "kept_aside": 0},
    },
}


class FakeActions:
    """Remembers what was pressed; refuses as the real commands do."""

    def __init__(self, viewer_name: str = "dana") -> None:
        self.viewer_name = viewer_name
        self.pressed: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def press(*args: Any, **kwargs: Any) -> dict[str, Any] | None:
            self.pressed.append((name, args, kwargs))
            if name == "approve" and self.viewer_name == "dana":
                from store.errors import NotPermitted

                raise NotPermitted(
                    "You asked for this; another person must approve.", advice="Ask somebody with retrain:approve."
                )
            if name == "report_told":
                return told(args[0])
            if name == "explained":
                return [args[0]["sentence"], "Its severity is high: tier 1.", "It is nobody's yet."]
            if name == "check_file":
                return CHANGED
            if name == "evidently":
                return {"state": "none"}
            if name == "verification":
                return VERIFIED
            return {
                "id": "request_new",
                "found": 0,
                "columns_searched": 88,
                "holds": True,
                "size": 482,
                "root": "ab" * 32,
                "flaws": [],
                "note": "harbour/0a1b2c3d/audit\n482\nq6s=\n",
            }

        return press
