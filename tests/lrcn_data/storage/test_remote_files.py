"""Files behind URLs, on a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lrcn_data.errors import ShardError
from lrcn_data.storage.positioned_files import PositionedFiles

BYTES = bytes(range(256)) * 4


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A file on a server that knows no ranges, as Python's own doesn't."""
    (tmp_path / "file").write_bytes(BYTES)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/file"
        server.shutdown()
        thread.join()


def test_a_server_that_knows_no_ranges_is_named_with_what_helps(url: str) -> None:
    with pytest.raises(ShardError, match=r"/file.* sends whole files .* or copy the data set"):
        PositionedFiles().read(url, 100, 50)


def test_a_whole_file_is_read_from_such_a_server(url: str) -> None:
    assert PositionedFiles().read(url, 0, len(BYTES)) == BYTES
