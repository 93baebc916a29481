"""The HTTP API: who gets what, one error shape, and an acknowledgement only after the commit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from asking import ask
from starlette.applications import Starlette
from world import MODEL, OWNER, SETTINGS, hub_on_disk, populate, row, rows_of, take, write_csv

from service.api import Api
from service.commands import COMMANDS, LOCAL_ONLY
from service.commands.models import add_model
from service.commands.monitoring import monitor
from service.commands.sites import add_site, issue_token
from service.commands.users import set_user
from service.gate import HEADER
from service.openapi import document
from service.wiring import Hub
from store.access import ROLES, Grant, Permission

LOCAL = "the local token"
LISTS = ("results", "alerts", "sites", "models", "reports", "receipts", "quarantine", "requests", "aside")
PASSWORD = "long enough for a test"
READS = {
    "sites": Permission.SITE_READ,
    "models": Permission.MODEL_READ,
    "receipts": Permission.SITE_READ,
    "results": Permission.MODEL_READ,
    "quarantine": Permission.QUARANTINE_READ,
}


@dataclass(frozen=True)
class Door:
    hub: Hub
    app: Starlette
    tokens: dict[str, str]

    def ask(self, method: str, path: str, *, token: str | None = None, user: str | None = None, **options: Any) -> Any:
        headers = {**options.pop("headers", {})}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if user is not None:
            headers[HEADER.decode()] = user  # the gate alone sets it: tests/service/test_gate.py
        return ask(self.app, method, path, headers=headers, **options)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("api")
    hub = hub_on_disk(folder / "hub", settings=SETTINGS + '\n[limits]\nrequest = "64 KiB"\n')
    populate(hub, sites=(("cloud", "rows"), ("second", "rows"), ("branch", "counts")))
    broken = [row(n) for n in range(60)] + [row(60, at="soon")]
    take(hub, write_csv(folder / "first.csv", broken))
    monitor(hub, OWNER)
    for role in ROLES:
        set_user(hub, OWNER, name=role, password=PASSWORD, grants=[Grant(role)])
    set_user(hub, OWNER, name="north", password=PASSWORD, grants=[Grant("data", site="second")])
    set_user(hub, OWNER, name="gone", password=PASSWORD, grants=[Grant("admin")], disabled=True)
    tokens = {site: issue_token(hub, OWNER, site=site)["token"] for site in ("cloud", "second", "branch")}
    yield Door(hub, Starlette(routes=list(Api(hub, LOCAL).routes())), tokens)
    hub.close()


def told(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The one error shape."""
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert set(body) == {"error"} and set(body["error"]) == {"code", "message", "advice", "details"}
    assert body["error"]["code"] == code and isinstance(body["error"]["details"], dict)
    return body


# -- who ------------------------------------------------------------------


@pytest.mark.parametrize("path", [*LISTS, "metrics"])
def test_nobody_reads_without_saying_who(door: Door, path: str) -> None:
    for asked in ({}, {"token": "bwt_guessed"}, {"user": "stranger"}, {"user": "gone"}, {"token": ""}):
        told(door.ask("GET", f"/api/v1/{path}", **asked), 401, "unauthenticated")
    basic = door.ask("GET", f"/api/v1/{path}", headers={"authorization": "Basic YTpi"})
    told(basic, 401, "unauthenticated")


@pytest.mark.parametrize("path", ["/health", "/ready", "/api/v1/health", "/api/v1/ready", "/api/v1/openapi.json"])
def test_what_anyone_may_ask(door: Door, path: str) -> None:
    assert door.ask("GET", path).status_code == 200


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("name", sorted(READS))
def test_each_role_reads_what_it_may(door: Door, role: str, name: str) -> None:
    answer = door.ask("GET", f"/api/v1/{name}", user=role)
    assert answer.status_code == 200 and set(answer.json()) == {name}
    assert bool(answer.json()[name]) == (READS[name] in ROLES[role])


def test_a_grant_on_one_site_shows_that_site_alone(door: Door) -> None:
    assert [site["site"] for site in door.ask("GET", "/api/v1/sites", user="north").json()["sites"]] == ["second"]
    for name in ("receipts", "results", "quarantine"):
        assert door.ask("GET", f"/api/v1/{name}", user="north").json() == {name: []}
        assert door.ask("GET", f"/api/v1/{name}?site=cloud", user="north").json() == {name: []}


def test_a_site_token_reads_nothing(door: Door) -> None:
    for name in LISTS:
        assert door.ask("GET", f"/api/v1/{name}", token=door.tokens["cloud"]).json() == {name: []}


COMMAND_PERMISSIONS = {
    "add_site": ({"name": "newer", "kind": "nowhere"}, Permission.SITE_WRITE),
    "issue_token": ({"site": "nowhere"}, Permission.SITE_WRITE),
    "add_model": ({"text": MODEL, "source": "x"}, Permission.MODEL_WRITE),
    "export_model": ({"name": "loan"}, Permission.MODEL_READ),
    "monitor": ({"dry_run": True}, Permission.MONITOR_RUN),
    "build_report": (
        {"pack": "none", "model": "loan", "start": "2026-10-01", "end": "2026-10-01"},
        Permission.REPORT_BUILD,
    ),
    "verify_audit": ({}, Permission.AUDIT_READ),
}


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("name", sorted(COMMAND_PERMISSIONS))
def test_each_role_does_what_it_may(door: Door, role: str, name: str) -> None:
    body, permission = COMMAND_PERMISSIONS[name]
    before = door.hub.store.reads(OWNER).seq
    answer = door.ask("POST", f"/api/v1/commands/{name}", user=role, json=body)
    if permission in ROLES[role]:
        assert answer.status_code != 403, answer.text
    else:
        error = told(answer, 403, "not_permitted")["error"]
        assert error["details"]["permission"] == str(permission) and role in error["message"]
    assert door.hub.store.reads(OWNER).seq == before


def test_a_form_of_another_site_cannot_use_a_session(door: Door) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    answer = door.ask("POST", "/api/v1/commands/verify_audit", user="admin", json={}, headers=headers)
    told(answer, 401, "unauthenticated")
    own = {"sec-fetch-site": "same-origin"}
    assert door.ask("POST", "/api/v1/commands/verify_audit", user="admin", json={}, headers=own).json()["holds"]


def test_the_local_door_is_for_the_local_token_alone(door: Door) -> None:
    body = {"argv": ["site", "list", "--json"], "cwd": "/", "environ": {}}
    for asked in ({}, {"token": door.tokens["cloud"]}, {"user": "admin"}):
        told(door.ask("POST", "/api/v1/local/cli", json=body, **asked), 401, "unauthenticated")


# -- batches ---------------------------------------------------------------


def send(door: Door, site: str, content: bytes, *, token: str | None = None, query: str = "?model=loan") -> Any:
    return door.ask("POST", f"/api/v1/sites/{site}/batches{query}", token=token or door.tokens[site], content=content)


def as_csv(tmp_path: Path, first: int, last: int) -> bytes:
    return write_csv(tmp_path / "a.csv", rows_of(first, last)).read_bytes()


def test_a_batch_is_201_once_and_200_again(door: Door, tmp_path: Path) -> None:
    content = as_csv(tmp_path, 1000, 1010)
    first = send(door, "cloud", content)
    assert first.status_code == 201 and first.json()["kept"] == 10 and first.json()["repeated"] is False
    again = send(door, "cloud", content)
    assert again.status_code == 200 and again.json()["repeated"] is True and again.json()["seq"] == first.json()["seq"]
    assert door.hub.store.reads(OWNER).receipts(site="cloud")[0]["seq"] == first.json()["seq"]
    assert not list((door.hub.folder / "spool").iterdir())


def test_a_key_names_one_batch(door: Door, tmp_path: Path) -> None:
    def under(key: str, content: bytes, query: str = "?model=loan") -> Any:
        headers = {"idempotency-key": key}
        path = f"/api/v1/sites/cloud/batches{query}"
        return door.ask("POST", path, token=door.tokens["cloud"], content=content, headers=headers)

    content, other = as_csv(tmp_path, 1400, 1404), as_csv(tmp_path, 1404, 1406)
    first = under("monday", content)
    again = under("monday", content)
    assert (first.status_code, again.status_code) == (201, 200)
    assert {**first.json(), "repeated": True} == again.json()
    before = door.hub.store.reads(OWNER).seq
    refused = told(under("monday", other), 409, "refused")["error"]
    assert refused["details"]["batch"] == first.json()["batch"] and "Idempotency-Key" in refused["message"]
    told(under("monday", content, "?model=loan&kind=labels"), 409, "refused")
    assert door.hub.store.reads(OWNER).seq == before
    assert under("tuesday", other).status_code == 201
    assert door.hub.store.reads(OWNER).verify_trail(data=True).holds


def test_json_lines_are_told_by_their_beginning(door: Door) -> None:
    lines = "\n".join(json.dumps(row(n)) for n in range(1100, 1105)).encode()
    assert send(door, "cloud", lines).json()["format"] == "jsonl"


def test_a_token_speaks_for_its_own_site_alone(door: Door, tmp_path: Path) -> None:
    content = as_csv(tmp_path, 1200, 1203)
    told(send(door, "cloud", content, token=door.tokens["second"]), 403, "not_permitted")
    told(send(door, "cloud", content, token="bwt_guessed"), 401, "unauthenticated")
    told(send(door, "branch", content), 403, "not_permitted")
    told(send(door, "cloud", content, query="?model=loan&kind=reference"), 403, "not_permitted")


def test_rows_of_a_model_that_nobody_added_are_kept_aside(door: Door, tmp_path: Path) -> None:
    content = as_csv(tmp_path, 1250, 1253)
    answer = send(door, "cloud", content, query="?model=lona")
    assert answer.status_code == 202 and (answer.json()["model"], answer.json()["rows"]) == ("lona", 3)
    again = send(door, "cloud", content, query="?model=lona")
    assert again.status_code == 202 and again.json() == {**answer.json(), "repeated": True}
    listed = door.ask("GET", "/api/v1/aside", user="data").json()["aside"]
    assert [(one["site"], one["model"], one["source"]) for one in listed] == [
        ("cloud", "lona", answer.json()["source"])
    ]


def test_what_is_wrong_with_a_batch_is_said_in_the_one_shape(door: Door, tmp_path: Path) -> None:
    content = as_csv(tmp_path, 1300, 1303)
    told(send(door, "cloud", content, query="?model=loan&kind=rows"), 400, "bad_input")
    told(send(door, "cloud", b"a,b\n1,2\n"), 400, "bad_input")
    told(send(door, "nowhere", content, token=door.tokens["cloud"]), 403, "not_permitted")
    message = told(send(door, "cloud", b"x" * (64 * 1024 + 1)), 400, "bad_input")["error"]["message"]
    assert "larger than 65536 bytes" in message
    assert not list((door.hub.folder / "spool").iterdir())


# -- commands and lists ------------------------------------------------------


@pytest.mark.parametrize("name", ["nothing", *sorted(LOCAL_ONLY), "__class__"])
def test_what_is_no_command_over_http(door: Door, name: str) -> None:
    told(door.ask("POST", f"/api/v1/commands/{name}", user="admin", json={}), 400, "bad_input")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("verify_audit", {"dta": True}),
        ("verify_audit", {"data": "yes"}),
        ("verify_audit", []),
        ("add_site", {}),
        ("add_site", {"name": 5}),
        ("add_site", {"name": "x y"}),
        ("add_site", {"name": "fine", "contact_window": "soon"}),
        ("snooze_alert", {"id": "alert_x", "until": "soon", "reason": "r"}),
        ("build_report", {"pack": "general", "model": "loan", "start": "2026-10-02", "end": "2026-10-01"}),
    ],
)
def test_arguments_that_do_not_fit(door: Door, name: str, body: Any) -> None:
    told(door.ask("POST", f"/api/v1/commands/{name}", user="admin", json=body), 400, "bad_input")


def test_an_unknown_name_is_404(door: Door) -> None:
    body = {"pack": "nonsense", "model": "loan", "start": "2026-10-01", "end": "2026-10-02"}
    told(door.ask("POST", "/api/v1/commands/build_report", user="admin", json=body), 404, "unknown_name")
    told(door.ask("POST", "/api/v1/commands/acknowledge_alert", user="admin", json={"id": "x"}), 404, "unknown_name")


def test_a_body_that_is_no_json(door: Door) -> None:
    told(door.ask("POST", "/api/v1/commands/verify_audit", user="admin", content=b"{"), 400, "bad_input")
    told(door.ask("POST", "/api/v1/local/cli", token=LOCAL, content=b"{"), 400, "bad_input")


def test_no_file_of_the_machine_is_read_for_somebody_else(door: Door, tmp_path: Path) -> None:
    """A model file may name its reference; over HTTP that would be any file that the server can read."""
    secret = tmp_path / "secret.csv"
    secret.write_text("income,purpose\nTOP-SECRET,car\n", encoding="utf-8")
    text = MODEL.replace("name: loan", "name: prying") + f"reference: {{file: {secret}}}\n"
    body = {"text": text, "source": "prying.yaml"}
    door.ask("POST", "/api/v1/commands/add_model", user="data", json=body)
    assert "TOP-SECRET" not in door.ask("GET", "/api/v1/quarantine", user="data").text
    assert door.hub.store.reads(OWNER).receipts(model="prying") == []
    told(
        door.ask("POST", "/api/v1/commands/add_model", user="data", json={**body, "folder": "/"}), 403, "not_permitted"
    )


@pytest.mark.parametrize("name", LISTS)
def test_an_unknown_filter_is_named(door: Door, name: str) -> None:
    assert (
        "colour"
        in told(door.ask("GET", f"/api/v1/{name}?colour=red", user="admin"), 400, "bad_input")["error"]["message"]
    )


def test_filters_filter(door: Door) -> None:
    assert door.ask("GET", "/api/v1/receipts?site=nowhere", user="admin").json() == {"receipts": []}
    assert len(door.ask("GET", "/api/v1/receipts?site=cloud&limit=1", user="admin").json()["receipts"]) == 1
    told(door.ask("GET", "/api/v1/receipts?limit=many", user="admin"), 400, "bad_input")
    found = door.ask("GET", "/api/v1/results?monitor=fairness", user="admin").json()["results"]
    assert found and {result["monitor"] for result in found} == {"fairness"}
    assert found[0]["known_at"].endswith("Z") and "window" in found[0]


def test_metrics_show_a_viewer_their_own_sites(door: Door) -> None:
    assert 'site="cloud"' in door.ask("GET", "/api/v1/metrics", user="admin").text
    assert 'site="cloud"' not in door.ask("GET", "/api/v1/metrics", user="north").text


def test_the_document_names_every_command_and_no_local_one(door: Door) -> None:
    paths = document()["paths"]
    named = {path.rpartition("/")[2] for path in paths if "/commands/" in path}
    assert named == set(COMMANDS) - LOCAL_ONLY
    served = {getattr(route, "path", "") for route in door.app.routes}
    assert {path for path in paths if "/commands/" not in path} <= served


def test_a_token_is_stored_as_its_hash_alone(door: Door) -> None:
    add_site(door.hub, OWNER, name="fresh")
    token = issue_token(door.hub, OWNER, site="fresh")["token"]
    assert token not in str(door.hub.store.cursor().execute("SELECT * FROM token_version").fetchall())
    add_model(door.hub, OWNER, text=MODEL, source="again.yaml")
