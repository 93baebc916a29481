"""The call at hand: which hub, who acts, from which folder; and opening the hub, here or through its running server.

`--hub`, `--as` and `--json` belong to every command and may stand anywhere; they are taken out before Typer reads the
rest. A command opens the hub with `opened()`: where a server owns the hub's file, the whole call is sent to it and
ends there.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.errors import BadInput, HubLocked, NotPermitted, Refused, UnknownName

if TYPE_CHECKING:
    from service.wiring import Hub
    from store.access import Viewer

COMMON_OPTIONS = (
    ("--hub DIR", "The hub's folder; BAILIWICK_HUB, else ./hub."),
    ("--as USER", "Act as this user; or as the site whose token is in BAILIWICK_TOKEN."),
    ("--json", "Print one JSON document, errors too."),
)
PATIENCE_S = 3.0
"""How long a command waits for another one that has the hub's file open."""


@dataclass(slots=True)
class Call:
    argv: list[str]
    """As it was given, common options and all."""
    cwd: Path
    environ: Mapping[str, str]
    hub_dir: Path = Path("hub")
    as_user: str | None = None
    as_json: bool = False
    rest: list[str] = field(default_factory=list)
    """argv without the common options."""
    hub: Hub | None = None
    """Set inside a server: the hub that is open there."""
    answers: dict[str, str] = field(default_factory=dict)
    """What the person typed where a command asked."""


_call: ContextVar[Call] = ContextVar("call")


def call() -> Call:
    return _call.get()


@contextmanager
def calling(this: Call) -> Iterator[None]:
    mark = _call.set(this)
    try:
        yield
    finally:
        _call.reset(mark)


def read_call(argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str]) -> Call:
    """Takes the common options out of the arguments; raises BadInput where one lacks its value."""
    out = Call(argv=list(argv), cwd=cwd, environ=environ)
    hub = environ.get("BAILIWICK_HUB") or "hub"
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if word == "--":
            out.rest += [word, *words]
        elif word == "--json":
            out.as_json = True
        elif name in ("--hub", "--as"):
            given = value if equals else next(words, "")
            if not given or (not equals and given.startswith("-")):
                out.as_json = out.as_json or "--json" in argv
                wanted = "a folder" if name == "--hub" else "a user"
                raise BadInput(f"{name} needs {wanted}", advice="See bailiwick --help.")
            if name == "--hub":
                hub = given
            else:
                out.as_user = given
        else:
            out.rest.append(word)
    out.hub_dir = cwd / Path(hub).expanduser()
    return out


def here(path: Path | str) -> Path:
    """A path of the command line, which is relative to the caller's folder even when a server carries the call out."""
    return call().cwd / Path(path).expanduser()


def writable(path: Path | str) -> Path:
    """Where to write a file; raises BadInput before any work is done for a file that could not be written."""
    target = here(path)
    if target.is_dir():
        raise BadInput(f"{target} is a folder", advice="Name a file.")
    if not target.parent.is_dir():
        raise BadInput(f"{target.parent}: no such folder", advice="Make it first.")
    return target


def local_only(what: str) -> None:
    """For commands that a running server cannot carry out for somebody else."""
    if call().hub is not None:
        raise Refused(f"{what} cannot run inside the server", advice="Stop `bailiwick serve` first.")


def ask_secret(name: str, prompt: str, *, confirm: bool = False) -> str:
    """Something secret that a person types; asked once, at the terminal where they sit."""
    this = call()
    if name not in this.answers:
        import sys

        import typer

        if not sys.stdin.isatty():
            raise BadInput(f"{prompt}: there is no terminal to ask at", advice="Give it in a file; see --help.")
        this.answers[name] = typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    return this.answers[name]


# -- the hub ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Session:
    """An open hub and who acts on it."""

    hub: Hub
    viewer: Viewer

    @property
    def reads(self) -> Any:
        return self.hub.store.reads(self.viewer)


@contextmanager
def opened() -> Iterator[Session]:
    """The hub, open. Where its server is running, the call is carried out there and this does not return."""
    this = call()
    if this.hub is not None:
        yield Session(this.hub, _viewer(this.hub, this))
        return
    from service.cli import remote

    server = remote.running_server(this.hub_dir)
    if server is not None:
        remote.finish_there(server, this)
    hub = _open(this)
    try:
        yield Session(hub, _viewer(hub, this))
        _sign_when_due(hub)
    finally:
        hub.close()


def _sign_when_due(hub: Hub) -> None:
    """Without a server nobody else signs the trail; what hinders it does not undo what the command did."""
    from service.checkpoints import checkpoint_when_due
    from store.errors import BailiwickError

    try:
        checkpoint_when_due(hub)
    except BailiwickError as error:
        from service.cli.output import note

        note(f"The trail was not signed: {error.message}. {error.advice}")


def _open(this: Call) -> Hub:
    from service.wiring import open_hub

    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return open_hub(this.hub_dir, environ=this.environ)
        except HubLocked:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def _viewer(hub: Hub, this: Call) -> Viewer:
    """Who acts: a site by its token, else a user by name, else whoever owns the hub's folder."""
    from service.wiring import local_viewer
    from store.access import Grant, Viewer

    local = local_viewer()
    reads = hub.store.reads(local)
    token = this.environ.get("BAILIWICK_TOKEN")
    if token and not this.as_user:
        site = reads.token_site(hashlib.sha256(token.encode()).hexdigest())
        if site is None:
            raise NotPermitted("BAILIWICK_TOKEN is no token of this hub", advice="Ask for one: bailiwick site token S.")
        return Viewer(f"site:{site}", (Grant("site-token", site=site),))
    if hub.path is not None and os.geteuid() not in (0, hub.path.stat().st_uid):
        raise NotPermitted(
            f"the hub in {hub.path} belongs to another user of this machine",
            advice="Use the console, or a site's token in BAILIWICK_TOKEN.",
        )
    if not this.as_user:
        return local
    account = reads.account(this.as_user)
    if account is None:
        known = ", ".join(user["name"] for user in reads.users())
        raise UnknownName(f"nobody is called {this.as_user} here", advice=f"Known: {known or 'nobody yet'}.")
    viewer: Viewer = account[0]
    return viewer
