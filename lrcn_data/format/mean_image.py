"""Pixel sums of frames on a fixed canvas, and the mean image that they give.

Sums are integers, so that adding them up is exact whatever the order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lrcn_data.format.pictures import resize_with_pillow
from lrcn_data.pixels import Picture
from lrcn_data.size import Size

Canvas = Size
"""The (width, height) in pixels that every frame is resized to before it is summed up."""

_PART = 256
"""The number of uint8 frames that are summed up in uint16, which adds four times faster than int64.
The sum of 257 would still fit."""


MAX_CANVAS_PIXELS = 1 << 24
"""The most pixels that a canvas may have; a sum of so many takes 400 MB of memory."""


def on_canvas(frame_HWC: Picture, canvas: Canvas) -> Picture:
    """Resize a frame to a canvas by averaging areas; a frame of that size is returned as it is."""
    height, width = frame_HWC.shape[:2]
    if (width, height) == canvas:
        return frame_HWC
    from PIL import Image

    return resize_with_pillow(frame_HWC, canvas, Image.Resampling.BOX)


class PixelSums:
    """The running sum of frames on a canvas.

    Args:
        canvas: The (width, height) in pixels on which frames are summed up.
        channels: The number of channels of the frames.

    Attributes:
        canvas: The (width, height) in pixels on which frames are summed up.
        frame_count: The number of frames in the sum.
        exact_frames: The number of these frames that had the canvas's own size.
    """

    def __init__(self, canvas: Canvas, channels: int = 3) -> None:
        self.canvas = canvas
        shape = (canvas[1], canvas[0], channels)
        self._total: npt.NDArray[np.int64] | None = None
        self._part = np.empty(shape, np.uint16)  # means nothing while it has no frames
        self.clear()

    def clear(self) -> None:
        """Start again with an empty sum."""
        self._total = None
        self._part_frames = 0
        self.frame_count = 0
        self.exact_frames = 0

    def add(self, frame_HWC: Picture, uses: int = 1) -> None:
        """Add a frame.

        Args:
            frame_HWC: The frame, uint8 (height, width, channels).
            uses: How many times the frame is added, as it may occur in several clips.
        """
        fitted = on_canvas(frame_HWC, self.canvas)
        for _ in range(uses):
            self._add_part(fitted, 1)
        self.frame_count += uses
        self.exact_frames += uses if fitted is frame_HWC else 0

    def add_total(
        self, total: npt.NDArray[np.int64], *, frame_count: int, exact_frames: int
    ) -> None:
        """Add frames that are already summed up.

        Args:
            total: The sum on the same canvas, int64 (height, width, channels).
            frame_count: The number of frames in the sum.
            exact_frames: The number of these frames that had the canvas's own size.
        """
        self._add_whole(total)
        self.frame_count += frame_count
        self.exact_frames += exact_frames

    def merge(self, other: PixelSums) -> None:
        """Add the frames of another sum on the same canvas."""
        if other._part_frames:
            self._add_part(other._part, other._part_frames)
        if other._total is not None:
            self._add_whole(other._total)
        self.frame_count += other.frame_count
        self.exact_frames += other.exact_frames

    @property
    def pixel_sum(self) -> npt.NDArray[np.int64]:
        """The sum, int64 (height, width, channels)."""
        self._flush()
        assert self._total is not None
        return self._total

    def _add_whole(self, total: npt.NDArray[np.int64]) -> None:
        if self._total is None:
            self._total = total.copy()
        else:
            self._total += total

    def _add_part(self, part: npt.NDArray[np.uint8 | np.uint16], frames: int) -> None:
        if self._part_frames + frames > _PART:
            self._flush()
        if self._part_frames:
            np.add(self._part, part, out=self._part)
        else:
            np.copyto(self._part, part)
        self._part_frames += frames

    def _flush(self) -> None:
        if self._total is None:
            kept = self._part if self._part_frames else np.zeros_like(self._part)
            self._total = kept.astype(np.int64)
        elif self._part_frames:
            self._total += self._part
        self._part_frames = 0
