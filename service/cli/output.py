"""What a command says: results to stdout, notes and progress to stderr, one JSON document where `--json` was asked.

The streams are those of the call at hand (a context variable), so that the same command functions answer in a terminal
and, inside a running server, for a caller elsewhere. Rich is imported when a table is drawn, never for JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, TextIO

from store.durations import format_duration
from store.errors import BailiwickError


@dataclass(frozen=True, slots=True)
class Streams:
    out: TextIO
    err: TextIO
    as_json: bool = False
    width: int | None = None
    """Columns of the reader's terminal, where they are known."""


_streams: ContextVar[Streams | None] = ContextVar("streams", default=None)


def streams() -> Streams:
    return _streams.get() or Streams(sys.stdout, sys.stderr)


@contextmanager
def speaking(to: Streams) -> Iterator[None]:
    """Inside, everything said goes to these streams."""
    mark = _streams.set(to)
    try:
        yield
    finally:
        _streams.reset(mark)


# -- saying -------------------------------------------------------------------------------------------------------


def emit(document: Mapping[str, Any], human: Callable[[], None]) -> None:
    """The one result of a command: the document where `--json` was asked, else what `human` says."""
    if streams().as_json:
        write_json(document)
    else:
        human()


def write_json(document: Mapping[str, Any]) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False, default=_plain), file=streams().out)


def say(text: str = "") -> None:
    """A line of the result, for people."""
    print(text, file=streams().out)


def note(text: str) -> None:
    """A line beside the result."""
    print(text, file=streams().err)


def report_error(error: BailiwickError) -> None:
    """The error shape of the contract on stdout with `--json`; always the message and the advice on stderr."""
    if streams().as_json:
        write_json(error.as_json())
    note(f"Error: {error.message}")
    if error.advice:
        note(error.advice)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str) -> None:
    """Rows under headings; `empty` is said where there are none."""
    if not rows:
        say(empty)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for place, name in enumerate(columns):
        numeric = all(isinstance(row[place], int | float) or row[place] is None for row in rows)
        drawn.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(told(value)) for value in row))
    to = streams()
    piped = None if to.out.isatty() else 200
    Console(file=to.out, width=to.width or piped, soft_wrap=False).print(drawn)


def facts(pairs: Sequence[tuple[str, Any]]) -> None:
    """A name and a value on each line; what is not there is left out."""
    there = [(name, told(value)) for name, value in pairs if value not in (None, "", [], {})]
    width = max((len(name) for name, _ in there), default=0)
    for name, value in there:
        say(f"{name:<{width}}  {value}")


def told(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {told(item)}" for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(told, value))
    return str(value)


def _plain(value: Any) -> Any:
    """What JSON has no word for."""
    if isinstance(value, datetime):
        return value.isoformat() + ("" if value.tzinfo else "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Fraction | Path):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace")
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "as_json"):
        return value.as_json()
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")


# -- progress -----------------------------------------------------------------------------------------------------


@contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """A spinner on stderr while something long runs, where a person watches; gives a function that changes its text."""
    to = streams()
    if to.as_json or not to.err.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(file=to.err).status(text) as status:
        yield lambda now: status.update(now)
