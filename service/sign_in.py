"""The sign-in page: plain HTML, one form, no script. A session begins here and ends at /logout."""

from __future__ import annotations

import html
from dataclasses import dataclass
from importlib.resources import files

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from service.gate import COOKIE
from service.identity import Sessions
from service.wiring import Hub, wall_clock
from store.errors import BailiwickError


@dataclass(frozen=True)
class SignIn:
    hub: Hub
    sessions: Sessions
    secure: bool
    """Whether the console is reached over https, so that the cookie may say so."""

    def routes(self) -> list[Route]:
        return [
            Route("/login", self.form, methods=["GET"]),
            Route("/login", self.enter, methods=["POST"]),
            Route("/logout", self.leave),
        ]

    async def form(self, request: Request) -> Response:
        return self._page(next_=request.query_params.get("next", "/"))

    async def enter(self, request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return self._page(next_="/", problem="This form was sent from another site.", status=403)
        form = await request.form()
        name, password, next_ = (str(form.get(key, "")) for key in ("name", "password", "next"))
        try:
            id_ = await run_in_threadpool(self.sessions.sign_in, self.hub, name, password, now=wall_clock())
        except BailiwickError as error:
            return self._page(
                next_=next_,
                problem=f"{error.message[:1].upper()}{error.message[1:]}. {error.advice}",
                name=name,
                status=403,
            )
        response = RedirectResponse(_own(next_), status_code=303)
        lasts = int(self.sessions.lasts.total_seconds())
        response.set_cookie(COOKIE, id_, max_age=lasts, httponly=True, samesite="lax", secure=self.secure, path="/")
        return response

    async def leave(self, request: Request) -> Response:
        self.sessions.sign_out(request.cookies.get(COOKIE, ""))
        response = RedirectResponse("/login", status_code=303)
        response.delete_cookie(COOKIE, path="/")
        return response

    def _page(self, *, next_: str, problem: str = "", name: str = "", status: int = 200) -> HTMLResponse:
        template = files("service").joinpath("sign_in.html").read_text(encoding="utf-8")
        told = f'<p class="problem" role="alert">{html.escape(problem)}</p>' if problem else ""
        slots = {
            "{org}": html.escape(self.hub.config.org or "Bailiwick"),
            "{problem}": told,
            "{name}": html.escape(name, quote=True),
            "{next}": html.escape(_own(next_), quote=True),
        }
        for slot, text in slots.items():
            template = template.replace(slot, text)
        return HTMLResponse(template, status_code=status)


def _own(target: str) -> str:
    """A path of this server; anything that could lead elsewhere leads home."""
    if not target.startswith("/") or target.startswith(("//", "/\\")) or any(ord(letter) < 32 for letter in target):
        return "/"
    return target
