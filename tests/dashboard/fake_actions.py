"""A stand-in for `dashboard.actions.Actions`."""

from __future__ import annotations

from typing import Any


class FakeActions:
    """Remembers what was pressed; refuses as the real commands do."""

    def __init__(self, viewer_name: str = "dana") -> None:
        self.viewer_name = viewer_name
        self.pressed: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def press(*args: Any, **kwargs: Any) -> dict[str, Any]:
            self.pressed.append((name, args, kwargs))
            if name == "approve" and self.viewer_name == "dana":
                from store.errors import NotPermitted

                raise NotPermitted(
                    "You asked for this; another person must approve.", advice="Ask somebody with retrain:approve."
                )
            return {
                "id": "request_new",
                "found": 0,
                "columns_searched": 88,
                "holds": True,
                "size": 482,
                "root": "ab" * 32,
                "flaws": [],
            }

        return press
