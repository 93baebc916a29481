"""The command line and a running server: one process owns the hub's file, so the other sends its call there.

A server leaves `HUB/run/server.json` (0600: pid, address, token). The client posts its arguments, its folder and what
the person typed to `/api/v1/local/cli`; `answer` runs the same command functions there, on the open hub, and gives
back exit code, stdout and stderr. The token makes the caller the owner of the hub's folder, as reading the file proves.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from service.cli import output
from service.cli.context import Call, calling, read_call
from store.errors import BadInput, HubUnreachable

if TYPE_CHECKING:
    from service.wiring import Hub

ROUTE = "/api/v1/local/cli"
CARRIED = ("BAILIWICK_TOKEN", "BAILIWICK_DEBUG")
"""The caller's environment as far as it says who acts and how to speak."""


@dataclass(frozen=True, slots=True)
class Server:
    pid: int
    address: str
    token: str


def running_server(hub_dir: Path) -> Server | None:
    """The server that owns this hub, if one is alive; a file left by one that was killed counts as none."""
    try:
        told = json.loads((hub_dir / "run" / "server.json").read_text(encoding="utf-8"))
        server = Server(int(told["pid"]), str(told["address"]), str(told["token"]))
        os.kill(server.pid, 0)
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
        return None
    except PermissionError as error:
        raise HubUnreachable(
            f"the hub in {hub_dir} is served by another user of this machine",
            advice="Use the console, or ask its owner.",
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HubUnreachable(
            f"{hub_dir}/run/server.json cannot be read: {error}",
            advice="If no server is running, remove that file and try again.",
        ) from error
    return server if server.pid != os.getpid() else None


def finish_there(server: Server, this: Call) -> NoReturn:
    """Has the server carry the call out, says what it said, and ends with its exit code."""
    import httpx
    import typer

    body = {
        "argv": this.argv,
        "cwd": str(this.cwd),
        "answers": this.answers,
        "environ": {name: this.environ[name] for name in CARRIED if name in this.environ},
        "width": shutil.get_terminal_size((200, 24)).columns,
    }
    address = reachable(server.address)
    try:
        # The server is on this machine: no proxy of the environment may stand between, and long work may take its time.
        with httpx.Client(trust_env=False, timeout=httpx.Timeout(None, connect=5.0)) as client:
            reply = client.post(address + ROUTE, json=body, headers={"Authorization": f"Bearer {server.token}"})
        reply.raise_for_status()
        told = reply.json()
    except (httpx.HTTPError, ValueError) as error:
        raise HubUnreachable(
            f"the server at {address} (process {server.pid}) does not answer: {error}",
            advice=f"Try again in a moment; or end process {server.pid} and remove {this.hub_dir}/run/server.json.",
        ) from error
    to = output.streams()
    to.out.write(told["stdout"])
    to.err.write(told["stderr"])
    raise typer.Exit(int(told["exit_code"]))


def reachable(address: str) -> str:
    """The URL of a server of this machine; one that listens everywhere is met at the loopback address."""
    plain = address.removeprefix("http://")
    host, _, port = plain.rpartition(":")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host.strip("[]"), host.strip("[]"))
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def answer(hub: Hub, body: Mapping[str, Any]) -> dict[str, Any]:
    """Carries out a call that came from the command line of this machine; runs in a thread of the server."""
    from service.cli.app import run

    argv, cwd, answers = body.get("argv"), body.get("cwd"), body.get("answers", {})
    environ = {name: value for name, value in dict(body.get("environ", {})).items() if name in CARRIED}
    if not isinstance(argv, list) or not all(isinstance(word, str) for word in argv) or not isinstance(cwd, str):
        raise BadInput("expected argv, a list of text, and cwd, a folder", advice="Use the bailiwick command.")
    this = read_call(argv, cwd=Path(cwd), environ=environ)
    this.hub, this.answers = hub, {str(name): str(text) for name, text in dict(answers).items()}
    out, err = io.StringIO(), io.StringIO()
    width = body.get("width")
    streams = output.Streams(out, err, this.as_json, width if isinstance(width, int) else None)
    with output.speaking(streams), calling(this):
        code = run(this)
    return {"exit_code": code, "stdout": out.getvalue(), "stderr": err.getvalue()}
