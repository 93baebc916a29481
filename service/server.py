"""`bailiwick serve`: console, API and scheduler in one process, which alone has the hub's file open.

It leaves `run/server.json` for the command line, binds to the loopback address unless accounts exist, and takes both
back when it ends.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from service import runtime
from service.api import Api
from service.gate import Gate
from service.identity import Sessions, has_accounts
from service.scheduler import Scheduler
from service.secret_files import write_secret
from service.sign_in import SignIn
from service.wiring import Hub, open_hub
from store.errors import Refused

SERVER_FILE = "server.json"
log = logging.getLogger("bailiwick.server")


def serve(hub_dir: Path, *, environ: Mapping[str, str], port: int | None = None) -> None:
    """Serves a hub until it is told to stop."""
    hub = open_hub(hub_dir, environ=environ)
    try:
        address = hub.config.address
        _refuse_open_door(hub, address)
        _log_to(hub.folder / "run" / "server.log")
        _run(hub, address, hub.config.port if port is None else port)
    finally:
        hub.close()


def _refuse_open_door(hub: Hub, address: str) -> None:
    """Another address than this machine's own, or a name behind a proxy, needs people who sign in."""
    reached = "" if _is_loopback(address) else address
    reached = reached or ", ".join(sorted(hub.config.hosts))
    if reached and not has_accounts(hub):
        raise Refused(
            f"{reached} can be reached from other machines, and nobody has to sign in",
            advice="Add an account with `bailiwick user add`, or leave server.address and server.hosts as they are.",
        )


def _is_loopback(address: str) -> bool:
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _log_to(path: Path) -> None:
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("bailiwick")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def _run(hub: Hub, address: str, port: int) -> None:
    from streamlit import App

    token = secrets.token_urlsafe(32)
    sessions = Sessions(random_text=lambda: secrets.token_urlsafe(32), lasts=hub.config.session)
    scheduler = Scheduler(hub)
    server_file = hub.folder / "run" / SERVER_FILE

    @asynccontextmanager
    async def life(app: App) -> AsyncIterator[dict[str, Any] | None]:
        server_file.unlink(missing_ok=True)
        told = {"pid": os.getpid(), "address": f"{address}:{port}", "token": token}
        write_secret(server_file, json.dumps(told).encode())
        scheduler.start()
        try:
            yield None
        finally:
            server_file.unlink(missing_ok=True)
            scheduler.stop()

    runtime.set_hub(hub)
    hosts = frozenset({"127.0.0.1", "localhost", "::1", address}) | hub.config.hosts
    app = App(
        str(files("dashboard").joinpath("app.py")),
        lifespan=life,
        routes=[
            *Api(hub, token).routes(),
            *SignIn(hub, sessions, secure=not _is_loopback(address) or bool(hub.config.hosts)).routes(),
            Route("/mark.png", _mark),
        ],
        middleware=[Middleware(Gate, hub=hub, sessions=sessions, hosts=hosts)],
        on_script_error=_note_error,
    )
    # The look of the console is the console's own; the arrow of imports points from it to here, so it is met by name.
    look = dict(import_module("dashboard.settings").STREAMLIT_CONFIG)
    app.run(config={**look, "server.address": address, "server.port": port})


async def _mark(request: Request) -> Response:
    return FileResponse(str(files("dashboard").joinpath("assets", "mark.png")))


def _note_error(error: Exception) -> bool | None:
    """Into the log; the page says it in its own words."""
    log.error("a page failed", exc_info=error)
    return None
