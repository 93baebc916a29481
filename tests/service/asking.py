"""Asking an ASGI application over HTTP, without a socket."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

ADDRESS = "http://127.0.0.1:8501"


def ask(app: Any, method: str, path: str, *, base: str = ADDRESS, **options: Any) -> httpx.Response:
    """One request and its answer; redirects are not followed."""

    async def asking() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            return await client.request(method, path, **options)

    return asyncio.run(asking())
