"""Rule packs: dated, versioned data that says what a report holds and what it needs. Read strictly.

An unknown key, a missing one, or a name that no builder knows is refused with the file, the key and the nearest
known word: a pack that is half understood must not shape a document that people rely on.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

from store.errors import BadInput, UnknownName, did_you_mean

SCHEMA = "bailiwick/pack/1"
_KEYS = frozenset({"schema", "id", "name", "version", "date", "what_it_is", "what_it_is_not", "sections", "controls"})
_CONTROL_KEYS = frozenset({"id", "title", "needs", "kind", "required"})
SECTIONS = (
    "about",
    "coverage",
    "not_looked_at",
    "limits",
    "drift",
    "performance",
    "fairness",
    "privacy",
    "alerts",
    "retraining",
    "methods",
    "trail",
)
NEEDS = frozenset(
    {
        "owner",
        "use",
        "tier_reason",
        "all_sites_sent",
        "reference",
        "drift_measured",
        "performance_measured",
        "fairness_measured",
        "changes_have_reasons",
        "high_alerts_handled",
        "trail_checked",
    }
)
"""What a control may ask of the facts; `reports/build/controls.py` answers each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    id: str
    title: str
    needs: str
    kind: str
    """`declared` by a person, or `evidence` that was recorded."""
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    id: str
    name: str
    version: str
    date: date
    what_it_is: tuple[str, ...]
    what_it_is_not: tuple[str, ...]
    sections: tuple[str, ...]
    controls: tuple[Control, ...]


def pack_names() -> list[str]:
    folder = files("reports").joinpath("packs")
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_pack(name: str) -> Pack:
    """A pack that ships with Bailiwick; raises UnknownName naming those that do."""
    known = pack_names()
    if name not in known:
        raise UnknownName(f"there is no report pack {name!r}", advice=did_you_mean(name, known))
    return parse_pack(files("reports").joinpath("packs", f"{name}.toml").read_text("utf-8"), source=f"{name}.toml")


def parse_pack(text: str, *, source: str) -> Pack:
    """A pack from TOML; raises BadInput naming the file, the key, what was expected and what to do."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{source}: not TOML: {error}", advice="Mend the file at the place named.") from error
    _exact(document, _KEYS, source)
    if document["schema"] != SCHEMA:
        raise BadInput(f"{source}: schema is {document['schema']!r}, expected {SCHEMA!r}")
    if type(document["date"]) is not date:
        raise BadInput(f"{source}: date is {document['date']!r}, expected a TOML date such as 2026-11-20")
    controls = tuple(_control(entry, f"{source}: controls[{at}]") for at, entry in enumerate(document["controls"]))
    _unique([control.id for control in controls], f"{source}: controls")
    sections = _names(document, "sections", source)
    for section in sections:
        _known(section, SECTIONS, f"{source}: sections")
    _unique(list(sections), f"{source}: sections")
    if "coverage" in sections and sections.index("coverage") > sections.index("about") + 1:
        raise BadInput(f"{source}: coverage must stand right after what the document is")
    return Pack(
        id=_word(document, "id", source),
        name=_word(document, "name", source),
        version=_word(document, "version", source),
        date=document["date"],
        what_it_is=_names(document, "what_it_is", source),
        what_it_is_not=_names(document, "what_it_is_not", source),
        sections=sections,
        controls=controls,
    )


def _control(entry: Any, where: str) -> Control:
    if not isinstance(entry, dict):
        raise BadInput(f"{where}: expected a table")
    _exact(entry, _CONTROL_KEYS, where)
    _known(entry["needs"], NEEDS, f"{where}: needs")
    _known(entry["kind"], ("declared", "evidence"), f"{where}: kind")
    if not isinstance(entry["required"], bool):
        raise BadInput(f"{where}: required is {entry['required']!r}, expected true or false")
    return Control(
        id=_word(entry, "id", where),
        title=_word(entry, "title", where),
        needs=entry["needs"],
        kind=entry["kind"],
        required=entry["required"],
    )


def _exact(document: dict[str, Any], keys: frozenset[str], where: str) -> None:
    for key in sorted(set(document) - keys):
        raise BadInput(f"{where}: unknown key {key!r}", advice=did_you_mean(key, keys))
    for key in sorted(keys - set(document)):
        raise BadInput(f"{where}: {key} is missing", advice=f"Add {key} = ...")


def _known(word: Any, known: Any, where: str) -> None:
    if word not in known:
        raise BadInput(f"{where}: unknown name {word!r}", advice=did_you_mean(str(word), known))


def _unique(names: list[str], where: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(f"{where}: {twice[0]!r} stands there twice")


def _word(document: dict[str, Any], key: str, where: str) -> str:
    if not isinstance(document[key], str) or not document[key].strip():
        raise BadInput(f"{where}: {key} is {document[key]!r}, expected text")
    return str(document[key])


def _names(document: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = document[key]
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise BadInput(f"{where}: {key}: expected a list of texts")
    return tuple(value)
