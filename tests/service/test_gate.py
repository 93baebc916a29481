"""The gate: nobody passes by claiming a name, everything is asked for a session, and only this host is answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from asking import ask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from world import OWNER, hub_on_disk

from service.commands.users import set_user
from service.gate import COOKIE, HEADER, SECURITY, Gate
from service.identity import Sessions
from service.sign_in import SignIn
from service.wiring import Hub, wall_clock
from store.access import Grant

PASSWORD = "long enough for a test"
NAME = HEADER.decode()


async def echo(request: Request) -> Response:
    """Who the application believes it talks to."""
    return PlainTextResponse(",".join(request.headers.getlist(NAME)) or "nobody", headers={"x-frame-options": "ALLOW"})


@dataclass(frozen=True)
class House:
    app: Any
    sessions: Sessions
    hub: Hub

    def cookie(self) -> dict[str, str]:
        return {"cookie": f"{COOKIE}={self.sessions.sign_in(self.hub, 'anna', PASSWORD, now=wall_clock())}"}

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return ask(self.app, method, path, **options)


def house_of(hub: Hub) -> House:
    numbers = iter(range(10**6))
    sessions = Sessions(random_text=lambda: f"session-{next(numbers)}", lasts=hub.config.session)
    inner = Starlette(
        routes=[*SignIn(hub, sessions, secure=False).routes(), Route("/{rest:path}", echo, methods=["GET", "POST"])]
    )
    hosts = frozenset({"127.0.0.1", "localhost", "::1"})
    return House(Gate(inner, hub=hub, sessions=sessions, hosts=hosts), sessions, hub)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    hub = hub_on_disk(tmp_path_factory.mktemp("gate") / "hub")
    set_user(hub, OWNER, name="anna", password=PASSWORD, grants=[Grant("data")])
    yield house_of(hub)
    hub.close()


PAGE = {"accept": "text/html"}


def test_a_session_stands_for_its_name(house: House) -> None:
    assert house.ask("GET", "/alerts", headers=house.cookie()).text == "anna"


@pytest.mark.parametrize("spelling", [NAME, NAME.upper(), "X-Bailiwick-User"])
def test_a_name_that_is_claimed_is_stripped(house: House, spelling: str) -> None:
    assert house.ask("GET", "/alerts", headers={**house.cookie(), spelling: "admin"}).text == "anna"
    assert house.ask("GET", "/api/v1/sites", headers={spelling: "admin"}).text == "nobody"
    assert house.ask("GET", "/health", headers={spelling: "admin"}).text == "nobody"
    assert house.ask("GET", "/alerts", headers={spelling: "admin"}).status_code == 401


def test_a_page_leads_to_the_sign_in_and_back(house: House) -> None:
    answer = house.ask("GET", "/model?name=loan&v=1", headers=PAGE)
    assert answer.status_code == 303 and answer.headers["location"] == "/login?next=%2Fmodel%3Fname%3Dloan%26v%3D1"
    assert house.ask("GET", "/", headers=PAGE).headers["location"] == "/login"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_stcore/host-config"),
        ("GET", "/media/secret.pdf"),
        ("POST", "/alerts"),
        ("PUT", "/_stcore/upload_file/session/file"),
        ("GET", "/loginner"),
        ("GET", "/login/../alerts"),
        ("GET", "/login/_stcore/stream"),
        ("GET", "/healthy"),
        ("GET", "/_stcore/health/../stream"),
        ("GET", "/mark.png/alerts"),
        ("GET", "//api/v1/sites"),
    ],
)
def test_everything_else_is_401(house: House, method: str, path: str) -> None:
    answer = house.ask(method, path)
    assert answer.status_code == 401 and answer.text == "Sign in first.\n"


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/agent"])
def test_what_the_console_does_not_use_is_closed_to_everyone(house: House, path: str) -> None:
    assert house.ask("GET", path, headers=house.cookie()).status_code == 404


@pytest.mark.parametrize(
    "cookie", [f"{COOKIE}=guessed", f"{COOKIE}=", "other=1", f'{COOKIE}="', "\x01=;;", f"{COOKIE}x=session-0"]
)
def test_a_cookie_that_is_none_of_ours(house: House, cookie: str) -> None:
    assert house.ask("GET", "/alerts", headers={"cookie": cookie}).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "evil.example:8501", "[::2]:8501"])
def test_another_host_name_is_refused(house: House, host: str) -> None:
    for path in ("/", "/health", "/login", "/api/v1/sites"):
        answer = house.ask("GET", path, headers={**house.cookie(), "host": host})
        assert answer.status_code == 421 and "anna" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8501", "localhost", "[::1]:8501", "[::1]"])
def test_its_own_names_are_answered(house: House, host: str) -> None:
    assert house.ask("GET", "/alerts", headers={**house.cookie(), "host": host}).text == "anna"


def test_every_answer_carries_the_policy(house: House) -> None:
    answers = [
        house.ask("GET", "/alerts", headers=house.cookie()),
        house.ask("GET", "/alerts"),
        house.ask("GET", "/alerts", headers=PAGE),
        house.ask("GET", "/login"),
        house.ask("GET", "/", headers={"host": "evil.example"}),
        house.ask("GET", "/_stcore/metrics"),
    ]
    for answer in answers:
        for name, value in SECURITY:
            assert answer.headers.get_list(name.decode()) == [value.decode()]
    assert "http:" not in answers[0].headers["content-security-policy"]


def websocket(house: House, headers: dict[str, str]) -> list[str]:
    """The types of the messages that a websocket's opening is answered with."""
    sent: list[str] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept", "as": [v.decode() for k, v in scope["headers"] if k == HEADER]})

    async def talk() -> None:
        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message["type"] + "".join(f" {name}" for name in message.get("as", [])))

        raw = [(k.lower().encode(), v.encode()) for k, v in {"host": "127.0.0.1:8501", **headers}.items()]
        scope = {"type": "websocket", "path": "/_stcore/stream", "headers": raw, "query_string": b""}
        gate = Gate(inner, hub=house.hub, sessions=house.sessions, hosts=frozenset({"127.0.0.1"}))
        await gate(scope, receive, send)

    asyncio.run(talk())
    return sent


def test_a_websocket_needs_a_session_too(house: House) -> None:
    assert websocket(house, {}) == ["websocket.close"]
    assert websocket(house, {NAME: "admin"}) == ["websocket.close"]
    assert websocket(house, {**house.cookie(), NAME: "admin"}) == ["websocket.accept anna"]
    assert websocket(house, {**house.cookie(), "host": "evil.example"}) == ["websocket.close"]


def test_a_websocket_of_another_site_is_refused(house: House) -> None:
    """A browser sends the cookie with a websocket that any page opens."""
    assert websocket(house, {**house.cookie(), "origin": "https://evil.example"}) == ["websocket.close"]
    assert websocket(house, {**house.cookie(), "origin": "http://127.0.0.1:8501"}) == ["websocket.accept anna"]


# -- signing in -----------------------------------------------------------------


def enter(house: House, password: str, **more: Any) -> httpx.Response:
    form = {"name": "anna", "password": password, "next": more.pop("next", "/alerts?x=1")}
    return house.ask("POST", "/login", data=form, **more)


def test_signing_in_and_out(house: House) -> None:
    answer = enter(house, PASSWORD)
    assert answer.status_code == 303 and answer.headers["location"] == "/alerts?x=1"
    held = answer.headers["set-cookie"]
    assert "HttpOnly" in held and "SameSite=lax" in held and "Max-Age=" in held
    cookie = {"cookie": held.split(";")[0]}
    assert house.ask("GET", "/alerts", headers=cookie).text == "anna"
    assert house.ask("GET", "/logout", headers=cookie).status_code == 303
    assert house.ask("GET", "/alerts", headers=cookie).status_code == 401


@pytest.mark.parametrize(
    "next_", ["https://evil.example", "//evil.example", "/\\evil.example", "", "javascript:x", "/a\nb"]
)
def test_signing_in_never_leads_elsewhere(house: House, next_: str) -> None:
    assert enter(house, PASSWORD, next=next_).headers["location"] == "/"


def test_a_wrong_password_tells_nothing_and_keeps_the_form(house: House) -> None:
    answer = enter(house, '"><script>alert(1)</script>')
    assert answer.status_code == 403 and "set-cookie" not in answer.headers
    assert "The name or the password is wrong" in answer.text and "<script>alert" not in answer.text
    form = {"name": '"><script>x</script>', "password": "p", "next": "/"}
    hostile = house.ask("POST", "/login", data=form).text
    assert "<script>x" not in hostile and not re.search(r"<script", hostile)


def test_a_form_of_another_site_is_refused(house: House) -> None:
    assert enter(house, PASSWORD, headers={"sec-fetch-site": "cross-site"}).status_code == 403


# -- without accounts --------------------------------------------------------------


def test_without_accounts_the_owner_of_the_folder_needs_no_session(tmp_path: Path) -> None:
    hub = hub_on_disk(tmp_path / "hub")
    house = house_of(hub)
    assert house.ask("GET", "/alerts").text == OWNER.name
    assert house.ask("GET", "/alerts", headers={"host": "evil.example"}).status_code == 421
    set_user(hub, OWNER, name="anna", password=PASSWORD, grants=[])
    assert house.ask("GET", "/alerts").status_code == 401
    hub.close()
