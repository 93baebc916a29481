"""Sessions end, wrong passwords are slowed down, passwords are kept as scrypt and tokens as hashes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from world import NOW, OWNER, hub_on_disk, viewer_with

from service.commands.sites import add_site, issue_token
from service.commands.users import hash_password, password_matches, set_user
from service.identity import PAUSE, TRIES, Sessions, has_accounts, viewer_named, viewer_of_token
from service.wiring import Hub
from store.access import Grant
from store.errors import BadInput, NotPermitted, Refused

PASSWORD = "long enough for a test"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = hub_on_disk(tmp_path / "hub")
    set_user(made, OWNER, name="anna", password=PASSWORD, grants=[Grant("data", site="north")])
    yield made
    made.close()


@pytest.fixture
def sessions() -> Sessions:
    numbers = iter(range(100))
    return Sessions(random_text=lambda: f"opaque-{next(numbers)}", lasts=timedelta(hours=8))


def test_a_session_lasts_its_time_and_no_longer(hub: Hub, sessions: Sessions) -> None:
    id_ = sessions.sign_in(hub, "anna", PASSWORD, now=NOW)
    assert sessions.name_of(id_, now=NOW + timedelta(hours=7, minutes=59)) == "anna"
    assert sessions.name_of(id_, now=NOW + timedelta(hours=8)) is None
    assert sessions.name_of("opaque-99", now=NOW) is None and sessions.name_of("", now=NOW) is None


def test_signing_out_ends_that_session_alone(hub: Hub, sessions: Sessions) -> None:
    first, second = (sessions.sign_in(hub, "anna", PASSWORD, now=NOW) for _ in range(2))
    sessions.sign_out(first)
    sessions.sign_out("never there")
    assert sessions.name_of(first, now=NOW) is None and sessions.name_of(second, now=NOW) == "anna"


def test_an_id_is_not_kept_as_it_is(hub: Hub, sessions: Sessions) -> None:
    id_ = sessions.sign_in(hub, "anna", PASSWORD, now=NOW)
    assert id_ not in str(vars(sessions)["_held"])


def test_wrong_passwords_are_slowed_down_by_name(hub: Hub, sessions: Sessions) -> None:
    for _ in range(TRIES):
        with pytest.raises(NotPermitted, match="the name or the password is wrong"):
            sessions.sign_in(hub, "anna", "wrong", now=NOW)
    with pytest.raises(Refused, match="too many"):
        sessions.sign_in(hub, "anna", PASSWORD, now=NOW + PAUSE - timedelta(seconds=1))
    assert sessions.sign_in(hub, "anna", PASSWORD, now=NOW + PAUSE)


def test_an_unknown_name_gets_the_same_answer(hub: Hub, sessions: Sessions) -> None:
    set_user(hub, OWNER, name="gone", password=PASSWORD, grants=[Grant("admin")], disabled=True)
    told = set()
    for name in ("anna", "stranger", "gone", ""):
        with pytest.raises(NotPermitted) as caught:
            sessions.sign_in(hub, name, PASSWORD if name == "gone" else "wrong", now=NOW)
        told.add((caught.value.message, caught.value.advice))
    assert len(told) == 1


def test_what_is_granted_later_counts_at_once_and_who_is_disabled_is_out(hub: Hub) -> None:
    set_user(hub, OWNER, name="anna", password=PASSWORD, grants=[Grant("compliance")])
    anna = viewer_named(hub, "anna")
    assert anna is not None and anna.grants == (Grant("compliance"),)
    set_user(hub, OWNER, name="anna", password=PASSWORD, grants=[], disabled=True)
    assert viewer_named(hub, "anna") is None
    assert has_accounts(hub), "the last account gone, whoever comes by must not be taken for the folder's owner"


def test_a_disabled_account_loses_its_sessions(hub: Hub, sessions: Sessions) -> None:
    id_ = sessions.sign_in(hub, "anna", PASSWORD, now=NOW)
    set_user(hub, OWNER, name="anna", password=PASSWORD, grants=[Grant("data")], disabled=True)
    name = sessions.name_of(id_, now=NOW)
    assert name is None or viewer_named(hub, name) is None


def test_a_token_speaks_for_its_site(hub: Hub) -> None:
    add_site(hub, OWNER, name="north")
    token = issue_token(hub, OWNER, site="north")["token"]
    viewer = viewer_of_token(hub, token)
    assert viewer is not None and viewer.grants == (Grant("site-token", site="north"),)
    assert viewer_of_token(hub, token[:-1]) is None and viewer_of_token(hub, "") is None


def test_passwords_are_scrypt_with_a_salt_of_their_own(hub: Hub) -> None:
    one, other = (hash_password(PASSWORD, salt=salt * 16) for salt in (b"a", b"b"))
    assert one.startswith("scrypt$16384$8$1$") and one != other and PASSWORD not in one
    assert password_matches(PASSWORD, one) and password_matches(PASSWORD, other)
    assert not password_matches(PASSWORD + " ", one) and not password_matches("", one)
    for broken in ("", "scrypt$1$2", "md5$16384$8$1$YQ==$YQ==", "scrypt$x$8$1$YQ==$YQ==", "scrypt$16384$8$1$!$!"):
        assert not password_matches(PASSWORD, broken)
    stored = str(hub.store.cursor().execute("SELECT * FROM user_version").fetchall())
    assert PASSWORD not in stored
    leaves = str(hub.store.cursor().execute("SELECT leaf FROM audit_leaf").fetchall())
    assert "anna" not in leaves
    assert all("password" not in user for user in hub.store.reads(OWNER).users())


@pytest.mark.parametrize("name", ["", "  ", "local:root", "x" * 101])
def test_names_that_cannot_be(hub: Hub, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be an account's name"):
        set_user(hub, OWNER, name=name, password=PASSWORD, grants=[])


def test_who_may_make_accounts(hub: Hub) -> None:
    for role in ("data", "compliance", "auditor", "regulator"):
        with pytest.raises(NotPermitted):
            set_user(hub, viewer_with(Grant(role)), name="x", password=PASSWORD, grants=[Grant("admin")])
    with pytest.raises(BadInput, match="shorter"):
        set_user(hub, OWNER, name="x", password="short", grants=[])
    with pytest.raises(BadInput, match="no role called"):
        set_user(hub, OWNER, name="x", password=PASSWORD, grants=[Grant("emperor")])
