"""The types of a frame's pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RGB = npt.NDArray[np.uint8]
"""A decoded frame: red, green and blue, uint8 (height, width, 3)."""

Picture = npt.NDArray[np.uint8]
"""The picture that is stored of a frame, uint8 (height, width, channels)."""
