"""Options as text become what their connector declares, or are refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.options import options_of, pairs
from store.errors import BadInput


@dataclass(frozen=True)
class Options:
    path: Path
    depth: int = 3
    share: float = 0.5
    keep: bool = False
    names: tuple[str, ...] = ()
    mark: str | None = None


def test_text_is_typed_by_the_declaration() -> None:
    text = pairs(["path=a/b", "depth=7", "share=0.25", "keep=yes", "names=x, y,,z", "mark=a=b"])
    assert options_of(Options, text, where="here") == Options(Path("a/b"), 7, 0.25, True, ("x", "y", "z"), "a=b")
    assert options_of(Options, {"path": "a"}, where="here") == Options(Path("a"))
    assert options_of(Options, {"path": "a", "keep": True, "mark": None}, where="here").keep


def test_dashes_are_underscores() -> None:
    assert pairs(["a-key=1"]) == {"a_key": "1"}


@pytest.mark.parametrize("given", [["x"], ["=1"], ["a=1", "a=2"]])
def test_what_is_no_pair_is_refused(given: list[str]) -> None:
    with pytest.raises(BadInput, match="option"):
        pairs(given)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"path": "a", "dept": "1"}, "no option dept"),
        ({}, "path is missing"),
        ({"path": "a", "depth": "deep"}, "not a whole number"),
        ({"path": "a", "share": "half"}, "not a number"),
        ({"path": "a", "keep": "perhaps"}, "not yes or no"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, str], match: str) -> None:
    with pytest.raises(BadInput, match=match) as told:
        options_of(Options, given, where="here")
    assert told.value.advice
