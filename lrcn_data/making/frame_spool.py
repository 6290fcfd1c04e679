"""Where a video's encoded frames wait until all of it has been read, and is known to be sound."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from lrcn_data.format.frame_kind import Neighbour
from lrcn_data.making.frame_encoder import FrameEncoder
from lrcn_data.pixels import RGB
from lrcn_data.storage.atomic_file import write_failure

_IN_MEMORY = 32 << 20
"""The number of bytes of a video's encoded frames that are kept in memory; later frames of the
video wait on the disk."""

SpooledFrame = bytes | tuple[int, int]
"""An encoded frame, or its offset and length in bytes in the file that it waits in."""


class FrameSpool:
    """Keeps a video's encoded frames until all of the video has been read.

    The first ones are kept in memory; those of a long video wait in a file.

    Args:
        encoder: Encodes the frames.
        folder: The folder on whose disk the file lies. The file has no name there, so that nothing
            is left behind.
    """

    def __init__(self, encoder: FrameEncoder, folder: Path) -> None:
        self._encoder = encoder
        self._folder = folder
        self._bytes = 0
        self._file: IO[bytes] | None = None

    @property
    def neighbour(self) -> Neighbour:
        """The second frame that each one has to come with; see `FrameKind`."""
        return self._encoder.neighbour

    def begin(self) -> None:
        """Forget everything, because another video is read, or the same one again."""
        self._encoder.begin()
        self.close()

    def close(self) -> None:
        """Free the space that the frames take on the disk."""
        self._bytes = 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def keep(self, rgb: RGB, number: int, neighbour: RGB | None, uses: int) -> SpooledFrame:
        """Encode a frame and keep it; see `sampling.clips.FrameKeeper`.

        Raises:
            LrcnError: The frame can't be written to the disk.
        """
        encoded = self._encoder.keep(rgb, number, neighbour, uses)
        self._bytes += len(encoded)
        if self._bytes <= _IN_MEMORY:
            return encoded
        try:
            if self._file is None:
                self._file = TemporaryFile(dir=self._folder)  # noqa: SIM115 - `close` closes it
            offset = self._file.tell()
            self._file.write(encoded)
        except OSError as error:
            # else it would be taken for the video's fault
            raise write_failure(str(self._folder), error) from error
        return offset, len(encoded)

    def load(self, kept: SpooledFrame) -> bytes:
        """Give back an encoded frame that was kept."""
        if isinstance(kept, bytes):
            return kept
        assert self._file is not None
        offset, length = kept
        self._file.seek(offset)
        return self._file.read(length)
