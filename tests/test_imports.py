"""Who may import whom, and what an import may cost.

import-linter reads the source (the contracts stand in pyproject.toml, each with its reason). It cannot see what is
really loaded, so the other tests ask a fresh interpreter. No test here measures time: half a second is kept by what
is not imported.
"""

from __future__ import annotations

import importlib.util
import json
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from connectors.registry import BUILT_IN

PACKAGES = ("store", "connectors", "monitors", "reports", "service", "dashboard")
NEVER_YET = {
    "evidently",
    "opendp",
    "fairlearn",
    "streamlit",
    "pandas",
    "sklearn",
    "plotly",
    "typst",
    "pyhanko",
    "ibis",
    "pyspark",
}
"""Importing our packages loads none of these: together they take half a minute, and a site does not have them."""
NOT_FOR_HELP = NEVER_YET | {"duckdb", "pyarrow", "numpy", "scipy", "rich", "httpx", "cryptography", "yaml"}


def _modules_of(package: str) -> list[str]:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    found = pkgutil.walk_packages(spec.submodule_search_locations, f"{package}.")
    return [package, *sorted(module.name for module in found)]


def _loaded_by(code: str, root: Path, cwd: Path) -> set[str]:
    """The top-level names in sys.modules after the code ran in a fresh interpreter."""
    tail = "\nimport json, sys\nprint(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n{code}{tail}"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_import_contracts_hold(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=root,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "dashboard"])
def test_importing_a_package_with_all_its_modules_loads_nothing_heavy(package: str, root: Path, tmp_path: Path) -> None:
    serve = {"service.server", "service.demo.train"}  # the process of the console, and the script that retraining runs
    modules = [name for name in _modules_of(package) if name not in serve and not name.endswith("__main__")]
    code = f"import importlib\nfor name in {modules!r}:\n    importlib.import_module(name)"
    assert _loaded_by(code, root, tmp_path) & NEVER_YET == set()


def test_help_loads_little(root: Path, tmp_path: Path) -> None:
    """`bailiwick --help` answers in under half a second because of what it leaves alone."""
    code = (
        "from service.cli.app import main\n"
        "sys.argv = ['bailiwick', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )
    assert _loaded_by(code, root, tmp_path) & NOT_FOR_HELP == set()


def test_the_built_in_connectors_are_the_declared_entry_points(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["bailiwick.connectors"] == BUILT_IN


def test_init_files_hold_a_docstring_alone(root: Path) -> None:
    """A package whose __init__ imports its modules makes each of them cost what all of them cost."""
    eager = {}
    for package in PACKAGES:
        code = (root / package / "__init__.py").read_text()
        eager[package] = [line for line in code.splitlines() if line.startswith(("import ", "from "))]
    assert eager == {package: [] for package in PACKAGES}
