"""Halves of calls as serving stacks capture them: one event holds what a model was asked, or what it answered. Pure.

The rows of a half get the row ids `<id of the call>_<index>`, so that request and response meet in the record whichever
comes first. A row that makes no sense keeps its index, so that the others still meet theirs.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.base import Unreadable
from connectors.limits import LIMITS, Limits
from connectors.sources.casts import EARLIEST, LATEST
from connectors.sources.content import unreadable
from connectors.sources.event_lines import utc_of
from connectors.sources.inference_protocol import split_tail
from connectors.sources.json_rows import Record
from connectors.sources.json_text import TooDeep, json_of

_DECODER = json.JSONDecoder()
_EARLIEST, _LATEST = datetime.fromisoformat(EARLIEST), datetime.fromisoformat(LATEST)


class NoEvent(ValueError):
    """(reason, what would have been right)."""

    def __init__(self, reason: str, expected: str) -> None:
        super().__init__(expected)
        self.reason, self.expected = reason, expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    asked: bool
    """Whether it is the request."""
    call: str | None
    """What request and response have in common."""
    time: datetime | None
    service: str | None
    """Which model was asked, as the serving stack calls it."""
    payload: Any
    node: str | None = None
    """Which model of a graph, where a service is one of many."""
    tail: bytes = b""
    """Values behind the JSON (the binary tensor extension)."""


Rows = Callable[[Half], Iterator[dict[str, Any] | str]]
"""The rows of a half's payload; a string says what would have been right in place of one."""


def half_rows(half: Half, line: int | None, record: bytes, rows: Rows) -> Iterator[Record | Unreadable]:
    """The rows of a half under their ids; `record` is the event as it came, for quarantine."""
    for index, row in enumerate(rows(half)):
        if isinstance(row, str):
            yield unreadable("not_tabular", line, row, record)
        elif not row:
            yield unreadable("no_columns", line, "a row with at least one column", record)
        else:
            yield Record(line, row, None if half.call is None else f"{half.call}_{index}", half.time)


def as_json(event: Any) -> bytes:
    """An event that was parsed, as bytes to show."""
    return json.dumps(event, ensure_ascii=True, default=str).encode()


def moment_of(value: Any) -> datetime | None:
    """An event's time in UTC without zone; None where it tells none. Raises NoEvent for what is no time.

    Text in RFC 3339 to any fraction of a second, or a number of seconds or milliseconds since 1970. Go writes the first
    second of year 1 for a time that was never set.
    """
    if value is None or value == "" or (isinstance(value, str) and value.startswith("0001-01-01T00:00:00")):
        return None
    told: Any = re.sub(r"(\.\d{6})\d+", r"\1", value) if isinstance(value, str) else value
    if isinstance(told, str) and told.isdecimal() and len(told) < 20:
        told = int(told)
    if isinstance(told, int | float) and told > 1e11:
        told = told / 1000
    moment, _ = utc_of(told)
    if moment is None or not _EARLIEST <= moment < _LATEST:
        raise NoEvent("time", f'an event time such as 2026-01-31T12:00:00Z, found "{str(value)[:100]}"')
    return moment


def payload_of(body: bytes, header_length: int | None = None, limits: Limits = LIMITS) -> tuple[Any, bytes]:
    """(the JSON, the bytes behind it) of a body. Raises NoEvent where it starts with none.

    header_length: where the JSON ends, if a header told it; else the end of the JSON is looked for.
    """
    head, tail = (body, b"") if header_length is None else split_tail(body, header_length)
    if len(body) > limits.record:
        raise NoEvent("too_large", limits.too_large)
    try:
        try:
            return json_of(head, limits), tail
        except TooDeep:
            raise
        except ValueError:
            # Each byte one character: JSON's own marks are ASCII, so its end is found whatever stands behind it.
            _, end = _DECODER.raw_decode(body.decode("latin-1"))
            if b"binary_data_size" not in body[:end]:
                raise
            return json_of(body[:end], limits), body[end:]
    except TooDeep:
        raise NoEvent("too_deep", f"a payload {limits.nested}") from None
    except (ValueError, RecursionError):
        raise NoEvent("json", "a payload in JSON, as the inference protocols V1 and V2 have it") from None


def from_base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise NoEvent("encoding", "a payload in base64") from None


def plain(value: Any) -> str | None:
    """A name without the quotes that senders of CloudEvents 0.2 put around it; None for nothing.

    Raises NoEvent for text that is no Unicode.
    """
    if value is None:
        return None
    text = str(value).strip()
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        text = text[1:-1]
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NoEvent("encoding", "names in Unicode text") from None
    return text or None
