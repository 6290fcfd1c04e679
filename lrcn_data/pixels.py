"""The type of a frame's pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RGB = npt.NDArray[np.uint8]
"""A frame, uint8 (height, width, 3)."""
