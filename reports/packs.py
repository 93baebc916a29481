"""Rule packs: dated, versioned data that says what a report holds and what it needs. Read strictly.

An unknown key, a missing one, or a name that no builder knows is refused with the file, the key and the nearest
known word: a pack that is half understood must not shape a document that people rely on.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from datetime import date as Date
from importlib.resources import files
from typing import Any

from store.errors import BadInput, UnknownName, did_you_mean

SCHEMA = "bailiwick/pack/1"
_KEYS = frozenset(
    {
        *("schema", "id", "name", "version", "date", "jurisdiction", "status", "status_date", "sources"),
        *("what_it_is", "what_it_is_not", "sections", "controls"),
    }
)
_OPTIONAL = frozenset({"superseded_by", "subject"})
SUBJECTS = ("model", "models")
_CONTROL_KEYS = frozenset({"id", "title", "needs", "kind", "required"})
_CONTROL_OPTIONAL = frozenset({"cite", "source"})
_SOURCE_KEYS = frozenset({"id", "title", "grade", "checked_by", "checked_on", "checked"})
KINDS = ("fact", "declared", "narrative")
READ_AT_SOURCE = "V"
"""Only where a text was read word for word in an official manifestation and checked against a second one."""
GRADES = (READ_AT_SOURCE, "v", "S", "X")
_OF_ONE_MODEL = (
    "about",
    "coverage",
    "not_looked_at",
    "limits",
    "drift",
    "performance",
    "fairness",
    "impact",
    "privacy",
    "alerts",
    "retraining",
    "methods",
    "trail",
)
_OF_MODELS = (
    "about",
    "coverage",
    "not_looked_at",
    "changes_to_limits",
    "by_tier",
    "since_before",
    "cases",
    "decisions",
    "trail",
)
SECTIONS = {"model": _OF_ONE_MODEL, "models": _OF_MODELS}
"""In what a pack may choose from, by its subject."""
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
        "declaration",
        "impact_measured",
        "categories_of_eeo1",
        "outcomes_mapped",
        "events_recorded",
        "group_accuracy_measured",
        "limits_have_sources",
        "owners",
        "tier_reasons",
        "fleet_sent",
        "fleet_changes_have_reasons",
        "fleet_cases_handled",
    }
)
"""What a control may ask of the facts; `reports/build/controls.py` answers each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    id: str
    title: str
    needs: str
    kind: str
    """`fact` from the record; `declared` once by a person; `narrative`, which a person writes for this report."""
    required: bool
    cite: str = ""
    """Where in the text it rests, such as `6 RCNY 5-301(b)`."""
    source: str = ""
    """Id of the source it rests on; empty where it rests on none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    id: str
    title: str
    grade: str
    """V: read word for word, checked against a second copy; v: one good copy; S: secondary; X: not obtained."""
    checked_by: str
    checked_on: Date
    checked: str
    """Which text was checked, and against what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    id: str
    name: str
    version: str
    date: Date
    jurisdiction: str
    status: str
    """Of the law it speaks of, as of status_date."""
    status_date: Date
    sources: tuple[Source, ...]
    subject: str
    """`model`: one model; `models`: all of them, or those of a site."""
    superseded_by: str
    """The pack that takes its place; empty while it stands."""
    what_it_is: tuple[str, ...]
    what_it_is_not: tuple[str, ...]
    sections: tuple[str, ...]
    controls: tuple[Control, ...]

    @property
    def not_read_at_source(self) -> list[str]:
        """Controls that rest on a text that nobody read at its source: with one of them it cannot be issued."""
        graded = {source.id: source for source in self.sources}
        return [
            f"{control.id} rests on {graded[control.source].title}, which was not read at its source"
            for control in self.controls
            if control.source and graded[control.source].grade != READ_AT_SOURCE
        ]


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
    _exact(document, _KEYS, source, optional=_OPTIONAL)
    if document["schema"] != SCHEMA:
        raise BadInput(f"{source}: schema is {document['schema']!r}, expected {SCHEMA!r}")
    sources = tuple(_source(entry, f"{source}: sources[{at}]") for at, entry in enumerate(document["sources"]))
    _unique([one.id for one in sources], f"{source}: sources")
    controls = tuple(_control(entry, f"{source}: controls[{at}]") for at, entry in enumerate(document["controls"]))
    _unique([control.id for control in controls], f"{source}: controls")
    for control in controls:
        if control.source:
            _known(control.source, [one.id for one in sources], f"{source}: {control.id}: source")
    sections = _names(document, "sections", source)
    subject = str(document.get("subject", "model"))
    _known(subject, SUBJECTS, f"{source}: subject")
    for section in sections:
        _known(section, SECTIONS[subject], f"{source}: sections")
    _unique(list(sections), f"{source}: sections")
    if "coverage" in sections and sections.index("coverage") > sections.index("about") + 1:
        raise BadInput(f"{source}: coverage must stand right after what the document is")
    return Pack(
        id=_word(document, "id", source),
        name=_word(document, "name", source),
        version=_word(document, "version", source),
        date=_date(document, "date", source),
        jurisdiction=_word(document, "jurisdiction", source),
        status=_word(document, "status", source),
        status_date=_date(document, "status_date", source),
        sources=sources,
        subject=subject,
        superseded_by=str(document.get("superseded_by", "")),
        what_it_is=_names(document, "what_it_is", source),
        what_it_is_not=_names(document, "what_it_is_not", source),
        sections=sections,
        controls=controls,
    )


def _control(entry: Any, where: str) -> Control:
    if not isinstance(entry, dict):
        raise BadInput(f"{where}: expected a table")
    _exact(entry, _CONTROL_KEYS, where, optional=_CONTROL_OPTIONAL)
    _known(entry["needs"], NEEDS, f"{where}: needs")
    _known(entry["kind"], KINDS, f"{where}: kind")
    if (entry["needs"] == "declaration") != (entry["kind"] == "narrative") and entry["kind"] != "declared":
        raise BadInput(f"{where}: a {entry['kind']} cannot need {entry['needs']!r}")
    if not isinstance(entry["required"], bool):
        raise BadInput(f"{where}: required is {entry['required']!r}, expected true or false")
    return Control(
        id=_word(entry, "id", where),
        title=_word(entry, "title", where),
        needs=entry["needs"],
        kind=entry["kind"],
        required=entry["required"],
        cite=str(entry.get("cite", "")),
        source=str(entry.get("source", "")),
    )


def _source(entry: Any, where: str) -> Source:
    if not isinstance(entry, dict):
        raise BadInput(f"{where}: expected a table")
    _exact(entry, _SOURCE_KEYS, where)
    _known(entry["grade"], GRADES, f"{where}: grade")
    texts = {name: _word(entry, name, where) for name in ("id", "title", "grade", "checked_by", "checked")}
    return Source(**texts, checked_on=_date(entry, "checked_on", where))


def _date(document: dict[str, Any], key: str, where: str) -> date:
    if type(document[key]) is not date:
        raise BadInput(f"{where}: {key} is {document[key]!r}, expected a TOML date such as 2026-11-20")
    found: date = document[key]
    return found


def _exact(
    document: dict[str, Any], keys: frozenset[str], where: str, *, optional: frozenset[str] = frozenset()
) -> None:
    for key in sorted(set(document) - keys - optional):
        raise BadInput(f"{where}: unknown key {key!r}", advice=did_you_mean(key, keys | optional))
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
