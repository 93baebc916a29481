"""Reads `bailiwick.toml`, once and strictly, into a `Config` that knows where each value came from.

An unknown key is an error with "did you mean"; every error names the file and the key. Secrets stand in the
file as references (`env:NAME`, `file:PATH`), never as values. The environment is a parameter:
`service/wiring.py` passes it in.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from connectors.limits import Limits
from service.connections import PullSettings, StoreSettings, read_pulls, read_store
from service.settings import BUDGET_KEYS, SETTINGS, Kind, Setting
from service.times import parse_time
from store.documents import Document
from store.durations import format_duration
from store.errors import BadInput, did_you_mean
from store.fields import Field, root

FILE = "bailiwick.toml"
BLOCKS = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7)}
_BYTES = re.compile(r"(\d{1,15})\s*(B|KiB|MiB|GiB)?")
_UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """A privacy budget, held once for all models and sites that draw on the same persons."""

    name: str
    epsilon: str
    """Decimal text, as are all numbers about privacy; exact as a Fraction."""
    delta: str
    per: timedelta
    block: timedelta

    @property
    def exact_epsilon(self) -> Fraction:
        return Fraction(self.epsilon)

    @property
    def exact_delta(self) -> Fraction:
        return Fraction(self.delta)

    def as_json(self) -> dict[str, str]:
        return {
            "epsilon": self.epsilon,
            "delta": self.delta,
            "per": format_duration(self.per),
            "block": format_duration(self.block),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """`[sinks.NAME]` or `[executors.NAME]`: which connector, and its own options as text."""

    name: str
    kind: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One line of `config show`."""

    key: str
    value: str | None
    origin: str
    """`default`, the file's name, or `env NAME`."""
    help: str


@dataclass(frozen=True, kw_only=True)
class Config:
    org: str
    clock: datetime | None
    """UTC without zone; None: the machine's clock."""
    contact_window: timedelta
    id_horizon: timedelta
    request_bytes: int
    limits: Limits
    """Of records and files that come in."""
    memory: int
    """Bytes that the hub's database may hold."""
    retrain_time: timedelta
    retrain_memory: int
    address: str
    port: int
    hosts: frozenset[str]
    """Names beside its own address under which the server answers."""
    session: timedelta
    monitor_every: timedelta
    checkpoint_events: int
    checkpoint_every: timedelta
    time_stamp: str | None = None
    """Address of an RFC 3161 server that dates signed reports."""
    people: Mapping[str, People] = field(default_factory=dict)
    sinks: Mapping[str, Connector] = field(default_factory=dict)
    executors: Mapping[str, Connector] = field(default_factory=dict)
    stores: Mapping[str, StoreSettings] = field(default_factory=dict)
    pulls: Mapping[str, PullSettings] = field(default_factory=dict)
    folder: Path | None = None
    """The hub's; None where the settings came from no hub."""
    shown: tuple[Shown, ...] = ()

    def budget(self, people: str) -> People:
        """The caps of these people; raises BadInput where `bailiwick.toml` names none."""
        if people not in self.people:
            raise BadInput(
                f"{FILE}: there is no [people.{people}]",
                advice=did_you_mean(people, self.people) or f"Add [people.{people}] with {', '.join(BUDGET_KEYS)}.",
            )
        return self.people[people]


def load(hub_dir: Path, environ: Mapping[str, str]) -> Config:
    """The configuration of a hub; raises BadInput where there is no hub or its file is not right."""
    path = hub_dir / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput(
            f"there is no hub in {hub_dir}: {path} is missing",
            advice="Make one with `bailiwick init`, or name another folder with --hub or BAILIWICK_HUB.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}", advice="Check its permissions and encoding.") from error
    return replace(parse(text, environ=environ, source=FILE), folder=hub_dir)


def parse(text: str, *, environ: Mapping[str, str], source: str = FILE) -> Config:
    """The configuration in a TOML text, with the environment standing above it."""
    try:
        document = tomllib.loads(text, parse_float=str)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInput(f"{source}: not TOML: {error}", advice="Mend the line that it names.") from error
    sections = sorted({setting.key.partition(".")[0] for setting in SETTINGS})
    tables = root(Document(source, _texts(document), {})).mapping(
        *sections, "people", "sinks", "executors", "stores", "pull"
    )
    written: dict[str, Field] = {}
    for section in sections:
        if section in tables:
            known = [s.key.partition(".")[2] for s in SETTINGS if s.key.startswith(f"{section}.")]
            written |= {f"{section}.{name}": item for name, item in tables[section].mapping(*known).items()}
    chosen = {setting.key: _choose(setting, written.get(setting.key), environ) for setting in SETTINGS}
    values = {key: found for key, (found, _) in chosen.items()}
    people = _named(tables, "people", _people)
    return Config(
        org=values["hub.org"],
        clock=values["hub.clock"],
        contact_window=values["hub.contact_window"],
        id_horizon=values["hub.id_horizon"],
        request_bytes=values["limits.request"],
        limits=Limits(**{name: values[f"limits.{name}"] for name in ("columns", "record", "depth", "expansion")}),
        memory=values["limits.memory"],
        retrain_time=values["limits.retrain_time"],
        retrain_memory=values["limits.retrain_memory"],
        address=values["server.address"],
        port=values["server.port"],
        hosts=frozenset(name.strip().lower() for name in values["server.hosts"].split(",") if name.strip()),
        session=values["server.session"],
        monitor_every=values["server.monitor_every"],
        checkpoint_events=values["trail.checkpoint_events"],
        checkpoint_every=values["trail.checkpoint_every"],
        time_stamp=values["reports.time_stamp"] or None,
        people=people,
        sinks=_named(tables, "sinks", _connector),
        executors=_named(tables, "executors", _connector),
        stores=_named(tables, "stores", read_store),
        pulls=read_pulls(tables["pull"]) if "pull" in tables else {},
        shown=(*(shown for _, shown in chosen.values()), *_shown_people(people, source)),
    )


def _texts(value: Any) -> Any:
    """TOML's own types as the text they were written in, so that one reader serves both formats."""
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


def _choose(setting: Setting, written: Field | None, environ: Mapping[str, str]) -> tuple[Any, Shown]:
    """The value that holds, and what `config show` says of it."""
    if setting.variable in environ:
        text = environ[setting.variable]
        held, origin = (
            Field(Document("the environment", None, {}), (setting.variable,), text),
            f"env {setting.variable}",
        )
    elif written is not None:
        held, origin = written, written.document.source
    elif setting.default is None:
        return None, Shown(key=setting.key, value=None, origin="default", help=setting.help)
    else:
        held, origin = Field(Document("the default", None, {}), (setting.key,), setting.default), "default"
    return _typed(setting, held), Shown(key=setting.key, value=held.raw(), origin=origin, help=setting.help)


def _typed(setting: Setting, held: Field) -> Any:
    if setting.kind is Kind.DURATION:
        duration = held.duration()
        if not duration:
            raise held.bad("a duration above zero")
        return duration
    if setting.kind is Kind.WHOLE:
        return held.whole(at_least=1)
    if setting.kind is Kind.TIME:
        try:
            return parse_time(held.raw())
        except BadInput as error:
            raise held.bad("a time such as 2026-11-02T06:00:00Z", advice=error.advice) from None
    if setting.kind is Kind.BYTES:
        size = _BYTES.fullmatch(held.raw())
        if not size or not int(size[1]):
            raise held.bad("a size such as 256 MiB")
        return int(size[1]) * _UNITS[size[2] or ""]
    if not held.raw().isprintable():
        raise held.bad("text without control characters")
    return held.raw()


def _named(tables: dict[str, Field], section: str, reading: Any) -> dict[str, Any]:
    if section not in tables:
        return {}
    found = tables[section].open_mapping()
    for name, item in found.items():
        Field(item.document, (section,), name).slug()
    return {name: reading(name, item) for name, item in found.items()}


def _people(name: str, table: Field) -> People:
    fields = table.mapping(*BUDGET_KEYS)
    for key in BUDGET_KEYS:
        if key not in fields:
            raise table.child(key, None).bad("a value", advice=f"Add {key}. {BUDGET_KEYS[key]}")
    people = People(
        name=name,
        epsilon=fields["epsilon"].exact(),
        delta=fields["delta"].exact(),
        per=fields["per"].duration(),
        block=BLOCKS[fields["block"].choice(BLOCKS)],
    )
    if people.exact_delta >= 1:
        raise fields["delta"].bad("a number below 1")
    if people.per < people.block or people.per % BLOCKS["1h"]:
        raise fields["per"].bad("whole hours, and at least one block")
    return people


def _connector(name: str, table: Field) -> Connector:
    fields = table.open_mapping()
    kind = fields["kind"].slug() if "kind" in fields else name
    return Connector(name=name, kind=kind, options={key: item.value for key, item in fields.items() if key != "kind"})


def _shown_people(people: Mapping[str, People], source: str) -> list[Shown]:
    return [
        Shown(key=f"people.{name}.{key}", value=value, origin=source, help=BUDGET_KEYS[key])
        for name, budget in people.items()
        for key, value in budget.as_json().items()
    ]


def resolve_secret(reference: str, *, environ: Mapping[str, str], folder: Path) -> str:
    """The secret that `env:NAME` or `file:PATH` refers to; PATH is relative to the hub's folder."""
    kind, _, rest = reference.partition(":")
    if kind == "env" and rest:
        if rest not in environ:
            raise BadInput(f"the environment has no {rest}", advice=f"Set {rest}, or refer to a file with file:PATH.")
        return environ[rest]
    if kind == "file" and rest:
        try:
            return (folder / rest).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise BadInput(f"the secret's file cannot be read: {error}", advice="Check its path and mode.") from error
    raise BadInput("a secret is written as a reference", advice="Write env:NAME or file:PATH, never the secret itself.")


def render_default(org: str) -> str:
    """The `bailiwick.toml` that `init` writes: every setting, its help, and its default as a comment."""
    lines = [
        "# The settings of this hub. What is commented out stands at its default; `bailiwick config show` tells all."
    ]
    section = ""
    for setting in SETTINGS:
        table, _, name = setting.key.partition(".")
        if table != section:
            lines += ["", f"[{table}]"]
            section = table
        lines.append(f"# {setting.help}")
        bare = setting.kind is Kind.WHOLE
        told = setting.default if bare else json.dumps(setting.default or "", ensure_ascii=False)
        if setting.key == "hub.org" and org:
            lines.append(f"{name} = {json.dumps(org, ensure_ascii=False)}")
        else:
            lines.append(f"# {name} = {told}")
    lines += [
        "",
        "# A privacy budget belongs to the people whose data it is, once for all models and sites that draw on them.",
    ]
    lines += ["# [people.customers]", '# epsilon = "3"', '# delta = "1e-6"', '# per = "30d"', '# block = "7d"', ""]
    return "\n".join(lines)
