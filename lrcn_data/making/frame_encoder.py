"""How a wanted frame is kept: resized if asked, summed up for the mean image, and as JPEG."""

from __future__ import annotations

import numpy as np
import simplejpeg

from lrcn_data.format.frame_jpegs import resized
from lrcn_data.format.mean_image import Canvas, PixelSums
from lrcn_data.pixels import RGB


class JpegKeeper:
    """Turns each wanted frame of a video into a JPEG, 4:2:0, as it comes; then of the next one.

    Args:
        size: (width, height) to store, None for the frames' own.
        canvas: (width, height) of the pixel sums.
        quality: 1 to 100.

    Attributes:
        sums: Pixel sums of the frames before encoding.
        width: Pixels of the stored frames.
        height: Pixels of the stored frames.
    """

    def __init__(self, *, size: tuple[int, int] | None, canvas: Canvas, quality: int) -> None:
        self._size = size
        self._quality = quality
        self.sums = PixelSums(canvas)
        self.width = self.height = 0

    def begin(self) -> None:
        """Forget everything: a video is read, or read anew."""
        self.sums.clear()
        self.width = self.height = 0

    def keep(self, rgb: RGB, uses: int) -> bytes:
        """The JPEG of a frame, uint8 (height, width, 3), that stands in clips `uses` times."""
        rgb = resized(rgb, self._size)
        self.height, self.width = rgb.shape[:2]
        self.sums.add(rgb, uses)
        jpeg: bytes = simplejpeg.encode_jpeg(
            np.ascontiguousarray(rgb), quality=self._quality, colorsubsampling="420"
        )
        return jpeg
