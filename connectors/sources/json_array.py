"""A JSON document that spans lines, an array or one object, read element by element: only one of them is held.

What was read before a document breaks is kept; where it breaks is told, and what stands behind it is lost, for nobody
can say where the next element would begin.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Generator, Iterator
from typing import Any

from connectors.base import SHOWN_BYTES, Unreadable
from connectors.limits import LIMITS, Limits
from connectors.sources.content import BLOCK, Content, Damaged, blocks, damaged, unreadable
from connectors.sources.json_rows import Record
from connectors.sources.json_text import TooDeep, check_depth

_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\r\n]*")


class _TooLarge(ValueError):
    """An element that does not end within the limit."""


class _Window:
    """The text around the next element."""

    def __init__(self, pieces: Iterator[str], most: int) -> None:
        self._pieces, self._most = pieces, most
        self.text, self.at, self._line = "", 0, 1

    @property
    def line(self) -> int:
        return self._line + self.text.count("\n", 0, self.at)

    def more(self) -> bool:
        """Brings as much as is held, so that a long element is begun again a few times only; lets go what was read."""
        wanted, found = max(BLOCK, len(self.text) - self.at), []
        while wanted > 0 and (piece := next(self._pieces, None)) is not None:
            found.append(piece)
            wanted -= len(piece)
        if found:
            self._line = self.line
            self.text, self.at = "".join((self.text[self.at :], *found)), 0
        return bool(found)

    def next(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            found = _BLANK.match(self.text, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""

    def value(self) -> tuple[Any, str]:
        """The next element and its text. Raises ValueError where there is none, TooDeep and _TooLarge beyond limits."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.at)
            except RecursionError:
                raise TooDeep("nested too deeply") from None
            except ValueError:
                if len(self.text) - self.at > self._most:
                    raise _TooLarge("too large") from None
                if not self.more():
                    raise
                continue
            if end == len(self.text) and self.more():
                continue  # a number may go on
            text, self.at = self.text[self.at : end], end
            return value, text


def array_records(content: Content) -> Iterator[Record | Unreadable]:
    """The elements of a file."""
    try:
        yield from elements(_decoded(content), content.limits)
    except Damaged as damage:
        content.check_unchanged()
        yield damaged(damage, content.path)


def _decoded(content: Content) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for block in blocks(content.path, content.limits):
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def elements(pieces: Iterator[str], limits: Limits = LIMITS) -> Iterator[Record | Unreadable]:
    """The objects in a text that comes in pieces; what is none is told."""
    window = _Window(pieces, limits.record)
    reason, expected = "json", "the rest of a JSON array"
    try:
        if (yield from _objects(window, limits)):
            return
    except UnicodeDecodeError as error:
        yield unreadable("encoding", None, "UTF-8 text", bytes(error.object)[max(0, error.start - 100) :])
        return
    except TooDeep:
        reason, expected = "too_deep", f"values {limits.nested}"
    except _TooLarge:
        reason, expected = "too_large", limits.too_large
    except ValueError:
        pass
    yield unreadable(reason, window.line, expected, _shown(window.text[window.at :]))


def _objects(window: _Window, limits: Limits) -> Generator[Record | Unreadable, None, bool]:
    """Gives back whether the document ended as it should."""
    inside = window.next() == "["
    window.at += inside
    while char := window.next():
        if inside and char == "]":
            window.at += 1
            return not window.next()
        value, text = window.value()
        yield _record(value, text, limits)
        char = window.next()
        if inside and char == ",":
            window.at += 1
        elif inside and char != "]":
            return False
    return not inside


def _record(value: Any, text: str, limits: Limits) -> Record | Unreadable:
    if len(text) > limits.record:
        return unreadable("too_large", None, limits.too_large, _shown(text))
    try:
        check_depth(text.encode("utf-8", "surrogatepass"), limits.depth)
    except TooDeep:
        return unreadable("too_deep", None, f"values {limits.nested}", _shown(text))
    if isinstance(value, dict):
        return Record(None, value)
    return unreadable("json", None, "a JSON object", _shown(text))


def _shown(text: str) -> bytes:
    return text[:SHOWN_BYTES].encode("utf-8", "backslashreplace")
