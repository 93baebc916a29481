"""What every test shares: real data where it is, Chromium where it is, steady Hypothesis runs, and no way out.

Nothing leaves the machine: an audit hook refuses any connection and any name lookup beyond this host, so that a
library's telemetry fails a test instead of passing unseen. What the tests start as subprocesses is watched by the
journeys in the browser.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile(
    "steady",  # the same examples on each run: a failure is a change in the code, never luck
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", parent=settings.get_profile("steady"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("BAILIWICK_HYPOTHESIS", "steady"))

_LOCAL_HOSTS = {"", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "testserver"}


def _local(host: Any) -> bool:
    name = host.decode(errors="replace") if isinstance(host, bytes) else host
    return name is None or name in _LOCAL_HOSTS or str(name).startswith("127.")


def _refuse_other_hosts(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a Unix socket has a path
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not _local(host):
        raise RuntimeError(f"a test tried to reach {host}: nothing may leave the machine")


sys.addaudithook(_refuse_other_hosts)


def _data() -> Path:
    return (ROOT / os.environ.get("BAILIWICK_TEST_DATA", "../shared/data")).resolve()


def _chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    data, chromium = _data(), _chromium()
    no_data = pytest.mark.skip(reason=f"no real data at {data} (set BAILIWICK_TEST_DATA)")
    no_browser = pytest.mark.skip(reason="no Chromium on this machine (make test installs it where it may)")
    for item in items:
        if item.get_closest_marker("realdata") and not data.is_dir():
            item.add_marker(no_data)
        if item.get_closest_marker("browser") and chromium is None:
            item.add_marker(no_browser)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a hub of their own: it is neither read nor written."""
    for name in [name for name in os.environ if name.startswith("BAILIWICK_")]:
        if name not in ("BAILIWICK_TEST_DATA", "BAILIWICK_HYPOTHESIS"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real logs; a test that asks for it is marked `realdata`."""
    return _data()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the system's Chromium; a test that asks for it is marked `browser`."""
    path = _chromium()
    assert path is not None, "mark the test `browser`: it is skipped where there is no Chromium"
    return path


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT
