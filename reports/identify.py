"""What a file says it is: its format, the report id it carries, and the evidence inside it. Believes none of it.

Tolerant: a broken PDF still gives its id where the bytes hold one. Never raises on any bytes; what could not be read
is a problem told in words.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import dataclass, field
from html import unescape
from io import BytesIO
from typing import Any

from store.canonical import canonical_json, sha256_hex

_ID = re.compile(rb"report_[a-z2-7]{20}")
_PRINTED = re.compile(rb"bailiwick-evidence-sha256:([0-9a-f]{64})")
_META = re.compile(r'<meta name="bailiwick-(report|evidence-sha256)" content="([^"]*)">')
_LINK = re.compile(r'href="data:application/json;base64,([A-Za-z0-9+/=]*)"')
EVIDENCE_NAME = "evidence.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    format: str
    """`pdf`, `html`, `json` or `unknown`."""
    report_id: str | None = None
    id_from: str = ""
    """Where the id was found."""
    printed_sha256: str | None = None
    """The digest of the evidence that the file itself states."""
    evidence: bytes | None = None
    """The evidence as it stands in the file."""
    problems: tuple[str, ...] = ()
    parts: dict[str, bytes] = field(default_factory=dict)
    """Named parts that can be compared one by one (PDF: pages, attachments, metadata)."""

    @property
    def evidence_sha256(self) -> str | None:
        return None if self.evidence is None else sha256_hex(self.evidence)

    def evidence_document(self) -> dict[str, Any] | None:
        """The evidence as JSON, or None where it is no JSON object."""
        try:
            document = json.loads(self.evidence or b"")
        except (ValueError, RecursionError):
            return None
        return document if isinstance(document, dict) else None


def identify(content: bytes) -> Identity:
    head = content[:1024].lstrip()
    if b"%PDF-" in content[:1024]:
        return _pdf(content)
    if head[:1] == b"{":
        return _json(content)
    if head[:9].lower() in (b"<!doctype", b"<html lan"):
        return _html(content)
    return Identity(format="unknown", problems=("neither PDF, HTML nor JSON",), **_bare_id(content))


def _bare_id(content: bytes) -> dict[str, Any]:
    found = _ID.search(content)
    return {"report_id": found.group().decode(), "id_from": "the bytes of the file"} if found else {}


def _json(content: bytes) -> Identity:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        return Identity(format="json", problems=(f"not JSON: {error}",), **_bare_id(content))
    inner = document if document.get("schema") == "bailiwick/evidence/1" else document.get("evidence")
    report_id = document.get("id") or (document.get("report") or {}).get("id")
    return Identity(
        format="json",
        report_id=report_id if isinstance(report_id, str) else None,
        id_from="the JSON document",
        printed_sha256=document.get("evidence_sha256") if isinstance(document.get("evidence_sha256"), str) else None,
        evidence=canonical_json(inner).encode() if isinstance(inner, dict) else None,
    )


def _html(content: bytes) -> Identity:
    text = content.decode("utf-8", errors="replace")
    meta = {name: unescape(value) for name, value in _META.findall(text)}
    link = _LINK.search(text)
    problems: list[str] = []
    evidence = None
    if link:
        try:
            evidence = b64decode(link.group(1), validate=True)
        except ValueError as error:
            problems.append(f"the evidence in the file cannot be decoded: {error}")
    else:
        problems.append("there is no evidence in the file")
    return Identity(
        format="html",
        report_id=meta.get("report") or None,
        id_from="the meta element of the page",
        printed_sha256=meta.get("evidence-sha256") or None,
        evidence=evidence,
        problems=tuple(problems),
    )


def _pdf(content: bytes) -> Identity:
    try:
        parts, problems = _pdf_parts(content)
    except Exception as error:  # a broken file breaks the reader in more ways than its author foresaw
        problem = f"the structure of the PDF cannot be read: {type(error).__name__}: {error}"
        return Identity(format="pdf", problems=(problem,), printed_sha256=_printed(content), **_bare_id(content))
    said = parts.get("document information", b"") + parts.get("metadata", b"")
    found = _ID.search(said)
    where = {"report_id": found.group().decode(), "id_from": "the metadata of the PDF"} if found else _bare_id(content)
    return Identity(
        format="pdf",
        evidence=parts.get(f"attachment {EVIDENCE_NAME}"),
        printed_sha256=_printed(said),
        problems=tuple(problems),
        parts=parts,
        **where,
    )


def _printed(content: bytes) -> str | None:
    found = _PRINTED.search(content)
    return found.group(1).decode() if found else None


def _pdf_parts(content: bytes) -> tuple[dict[str, bytes], list[str]]:
    """Pages, attachments and metadata, decoded; a part that cannot be decoded is a problem, not the end."""
    from pyhanko.pdf_utils.reader import PdfFileReader

    reader = PdfFileReader(BytesIO(content), strict=False)
    parts: dict[str, bytes] = {}
    problems: list[str] = []

    def take(name: str, read: Any) -> None:
        try:
            parts[name] = read()
        except Exception as error:  # as above: one unreadable part must not hide the others
            problems.append(f"{name} cannot be read: {type(error).__name__}: {error}")

    take("document information", lambda: _flat(reader.trailer["/Info"]))
    take("metadata", lambda: bytes(reader.root["/Metadata"].data))
    for place in _attached(reader.root):
        name = str(place.get("/UF") or place.get("/F") or "without a name")
        take(f"attachment {name}", lambda place=place: bytes(place["/EF"]["/F"].data))
    for number, page in enumerate(_pages(reader.root["/Pages"]), 1):
        take(f"page {number}", lambda page=page: _page_bytes(page))
    revisions = int(reader.xrefs.total_revisions)
    expected = 2 if "/AcroForm" in reader.root else 1
    if revisions != expected:
        problems.append(f"the file was appended to: {revisions} revisions where {expected} were expected")
    return parts, problems


def _flat(dictionary: Any) -> bytes:
    return "\n".join(f"{key}: {dictionary[key]}" for key in sorted(dictionary.keys())).encode("utf-8", "replace")


def _attached(root: Any) -> list[Any]:
    return _items(root["/AF"]) if "/AF" in root else []


def _items(array: Any) -> list[Any]:
    """The reader follows references when asked by place, not when a list is walked."""
    return [array[at] for at in range(len(array))]


def _pages(node: Any, depth: int = 0) -> list[Any]:
    if depth > 50:
        raise ValueError("the page tree does not end")
    if "/Kids" not in node:
        return [node]
    return [page for kid in _items(node["/Kids"]) for page in _pages(kid, depth + 1)]


def _page_bytes(page: Any) -> bytes:
    contents = page["/Contents"]
    streams = _items(contents) if isinstance(contents, list) else [contents]
    return b"\n".join(bytes(stream.data) for stream in streams)
