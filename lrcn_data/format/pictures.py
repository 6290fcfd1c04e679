"""Pictures of any number of channels, resized and shown by Pillow, which knows only a few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lrcn_data.pixels import RGB, Picture
from lrcn_data.size import Size

if TYPE_CHECKING:
    # Pillow takes 12 ms to import, and most data sets are made without
    from PIL import Image

_COLOURS = 3


def pillow_images(picture_HWC: Picture) -> list[Image.Image]:
    """Make Pillow images of a picture: one image of three channels, or else one of each channel."""
    from PIL import Image

    channels = picture_HWC.shape[2]
    if channels == _COLOURS:
        return [Image.fromarray(picture_HWC)]
    return [
        Image.fromarray(np.ascontiguousarray(picture_HWC[:, :, channel]))
        for channel in range(channels)
    ]


def resize_with_pillow(picture_HWC: Picture, size: Size, how: Image.Resampling) -> Picture:
    """Resize a picture, whatever the number of its channels.

    Args:
        picture_HWC: The picture, uint8 (height, width, channels).
        size: The wanted (width, height) in pixels.
        how: The filter by which pixels are averaged.
    """
    parts = [np.asarray(image.resize(size, how)) for image in pillow_images(picture_HWC)]
    return parts[0] if parts[0].ndim == 3 else np.stack(parts, axis=2)


def resized(rgb: RGB, size: Size | None) -> RGB:
    """Resize a frame to the size at which it is stored.

    Args:
        rgb: The frame, uint8 (height, width, 3).
        size: The wanted (width, height) in pixels; None to leave the frame as it is.
    """
    if size is None or size == (rgb.shape[1], rgb.shape[0]):
        return rgb
    from PIL import Image

    return resize_with_pillow(rgb, size, Image.Resampling.BILINEAR)


def as_rgb(picture_HWC: Picture) -> RGB:
    """Make a picture that people can look at, uint8 (height, width, 3).

    If there are more than three channels, the first three are shown. If there are fewer, the last
    one stands for those that are missing, so that a single channel is shown as grey.
    """
    channels = picture_HWC.shape[2]
    if channels == _COLOURS:
        return picture_HWC
    return picture_HWC[:, :, [min(colour, channels - 1) for colour in range(_COLOURS)]]
