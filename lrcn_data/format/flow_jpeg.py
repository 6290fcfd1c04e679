"""Pictures of optical flow, how far each point moves to the next frame, as JPEGs.

They are those of J. Donahue et al., "Long-term Recurrent Convolutional Networks for Visual
Recognition and Description" (arXiv:1411.4389v4, section 4): x and y around 128, multiplied by a
number, and the length of both as the third channel. The number, and that the length lies around 128
as well, are those of examples/LRCN_activity_recognition/create_flow_images_LRCN.m of its authors'
Caffe (github.com/LisaAnne/lisa-caffe-public). They computed the flow as Brox et al. do; here it is
T. Kroeger et al., "Fast Optical Flow using Dense Inverse Search" (DIS, 2016), of OpenCV.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import UsageError
from lrcn_data.format.frame_kind import NEXT_IN_SOURCE, Neighbour
from lrcn_data.format.rgb_jpeg import RgbJpeg
from lrcn_data.pixels import RGB, Picture

_PRESET = "medium"
"""The slowest and most exact of DIS's presets: 1.6 ms for a frame of 180x144."""

_SCALE = 16.0
"""The number of levels for a movement of one pixel; 8 pixels to either side are told apart."""

_CENTER = 128.0

_LEAST_SIDE = 16
"""The least width and height, in pixels, of which DIS gives a flow; of some smaller ones it gives
none, of others not a number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowJpeg(RgbJpeg):
    """Optical flow to the next frame of the video: to the right, downwards, and its length.

    A movement of one pixel of the stored frame is 16 levels, and none is 128 in all channels. What
    is faster than 8 pixels is stored as 0 or 255.
    """

    neighbour: ClassVar[Neighbour] = NEXT_IN_SOURCE
    mirrored_channels: ClassVar[tuple[int, ...]] = (0,)
    has_colours: ClassVar[bool] = False
    values: ClassVar[Mapping[str, Any]] = {
        "method": "DIS",
        "preset": _PRESET,
        "scale": _SCALE,
        "center": _CENTER,
    }

    name: str = "flow"

    def picture(self, rgb: RGB, number: int, neighbour: RGB | None) -> Picture:
        """The flow from a frame to its neighbour, uint8 (height, width, 3)."""
        assert neighbour is not None
        return flow_picture(optical_flow(rgb, neighbour))

    def tools(self) -> Mapping[str, str]:
        """The version of OpenCV."""
        return {"opencv": _opencv().__version__}


def optical_flow(rgb: RGB, following: RGB) -> npt.NDArray[np.float32]:
    """How far each point of a frame has moved in another one.

    Args:
        rgb: The frame, uint8 (height, width, 3).
        following: The other frame, of the same shape.

    Returns:
        The movement to the right and downwards, in pixels, float32 (height, width, 2).

    Raises:
        UsageError: OpenCV isn't installed.
    """
    cv2 = _opencv()
    height, width = rgb.shape[:2]
    missing = [(0, max(0, _LEAST_SIDE - side)) for side in (height, width)]
    grey = [
        np.pad(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), missing, mode="edge")
        for frame in (rgb, following)
    ]
    flow: npt.NDArray[np.float32] = _dis(grey[0].shape).calc(*grey, None)
    return flow[:height, :width]


def flow_picture(flow_HWC: npt.NDArray[np.float32]) -> Picture:
    """The picture of a flow.

    Args:
        flow_HWC: The movement to the right and downwards, in pixels, float32 (height, width, 2).

    Returns:
        Both and their length, uint8 (height, width, 3).
    """
    length_HW = np.hypot(flow_HWC[..., 0], flow_HWC[..., 1])
    levels_HWC = np.dstack([flow_HWC, length_HW]) * _SCALE + _CENTER
    return np.clip(np.rint(levels_HWC), 0, 255).astype(np.uint8)


_own = threading.local()
"""What each thread has of its own."""


def _dis(shape: tuple[int, ...]) -> Any:
    """DIS for pictures of a shape, of this thread.

    It keeps pictures in it, so that two threads would overwrite one another's; and small ones
    change its scales for all that come after.
    """
    if getattr(_own, "shape", None) != shape:
        cv2 = _opencv()
        preset = getattr(cv2, f"DISOPTICAL_FLOW_PRESET_{_PRESET.upper()}")
        _own.dis, _own.shape = cv2.DISOpticalFlow.create(preset), shape
    return _own.dis


@cache
def _opencv() -> Any:
    """OpenCV, imported where flow is computed alone: reading the pictures needs none."""
    try:
        import cv2
    except ImportError as error:
        raise UsageError(
            f"optical flow needs OpenCV, which can't be imported ({error}); install it with"
            " pip install 'lrcn[flow]'"
        ) from error
    # it divides a frame among its threads, and gives another flow for another number of them;
    # shards are made in as many processes as there are cores
    cv2.setNumThreads(1)
    return cv2
