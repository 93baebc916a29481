"""JSON text as values, no deeper than a limit: the one place where text of strangers is parsed. Pure.

Strict but for two things that real loggers write: NaN and infinities, and a comma at the end of a line. Depth is
counted before anything is parsed, for a parser that goes down with the text takes the stack along.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from connectors.base import Unreadable
from connectors.limits import LIMITS, Limits
from connectors.sources.content import Cut, unreadable

PIECE = 1 << 20
"""Bytes of which the marks are looked at together."""
_DECODER = json.JSONDecoder()


class TooDeep(ValueError):
    """Lists and objects inside each other beyond the limit."""


def depth_of(text: bytes) -> int:
    """How many lists and objects stand inside each other; exact for JSON, and no error for anything else."""
    if not text:
        return 0
    if b"\\" in text:  # within strings alone: `\\\\` first, so that what is left before a quote escapes it
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    deepest, at, inside = 0, 0, False
    for start in range(0, len(text), PIECE):
        raw = np.frombuffer(text, np.uint8, min(PIECE, len(text) - start), start)
        marks = raw[(raw == 34) | (raw == 91) | (raw == 93) | (raw == 123) | (raw == 125)]
        quotes = marks == 34
        outside = marks[(np.cumsum(quotes) % 2 == inside) & ~quotes]
        depths = at + np.cumsum(np.where((outside == 91) | (outside == 123), 1, -1))
        deepest = max(deepest, int(depths.max(initial=0)))
        at = int(depths[-1]) if len(depths) else at
        inside ^= bool(quotes.sum() % 2)
    return deepest


def check_depth(text: bytes, limit: int) -> None:
    """Raises TooDeep. Text with few brackets costs two counts."""
    if text.count(b"[") + text.count(b"{") > limit and depth_of(text) > limit:
        raise TooDeep(f"nested more than {limit} deep")


def json_of(text: str | bytes, limits: Limits = LIMITS) -> Any:
    """One JSON value. Raises TooDeep, else ValueError (text that is no UTF-8, too)."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    check_depth(raw, limits.depth)
    try:
        return json.loads(raw.decode("utf-8-sig") if isinstance(text, bytes) else text)
    except RecursionError:
        raise TooDeep("nested too deeply") from None


def reason_of(error: ValueError) -> str:
    """The word for quarantine."""
    return "too_deep" if isinstance(error, TooDeep) else "json"


def parse_records(text: str, limits: Limits = LIMITS) -> list[Any]:
    """The JSON values in a line: one, or several with commas or blanks between them. Raises ValueError."""
    check_depth(text.encode("utf-8", "surrogatepass"), limits.depth)
    return _values(text)


def _values(text: str) -> list[Any]:
    try:
        try:
            return [json.loads(text)]
        except json.JSONDecodeError:
            found = []
            at, end = _skip(text, 0), len(text)
            while at < end:
                value, at = _DECODER.raw_decode(text, at)
                if not isinstance(value, (dict, list)):
                    raise ValueError("no JSON object") from None  # `1 2 3` is prose, not records
                found.append(value)
                at = _skip(text, at)
            return found
    except RecursionError:
        raise TooDeep("nested too deeply") from None


def _skip(text: str, at: int) -> int:
    commas = 0
    while at < len(text) and text[at] in " \t\r\n,":
        commas += text[at] == ","
        at += 1
    if commas > 1 or (commas and at == commas == len(text)):
        raise ValueError("a comma without a value")
    return at


def values_in(number: int, line: bytes, expected: str, limits: Limits = LIMITS) -> list[Any] | Unreadable:
    """The values of one line of a log, or what is wrong with it; expected: what a line is, for a person."""
    if isinstance(line, Cut):
        return unreadable("too_large", number, limits.too_large, line)
    try:
        text = line.decode()
        check_depth(line, limits.depth)
        return _values(text)
    except UnicodeDecodeError:
        return unreadable("encoding", number, "UTF-8 text", line)
    except TooDeep:
        return unreadable("too_deep", number, f"values {limits.nested}", line)
    except ValueError:
        return unreadable("json", number, expected, line)
