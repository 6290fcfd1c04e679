"""Pixel sums of frames on a fixed canvas, and the mean image that they give.

Sums are integers, so that adding them up is exact whatever the order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

Canvas = tuple[int, int]


def on_canvas(frame_HWC: npt.NDArray[np.uint8], canvas: Canvas) -> npt.NDArray[np.uint8]:
    """Area-resize an RGB frame to a canvas of (width, height); itself where it has that size."""
    height, width = frame_HWC.shape[:2]
    if (width, height) == canvas:
        return frame_HWC
    return np.asarray(Image.fromarray(frame_HWC).resize(canvas, Image.Resampling.BOX))


class PixelSums:
    """Running sum of RGB frames on a canvas.

    Attributes:
        canvas: (width, height).
        pixel_sum: int64 (height, width, 3).
        frame_count: Frames in the sum.
        exact_frames: How many of them had the canvas's own size.
    """

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.pixel_sum = np.zeros((canvas[1], canvas[0], 3), np.int64)
        self.frame_count = 0
        self.exact_frames = 0

    def add(self, frames: list[npt.NDArray[np.uint8]]) -> None:
        """Add the frames of a clip, each uint8 (height, width, 3)."""
        for start in range(0, len(frames), 128):
            # 128 frames of uint8 fit uint16, which adds four times faster than int64
            part = np.zeros(self.pixel_sum.shape, np.uint16)
            for frame in frames[start : start + 128]:
                fitted = on_canvas(frame, self.canvas)
                self.exact_frames += fitted is frame
                np.add(part, fitted, out=part)
            self.pixel_sum += part
        self.frame_count += len(frames)
