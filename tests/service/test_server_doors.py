"""What `serve` refuses before it listens: being reached from elsewhere while nobody has to sign in."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.commands.hubs import init_hub
from service.config import parse
from service.server import serve
from store.errors import Refused


@pytest.mark.parametrize("line", ['address = "0.0.0.0"', 'hosts = "models.example.org"'])
def test_an_open_door_needs_people_who_sign_in(tmp_path: Path, line: str) -> None:
    init_hub(tmp_path / "hub", settings=f"[server]\n{line}\n")
    with pytest.raises(Refused, match="nobody has to sign in") as told:
        serve(tmp_path / "hub", environ={})
    assert "bailiwick user add" in told.value.advice


def test_names_behind_a_proxy_are_read_as_a_list() -> None:
    config = parse('[server]\nhosts = "Models.Example.org, models"\n', environ={})
    assert config.hosts == {"models.example.org", "models"}
    assert parse("", environ={}).hosts == frozenset()
