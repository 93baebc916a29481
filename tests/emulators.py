"""Real object stores on this machine: Azurite (npm), moto's server and a Google emulator (PyPI), started once a run.

Each gives what `[stores.NAME]` needs to reach it, and a filesystem that writes, for the tests to lay objects down.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "connectors" / "emulators"
AZURITE = HERE / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Published with the emulator: it opens nothing else."""


@dataclass(frozen=True)
class Emulator:
    scheme: str
    settings: str
    """Lines of a `[stores.NAME]` table, without its prefix."""
    environ: Mapping[str, str]
    writer: Callable[[], Any]
    """An fsspec filesystem that may write."""

    def put(self, path: str, content: bytes) -> str:
        """One object, its container made where it is missing; its URL."""
        driver = self.writer()
        container = path.partition("/")[0]
        if not driver.exists(container):
            driver.mkdir(container)
        driver.pipe_file(path, content)
        return f"{self.scheme}://{path}"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said, stdin=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((folder / "said").read_text(errors="replace")[-2000:]) from None
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def azurite(folder: Path) -> Iterator[Emulator]:
    node = shutil.which("node")
    if node is None or not AZURITE.is_file():
        pytest.skip("no Azurite here: it needs node and npm, and `.ci/test-tools` installs it")
    import adlfs

    port = _free_port()
    endpoint = f"http://127.0.0.1:{port}/{AZURE_ACCOUNT}"
    connection = (
        f"DefaultEndpointsProtocol=http;AccountName={AZURE_ACCOUNT};AccountKey={AZURE_KEY};BlobEndpoint={endpoint};"
    )
    command = [node, str(AZURITE), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)]
    with _running([*command, "--silent", "--skipApiVersionCheck", "--disableTelemetry"], port, folder):
        yield Emulator(
            "az",
            f'account = "{AZURE_ACCOUNT}"\nendpoint = "{endpoint}"\nkey = "env:EMULATOR_KEY"\n',
            {"EMULATOR_KEY": AZURE_KEY},
            lambda: adlfs.AzureBlobFileSystem(
                connection_string=connection, skip_instance_cache=True, use_listings_cache=False
            ),
        )


@contextmanager
def moto(folder: Path) -> Iterator[Emulator]:
    import s3fs

    port = _free_port()
    endpoint = f"http://127.0.0.1:{port}"
    with _running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port, folder):
        yield Emulator(
            "s3",
            f'endpoint = "{endpoint}"\nregion = "eu-west-1"\nkey = "env:EMULATOR_ID"\nsecret = "env:EMULATOR_KEY"\n',
            {"EMULATOR_ID": "testing-id", "EMULATOR_KEY": "testing-secret"},
            lambda: s3fs.S3FileSystem(
                endpoint_url=endpoint,
                key="testing-id",
                secret="testing-secret",
                client_kwargs={"region_name": "eu-west-1"},
                skip_instance_cache=True,
                use_listings_cache=False,
            ),
        )


@contextmanager
def google(folder: Path) -> Iterator[Emulator]:
    from gcsfs.core import GCSFileSystem

    port = _free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--host", "127.0.0.1", "--port", str(port)]
    with _running([*command, "--in-memory"], port, folder):
        yield Emulator(
            "gs",
            f'endpoint = "{endpoint}"\nproject = "test"\nidentity = "none"\n',
            {},
            lambda: GCSFileSystem(
                project="test", token="anon", endpoint_url=endpoint, skip_instance_cache=True, use_listings_cache=False
            ),
        )


EMULATORS = {"az": azurite, "s3": moto, "gs": google}
