"""Guards around our generic top-level names: `reports`, `store` ... must always mean ours.

`streamlit run dashboard/app.py` puts dashboard/ first on sys.path, so a file `dashboard/reports.py` would hijack
`import reports`; `tests/connectors/__init__.py` would hijack `import connectors`; Streamlit treats a folder `pages`
specially; another distribution could own one of the names.
"""

from __future__ import annotations

import importlib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PACKAGES = ("store", "connectors", "monitors", "reports", "service", "dashboard")


def test_no_folder_of_tests_is_a_package(root: Path) -> None:
    assert list((root / "tests").rglob("__init__.py")) == []


def test_test_files_have_names_of_their_own(root: Path) -> None:
    """Without packages, two test files of one name are one module to pytest."""
    names = [path.name for path in (root / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert sorted(names) == sorted(set(names))


def test_no_file_of_the_dashboard_is_called_like_a_package(root: Path) -> None:
    taken = [path for path in (root / "dashboard").iterdir() if path.stem in PACKAGES]
    assert taken == []


def test_no_folder_is_called_pages(root: Path) -> None:
    found = [path for package in PACKAGES for path in (root / package).rglob("pages") if path.is_dir()]
    assert found == []


def test_no_other_distribution_owns_our_names() -> None:
    owners = packages_distributions()
    strangers = {name: set(owners.get(name, ())) - {"bailiwick"} for name in PACKAGES}
    assert {name: owner for name, owner in strangers.items() if owner} == {}


@pytest.mark.parametrize("name", PACKAGES)
def test_each_name_means_ours(name: str, root: Path) -> None:
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__).resolve().is_relative_to(root)
