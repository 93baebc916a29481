"""What is installed is what was tried: the tests run from a checkout, where every file is at hand anyway.

The wheel is built and unpacked, and must hold every file of the packages and run without the checkout. The `long`
test installs it with the base dependencies alone, as a site would, and does there what a site does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PACKAGES = ("store", "connectors", "monitors", "reports", "service", "dashboard")
NOT_SHIPPED = {"__pycache__", ".mypy_cache", ".ruff_cache"}


def _run(words: list[str | Path], *, cwd: Path, timeout: int = 120) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "BAILIWICK_HUB")}
    done = subprocess.run(
        list(map(str, words)), cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="building the wheel needs hatchling (make install)")
    folder = tmp_path_factory.mktemp("wheel")
    build = "import os, sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    name = _run([sys.executable, "-c", build, folder], cwd=root).splitlines()[-1]
    return folder / name


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path, root: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        path.relative_to(root).as_posix()
        for package in PACKAGES
        for path in (root / package).rglob("*")
        if path.is_file() and not NOT_SHIPPED & set(path.parts)
    }
    assert ours - inside == set()
    assert {name.partition("/")[0] for name in inside} - set(PACKAGES) == {wheel.name.rsplit("-", 3)[0] + ".dist-info"}
    assert any(name.endswith(".sql") for name in ours)
    assert any(name.endswith(".typ") for name in ours)


def test_the_packages_run_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    """Without the checkout on the path: -I keeps the working folder and PYTHONPATH away."""
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(wheel).extractall(unpacked)
    ours = f"import sys; sys.path.insert(0, {str(unpacked)!r}); "
    listing = "import importlib; print([importlib.import_module(n).__file__ for n in " + repr(PACKAGES) + "])"
    assert _run([sys.executable, "-I", "-c", ours + listing], cwd=tmp_path).count(str(unpacked)) == len(PACKAGES)
    command = ours + "from service.cli.app import main; sys.argv[0] = 'bailiwick'; main()"
    made = _run([sys.executable, "-I", "-c", command, "init", "--hub", tmp_path / "hub", "--json"], cwd=tmp_path)
    assert json.loads(made)
    assert (tmp_path / "hub" / "hub.duckdb").is_file()


@pytest.mark.long
def test_a_site_installs_the_wheel_with_base_dependencies_alone(wheel: Path, root: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    _run([sys.executable, "-m", "venv", venv], cwd=tmp_path)
    install = [venv / "bin/python", "-m", "pip", "install", "-q", "-c", root / "constraints.txt", wheel]
    _run(install, cwd=tmp_path, timeout=900)
    absent = "import importlib.util as u; assert not any(map(u.find_spec, ('streamlit', 'pandas', 'fairlearn')))"
    _run([venv / "bin/python", "-I", "-c", absent], cwd=tmp_path)

    def bailiwick(*words: str | Path) -> str:
        return _run([venv / "bin/bailiwick", *words], cwd=tmp_path)

    assert "Commands" in bailiwick("--help")
    rows = "".join(f"{i},2026-01-{1 + i % 9:02d},{i % 2},{i % 50},{'ab'[i % 2]}\n" for i in range(4000))
    (tmp_path / "rows.csv").write_text("id,t,y,x,g\n" + rows)
    model = {
        "name": "m",
        "version": "1",
        "columns": {
            "id": "id",
            "time": "t",
            "prediction": {"column": "y", "good": 1},
            "inputs": [{"name": "x", "type": "number", "range": [0, 50]}],
            "groups": ["g"],
        },
    }
    (tmp_path / "m.json").write_text(json.dumps(model))
    bailiwick("init")
    bailiwick("site", "add", "s")
    bailiwick("model", "add", "m.json")
    bailiwick("ingest", "rows.csv", "--site", "s", "--model", "m", "--kind", "reference")
    receipts = json.loads(bailiwick("ingest", "rows.csv", "--site", "s", "--model", "m", "--json"))["receipts"]
    assert [receipt["kept"] for receipt in receipts] == [4000]
    bailiwick("summarise", "rows.csv", "--site", "s", "--model", "m", "-o", "bundle")
    assert (tmp_path / "bundle").exists()
    bailiwick("monitor")
    results = json.loads(bailiwick("results", "--model", "m", "--json"))["results"]
    assert {"drift", "fairness"} <= {result["monitor"] for result in results}
