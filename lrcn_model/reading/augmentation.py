"""What is varied at random in training clips, and how far; `Preprocess` carries it out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lrcn_data.errors import UsageError
from lrcn_model.repeatable_random import random_fractions

_GREY = (0.299, 0.587, 0.114)
"""The shares of red, green and blue in luma, as ITU-R BT.601 has them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipChange:
    """What is done to all frames of one clip; by default nothing.

    Attributes:
        left: The left edge of the part that is kept, as a fraction of the frames' width.
        top: The upper edge of the part that is kept, as a fraction of the frames' height.
        scale: The width and height of the part that is kept, as a fraction of the frames' own.
        flip: Whether left and right are exchanged.
        brightness: The factor that all values are multiplied by.
        contrast: The factor that the values' distance from the clip's mean grey is multiplied by.
        saturation: The factor that the values' distance from their pixel's grey is multiplied by.
    """

    left: float = 0.0
    top: float = 0.0
    scale: float = 1.0
    flip: bool = False
    brightness: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Augmentation:
    """How far clips are varied; by default not at all.

    Attributes:
        crop: The largest fraction of width and height that is cut away, from 0 to 0.95. The rest is
            resized to the full size.
        flip: The probability that left and right are exchanged, from 0 to 1.
        jitter: The largest fraction by which brightness, contrast and saturation change, from 0 to
            0.95.

    Raises:
        UsageError: A value is out of range.
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
        """Draw the changes of clips, which depend on (seed, epoch, number of the clip) only.

        Args:
            indices: The numbers of the clips in their data set, int64 (clips,), or of their videos;
                equal numbers get equal changes.
            seed: The seed of the training.
            epoch: The number of the epoch, from 0.

        Returns:
            The change of each clip.
        """
        return self._draw(indices.cpu().numpy(), seed, epoch)

    def draw_view(self, keys: Sequence[str], view: int) -> list[ClipChange]:
        """Draw the changes of clips in a fixed view, which depend on (view, key of the clip) only.

        Args:
            keys: The names of the clips, or of their videos.
            view: The number of the view.

        Returns:
            The change of each clip.
        """
        digests = [hashlib.sha256(key.encode(errors="surrogateescape")).digest() for key in keys]
        numbers = np.array([int.from_bytes(digest[:8], "big") for digest in digests], np.uint64)
        return self._draw(numbers, "view", view)

    def _draw(self, numbers: npt.NDArray[Any], *purpose: int | str) -> list[ClipChange]:
        def between(low: float, high: float, name: str) -> npt.NDArray[np.float64]:
            return low + (high - low) * random_fractions(numbers, name, *purpose)

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
    """Cut out the part of a clip's images that a change keeps.

    Args:
        images_NCHW: The images, (frames, channels, height, width), of any dtype.
        change: The change of the clip.

    Returns:
        A view of the images, without a copy, that is at least one pixel high and wide.
    """
    height, width = images_NCHW.shape[-2:]
    rows, columns = max(1, round(height * change.scale)), max(1, round(width * change.scale))
    top = min(round(height * change.top), height - rows)
    left = min(round(width * change.left), width - columns)
    return images_NCHW[..., top : top + rows, left : left + columns]


def jitter(images_NCHW: Tensor, change: ClipChange) -> Tensor:
    """Vary the brightness, contrast and saturation of a clip's images.

    Args:
        images_NCHW: The images, float (frames, 3, height, width), with values from 0 to 255.
        change: The change of the clip.

    Returns:
        Images of the same shape, dtype and range; the images themselves where nothing changes.

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
