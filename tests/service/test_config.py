"""`bailiwick.toml`: strict, exact where privacy is concerned, and every value knows where it came from."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from service.config import load, parse, render_default, resolve_secret
from service.settings import SETTINGS
from service.times import format_time, parse_time
from store.errors import BadInput

PEOPLE = '[people.customers]\nepsilon = "3"\ndelta = "1e-6"\nper = "30d"\nblock = "7d"\n'


def test_an_empty_file_stands_on_defaults() -> None:
    config = parse("", environ={})
    assert config.id_horizon == timedelta(days=35) and config.clock is None
    assert (config.address, config.port) == ("127.0.0.1", 8501)
    assert {shown.origin for shown in config.shown} == {"default"}
    assert [shown.key for shown in config.shown] == [setting.key for setting in SETTINGS]


def test_the_environment_stands_above_the_file() -> None:
    config = parse('[hub]\norg = "Bank"\n[server]\nport = 9000\n', environ={"BAILIWICK_SERVER_PORT": "9001"})
    assert config.port == 9001 and config.org == "Bank"
    origins = {shown.key: shown.origin for shown in config.shown}
    assert origins["server.port"] == "env BAILIWICK_SERVER_PORT"
    assert origins["hub.org"] == "bailiwick.toml" and origins["server.address"] == "default"


def test_a_pinned_clock_is_utc() -> None:
    for text in ('"2026-11-02T06:00:00Z"', "2026-11-02T06:00:00Z", '"2026-11-02T08:00:00+02:00"'):
        assert parse(f"[hub]\nclock = {text}\n", environ={}).clock == datetime(2026, 11, 2, 6)


def test_budgets_are_exact() -> None:
    config = parse(PEOPLE.replace('"3"', "0.1"), environ={})
    assert config.budget("customers").exact_epsilon == Fraction(1, 10)
    assert config.budget("customers").exact_delta == Fraction(1, 10**6)
    assert ("people.customers.per", "30d") in [(shown.key, shown.value) for shown in config.shown]
    with pytest.raises(BadInput) as caught:
        config.budget("customer")
    assert caught.value.advice == 'Did you mean "customers"?'


@pytest.mark.parametrize(
    ("text", "where", "advice"),
    [
        ("[hub]\norgg = 'x'\n", r"bailiwick\.toml: hub\.orgg: .*unknown key", '"org"'),
        ("[hubb]\n", "hubb", '"hub"'),
        ("hub = 3\n", "hub: expected a mapping", ""),
        ("[server]\nport = 'x'\n", r"server\.port: expected a whole number", ""),
        ("[hub]\nid_horizon = '35'\n", r"hub\.id_horizon: expected a duration", ""),
        ("[hub]\nid_horizon = '0d'\n", "above zero", ""),
        ("[limits]\nrequest = 'much'\n", "256 MiB", ""),
        ("[hub]\nclock = 'soon'\n", r"hub\.clock: expected a time", ""),
        (PEOPLE.replace("delta", "delt"), r"people\.customers\.delt", '"delta"'),
        (PEOPLE.replace('"1e-6"', '"1"'), "below 1", ""),
        (PEOPLE.replace('"30d"', '"1d"'), r"people\.customers\.per", ""),
        (PEOPLE.replace('"7d"', '"6d"'), r"people\.customers\.block: expected one of 1h, 1d, 7d", ""),
        (PEOPLE.replace('per = "30d"\n', ""), r"people\.customers\.per", "Add per"),
        ("[hub\n", "not TOML", ""),
    ],
)
def test_what_is_wrong_is_named(text: str, where: str, advice: str) -> None:
    with pytest.raises(BadInput, match=where) as caught:
        parse(text, environ={})
    assert advice in caught.value.advice


def test_a_wrong_environment_is_named_too() -> None:
    with pytest.raises(BadInput, match="the environment: BAILIWICK_SERVER_PORT"):
        parse("", environ={"BAILIWICK_SERVER_PORT": "none"})


def test_the_file_that_init_writes_is_read_back(tmp_path: Path) -> None:
    text = render_default('Bank "of" Examples')
    assert parse(text, environ={}).org == 'Bank "of" Examples'
    without_comments = text.replace("\n# ", "\n")
    for setting in SETTINGS:
        assert f"\n{setting.key.partition('.')[2]} = " in without_comments
        assert setting.help in text
    (tmp_path / "bailiwick.toml").write_text(text, encoding="utf-8")
    assert load(tmp_path, {}).port == 8501


def test_no_hub_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no hub") as caught:
        load(tmp_path / "nowhere", {})
    assert "bailiwick init" in caught.value.advice


def test_connectors_keep_their_own_options() -> None:
    config = parse('[sinks.inbox]\nkind = "folder"\npath = "notices"\n[executors.local]\n', environ={})
    assert config.sinks["inbox"].kind == "folder" and config.sinks["inbox"].options == {"path": "notices"}
    assert config.executors["local"].kind == "local"


def test_secrets_are_references(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n", encoding="utf-8")
    assert resolve_secret("env:A", environ={"A": "x"}, folder=tmp_path) == "x"
    assert resolve_secret("file:token", environ={}, folder=tmp_path) == "s3cret"
    for reference in ("env:B", "file:none", "s3cret", "env:"):
        with pytest.raises(BadInput) as caught:
            resolve_secret(reference, environ={}, folder=tmp_path)
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31)),
        ("2026-01-31T06:00", datetime(2026, 1, 31, 6)),
        ("2026-01-31 06:00:00.5+02:00", datetime(2026, 1, 31, 4, 0, 0, 500000)),
        ("2026-01-31t06:00:00z", datetime(2026, 1, 31, 6)),
    ],
)
def test_times_become_utc(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment
    assert parse_time(format_time(moment)) == moment


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", "20260131", "2026-01", "0001-01-01T00:00+02:00", "31.1.2026"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_time(text)
