"""When a pixel, and a whole area, is taken for black: by what ffmpeg's filter blackdetect takes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

DARKEST = 26
"""Pixels below this level of 255 are black: 10 % of the range, blackdetect's `pix_th`."""

SHARE = 0.98
"""The share of black pixels from which on an area is black: blackdetect's `pic_th`."""


def is_black(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Whether areas are black.

    Args:
        pixels: Their brightness, uint8 (..., pixels).

    Returns:
        bool (...).
    """
    black: npt.NDArray[np.bool_] = (pixels < DARKEST).mean(axis=-1) >= SHARE
    return black
