"""How a wanted frame is kept: resized if asked, summed up for the mean image, and encoded."""

from __future__ import annotations

from lrcn_data.format.frame_kind import FrameKind, make_picture
from lrcn_data.format.mean_image import Canvas, PixelSums
from lrcn_data.pixels import RGB
from lrcn_data.size import Size


class FrameEncoder:
    """Encodes each wanted frame of a video as it comes; then those of the next one.

    Args:
        kind: What is stored of a frame.
        size: (width, height) to store, None for the frames' own.
        canvas: (width, height) of the pixel sums.
        quality: 1 to 100.

    Attributes:
        sums: Pixel sums of the pictures before encoding.
        width: Pixels of the stored frames.
        height: Pixels of the stored frames.
    """

    def __init__(self, *, kind: FrameKind, size: Size | None, canvas: Canvas, quality: int) -> None:
        self._kind = kind
        self._size = size
        self._quality = quality
        self.sums = PixelSums(canvas, kind.channels)
        self.width = self.height = 0

    @property
    def neighbour(self) -> int:
        """Which other frame each is to come with; see `FrameKind`."""
        return self._kind.neighbour

    def begin(self) -> None:
        """Forget everything: a video is read, or read anew."""
        self.sums.clear()
        self.width = self.height = 0

    def keep(self, rgb: RGB, number: int, neighbour: RGB | None, uses: int) -> bytes:
        """A frame encoded; see `sampling.clips.FrameKeeper`."""
        picture = make_picture(self._kind, rgb, size=self._size, number=number, neighbour=neighbour)
        self.height, self.width = picture.shape[:2]
        self.sums.add(picture, uses)
        return self._kind.encode(picture, self._quality)
