"""The demo, built once for all its tests: they read it, and those that change it come last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.demo.build import Built, build, find
from service.wiring import local_viewer
from store.reads import Reads


@pytest.fixture(scope="session")
def demo_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a hub with the whole story in it; closed."""
    path = tmp_path_factory.mktemp("demo") / "hub"
    steps: list[str] = []
    build(path, progress=steps.append).hub.close()
    assert len(steps) == len(set(steps)) > 5
    return path


@pytest.fixture
def demo(demo_dir: Path) -> Iterator[Built]:
    """The demo as a second `bailiwick demo` finds it."""
    built = find(demo_dir)
    assert built is not None
    yield built
    built.hub.close()


@pytest.fixture
def reads(demo: Built) -> Reads:
    return demo.hub.store.reads(local_viewer())
