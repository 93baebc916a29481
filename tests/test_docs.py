"""The docs name everything that there is, and everything they name is there.

Commands, options, permissions, events, settings, connectors and measures are compared with the code; the tables are
those that the code would draw now; each command in a fenced block is one that the command line knows.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from connectors import registry
from service.settings import BUDGET_KEYS, SETTINGS
from store.access import ROLES, Permission
from store.events import Event
from store.result import Status

ANYWHERE = {"--hub", "--as", "--json", "--help"}
_FENCE = re.compile(r"```(?:console|sh|bash)\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)")


@pytest.fixture(scope="module")
def tables(root: Path) -> ModuleType:
    """docs/tables.py, which is no module of the packages."""
    spec = importlib.util.spec_from_file_location("docs_tables", root / "docs" / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def commands(tables: ModuleType) -> dict[str, Any]:
    return dict(tables.commands())


def _page(root: Path, name: str) -> str:
    return (root / "docs" / name).read_text(encoding="utf-8")


def _pages(root: Path) -> list[Path]:
    docs = [path for path in (root / "docs").rglob("*.md") if "design" not in path.parts]
    return sorted([*root.glob("*.md"), *docs, root / "examples" / "README.md"])


def test_every_command_and_option_is_told(commands: dict[str, Any], root: Path) -> None:
    page = _page(root, "commands.md")
    assert [path for path in commands if f"### `bailiwick {path}`" not in page] == []
    for path, command in commands.items():
        section = page.partition(f"### `bailiwick {path}`")[2].partition("### ")[0]
        assert [p.name for p in command.params if p.opts[-1].startswith("--") and p.opts[-1] not in section] == [], path


def test_every_command_has_help_with_an_example(commands: dict[str, Any]) -> None:
    assert [path for path, command in commands.items() if not command.help] == []
    assert [path for path, command in commands.items() if "bailiwick " not in f"{command.help} {command.epilog}"] == []


def test_every_command_of_the_contract_is_there(commands: dict[str, Any]) -> None:
    promised = """
        init, demo, demo tamper, serve, site add, site list, site show, site token, model add, model list, model show,
        model explain, model infer, model export, ingest, quarantine list, quarantine show, quarantine retry, summarise,
        monitor, results, alerts list, alerts show, alerts ack, alerts assign, alerts snooze, alerts resolve, check,
        evidently, retrain request, retrain approve, retrain reject, retrain list, retrain show, report build,
        report verify, audit list, audit verify, audit checkpoint, audit export, access explain, backup, restore,
        config show, doctor
    """
    names = {" ".join(name.split()) for name in promised.split(",")}
    known = set(commands) | {path.partition(" ")[0] for path in commands}
    assert names - known == set()


def test_every_permission_and_role_is_told(root: Path) -> None:
    page = _page(root, "permissions.md")
    assert [str(permission) for permission in Permission if page.count(f"`{permission}`") < 2] == []
    assert [role for role in ROLES if role != "site-token" and f" {role} " not in page] == []


def test_every_event_is_told_and_no_other(root: Path) -> None:
    told = set(re.findall(r"`(\w+:\w+:\w+)`", _page(root, "events.md"))) - {"subject:object:action"}
    assert told == {str(event) for event in Event}


def test_every_setting_is_told(root: Path) -> None:
    page = _page(root, "settings.md")
    assert [setting.key for setting in SETTINGS if f"`{setting.key}`" not in page] == []
    assert [key for key in BUDGET_KEYS if f"`{key}`" not in page] == []


def test_every_connector_is_told(root: Path) -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (root / "docs" / "connectors").glob("*.md"))
    kinds = {name.partition(".")[2] for name in registry.names()}
    assert {kind for kind in kinds if f"`{kind}`" not in pages and f"# {kind}:" not in pages} == set()


def test_every_status_is_told(root: Path) -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (root / "docs").glob("*.md"))
    assert [str(status) for status in Status if f"`{status}`" not in pages] == []


def test_the_tables_are_those_of_the_code(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "docs/tables.py", "--check"], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{done.stderr}; `make docs` redraws them"


def _shown(root: Path) -> Iterator[tuple[str, str]]:
    """(file, line) of each command in a fenced block."""
    for path in _pages(root):
        for block in _FENCE.findall(path.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip() and not line.lstrip().startswith("#"):
                    yield path.relative_to(root).as_posix(), line.strip().removeprefix("$ ")


def _wrong(words: list[str], commands: dict[str, Any]) -> str:
    """Why the command line would not take this; empty where it would."""
    plain = [word for word in words if not word.startswith("-")]
    path = next((" ".join(plain[:size]) for size in (2, 1) if " ".join(plain[:size]) in commands), None)
    if path is None:
        return "no such command"
    known = {option for p in commands[path].params for option in (*p.opts, *p.secondary_opts)} | ANYWHERE
    return ", ".join(word for word in words if word.startswith("-") and word.partition("=")[0] not in known)


def test_each_command_that_is_shown_exists(commands: dict[str, Any], root: Path) -> None:
    wrong, targets = [], set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    for file, line in _shown(root):
        words = shlex.split(line, comments=True)
        if words[0] == "make":
            problem = "" if words[1] in targets else "no such target"
        elif words[0] == "bailiwick":
            problem = _wrong(words[1:], commands)
        else:
            problem = "" if words[0] == "pip" else "neither make, pip nor bailiwick"
        if problem:
            wrong.append(f"{file}: {line}: {problem}")
    assert wrong == []


def test_each_link_leads_somewhere(root: Path) -> None:
    broken = [
        f"{path.relative_to(root)}: {target}"
        for path in _pages(root)
        for target in _LINK.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert broken == []
