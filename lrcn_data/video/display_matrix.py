"""A picture turned upright, as the display matrix of its container says."""

from __future__ import annotations

from typing import Any

import numpy as np

from lrcn_data.pixels import RGB

Matrix = tuple[int, int, int, int]
"""The numbers a, b, c, d of a display matrix, which moves a source pixel (x, y) to
(a x + c y, b x + d y)."""


def upright(rgb: RGB, matrix: Matrix | None) -> RGB:
    """Turn and mirror a frame by a display matrix, to the nearest multiple of 90 degrees.

    In the matrix, y points down (libavutil/display.h).

    Args:
        rgb: The frame, uint8 (height, width, 3).
        matrix: The display matrix; None to leave the frame as it is.
    """
    if matrix is None:
        return rgb
    a, b, c, d = matrix
    if abs(a) + abs(d) < abs(b) + abs(c):
        rgb, across, down = rgb.swapaxes(0, 1), c, b
    else:
        across, down = a, d
    if across < 0:
        rgb = rgb[:, ::-1]
    if down < 0:
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)


def rotation_matrix(degrees: float) -> Matrix | None:
    """The display matrix of a counterclockwise rotation, to the nearest multiple of 90 degrees.

    Args:
        degrees: The angle in degrees.

    Returns:
        The matrix; None if that multiple is a whole turn.
    """
    turns: dict[int, Any] = {1: (0, -1, 1, 0), 2: (-1, 0, 0, -1), 3: (0, 1, -1, 0)}
    return turns.get(round(degrees / 90) % 4)
