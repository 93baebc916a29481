"""What HTTP answers have in common: JSON with times as text, the one error shape, and the status of each error."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from starlette.responses import Response

from store.errors import (
    BailiwickError,
    HubLocked,
    HubUnreachable,
    NotPermitted,
    Refused,
    UnknownName,
    Unwritable,
    unwritable,
)


def as_text(value: Any) -> Any:
    """JSON's own types for what is not one of them; raises TypeError for what has none."""
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def answer(document: Any, status: int = 200) -> Response:
    body = json.dumps(document, default=as_text, ensure_ascii=False, allow_nan=False).encode()
    return Response(body, status_code=status, media_type="application/json")


def status_of(error: BailiwickError) -> int:
    if isinstance(error, NotPermitted):
        return 403
    if isinstance(error, UnknownName):
        return 404
    if isinstance(error, Refused):
        return 409
    if isinstance(error, Unwritable):
        return 507
    return 503 if isinstance(error, HubLocked | HubUnreachable) else 400


def refusal(error: BailiwickError) -> Response:
    return answer(error.as_json(), status_of(error))


def told_of(error: BailiwickError | OSError) -> BailiwickError:
    """The error to answer with; raises one that is nobody's fault but ours."""
    told = error if isinstance(error, BailiwickError) else unwritable(error)
    if told is None:
        raise error
    return told


def unauthenticated() -> Response:
    shape = {
        "code": "unauthenticated",
        "message": "this needs a token or a signed-in session",
        "advice": "Send `Authorization: Bearer TOKEN`; `bailiwick site token SITE` makes one.",
        "details": {},
    }
    return answer({"error": shape}, 401)
