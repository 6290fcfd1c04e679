"""Where the JPEGs of a video wait until all of it has been read, and is known to be sound."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from lrcn_data.making.jpeg_keeper import JpegKeeper
from lrcn_data.pixels import RGB
from lrcn_data.storage.atomic_file import write_failure

_IN_MEMORY = 32 << 20
"""Bytes of a video's JPEGs above which they wait on the disk."""


SpooledJpeg = bytes | tuple[int, int]
"""A JPEG, or its offset and length in the file."""


class JpegSpool:
    """Keeps the JPEGs of a video until all of it has been read: few in memory, many on the disk.

    Args:
        jpegs: Makes them.
        folder: Where a file without a name holds those of a long video.
    """

    def __init__(self, jpegs: JpegKeeper, folder: Path) -> None:
        self._jpegs = jpegs
        self._folder = folder
        self._bytes = 0
        self._file: IO[bytes] | None = None

    def begin(self) -> None:
        """Forget everything: a video is read, or read anew."""
        self._jpegs.begin()
        self.close()

    def close(self) -> None:
        """Give back what it takes of the disk."""
        self._bytes = 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def keep(self, rgb: RGB, uses: int) -> SpooledJpeg:
        """Keep a frame, uint8 (height, width, 3), as a JPEG.

        Raises:
            LrcnError: The disk doesn't take it.
        """
        jpeg = self._jpegs.keep(rgb, uses)
        self._bytes += len(jpeg)
        if self._bytes <= _IN_MEMORY:
            return jpeg
        try:
            if self._file is None:
                self._file = TemporaryFile(dir=self._folder)  # noqa: SIM115 - `close` closes it
            offset = self._file.tell()
            self._file.write(jpeg)
        except OSError as error:
            # else it would be taken for the video's fault
            raise write_failure(str(self._folder), error) from error
        return offset, len(jpeg)

    def load(self, kept: SpooledJpeg) -> bytes:
        """The JPEG that was kept."""
        if isinstance(kept, bytes):
            return kept
        assert self._file is not None
        offset, length = kept
        self._file.seek(offset)
        return self._file.read(length)
