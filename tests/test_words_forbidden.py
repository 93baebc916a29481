"""Plain words for hard things: what people read never promises more than the numbers carry.

We say "within limits set by model risk on 3 March", never that a model is well, lawful or just. A gap between groups is
"a statistical result, not a determination of discrimination". Read here: every string in the code that speaks to
people, and the pages of docs/. An explanation that we do not say something may name it, in the list below and nowhere
else.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

FORBIDDEN = {
    "healthy": r"\bhealthy\b",
    "compliant": r"\b(?:non-?)?compliant\b",
    "is fair": r"\b(?:is|are|was|were|be|been|model|models|treats) fair\b|\bfairly\b",
    "unfair, discriminates, biased": r"\bunfair\b|\bdiscriminates\b|\bdiscriminatory\b|\bbiased\b",
    "proven": r"\bproven\b|\bproves\b|\bprovably\b",
    "tamper-proof": r"\btamper-?proof\b|\bunforgeable\b|\bimmutable\b",
    "guarantee": r"\bguarantee[sd]?\b",
    "safe to": r"\bsafe to\b|\bis safe\b",
    "certified": r"\bcertified\b",
    "anonymous": r"\banonymous\b|\banonymised\b",
    "all clear": r"\ball clear\b|\ball good\b|\bno problems\b",
    "unbreakable": r"\bunhackable\b|\bunbreakable\b|\bbulletproof\b|\b100 ?% secure\b",
}

ALLOWED: dict[str, tuple[str, ...]] = {
    "CONTRIBUTING.md": ('never "healthy", "compliant", "fair" or "proven"',),
}
"""File -> sentences that name a word in order to say that we do not use it."""

SPEAKING = ("reports", "service/cli", "service/commands", "service/demo", "dashboard", "store/errors.py")
PAGES = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs")
TEXT = (".md", ".toml", ".typ")


def _files(root: Path) -> Iterator[Path]:
    for name in (*SPEAKING, *PAGES):
        path = root / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in found if file.suffix in (*TEXT, ".py") and "design" not in file.parts)


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of what a person may come to read: strings of code without its docstrings, lines of a page."""
    text = path.read_text(encoding="utf-8")
    if path.suffix in TEXT:
        yield from enumerate(text.splitlines(), start=1)
        return
    tree = ast.parse(text)
    bodies = [node.body for node in ast.walk(tree) if hasattr(node, "body") and isinstance(node.body, list)]
    silent = {
        id(statement.value)  # docstrings of modules, functions and fields speak to programmers
        for body in bodies
        for statement in body
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.lineno, node.value


def _found(pattern: str, text: str, allowed: tuple[str, ...]) -> bool:
    for sentence in allowed:
        text = text.replace(sentence, "")
    return re.search(pattern, text, re.IGNORECASE) is not None


@pytest.mark.parametrize("word", FORBIDDEN)
def test_no_text_for_people_says(word: str, root: Path) -> None:
    hits = [
        f"{path.relative_to(root)}:{line}: {text.strip()[:100]}"
        for path in _files(root)
        for line, text in _texts(path)
        if _found(FORBIDDEN[word], text, ALLOWED.get(path.relative_to(root).as_posix(), ()))
    ]
    assert hits == []


def test_what_is_allowed_is_still_said(root: Path) -> None:
    stale = [
        (name, sentence)
        for name, sentences in ALLOWED.items()
        for sentence in sentences
        if sentence not in (root / name).read_text(encoding="utf-8")
    ]
    assert stale == []


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("healthy", "All sites healthy"),
        ("is fair", "This model is fair."),
        ("compliant", "Non-compliant with"),
        ("proven", "proven by the trail"),
    ],
)
def test_the_search_finds_what_it_is_for(word: str, text: str) -> None:
    assert _found(FORBIDDEN[word], text, ())
