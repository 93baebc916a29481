"""Equal values give equal bytes; ids are functions of their parts."""

from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.canonical import canonical_json, digest, make_id, sha256_hex

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def test_the_form_is_pinned() -> None:
    assert canonical_json({"b": [1, 2.5, None, True], "a": "ä\n"}) == '{"a":"ä\\n","b":[1,2.5,null,true]}'
    assert sha256_hex("abc") == sha256_hex(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest({}) == sha256_hex("{}")


@given(VALUES)
def test_reading_it_back_gives_the_same_bytes(value: object) -> None:
    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json({"value": value})


def test_ids_have_their_shape_and_do_not_collide_by_concatenation() -> None:
    assert re.fullmatch(r"alert_[a-z2-7]{20}", make_id("alert", "m", 1, None))
    assert make_id("alert", "m", 1) == make_id("alert", "m", "1")
    ids = {
        make_id("a", "b", "c"),
        make_id("a", "bc"),
        make_id("a", "", "bc"),
        make_id("ab", "c"),
        make_id("a", "b", None, "c"),
    }
    assert len(ids) == 5
