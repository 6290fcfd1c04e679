"""A video's file, which is opened once for all code that reads it."""

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
from lrcn_data.video.picture_folder import PictureFolder

_POINTER = b"version https://git-lfs"

_SHORT = 4 << 20
"""The most bytes of a file that is read as a whole, since it is read here and there, and hashed."""


@contextmanager
def open_video(path: str | Path) -> Iterator[VideoFile | PictureFolder]:
    """Open a file that may be a video, or a folder of numbered pictures.

    Raises:
        VideoError: There is no regular file of that name and no such folder, or it can't be read
            (`missing`); it is empty or a pointer of Git LFS (`not-a-video`); or the pictures of the
            folder are not one series without a gap.
    """
    absolute = os.path.abspath(path)  # noqa: PTH100 - keeps symbolic links, as the list has them
    if os.path.isdir(absolute):  # noqa: PTH112 - no exception for odd names
        yield PictureFolder(absolute)
        return
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
        path: The absolute path of the file.
        file: The open file.

    Attributes:
        path: The absolute path of the file.
        url: A URL that libavformat can only take for a plain local file.
        size: The size of the file in bytes.
    """

    def __init__(self, path: str, file: FileIO) -> None:
        self.path = path
        self.url = f"file:{path}"
        self.size = os.fstat(file.fileno()).st_size
        self._file = file
        self._content = file.read(self.size) if self.size <= _SHORT else None

    def read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes from an offset on, or fewer if the file ends before."""
        if self._content is not None:
            return self._content[offset : offset + length]
        # else a hostile length would be allocated first
        there = max(0, min(length, self.size - offset))
        return os.pread(self._file.fileno(), there, offset)

    @contextmanager
    def content(self, most: int) -> Iterator[bytes | mmap.mmap]:
        """Give the whole content of the file, or the first `most` bytes of a longer one.

        Nothing may point into the content once the context is left.
        """
        if self._content is not None:
            yield self._content
            return
        length = min(self.size, most)
        with mmap.mmap(self._file.fileno(), length, access=mmap.ACCESS_READ) as mapped:
            yield mapped

    def sha256(self) -> str:
        """The SHA-256 of the whole file, in hexadecimal."""
        if self._content is not None:
            return hashlib.sha256(self._content).hexdigest()
        self._file.seek(0)
        return hashlib.file_digest(self._file, "sha256").hexdigest()
