"""A hash of a picture that changes little where the picture is coded, scaled or lit otherwise.

It is the difference hash (dHash) of N. Krawetz, "Kind of Like That", hackerfactor.com, 2013: of the
picture, made 9x8 pixels small, whether each pixel is darker than its neighbour to the right.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

BITS = 64
"""The number of bits of a hash."""

_SIZE = 9, 8
_FLAT = 12
"""Where the small picture has fewer levels than that, noise decides the bits."""


def picture_hash(luma: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_] | None:
    """Hash a picture.

    Args:
        luma: Its brightness, uint8 (height, width).

    Returns:
        bool (64,); None for a picture with nothing on it, whose hash would tell nothing.
    """
    small = np.asarray(Image.fromarray(luma).resize(_SIZE, Image.Resampling.BOX), np.int16)
    if int(small.max()) - int(small.min()) < _FLAT:
        return None
    bits: npt.NDArray[np.bool_] = (small[:, 1:] > small[:, :-1]).ravel()
    return bits
