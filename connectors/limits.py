"""How far one record, and one file, may go before reading stops: what keeps other people's bytes from eating a hub.

One frozen value, made from `[limits]` of the configuration and carried to every source in `Wanted.limits`. What stands
beyond a limit is told, never cut silently: a record goes to quarantine (`too_large`, `too_deep`, `too_many_columns`),
the rest of a file that swells goes there as `expansion`, and a file that declares too many columns is an error.
"""

from __future__ import annotations

from dataclasses import dataclass

from store.errors import BadInput

HARMLESS = 16 << 20
"""Bytes that any file may expand to: a short log of equal lines shrinks a thousandfold, and does no harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    columns: int = 512
    """Of a table, of one JSON record, and of all records of a file together."""
    record: int = 64 << 20
    """Bytes of one record: a line, an element of an array, a payload."""
    depth: int = 64
    """Lists and objects inside each other."""
    expansion: int = 100
    """Bytes that come of one byte of a compressed file."""

    def swells(self, size: int, expanded: int) -> bool:
        """Whether a file of `size` bytes has become too much."""
        return expanded > max(HARMLESS, size * self.expansion)

    def check_columns(self, name: str, count: int) -> None:
        """Raises BadInput for a table of too many columns, before a row of it is read."""
        if count > self.columns:
            raise BadInput(
                f"{name}: {count} columns, more than {self.columns}",
                advice="Send the columns that the model file declares, or raise limits.columns in bailiwick.toml.",
                details={"file": name, "found": count, "expected": f"at most {self.columns} columns"},
            )

    def check_expansion(self, name: str, size: int, expanded: int) -> None:
        """Raises BadInput for a file that says itself how much it expands to."""
        if self.swells(size, expanded):
            raise BadInput(
                f"{name}: its {size} bytes expand to {expanded}, more than {self.expansion} times as much",
                advice="Write it less compressed, or raise limits.expansion in bailiwick.toml.",
                details={"file": name, "found": expanded, "expected": self.swollen},
            )

    @property
    def swollen(self) -> str:
        return f"a file that expands to at most {self.expansion} times its size"

    @property
    def nested(self) -> str:
        return f"nested at most {self.depth} deep"

    @property
    def too_large(self) -> str:
        return f"a record of at most {self.record} bytes"


LIMITS = Limits()
"""What holds where nobody configured anything."""
