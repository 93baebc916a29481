"""The gate: ASGI middleware before everything the server answers, pages, websocket, media and API alike.

It strips the trusted header from whatever comes in, looks up the session, and puts the header back with the name the
session stands for. Without a session a page leads to /login and back to where it was meant; everything else gets 401,
a websocket 403. Requests for another host name are refused (DNS rebinding), and every answer carries a policy that
lets the browser talk to this server alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote

from service.identity import Sessions, has_accounts
from service.wiring import Hub, local_viewer, wall_clock

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "bailiwick_session"
HEADER = b"x-bailiwick-user"
OPEN = ("/login", "/logout", "/health", "/ready", "/_stcore/health", "/mark.png")
OWN_AUTH = ("/api/", "/modeldata/log")
CLOSED = ("/_stcore/agent", "/_stcore/metrics")
"""Not used by the console; refused to everyone. Files are handed in by people who are signed in, to the Verify page:
Streamlit bounds their size, asks for its token against forged requests, and holds them in memory until the session
ends."""
BASE = b"<script>window.__streamlit={BACKEND_BASE_URL:location.origin+'/'}</script>"
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; "
    "frame-src 'self' blob:; frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'"
)
SECURITY = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)


class Gate:
    def __init__(self, app: App, *, hub: Hub, sessions: Sessions, hosts: frozenset[str]) -> None:
        self.app, self.hub, self.sessions, self.hosts = app, hub, sessions, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = [(name, value) for name, value in scope["headers"] if name.lower() != HEADER]
        path = scope["path"]
        if _host(dict(headers).get(b"host", b"")) not in self.hosts:
            await _refuse(scope, send, 421, b"This server does not answer under that name.\n")
            return
        if scope["type"] == "websocket" and not self._is_own(dict(headers).get(b"origin")):
            await _refuse(scope, send, 403, b"")
            return
        if path.startswith(CLOSED):
            await _refuse(scope, send, 404, b"Not here.\n")
            return
        name = self._name(headers)
        if name is None and path not in OPEN and not path.startswith(OWN_AUTH):
            await self._ask_to_sign_in(scope, send, headers)
            return
        if name is not None:
            headers.append((HEADER, name.encode()))
        shell = scope["type"] == "http" and not path.startswith((*OPEN, *OWN_AUTH))
        # A page is changed on its way out, so it must come uncompressed.
        headers = [pair for pair in headers if not (shell and pair[0].lower() == b"accept-encoding")]
        sending = _with_policy(send)
        await self.app({**scope, "headers": headers}, receive, _with_base(sending) if shell else sending)

    def _is_own(self, origin: bytes | None) -> bool:
        """A browser says which page opens a websocket, and lets any page open one; what is no browser says nothing."""
        return origin is None or _host(origin.rpartition(b"//")[2]) in self.hosts

    def _name(self, headers: list[tuple[bytes, bytes]]) -> str | None:
        """The signed-in name; the folder's owner where no accounts exist."""
        id_ = session_id(headers)
        found = self.sessions.name_of(id_, now=wall_clock()) if id_ else None
        if found is None and not has_accounts(self.hub):
            return local_viewer().name
        return found

    async def _ask_to_sign_in(self, scope: Scope, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        wants_page = (
            scope["type"] == "http" and scope["method"] == "GET" and b"text/html" in dict(headers).get(b"accept", b"")
        )
        if not wants_page:
            status = 403 if scope["type"] == "websocket" else 401
            await _refuse(scope, send, status, b"Sign in first.\n")
            return
        query = scope.get("query_string", b"").decode("latin-1")
        wanted = scope["path"] + (f"?{query}" if query else "")
        location = "/login" if wanted == "/" else f"/login?next={quote(wanted, safe='')}"
        await send(
            {"type": "http.response.start", "status": 303, "headers": [(b"location", location.encode()), *SECURITY]}
        )
        await send({"type": "http.response.body", "body": b""})


def _host(authority: bytes) -> str:
    """The name in `name:port` or `[address]:port`; the port may be missing."""
    text = authority.decode("latin-1").lower()
    return text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0]


def session_id(headers: list[tuple[bytes, bytes]]) -> str | None:
    """The session's id from the cookie; None for a header that is no cookie of ours."""
    for name, value in headers:
        if name.lower() == b"cookie":
            try:
                held = SimpleCookie(value.decode("latin-1")).get(COOKIE)
            except CookieError:
                continue
            if held is not None:
                return held.value
    return None


async def _refuse(scope: Scope, send: Send, status: int, body: bytes) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "not signed in"})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *SECURITY]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _with_base(send: Send) -> Send:
    """Streamlit's page told where its server is. It would try the deep link's own path first, and log a 404."""
    start: MutableMapping[str, Any] = {}
    body = bytearray()

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            kind = dict(message.get("headers", [])).get(b"content-type", b"")
            if kind.startswith(b"text/html") and message["status"] == 200:
                start.update(message)
                return
        elif start and message["type"] == "http.response.body":
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            page = bytes(body).replace(b"<head>", b"<head>" + BASE, 1)
            held = [pair for pair in start["headers"] if pair[0] not in (b"content-length", b"etag", b"last-modified")]
            await send({**start, "headers": [*held, (b"content-length", str(len(page)).encode())]})
            await send({"type": "http.response.body", "body": page})
            return
        await send(message)

    return sending


def _with_policy(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            held = [
                pair for pair in message.get("headers", []) if pair[0].lower() not in {name for name, _ in SECURITY}
            ]
            message = {**message, "headers": [*held, *SECURITY]}
        await send(message)

    return sending
