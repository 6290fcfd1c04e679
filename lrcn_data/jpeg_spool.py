"""Where the JPEGs of a video wait until all of it has been read, and is known to be sound."""

from __future__ import annotations

from pathlib import Path
from tempfile import SpooledTemporaryFile

from lrcn_data.encode import JpegKeeper
from lrcn_data.shard_writer import write_failure
from lrcn_data.video import RGB

_IN_MEMORY = 32 << 20
"""Bytes of a video's JPEGs above which they wait on the disk."""


class JpegSpool:
    """Keeps the JPEGs of a video until all of it has been read: few in memory, many on the disk.

    Args:
        jpegs: Makes them.
        folder: Where a file without a name holds those of a long video.
    """

    def __init__(self, jpegs: JpegKeeper, folder: Path) -> None:
        self._jpegs = jpegs
        self._folder = folder
        self._file = self._new_file()

    def begin(self) -> None:
        """Forget everything: a video is read, or read anew."""
        self._jpegs.begin()
        self.close()
        self._file = self._new_file()

    def close(self) -> None:
        """Give back what it takes of the disk."""
        self._file.close()

    def keep(self, rgb: RGB, uses: int) -> tuple[int, int]:
        """Keep a frame, uint8 (height, width, 3); tells place and length of its JPEG.

        Raises:
            LrcnError: The disk doesn't take it.
        """
        jpeg = self._jpegs.keep(rgb, uses)
        place = self._file.tell()
        try:
            self._file.write(jpeg)
        except OSError as error:
            # else it would be taken for the video's fault
            raise write_failure(str(self._folder), error) from error
        return place, len(jpeg)

    def load(self, kept: tuple[int, int]) -> bytes:
        """The JPEG that was kept."""
        place, length = kept
        self._file.seek(place)
        return self._file.read(length)

    def _new_file(self) -> SpooledTemporaryFile[bytes]:
        return SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(self._folder))
