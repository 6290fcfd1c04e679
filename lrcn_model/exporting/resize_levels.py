"""Resizing as products of matrices, since ONNX's own Resize rounds to other levels.

Of 320x240 resized to 112x112 it gives one pixel in 60 another level than torch does.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrcn_data.size import Size

_MOST_BITS, _BITS = 22, 15


class ResizeLevels(nn.Module):
    """Resizes images of levels as `nets.resize.resize` resizes uint8 on a CPU, to the same levels.

    That is what torch does there: weights that are whole numbers of 15 bits at most, and levels
    that are rounded after each direction, the width first (aten/src/ATen/native/cpu/
    UpSampleKernel.cpp). In float32 the sums are exact where the images get up to three times
    smaller; beyond, a level that is nearly halfway between two may become the other one.

    Args:
        source: (width, height), in pixels, of the images.
        size: (width, height), in pixels, of the images wanted.
    """

    _width_weights: Tensor
    _height_weights: Tensor

    def __init__(self, source: Size, size: Size) -> None:
        super().__init__()
        for name, before, after in zip(("width", "height"), source, size, strict=True):
            self.register_buffer(f"_{name}_weights", _whole_weights(before, after))
        self._same = tuple(a == b for a, b in zip(source, size, strict=True))

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Resize images.

        Args:
            images_NCHW: The images, whole numbers from 0 to 255, float32 (frames, channels, height,
                width) of the size that was given.

        Returns:
            float32 (frames, channels, height, width) of the size wanted, also whole numbers.
        """
        same_width, same_height = self._same
        if not same_width:
            images_NCHW = torch.floor(images_NCHW @ self._width_weights.T + 0.5)
        if not same_height:
            images_NCHW = torch.floor(self._height_weights @ images_NCHW + 0.5)
        return images_NCHW


def _whole_weights(before: int, after: int) -> Tensor:
    """What each pixel of a row counts for those of the resized one, float32 (after, before).

    Multiples of a power of two, as many bits fine as the largest one has in 15 bits.
    """
    each = torch.eye(before, dtype=torch.float64)[None, None]
    weights = functional.interpolate(each, (after, before), mode="bilinear", antialias=True)[0, 0]
    largest, bits = weights.max().item(), 0
    while bits < _MOST_BITS and int(0.5 + largest * 2 ** (bits + 1)) < 1 << _BITS:
        bits += 1
    whole = torch.floor(weights * 2.0**bits + 0.5)
    return (whole / 2.0**bits).float()
