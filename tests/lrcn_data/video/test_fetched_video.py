"""Videos of stores as files on this machine."""

from __future__ import annotations

import secrets
from pathlib import Path

import fsspec
import pytest

from lrcn_data.errors import LrcnError
from lrcn_data.storage import remote_files
from lrcn_data.video.fetched_video import fetched_video


class _UnwantedError(LrcnError):
    pass


def test_a_copy_ends_as_soon_as_nobody_wants_it_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"/fetched-{secrets.token_hex(4)}.mp4"
    store, sizes = fsspec.filesystem("memory"), []
    store.pipe_file(name, b"0123456789")
    monkeypatch.setattr(remote_files, "_CHUNK", 3)

    def on_piece() -> None:
        sizes.append(len(sizes))
        if len(sizes) == 2:
            raise _UnwantedError

    with (
        pytest.raises(_UnwantedError),
        fetched_video(f"memory:/{name}", tmp_path, on_piece=on_piece),
    ):
        pass
    assert len(sizes) == 2
    assert list(tmp_path.iterdir()) == []
    with fetched_video(f"memory:/{name}", tmp_path) as copy:
        assert Path(copy).read_bytes() == b"0123456789"
        assert Path(copy).suffix == ".mp4"
    store.rm_file(name)
