"""What differs between a file and the hub's own copy of it, and where: named as a reader would look for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html.parser import HTMLParser
from itertools import zip_longest
from typing import Any

from reports.build.evidence import substance
from reports.identify import EVIDENCE_NAME, Identity
from store.canonical import sha256_hex

MOST_FINDINGS = 50
_OBJECT = re.compile(rb"(?:^|[\r\n ])(\d+) \d+ obj\b")
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    """In words: what is not as it was recorded."""
    where: str
    """Page, attachment, object, JSON path or byte offset."""
    expected: str
    found: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def json_differences(expected: Any, found: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(path, expected, found) for each value that differs; a missing one is told as absent."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(set(expected) | set(found)):
            inner = f"{path}.{key}" if path else str(key)
            yield from json_differences(expected.get(key, _ABSENT), found.get(key, _ABSENT), inner)
    elif isinstance(expected, list) and isinstance(found, list):
        for at, (left, right) in enumerate(zip_longest(expected, found, fillvalue=_ABSENT)):
            yield from json_differences(left, right, f"{path}[{at}]")
    elif expected is not found and (expected != found or type(expected) is not type(found)):
        yield path, expected, found


def evidence_findings(expected: dict[str, Any], found: dict[str, Any], *, where: str = EVIDENCE_NAME) -> list[Finding]:
    """Each value of the evidence that differs, with what it is the value of."""
    out = []
    for path, left, right in json_differences(expected, found):
        told = _told(path, expected)
        out.append(Finding(f"a value in the evidence differs{told}", f"{where}: {path}", _text(left), _text(right)))
        if len(out) == MOST_FINDINGS:
            break
    return out


def recomputed_findings(recorded: dict[str, Any], now: dict[str, Any]) -> list[Finding]:
    """What `--recompute` shows: the evidence of a report beside the same evidence built again as of the same seq."""
    return evidence_findings(substance(recorded), substance(now), where="recomputed evidence")


def _told(path: str, document: dict[str, Any]) -> str:
    """The names that a person knows the place by: monitor, measure, what and where."""
    found = re.match(r"(\w+)\[(\d+)\]", path)
    items = document.get(found.group(1)) if found else None
    if found is None or not isinstance(items, list) or int(found.group(2)) >= len(items):
        return ""
    item = items[int(found.group(2))]
    if not isinstance(item, dict):
        return ""
    names = [item.get(key) for key in ("monitor", "measure", "about", "site", "people", "id")]
    window = item.get("window")
    start = [str(window.get("from"))[:10]] if isinstance(window, dict) else []
    told = [str(name) for name in names[:5] if name] + start
    return f" ({', '.join(told or [str(name) for name in names if name])})" if told or any(names) else ""


def _text(value: Any) -> str:
    if value is _ABSENT:
        return "absent"
    text = repr(value) if not isinstance(value, str) else value
    return text if len(text) <= 120 else f"{text[:117]}..."


def part_findings(expected: dict[str, bytes], found: dict[str, bytes]) -> list[Finding]:
    """PDF parts that differ, the evidence aside: that is told value by value."""
    out = []
    for name in [*expected, *(name for name in found if name not in expected)]:
        left, right = expected.get(name), found.get(name)
        if left == right or name == f"attachment {EVIDENCE_NAME}":
            continue
        what = "is missing" if right is None else "was added" if left is None else "was changed"
        out.append(Finding(f"{name} {what}", name, _digest(left), _digest(right)))
    return out[:MOST_FINDINGS]


def _digest(content: bytes | None) -> str:
    return "absent" if content is None else f"{len(content)} bytes, SHA-256 {sha256_hex(content)[:16]}"


def byte_finding(expected: bytes, found: bytes) -> Finding | None:
    """The first byte that differs, and the PDF object it stands in where there is one."""
    if expected == found:
        return None
    shortest = min(len(expected), len(found))
    at = next((i for i in range(shortest) if expected[i] != found[i]), shortest)
    if at == len(expected):
        extra = f"{len(found) - at} bytes more"
        return Finding("bytes were added after the end of the file", f"byte {at}", "the end of the file", extra)
    objects = list(_OBJECT.finditer(expected, 0, at)) if expected[:5] == b"%PDF-" else []
    place = f" (object {objects[-1].group(1).decode()})" if objects else ""
    if at == len(found):
        more = f"{len(expected) - at} bytes more"
        return Finding("the file was cut short", f"byte {at}{place}", more, "the end of the file")
    return Finding("the bytes differ from here on", f"byte {at}{place}", _excerpt(expected, at), _excerpt(found, at))


def _excerpt(content: bytes, at: int) -> str:
    return content[at : at + 12].hex(" ")


def html_findings(expected: bytes, found: bytes) -> list[Finding]:
    """Texts of the page that differ, with the section they stand in."""
    left, right = _html_texts(expected), _html_texts(found)
    out = []
    for one, other in zip_longest(left, right, fillvalue=("", "absent")):
        if one != other:
            out.append(Finding("a text of the page differs", one[0] or other[0] or "first page", one[1], other[1]))
        if len(out) == MOST_FINDINGS:
            break
    return out


def _html_texts(content: bytes) -> list[tuple[str, str]]:
    reader = _Texts()
    reader.feed(content.decode("utf-8", errors="replace"))
    return reader.texts


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.section = ""
        self.texts: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            self.section = f"section {dict(attrs).get('id') or ''}"

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.section, data.strip()))


def differences(original: Identity, found: Identity, *, expected: bytes, content: bytes) -> list[Finding]:
    """Everything that can be named, the most telling first; the first byte that differs comes last."""
    out: list[Finding] = []
    left, right = original.evidence_document(), found.evidence_document()
    if left is not None and right is not None:
        out += evidence_findings(left, right)
    elif left is not None and original.evidence != found.evidence:
        what = "the evidence is missing or cannot be read"
        out.append(Finding(what, EVIDENCE_NAME, "evidence as JSON", "nothing readable"))
    if original.format == found.format == "pdf":
        out += part_findings(original.parts, found.parts)
    elif original.format == found.format == "html":
        out += html_findings(expected, content)
    first = byte_finding(expected, content)
    return out + ([first] if first else [])
