"""Servers on loopback that benchmarks read from, each in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@contextmanager
def served(command: Sequence[str], log: Path = Path(os.devnull)) -> Iterator[str]:
    """The URL of a server, whose port stands in its command as {port}, until the block ends.

    Args:
        command: The command that starts it.
        log: The file for what the server says.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [word.format(port=port) for word in command]
    with log.open("w") as said:
        server = subprocess.Popen(words, stdout=said, stderr=said)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def made_bucket(endpoint: str, name: str) -> None:
    """Make a bucket on a server of S3."""
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{name}", method="PUT")).close()
