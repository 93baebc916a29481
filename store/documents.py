"""YAML or JSON text as plain values in which every scalar keeps the text its owner wrote.

`1.10` stays `1.10` and `NO` stays `NO`, in JSON as in YAML; an empty value, `null` and `~` are None. Refused, each
with its line: duplicate keys (one of the two would be lost), aliases (a few lines of them unfold into gigabytes),
keys that are not text, files over a megabyte, and nesting deeper than any file of ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from store.errors import BadInput

Path = tuple[str | int, ...]

LARGEST = 1 << 20
DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Document:
    source: str
    """The file's name, for messages."""
    value: Any
    """dict, list, str or None, nested."""
    lines: Mapping[Path, int]
    """The line of each key path; empty for JSON."""


def parse_document(text: str, *, source: str) -> Document:
    """The document in a YAML or JSON text; raises BadInput, naming the line, where it is neither."""
    if len(text) > LARGEST:
        raise BadInput(f"{source}: {len(text)} characters; the limit is {LARGEST}", advice="Is this the right file?")
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith(("{", "[")):
        try:
            return Document(source, _from_json(text, source), {})
        except (json.JSONDecodeError, RecursionError) as error:
            if source.lower().endswith(".json"):
                raise BadInput(f"{source}: not JSON: {error}", advice="Mend the file and try again.") from error
    return _from_yaml(text, source)


def _from_json(text: str, source: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, value in pairs:
            if key in out:
                raise _twice(source, key, None)
            out[key] = value
        return out

    return _words(
        json.loads(text, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=unique), source, 0
    )


def _words(value: Any, source: str, depth: int) -> Any:
    """JSON's true and false become the words that were written."""
    if depth > DEEPEST:
        raise _too_deep(source)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return {_sound(key, source): _words(item, source, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_words(item, source, depth + 1) for item in value]
    return None if value is None else _sound(value, source)


def _sound(text: str, source: str) -> str:
    """Half of a surrogate pair, which an escape can write, has no bytes in UTF-8 and so no digest."""
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise BadInput(f"{source}: an escape that is half a character", advice="Write the character itself.")
    return text


def _from_yaml(text: str, source: str) -> Document:
    import yaml

    class Loader(yaml.BaseLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                line = self.line + 1
                raise BadInput(f"{source} line {line}: an alias (*name)", advice="Write the values out.")
            return super().compose_node(parent, index)

    lines: dict[Path, int] = {}

    def plain(node: yaml.Node, path: Path) -> Any:
        lines[path] = node.start_mark.line + 1
        if len(path) > DEEPEST:
            raise _too_deep(source)
        if isinstance(node, yaml.SequenceNode):
            return [plain(item, (*path, place)) for place, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            out: dict[str, Any] = {}
            for key, item in node.value:
                line = key.start_mark.line + 1
                if not isinstance(key, yaml.ScalarNode):
                    raise BadInput(f"{source} line {line}: a key that is not text", advice="Write `key: value`.")
                if key.value in out:
                    raise _twice(source, key.value, line)
                out[_sound(key.value, source)] = plain(item, (*path, key.value))
                lines[(*path, key.value)] = line
            return out
        bare = isinstance(node, yaml.ScalarNode) and node.style is None and node.value in ("", "~", "null")
        return None if bare else _sound(node.value, source)

    try:
        node = Loader(text).get_single_node()
        return Document(source, None if node is None else plain(node, ()), lines)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise BadInput(
            f"{source}{where}: not YAML: {problem}",
            advice="Indent with spaces, and quote text that holds `: ` or starts with one of [ { * & ! % @ `.",
            details={"file": source, "line": mark.line + 1 if mark else None},
        ) from error
    except RecursionError as error:
        raise _too_deep(source) from error


def _twice(source: str, key: str, line: int | None) -> BadInput:
    where = f" line {line}" if line else ""
    return BadInput(
        f'{source}{where}: the key "{key}" stands twice',
        advice="Keep one of the two.",
        details={"file": source, "line": line, "key": key},
    )


def _too_deep(source: str) -> BadInput:
    return BadInput(f"{source}: nested deeper than {DEEPEST} levels", advice="Is this the right file?")
