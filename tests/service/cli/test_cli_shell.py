"""The shell around the commands: fast help, one error shape, exit codes, and the hub through its server."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer

from service.cli import output, remote
from service.cli.app import COMMANDS, root_app, run
from service.cli.context import Call, calling, read_call
from service.wiring import open_hub
from store.errors import BadInput

ROOT = Path(__file__).parents[3]
HEAVY = ("duckdb", "pyarrow", "numpy", "yaml", "rich", "httpx", "streamlit", "evidently", "fairlearn", "opendp")
CONTRACT = {
    "init": [],
    "serve": [],
    "site": ["add", "list", "show", "token"],
    "model": ["add", "list", "show", "explain", "infer", "export"],
    "ingest": [],
    "quarantine": ["list", "show", "retry"],
    "summarise": [],
    "monitor": [],
    "results": [],
    "alerts": ["list", "show", "ack", "assign", "snooze", "resolve"],
    "check": [],
    "evidently": [],
    "retrain": ["request", "approve", "reject", "list", "show"],
    "report": ["build", "verify"],
    "audit": ["list", "verify", "checkpoint", "export"],
    "access": ["explain"],
    "backup": [],
    "restore": [],
    "config": ["show"],
    "doctor": [],
    "demo": ["tamper"],
}


class Said:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def bailiwick(folder: Path, *argv: str, **environ: str) -> Said:
    """Runs the command line in this process, as `main` does."""
    out, err = io.StringIO(), io.StringIO()
    this = read_call(argv, cwd=folder, environ=environ)
    with output.speaking(output.Streams(out, err, this.as_json)), calling(this):
        code = run(this)
    return Said(code, out.getvalue(), err.getvalue())


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    assert bailiwick(tmp_path, "init", "--org", "Bank").code == 0
    return tmp_path


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from service.cli.app import main\n"
        "sys.argv = ['bailiwick', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print('heavy', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "heavy []" in done.stdout, done.stdout
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", done.stdout, re.MULTILINE)
    for option in ("--hub DIR", "--as USER", "--json"):
        assert option in done.stdout


def test_every_command_of_the_contract_is_there() -> None:
    root = typer.main.get_command(root_app)
    for name, inner in CONTRACT.items():
        made = root.get_command(None, name)  # type: ignore[attr-defined]  # a group
        assert made is not None
        assert set(inner) <= set(getattr(made, "commands", {})), name


def _all_commands() -> Iterator[tuple[str, ...]]:
    root: Any = typer.main.get_command(root_app)
    for name in COMMANDS:
        made = root.get_command(None, name)
        inner = getattr(made, "commands", None)
        yield from ((name, each) for each in inner) if inner else ((name,),)


@pytest.mark.parametrize("words", list(_all_commands()), ids=" ".join)
def test_every_help_has_an_example_and_the_common_options(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bailiwick(tmp_path, *words, "--help").code == 0
    told = capsys.readouterr().out
    assert f"Example: bailiwick {' '.join(words)}" in " ".join(told.split())
    assert "--hub DIR" in told and "--as USER" in told and "--json" in told


@pytest.mark.parametrize(
    ("argv", "advice"),
    [
        (("sites",), '"site"'),
        (("site", "ad"), '"add"'),
        (("site", "add"), "bailiwick site add --help"),
        (("site", "add", "x", "--colour", "red"), "bailiwick site add --help"),
        (("site",), "bailiwick site --help"),
        (("monitor", "--from", "soon"), "2026-01-31"),
        (("results", "--model", "m:"), "M:V"),
    ],
)
def test_wrong_usage_is_exit_2_with_one_shape(argv: tuple[str, ...], advice: str, hub: Path) -> None:
    said = bailiwick(hub, *argv, "--json")
    assert said.code == 2
    error = said.json["error"]
    assert set(error) == {"code", "message", "advice", "details"}
    assert error["code"] in ("bad_input", "unknown_name") and advice in error["advice"]
    assert error["message"] in said.err
    plain = bailiwick(hub, *argv)
    assert plain.code == 2 and plain.out == "" and "Traceback" not in plain.err


def test_no_hub_is_exit_2(tmp_path: Path) -> None:
    said = bailiwick(tmp_path, "site", "list", "--json")
    assert said.code == 2 and "bailiwick init" in said.json["error"]["advice"]


def test_not_permitted_is_exit_3(hub: Path) -> None:
    (hub / "password").write_text("a long enough password\n", encoding="utf-8")
    added = bailiwick(hub, "user", "add", "rex", "--role", "regulator", "--password-file", "password", "--json")
    assert added.code == 0, added.err
    said = bailiwick(hub, "site", "add", "x", "--as", "rex", "--json")
    assert said.code == 3 and said.json["error"]["code"] == "not_permitted"
    assert bailiwick(hub, "access", "explain", "rex", "site:write").code == 1
    assert bailiwick(hub, "access", "explain", "rex", "report:read").code == 0
    assert bailiwick(hub, "site", "list", "--as", "nobody").code == 2


def test_a_token_acts_as_its_site(hub: Path) -> None:
    assert bailiwick(hub, "site", "add", "s").code == 0
    token = bailiwick(hub, "site", "token", "s", "--json").json["token"]
    assert bailiwick(hub, "site", "add", "t", BAILIWICK_TOKEN=token).code == 3
    assert bailiwick(hub, "site", "list", BAILIWICK_TOKEN="wrong").code == 3


def test_a_locked_hub_is_exit_4(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.cli.context.PATIENCE_S", 0.2)
    script = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(hub / "hub" / "hub.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        said = bailiwick(hub, "site", "list", "--json")
        assert said.code == 4 and said.json["error"]["details"]["pid"] == holder.pid
    finally:
        holder.communicate("\n")


def test_a_mistake_of_ours_is_exit_5_without_a_traceback(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("service.commands.sites.add_site", broken)
    said = bailiwick(hub, "site", "add", "x", "--json")
    assert said.code == 5 and said.json["error"]["code"] == "internal"
    assert "Traceback" not in said.err
    assert "Traceback" in bailiwick(hub, "site", "add", "x", BAILIWICK_DEBUG="1").err


def test_lists_print_one_key(hub: Path) -> None:
    for argv, key in (
        (("alerts", "list"), "alerts"),
        (("model", "list"), "models"),
        (("site", "list"), "sites"),
        (("results",), "results"),
        (("report", "list"), "reports"),
        (("quarantine", "list"), "quarantine"),
        (("retrain", "list"), "requests"),
    ):
        assert bailiwick(hub, *argv, "--json").json == {key: []}
        assert bailiwick(hub, *argv).out.strip()


def test_common_options_may_stand_anywhere(tmp_path: Path) -> None:
    for argv in (("--hub", "h", "site", "list"), ("site", "--hub=h", "list"), ("site", "list", "--hub", "h")):
        this = read_call(argv, cwd=tmp_path, environ={})
        assert this.hub_dir == tmp_path / "h" and this.rest == ["site", "list"]
    assert read_call(("x",), cwd=tmp_path, environ={"BAILIWICK_HUB": "e"}).hub_dir == tmp_path / "e"
    assert read_call(("x", "--", "--json"), cwd=tmp_path, environ={}).as_json is False
    with pytest.raises(BadInput):
        read_call(("site", "list", "--hub"), cwd=tmp_path, environ={})


def test_init_refuses_a_folder_that_holds_a_hub(hub: Path) -> None:
    assert bailiwick(hub, "init").code == 2


def test_config_show_tells_origins(hub: Path) -> None:
    rows = bailiwick(hub, "config", "show", "--json", BAILIWICK_SERVER_PORT="9000").json["settings"]
    told = {row["key"]: (row["value"], row["origin"]) for row in rows}
    assert told["hub.org"] == ("Bank", "bailiwick.toml")
    assert told["server.port"] == ("9000", "env BAILIWICK_SERVER_PORT")
    assert told["hub.id_horizon"] == ("35d", "default")


def test_check_never_passes_what_it_knows_nothing_of(hub: Path) -> None:
    said = bailiwick(hub, "check", "--json")
    assert said.code == 1 and said.json["problems"][0]["status"] == "no_data"
    assert bailiwick(hub, "check", "--allow", "no_data").code == 0
    assert bailiwick(hub, "check", "--allow", "nodata").code == 2
    assert bailiwick(hub, "check", "--model", "none").code == 2


def test_audit_verify_and_checkpoints(hub: Path) -> None:
    assert bailiwick(hub, "audit", "checkpoint", "-o", "kept").code == 0
    bailiwick(hub, "site", "add", "s")
    assert bailiwick(hub, "audit", "verify", "--data", "--against", "kept").code == 0
    kept = (hub / "kept").read_text(encoding="utf-8")
    said = bailiwick(hub, "audit", "verify", "--against", "kept").out
    assert "INTEGRITY: INTACT" in said and "COMPLETENESS: 1 of 1 sites silent" in said and "Last anchored today" in said
    (hub / "kept").write_text(kept.replace(kept.splitlines()[2], "A" * 43 + "="), encoding="utf-8")
    assert bailiwick(hub, "audit", "verify", "--against", "kept").code == 1
    assert bailiwick(hub, "audit", "export", "-o", "leaves").code == 0
    assert len((hub / "leaves").read_text(encoding="utf-8").splitlines()) == 3
    proof = bailiwick(hub, "audit", "proof", "1", "--json").json
    assert proof["seq"] == 1 and proof["path"]
    assert bailiwick(hub, "audit", "proof", "3", "--since", "2", "--json").json["size"] == 4
    assert bailiwick(hub, "audit", "proof", "999").code == 2
    rotated = bailiwick(hub, "audit", "rotate-key", "--json").json
    assert rotated["old"] != rotated["new"]
    (hub / "kept").write_text(kept, encoding="utf-8")
    verified = bailiwick(hub, "audit", "verify", "--against", "kept", "--root-key", rotated["old"], "--json")
    assert verified.code == 0 and verified.json["against"]["found"] == "grew"


def test_a_backup_makes_the_same_hub_without_its_keys(hub: Path) -> None:
    bailiwick(hub, "site", "add", "s", "--title", "North")
    made = bailiwick(hub, "backup", "copy.zip", "--json")
    assert made.code == 0, made.err
    assert bailiwick(hub, "backup", "copy.zip").code == 2
    restored = bailiwick(hub, "restore", "copy.zip", "--hub", "again", "--json")
    assert restored.code == 0 and restored.json["keys"] is False
    assert bailiwick(hub, "site", "list", "--hub", "again", "--json").json["sites"][0]["title"] == "North"
    old, new = ((hub / name / "keys" / "root.key").read_bytes() for name in ("hub", "again"))
    assert old != new
    assert bailiwick(hub, "restore", "copy.zip", "--hub", "again").code == 2
    (hub / "broken.zip").write_bytes((hub / "copy.zip").read_bytes()[:-100])
    assert bailiwick(hub, "restore", "broken.zip", "--hub", "third").code == 2
    assert not (hub / "third").exists()


# -- through a running server -----------------------------------------------------------------------------------


@contextmanager
def served(folder: Path) -> Iterator[None]:
    """A small HTTP server that holds the hub open and answers the command line, as `serve` does."""
    hub = open_hub(folder / "hub", environ={})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == remote.ROUTE and self.headers["Authorization"] == "Bearer secret"
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = json.dumps(remote.answer(hub, body)).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told = {"pid": 1, "address": f"http://127.0.0.1:{server.server_port}", "token": "secret"}
        (folder / "hub" / "run" / "server.json").write_text(json.dumps(told), encoding="utf-8")
        try:
            yield
        finally:
            server.shutdown()
            hub.close()


def test_a_call_goes_through_the_server_that_owns_the_file(hub: Path) -> None:
    with served(hub):
        assert bailiwick(hub, "site", "add", "s").code == 0
        said = bailiwick(hub, "site", "list", "--json")
        assert said.code == 0 and [site["site"] for site in said.json["sites"]] == ["s"]
        refused = bailiwick(hub, "site", "add", "s", "--json")
        assert refused.code == 2 and "already" in refused.json["error"]["message"]
        assert bailiwick(hub, "check").code == 1
        (hub / "m.yaml").write_text("name: m\nversion: 1\ncolumns: {inputs: [x]}\n", encoding="utf-8")
        assert bailiwick(hub, "model", "add", "m.yaml").code == 0
        assert bailiwick(hub, "audit", "checkpoint", "-o", "kept").code == 0
        assert (hub / "kept").exists()


def test_a_server_that_is_gone(hub: Path) -> None:
    record = hub / "hub" / "run" / "server.json"
    record.write_text(json.dumps({"pid": 1, "address": "http://127.0.0.1:9", "token": "x"}), encoding="utf-8")
    said = bailiwick(hub, "site", "list", "--json")
    assert said.code == 4 and said.json["error"]["code"] == "hub_unreachable"
    record.write_text(json.dumps({"pid": 2**22 - 1, "address": "x", "token": "x"}), encoding="utf-8")
    assert bailiwick(hub, "site", "list").code == 0, "a record left by a server that was killed counts as none"
    record.write_text("{", encoding="utf-8")
    assert bailiwick(hub, "site", "list").code == 4


def test_the_server_runs_nothing_that_is_not_for_it(hub: Path) -> None:
    inside = open_hub(hub / "hub", environ={})
    try:
        told = remote.answer(inside, {"argv": ["init", "--hub", "other"], "cwd": str(hub)})
        assert told["exit_code"] == 2 and not (hub / "other").exists()
    finally:
        inside.close()


def test_calls_do_not_see_each_other(tmp_path: Path) -> None:
    one, two = Call([], tmp_path, {}), Call([], tmp_path, {})
    one.answers["password"] = "x"
    assert two.answers == {}
