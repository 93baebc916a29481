"""A connector's options from text, typed by its own declaration: `--option key=value`, or a table of bailiwick.toml.

Text, whole numbers, numbers, truth values, paths and lists (`a,b,c`) are understood. What nobody declared is refused
with "did you mean", and so is what does not fit its type.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any

from store.errors import BadInput, did_you_mean

TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def pairs(given: Iterable[str]) -> dict[str, str]:
    """`key=value` texts by key; raises BadInput for a text that is none, and for a key that comes twice."""
    out: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key or key in out:
            raise BadInput(
                f"option {text!r} {'comes twice' if key in out else 'is no key=value'}",
                advice="Write --option key=value, once for each key; lists as a,b,c.",
            )
        out[key] = value
    return out


def options_of(kind: type, given: Mapping[str, Any], *, where: str) -> Any:
    """The frozen dataclass `kind`, made from text; raises BadInput, saying `where` the text stands."""
    hints = _declared(kind)
    for name in given:
        if name not in hints:
            known = f"{did_you_mean(name, hints)}" if hints else "It has none."
            raise BadInput(f"{where} has no option {name}", advice=known, details={"option": name})
    missing = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
    absent = [name for name in missing if name not in given]
    if absent:
        raise BadInput(f"{where} is not complete: {absent[0]} is missing", advice=f"It needs: {', '.join(missing)}.")
    return kind(**{name: _typed(name, hints[name], value, where) for name, value in given.items()})


@cache
def _declared(kind: type) -> dict[str, Any]:
    """The types of its fields: text under `from __future__ import annotations`, and slow to evaluate."""
    return typing.get_type_hints(kind)


def _typed(name: str, hint: Any, value: Any, where: str) -> Any:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        if value is None:
            return None
        hint = next(kind for kind in typing.get_args(hint) if kind is not type(None))
    if typing.get_origin(hint) is tuple:
        return tuple(part.strip() for part in str(value).split(",") if part.strip())
    if hint is bool:
        if isinstance(value, bool) or str(value).lower() in TRUTH:
            return value if isinstance(value, bool) else TRUTH[str(value).lower()]
        raise _misfit(name, value, "yes or no", where)
    try:
        return hint(value) if hint in (str, int, float, Path) else value
    except (TypeError, ValueError):
        raise _misfit(name, value, "a whole number" if hint is int else "a number", where) from None


def _misfit(name: str, value: Any, expected: str, where: str) -> BadInput:
    return BadInput(
        f"{where}: {name} is {value!r}, not {expected}",
        advice=f"Give {name} as {expected}.",
        details={"option": name, "expected": expected, "found": str(value)},
    )
