"""Finding connectors: one that is broken never takes the others with it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from connectors import registry
from connectors.base import Executor, Sink, Source
from store.errors import BadInput, Final, UnknownName


@pytest.fixture(autouse=True)
def _looked_up_anew() -> Iterator[None]:
    """What is installed is looked up once in a process; here it changes."""
    registry._points.cache_clear()
    yield
    registry._points.cache_clear()


def test_names_are_known_without_importing(root: Path) -> None:
    code = (
        "import sys; from connectors import registry; assert 'source.azureml' in registry.names(); "
        "assert not [m for m in sys.modules if m.startswith(('connectors.sources.', 'duckdb'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


def test_ours_all_load() -> None:
    working, broken = registry.load_all()
    assert broken == {}
    assert isinstance(working["source.tabular"], Source)
    assert isinstance(working["sink.folder"], Sink)
    assert isinstance(working["executor.local"], Executor)


def test_built_ins_are_what_pyproject_declares(root: Path) -> None:
    import tomllib

    declared = tomllib.loads((root / "pyproject.toml").read_text())["project"]["entry-points"][registry.GROUP]
    assert set(declared.items()) <= set(registry.BUILT_IN.items())


def test_an_unknown_name_tells_what_is_installed() -> None:
    with pytest.raises(UnknownName, match='there is no source "azurml"') as told:
        registry.load("source.azurml")
    assert 'Did you mean "azureml"?' in told.value.advice
    assert "parquet" in told.value.advice


@pytest.mark.parametrize(
    "value", ["no_such_module:X", "connectors.base:Chunk", "connectors.base:API", "connectors.sinks.folder:Folder"]
)
def test_a_broken_stranger_is_named_and_the_rest_works(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    stranger = EntryPoint("source.stranger", value, registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [stranger])
    with pytest.raises(Final, match=r"source\.stranger"):
        registry.load("source.stranger")
    working, broken = registry.load_all()
    assert set(broken) == {"source.stranger"}
    assert "source.azureml" in working


def test_a_stranger_cannot_replace_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    thief = EntryPoint("source.azureml", "no_such_module:X", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [thief])
    assert registry.load_source("azureml").kind == "azureml"


def test_the_format_is_sniffed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    assert registry.sniff(tmp_path / "a.csv").kind == "tabular"
    assert registry.sniff(tmp_path).kind == "tabular"
    with pytest.raises(BadInput, match="no such file"):
        registry.sniff(tmp_path / "gone")
    (tmp_path / "b.bin").write_bytes(bytes(range(256)))
    with pytest.raises(BadInput, match="not a format that any source here knows") as told:
        registry.sniff(tmp_path / "b.bin")
    assert "--format" in told.value.advice
