"""The demo hub, served: built once for each file that asks for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from demo_console import Console, served_demo


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with served_demo(tmp_path_factory.mktemp("demo") / "hub") as found:
        yield found
