"""The types of a frame's pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RGB = npt.NDArray[np.uint8]
"""A frame as it is decoded, uint8 (height, width, 3)."""

Picture = npt.NDArray[np.uint8]
"""A frame as it is stored, uint8 (height, width, channels)."""
