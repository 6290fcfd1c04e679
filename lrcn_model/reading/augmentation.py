"""What is varied at random in training clips, and how far; `Preprocess` carries it out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lrcn_data.errors import UsageError
from lrcn_model.repeatable_random import random_fractions

_GREY = (0.299, 0.587, 0.114)
"""Share of red, green and blue in luma, ITU-R BT.601."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipChange:
    """What is done to all frames of one clip.

    Attributes:
        left: Where the part that is kept starts, as a fraction of the width.
        top: The same of the height.
        scale: Width and height of the part that is kept, as a fraction of the frames'.
        flip: Whether left and right are exchanged.
        brightness: Factor of all values.
        contrast: Factor of the values' distance from the clip's mean grey.
        saturation: Factor of the values' distance from their pixel's grey.
    """

    left: float
    top: float
    scale: float
    flip: bool
    brightness: float
    contrast: float
    saturation: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Augmentation:
    """How far clips are varied; nothing by default.

    Attributes:
        crop: Up to which fraction of width and height is cut away, 0 to below 1. The rest is
            resized to the full size.
        flip: Probability that left and right are exchanged.
        jitter: Up to which fraction brightness, contrast and saturation change.

    Raises:
        UsageError: A value out of range.
    """

    crop: float = 0.0
    flip: float = 0.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        for name, value, most in (
            ("crop", self.crop, 0.95),
            ("flip", self.flip, 1.0),
            ("jitter", self.jitter, 0.95),
        ):
            if not 0 <= value <= most:
                raise UsageError(f"--{name} must be from 0 to {most:g}, got {value}")

    def __bool__(self) -> bool:
        """Whether anything is varied at all."""
        return bool(self.crop or self.flip or self.jitter)

    def draw(self, indices: Tensor, *, seed: int, epoch: int) -> list[ClipChange]:
        """What to do to each clip: depends on (seed, epoch, number of the clip) only.

        Args:
            indices: int64 (clips,), numbers of the clips in their data set.
            seed: Of the training.
            epoch: From 0.
        """
        numbers = indices.cpu().numpy()

        def between(low: float, high: float, name: str) -> npt.NDArray[np.float64]:
            return low + (high - low) * random_fractions(numbers, name, seed, epoch)

        scale = between(1 - self.crop, 1, "scale")
        columns = {
            "left": (1 - scale) * between(0, 1, "left"),
            "top": (1 - scale) * between(0, 1, "top"),
            "scale": scale,
            "flip": between(0, 1, "flip") < self.flip,
            "brightness": between(1 - self.jitter, 1 + self.jitter, "brightness"),
            "contrast": between(1 - self.jitter, 1 + self.jitter, "contrast"),
            "saturation": between(1 - self.jitter, 1 + self.jitter, "saturation"),
        }
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        return [ClipChange(**dict(zip(columns, row, strict=True))) for row in rows]


def crop(images_NCHW: Tensor, change: ClipChange) -> Tensor:
    """The part of images that a change keeps; at least one pixel, without a copy."""
    height, width = images_NCHW.shape[-2:]
    rows, columns = max(1, round(height * change.scale)), max(1, round(width * change.scale))
    top = min(round(height * change.top), height - rows)
    left = min(round(width * change.left), width - columns)
    return images_NCHW[..., top : top + rows, left : left + columns]


def jitter(images_NCHW: Tensor, change: ClipChange) -> Tensor:
    """Images of one clip, float (frames, 3, height, width) from 0 to 255, in other colours.

    Raises:
        UsageError: The images have other channels than red, green and blue.
    """
    if change.brightness == change.contrast == change.saturation == 1:
        return images_NCHW
    if images_NCHW.shape[1] != len(_GREY):
        raise UsageError(
            f"--jitter varies red, green and blue, which frames of {images_NCHW.shape[1]} channels"
            " don't have; leave it out"
        )
    images_NCHW = (images_NCHW * change.brightness).clamp(0, 255)
    mean = _grey(images_NCHW).mean()
    images_NCHW = torch.lerp(mean, images_NCHW, change.contrast).clamp(0, 255)
    return torch.lerp(_grey(images_NCHW), images_NCHW, change.saturation).clamp(0, 255)


def _grey(images_NCHW: Tensor) -> Tensor:
    weights = images_NCHW.new_tensor(_GREY)[:, None, None]
    return (images_NCHW * weights).sum(dim=1, keepdim=True)
