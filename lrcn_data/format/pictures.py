"""Pictures of any number of channels, resized and shown by Pillow, which knows only a few."""

from __future__ import annotations

import numpy as np
from PIL import Image

from lrcn_data.pixels import RGB, Picture
from lrcn_data.size import Size

_COLOURS = 3


def pillow_images(picture_HWC: Picture) -> list[Image.Image]:
    """A picture as Pillow has it: one image of three channels, else one image a channel."""
    channels = picture_HWC.shape[2]
    if channels == _COLOURS:
        return [Image.fromarray(picture_HWC)]
    return [
        Image.fromarray(np.ascontiguousarray(picture_HWC[:, :, channel]))
        for channel in range(channels)
    ]


def resize_with_pillow(picture_HWC: Picture, size: Size, how: Image.Resampling) -> Picture:
    """A picture at a size of (width, height), channel by channel."""
    parts = [np.asarray(image.resize(size, how)) for image in pillow_images(picture_HWC)]
    return parts[0] if parts[0].ndim == 3 else np.stack(parts, axis=2)


def resized(rgb: RGB, size: Size | None) -> RGB:
    """A frame, uint8 (height, width, 3), at the (width, height) to store; None for its own."""
    if size is None or size == (rgb.shape[1], rgb.shape[0]):
        return rgb
    return resize_with_pillow(rgb, size, Image.Resampling.BILINEAR)


def as_rgb(picture_HWC: Picture) -> RGB:
    """A picture for people to look at, uint8 (height, width, 3).

    Of more than three channels the first three are shown; of fewer, the last one stands for those
    that are missing, so that a single channel is grey.
    """
    channels = picture_HWC.shape[2]
    if channels == _COLOURS:
        return picture_HWC
    return picture_HWC[:, :, [min(colour, channels - 1) for colour in range(_COLOURS)]]
