"""A person at a browser of their own: what they open, press and write, what they see, and what was said behind it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any

from demo_console import PASSWORD

WAIT = 30_000
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"


@dataclass
class Person:
    """One browser of its own, and all it said and asked for."""

    page: Any
    address: str
    said: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(WAIT)
        self.page.on("console", lambda m: self.said.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda r: None if self._ours(r.url) else self.elsewhere.append(r.url))
        self.page.on("websocket", lambda w: None if self._ours(w.url) else self.elsewhere.append(w.url))

    def _ours(self, url: str) -> bool:
        here = self.address.removeprefix("http://")
        return url.startswith((f"http://{here}/", f"ws://{here}/", "data:", "blob:"))

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.click("button[type=submit]")

    def opens(self, path: str) -> None:
        self.page.goto(self.address + path)
        self.page.wait_for_selector("h1")
        self.page.wait_for_selector(IDLE)

    def presses(self, name: str, *, within: str = "[data-testid=stApp]") -> None:
        self.page.wait_for_selector(IDLE)
        self.page.locator(within).get_by_role("button", name=name, exact=True).click()

    def writes(self, label: str, text: str, *, within: str = "[data-testid=stMain]") -> None:
        self.page.locator(within).get_by_role("textbox", name=label).fill(text)

    def sees(self, *texts: str) -> str:
        """The page's text, once all of these stand in it and the page is drawn."""
        for text in texts:
            self.finds(re.escape(text))
        self.page.wait_for_selector(IDLE)
        told = self.reads()
        assert "could not be drawn" not in told
        return told

    def finds(self, pattern: str) -> re.Match[str]:
        """Waits for it: a table comes a moment after the text around it."""
        ends = time.monotonic() + WAIT / 1000
        while not (found := re.search(pattern, self.reads())):
            assert time.monotonic() < ends, f"{pattern} not to be seen in: {self.reads()}"
            self.page.wait_for_timeout(100)
        return found

    def reads(self) -> str:
        """All that is on the screen, on one line; what keeps dates together is taken out."""
        return " ".join(self.page.inner_text("body").replace("\u2060", "").split())
