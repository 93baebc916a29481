"""Each library that we depend on can be imported, and each has its reason beside it.

Evidently declares `pandas>=1.3.5` and fails to import with pandas 3.1: only an import tells. One process for all,
because together they take half a minute.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

MODULES = {"pyyaml": "yaml", "scikit-learn": "sklearn"}
"""Where the module is not called like its distribution."""


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return found


def _names(requirements: list[str]) -> list[str]:
    return [re.split(r"[<>=!~ \[;]", requirement, maxsplit=1)[0] for requirement in requirements]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_everything_we_depend_on_can_be_imported(project: dict[str, Any], tmp_path: Path) -> None:
    needed = _names([*project["dependencies"], *project["optional-dependencies"]["hub"]])
    modules = [MODULES.get(name, name) for name in needed]
    code = f"import importlib\nfor name in {modules!r}:\n    importlib.import_module(name)\n"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr


def test_each_dependency_has_its_reason(root: Path) -> None:
    lines = (root / "pyproject.toml").read_text().split("[project.scripts]")[0].splitlines()
    bare = [line for line in lines if re.match(r'    "[a-zA-Z-]+\S*",', line) and "#" not in line]
    assert bare == []


def test_the_constraints_pin_everything_and_name_no_host(root: Path, project: dict[str, Any]) -> None:
    lines = [line for line in (root / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!]+", line)] == []
    pinned = {_canonical(line.split("==")[0]) for line in lines}
    extras = [name for group in project["optional-dependencies"].values() for name in group]
    wanted = [*project["dependencies"], *extras]
    assert {_canonical(name) for name in _names(wanted)} <= pinned


def test_this_environment_is_the_pinned_one(root: Path, project: dict[str, Any]) -> None:
    """A figure in a test or a report stands on these versions; another one is a change to be made on purpose."""
    pins = dict(line.split("==") for line in (root / "constraints.txt").read_text().splitlines() if "==" in line)
    for name in _names([*project["dependencies"], *project["optional-dependencies"]["hub"]]):
        pin = next(pins[key] for key in pins if _canonical(key) == _canonical(name))
        assert version(name) == pin, name
