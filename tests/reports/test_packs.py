"""Packs are read strictly: a half-understood pack shapes no document."""

from __future__ import annotations

from importlib.resources import files

import pytest

from reports.packs import load_pack, pack_names, parse_pack
from store.errors import BadInput, UnknownName

TEXT = files("reports").joinpath("packs", "general.toml").read_text("utf-8")


@pytest.mark.parametrize("name", pack_names())
def test_each_pack_that_ships_loads(name: str) -> None:
    assert load_pack(name).id == name


def test_an_unknown_pack_names_the_known() -> None:
    with pytest.raises(UnknownName) as error:
        load_pack("genral")
    assert "general" in error.value.advice


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("version =", "verson =", "unknown key 'verson'"),
        ("date = 2026-11-20", 'date = "yesterday"', "expected a TOML date"),
        ('needs = "owner"', 'needs = "ownr"', "unknown name 'ownr'"),
        ('"drift",', '"drifts",', "unknown name 'drifts'"),
        ("required = true", 'required = "yes"', "expected true or false"),
        ('id = "G-02"', 'id = "G-01"', "stands there twice"),
        ('"about", "coverage", "not_looked_at"', '"about", "not_looked_at", "coverage"', "coverage must stand"),
        ('schema = "', "schema = ", "not TOML"),
    ],
)
def test_a_pack_with_a_mistake_is_refused_by_name(before: str, after: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse_pack(TEXT.replace(before, after, 1), source="mine.toml")
