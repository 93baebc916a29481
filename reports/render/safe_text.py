"""Text that the PDF's own fonts can show: under PDF/A and PDF/UA one glyph without a font refuses the whole file.

The fonts travel inside the typesetting library, so that a report looks the same on every machine. What they cannot
show (CJK, emoji, private use) is written as its escape, `\\u{6A21}`: visible, reversible, and never a reason for a
report to fail. Ranges were found by typesetting every character of the basic plane; a test does so again.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from typing import Any

_SHOWN = (
    (0x20, 0x7E), (0xA1, 0xAC), (0xAE, 0x2FF), (0x384, 0x38A), (0x38C, 0x38C), (0x38E, 0x3A1), (0x3A3, 0x482),
    (0x48A, 0x4FF), (0x1E00, 0x1F15), (0x1F18, 0x1F1D), (0x1F20, 0x1F45), (0x1F48, 0x1F4D), (0x1F50, 0x1F57),
    (0x1F80, 0x1FB4), (0x1FC6, 0x1FD3), (0x1FD6, 0x1FDB), (0x2010, 0x2027), (0x2030, 0x2040), (0x2044, 0x2052),
    (0x2070, 0x2071), (0x2074, 0x208E), (0x20A0, 0x20C0), (0x2100, 0x211E), (0x2126, 0x2151), (0x2153, 0x2184),
    (0x2190, 0x23FF), (0x2460, 0x262F), (0x2701, 0x2704), (0x2706, 0x2709), (0x270C, 0x2727), (0x2729, 0x274B),
)  # fmt: skip
_STARTS = tuple(first for first, _ in _SHOWN)


def shown(char: str) -> bool:
    """Whether the shipped fonts have this character, and it stands on its own (marks that combine do not)."""
    code = ord(char)
    at = bisect_right(_STARTS, code) - 1
    return at >= 0 and code <= _SHOWN[at][1] and unicodedata.category(char)[0] not in "MC"


def safe_text(text: str) -> str:
    """NFC; what cannot be shown becomes `\\u{XXXX}`."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(char if shown(char) else " " if char == "\xa0" else f"\\u{{{ord(char):04X}}}" for char in composed)


def safe_values(value: Any) -> Any:
    """The same document with every text made safe; keys are ours and stay."""
    if isinstance(value, str):
        return safe_text(value)
    if isinstance(value, dict):
        return {key: safe_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [safe_values(item) for item in value]
    return value
