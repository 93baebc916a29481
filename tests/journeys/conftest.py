"""The demo hub, served: built once for each file that asks for it; and people who look at it with a browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from demo_console import Console, served_demo
from people import Person


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with served_demo(tmp_path_factory.mktemp("demo") / "hub") as found:
        yield found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def people(browser: Any, console: Console) -> Iterator[dict[str, Person]]:
    """Anna, Ben and others, each with a session of their own."""
    held: dict[str, Person] = {}
    yield held
    for person in held.values():
        person.page.context.close()


@pytest.fixture
def enter(browser: Any, console: Console, people: dict[str, Person]) -> Iterator[Any]:
    """`enter(name)`: that person, signed in. Afterwards: nothing on the console, nobody else spoken to."""

    def person(name: str, *, signed_in: bool = True) -> Person:
        if name not in people:
            page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
            people[name] = Person(page, console.address)
            if signed_in:
                page.goto(f"{console.address}/login")
                people[name].sign_in(name)
                page.wait_for_selector("h1")
        return people[name]

    yield person
    assert {name: someone.said for name, someone in people.items() if someone.said} == {}
    assert {name: someone.elsewhere for name, someone in people.items() if someone.elsewhere} == {}
