"""The HTTP API under /api/v1: ingest from sites, reads, commands, and the door of this machine's command line.

Who asks is settled for each request: a site's token, the local token of `run/server.json`, or the session that the
gate has already looked up. Every route goes through `_guarded`, which puts the work on a thread and answers errors in
the one shape. A batch is acknowledged after its transaction has been committed, never before.
"""

from __future__ import annotations

import hmac
import inspect
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service import azureml_events, bodies, kserve_events
from service.arriving import SMALL
from service.cli.remote import answer as answer_cli
from service.commands import COMMANDS, LOCAL_ONLY, load
from service.commands.ingest import ingest
from service.gate import HEADER
from service.http_answers import answer, refusal, told_of, unauthenticated
from service.identity import viewer_named, viewer_of_token
from service.metrics import exposition
from service.times import parse_time
from service.wiring import Hub, local_viewer
from store.access import Viewer
from store.durations import parse_duration
from store.errors import BadInput, BailiwickError, NotPermitted

PREFIX = "/api/v1"
TABLES = frozenset({"csv", "tsv", "parquet", "arrow", "jsonl", "json"})
"""Formats that are told by the content: a table is read as what it is, whatever the sender calls it."""
Work = Callable[[Viewer], Response]


@dataclass(frozen=True)
class Api:
    hub: Hub
    local_token: str

    def routes(self) -> list[Route]:
        reads = ("results", "alerts", "sites", "models", "reports", "receipts", "quarantine", "requests", "aside")
        return [
            Route("/health", self.health),
            Route("/ready", self.ready),
            Route(f"{PREFIX}/health", self.health),
            Route(f"{PREFIX}/ready", self.ready),
            Route(f"{PREFIX}/metrics", self.metrics),
            Route(f"{PREFIX}/openapi.json", self.openapi),
            Route(f"{PREFIX}/sites/{{site}}/batches", self.take_batch, methods=["POST"]),
            Route(f"{PREFIX}/sites/{{site}}/events/kserve", self.take_kserve_events, methods=["POST"]),
            Route(f"{PREFIX}/sites/{{site}}/events/azureml", self.take_azureml_events, methods=["POST"]),
            Route(azureml_events.PATH, self.take_azureml_events, methods=["POST"]),
            Route(f"{PREFIX}/commands/{{name}}", self.command, methods=["POST"]),
            Route(f"{PREFIX}/local/cli", self.local_cli, methods=["POST"]),
            *(Route(f"{PREFIX}/{name}", self._listing(name)) for name in reads),
        ]

    # -- who asks -------------------------------------------------------------------------------------------------

    def viewer(self, request: Request) -> Viewer | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return local_viewer() if self._is_local(token) else viewer_of_token(self.hub, token)
        name = request.headers.get(HEADER.decode())
        # A browser sends the session's cookie along with any request: one that changes something must come from here.
        if request.method != "GET" and request.headers.get("sec-fetch-site", "same-origin") not in (
            "same-origin",
            "none",
        ):
            return None
        return viewer_named(self.hub, name) if name else None

    def _is_local(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.local_token.encode())

    async def _guarded(self, request: Request, work: Work) -> Response:
        """The one way through: who asks, the work on a thread, errors in their shape."""
        try:
            viewer = await run_in_threadpool(self.viewer, request)
            return unauthenticated() if viewer is None else await run_in_threadpool(work, viewer)
        except (BailiwickError, OSError) as error:
            return refusal(told_of(error))

    # -- routes ---------------------------------------------------------------------------------------------------

    async def health(self, request: Request) -> Response:
        return answer({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """Whether the hub's file answers."""
        await run_in_threadpool(lambda: self.hub.store.cursor().execute("SELECT 1").fetchall())
        return answer({"status": "ready", "now": self.hub.now()})

    async def metrics(self, request: Request) -> Response:
        return await self._guarded(
            request,
            lambda viewer: Response(exposition(self.hub.store.reads(viewer)), media_type="text/plain; version=0.0.4"),
        )

    async def openapi(self, request: Request) -> Response:
        from service.openapi import document

        return answer(document())

    async def take_batch(self, request: Request) -> Response:
        """A batch in any supported format: 201 with its receipt, 200 when it was there already; 202 where it names a
        model or version that nobody added, and is kept aside until somebody does.
        """
        try:
            viewer = await run_in_threadpool(self.viewer, request)
            if viewer is None:
                return unauthenticated()
            pieces, limit = request.stream(), self.hub.config.request_bytes
            head, whole = await bodies.beginning(pieces, limit, small=SMALL)
            if whole:
                receipt = await run_in_threadpool(self._ingest_small, viewer, request, head)
            else:
                with tempfile.TemporaryDirectory(dir=self.hub.folder / "spool") as folder:
                    path = await bodies.spooled(Path(folder) / _name(request, head), head, pieces, limit)
                    receipt = await run_in_threadpool(self._ingest, viewer, request, path)
        except (BailiwickError, OSError) as error:
            return refusal(told_of(error))
        return answer(receipt, 202 if "aside" in receipt else 200 if receipt["repeated"] else 201)

    async def take_kserve_events(self, request: Request) -> Response:
        """Events of KServe's logger, which cannot send headers of ours: its token may stand in the address.

        201 with receipts, 200 where every event was there already, 202 where any is kept aside.
        """
        return await self._events(request, kserve_events.take_events, request.path_params["site"])

    async def take_azureml_events(self, request: Request) -> Response:
        """What Azure's collector posts. It can send no header of ours either: site, model and token may be its user."""
        site = request.path_params.get("site", "")
        told = azureml_events.basic(request.headers.get("authorization", ""))
        if told is not None and site in ("", told[0]):
            return await self._events(request, azureml_events.take_collected, told[0], model=told[1])
        if not site:
            return unauthenticated()
        return await self._events(request, azureml_events.take_collected, site)

    async def _events(
        self,
        request: Request,
        take: Callable[[Hub, Viewer, str, kserve_events.Posted], dict[str, Any]],
        site: str,
        *,
        model: str = "",
    ) -> Response:
        try:
            viewer = await run_in_threadpool(self._sender, request)
            if viewer is None:
                return unauthenticated()
            config = self.hub.config
            sent = await kserve_events.posted(request, min(config.request_bytes, config.limits.record))
            done = await run_in_threadpool(take, self.hub, viewer, site, replace(sent, model=sent.model or model))
        except (BailiwickError, OSError) as error:
            return refusal(told_of(error))
        repeated = all(receipt["repeated"] for receipt in done["receipts"])
        return answer(done, 202 if done["aside"] else 200 if repeated else 201)

    def _sender(self, request: Request) -> Viewer | None:
        """Who asks, where the token may stand in the address or be the password of HTTP Basic."""
        told = azureml_events.basic(request.headers.get("authorization", ""))
        if told is not None:
            return viewer_of_token(self.hub, told[2])
        token = request.query_params.get("token")
        if token and "authorization" not in request.headers:
            return viewer_of_token(self.hub, token)
        return self.viewer(request)

    def _ingest_small(self, viewer: Viewer, request: Request, body: bytes) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(dir=self.hub.folder / "spool") as folder:
            path = Path(folder) / _name(request, body)
            path.write_bytes(body)
            return self._ingest(viewer, request, path)

    def _ingest(self, viewer: Viewer, request: Request, path: Path) -> dict[str, Any]:
        query = request.query_params
        name, _, version = query.get("model", "").partition(":")
        format_name = query.get("format", "auto")
        done = ingest(
            self.hub,
            viewer,
            paths=[path],
            site=request.path_params["site"],
            model=name or None,
            version=version or None,
            kind=query.get("kind", "predictions"),
            format="tabular" if format_name in TABLES else format_name,
            options=query.getlist("option"),
            keep_unknown=True,
            grows=False,
            key=request.headers.get("idempotency-key"),
        )
        receipt: dict[str, Any] = (done["receipts"] or done["aside"])[0]
        return receipt

    def _listing(self, name: str) -> Callable[[Request], Any]:
        """GET of one list: filters are the read's own, by name; the answer has one key."""

        async def listing(request: Request) -> Response:
            def work(viewer: Viewer) -> Response:
                read = getattr(self.hub.store.reads(viewer), name)
                allowed = (
                    set(inspect.signature(read).parameters)
                    if name != "results"
                    else {"model", "version", "site", "monitor", "measure", "about"}
                )
                unknown = set(request.query_params) - allowed
                if unknown:
                    raise BadInput(
                        f"no filter is called {sorted(unknown)[0]}", advice=f"Known: {', '.join(sorted(allowed))}."
                    )
                filters: dict[str, Any] = dict(request.query_params)
                if "limit" in filters:
                    filters["limit"] = _limit(filters["limit"])
                return answer({name: read(**filters)})

            return await self._guarded(request, work)

        return listing

    async def command(self, request: Request) -> Response:
        """A command by name, its arguments as a JSON object."""
        name = request.path_params["name"]
        if name not in COMMANDS or name in LOCAL_ONLY:
            return refusal(
                BadInput(
                    f"no command is called {name}", advice=f"Known: {', '.join(sorted(set(COMMANDS) - LOCAL_ONLY))}."
                )
            )
        body = await request.body()
        return await self._guarded(
            request, lambda viewer: answer(load(name)(self.hub, viewer, **arguments(load(name), _json(body))))
        )

    async def local_cli(self, request: Request) -> Response:
        """The command line of this machine, through the token that only the hub's owner can read."""
        token = request.headers.get("authorization", "").partition(" ")[2]
        if not self._is_local(token):
            return unauthenticated()
        body = await request.body()
        return await self._guarded(request, lambda viewer: answer(answer_cli(self.hub, _json(body))))


def _name(request: Request, head: bytes) -> str:
    return bodies.named(request.query_params.get("format", "auto"), head)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput("the body is no JSON object", advice="Send the command's arguments as one.") from error


def _limit(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise BadInput(f"limit is no number: {text!r}", advice="Give a whole number, such as limit=100.")
    return int(text)


def arguments(command: Callable[..., Any], body: Any) -> dict[str, Any]:
    """A JSON object as a command's keyword arguments, typed by its annotations;
    raises BadInput for what does not fit.
    """
    if not isinstance(body, dict):
        raise BadInput("the arguments are no JSON object", advice="Send them by name.")
    wanted = {p.name: p for p in inspect.signature(command).parameters.values() if p.kind is p.KEYWORD_ONLY}
    unknown = set(body) - set(wanted)
    missing = [name for name, p in wanted.items() if p.default is p.empty and name not in body]
    if unknown or missing:
        wrong = f"no argument is called {sorted(unknown)[0]}" if unknown else f"{missing[0]} is missing"
        raise BadInput(wrong, advice=f"Known: {', '.join(wanted)}.")
    return {name: _typed(name, str(wanted[name].annotation), value) for name, value in body.items()}


def _typed(name: str, annotation: str, value: Any) -> Any:
    if value is None:
        return None
    if "Path" in annotation or "Sequence[Grant]" in annotation:
        raise NotPermitted(f"{name} cannot be given over HTTP", advice="Use the command line on the hub's machine.")
    if "datetime" in annotation:
        return parse_time(str(value))
    if "timedelta" in annotation:
        return parse_duration(str(value))
    wants = bool if annotation.startswith("bool") else str
    if not isinstance(value, wants):
        raise BadInput(f"{name} is no {wants.__name__}", advice="Send it as JSON of that type.")
    return value
