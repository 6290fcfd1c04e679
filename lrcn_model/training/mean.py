"""Which mean is subtracted from the frames (--mean), a function for each; nothing here needs torch.

A CNN that expects a mean of its own gets that one instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

ImageReader: TypeAlias = "Callable[[], Tensor]"

MEANS: dict[str, Callable[[ImageReader], Tensor | None]] = {
    "image": lambda read_image: read_image(),
    "channel": lambda read_image: read_image().mean(dim=(1, 2)),
    "none": lambda read_image: None,
}
"""The means by name, each a function.

It takes a function that reads the data's mean image, and returns the mean to subtract, with values
from 0 to 255: an image (channels, height, width), a colour (channels,), or None for nothing.
"""
