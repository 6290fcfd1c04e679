"""A video's file, opened once for all that look into it."""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from lrcn_data.errors import VideoError
from lrcn_data.reasons import Reason

_POINTER = b"version https://git-lfs"

_SHORT = 4 << 20
"""Bytes of a file that is read at once: it is looked at in many places, and hashed."""


@contextmanager
def open_video(path: str | Path) -> Iterator[VideoFile]:
    """Open a file that may be a video.

    Raises:
        VideoError: There is no regular file of that name, or it can't be read (`missing`); it is
            empty or a pointer of Git LFS (`not-a-video`).
    """
    absolute = os.path.abspath(path)  # noqa: PTH100 - keeps symbolic links, as the list has them
    if not os.path.isfile(absolute):  # noqa: PTH113 - no exception for odd names
        raise VideoError(Reason.MISSING, "there is no regular file of that name")
    try:
        file = open(absolute, "rb", buffering=0)  # noqa: PTH123, SIM115 - closed below
    except PermissionError:
        detail = "the file may not be read; mend its permissions"
        raise VideoError(Reason.MISSING, detail) from None
    with file:
        video = VideoFile(absolute, file)
        start = video.read(0, len(_POINTER))
        if not start:
            raise VideoError(Reason.NOT_A_VIDEO, "the file is empty")
        if start == _POINTER:
            detail = "it is a pointer of Git LFS; `git lfs pull` fetches the file"
            raise VideoError(Reason.NOT_A_VIDEO, detail)
        yield video


class VideoFile:
    """An open file that may be a video.

    Args:
        path: Its absolute name.
        file: It, open.

    Attributes:
        path: Its absolute name.
        url: A name that libavformat can only take for a plain local file.
        size: Bytes.
    """

    def __init__(self, path: str, file: FileIO) -> None:
        self.path = path
        self.url = f"file:{path}"
        self.size = os.fstat(file.fileno()).st_size
        self._file = file
        self._content = file.read(self.size) if self.size <= _SHORT else None

    def read(self, place: int, length: int) -> bytes:
        """So many bytes from a place on, fewer where the file ends before."""
        if self._content is not None:
            return self._content[place : place + length]
        # a hostile length would be allocated first
        there = max(0, min(length, self.size - place))
        return os.pread(self._file.fileno(), there, place)

    @contextmanager
    def content(self, most: int) -> Iterator[bytes | mmap.mmap]:
        """All of it, or so many bytes of a long one; what points into it must be gone after."""
        if self._content is not None:
            yield self._content
            return
        length = min(self.size, most)
        with mmap.mmap(self._file.fileno(), length, access=mmap.ACCESS_READ) as mapped:
            yield mapped

    def sha256(self) -> str:
        """Of the whole file, in hexadecimal."""
        if self._content is not None:
            return hashlib.sha256(self._content).hexdigest()
        self._file.seek(0)
        return hashlib.file_digest(self._file, "sha256").hexdigest()
